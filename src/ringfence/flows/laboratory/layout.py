"""Where the blocks of a drawing stand: in columns, so that ways lead to the right.

Layers by longest path, order within them by barycentres, places by least squares (Sugiyama, Tagawa
and Toda 1981; pool adjacent violators for the last step). Ways that lead back are laid out as if
they led to the right, and drawn the other way round.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

Edge = tuple[str, str]
Node = str | tuple[str, str, int]  # a block, or a place that a way goes through

_GAP = 26.0  # between blocks of a column
_THROUGH = 10.0  # height of a way that goes through a column
_SWEEPS = 12


@dataclass(frozen=True, slots=True)
class Layout:
    """By id, the column and the middle of each block from the top; by way, the places that it goes
    through between its ends, from source to target. `height` is that of the whole."""

    places: Mapping[str, tuple[int, float]]
    routes: Mapping[Edge, tuple[tuple[int, float], ...]]
    columns: int
    height: float


def lay_out(heights: Mapping[str, float], edges: Sequence[Edge], start: str) -> Layout:
    """A layout of blocks with these heights. Ways from a block to itself are left out."""
    edges = [edge for edge in dict.fromkeys(edges) if edge[0] != edge[1]]
    backwards = _leading_back(heights, edges, start)
    forwards = [(b, a) if (a, b) in backwards else (a, b) for a, b in edges]
    layer = _layers(heights, forwards)
    columns: list[list[Node]] = [[] for _ in range(max(layer.values(), default=0) + 1)]
    for block_id in heights:
        columns[layer[block_id]].append(block_id)
    segments: list[tuple[Node, Node]] = []
    chains: dict[Edge, list[Node]] = {}
    for edge in dict.fromkeys(forwards):
        chain: list[Node] = [edge[0]]
        for column in range(layer[edge[0]] + 1, layer[edge[1]]):
            through: Node = (*edge, column)
            columns[column].append(through)
            chain.append(through)
        chain.append(edge[1])
        chains[edge] = chain[1:-1]
        segments += pairwise(chain)
    _order(columns, segments)
    middles = _middles(columns, segments, heights)
    top = min((middles[each] - _height(each, heights) / 2 for each in middles), default=0.0)
    bottom = max((middles[each] + _height(each, heights) / 2 for each in middles), default=0.0)
    where = {
        each: (column, middles[each] - top)
        for column, nodes in enumerate(columns)
        for each in nodes
    }
    routes = {}
    for edge in edges:
        turned = edge in backwards
        chain = chains[(edge[1], edge[0]) if turned else edge]
        routes[edge] = tuple(where[each] for each in (reversed(chain) if turned else chain))
    return Layout(
        {block_id: where[block_id] for block_id in heights}, routes, len(columns), bottom - top
    )


def _leading_back(heights: Mapping[str, float], edges: Sequence[Edge], start: str) -> set[Edge]:
    """The ways to a block that the walk, going into the depth, is still within."""
    following: dict[str, list[str]] = {block_id: [] for block_id in heights}
    for source, target in edges:
        following[source].append(target)
    back: set[Edge] = set()
    done: set[str] = set()
    for root in (start, *heights):
        if root in done:
            continue
        within = {root: iter(following[root])}
        while within:
            block_id = next(reversed(within))
            ahead = next(within[block_id], None)
            if ahead is None:
                done.add(block_id)
                del within[block_id]
            elif ahead in within:
                back.add((block_id, ahead))
            elif ahead not in done:
                within[ahead] = iter(following[ahead])
    return back


def _layers(heights: Mapping[str, float], edges: Sequence[Edge]) -> dict[str, int]:
    following: dict[str, list[str]] = {block_id: [] for block_id in heights}
    missing = dict.fromkeys(heights, 0)
    for source, target in edges:
        following[source].append(target)
        missing[target] += 1
    layer = dict.fromkeys(heights, 0)
    ready = [block_id for block_id, count in missing.items() if count == 0]
    while ready:
        block_id = ready.pop()
        for target in following[block_id]:
            layer[target] = max(layer[target], layer[block_id] + 1)
            missing[target] -= 1
            if missing[target] == 0:
                ready.append(target)
    return layer


def _order(columns: list[list[Node]], segments: Sequence[tuple[Node, Node]]) -> None:
    """Bring what is connected side by side: sorted by the mean place of neighbours, to and fro."""
    before: dict[Node, list[Node]] = {each: [] for nodes in columns for each in nodes}
    behind: dict[Node, list[Node]] = {each: [] for nodes in columns for each in nodes}
    for source, target in segments:
        before[target].append(source)
        behind[source].append(target)
    place = {each: float(i) for nodes in columns for i, each in enumerate(nodes)}
    for sweep in range(_SWEEPS):
        rightwards = sweep % 2 == 0
        neighbours = before if rightwards else behind
        for nodes in columns if rightwards else reversed(columns):
            means = {
                each: sum(place[n] for n in neighbours[each]) / len(neighbours[each])
                if neighbours[each]
                else place[each]
                for each in nodes
            }
            nodes.sort(key=means.__getitem__)
            for position, each in enumerate(nodes):
                place[each] = float(position)


def _middles(
    columns: list[list[Node]],
    segments: Sequence[tuple[Node, Node]],
    heights: Mapping[str, float],
) -> dict[Node, float]:
    neighbours: dict[Node, list[Node]] = {each: [] for nodes in columns for each in nodes}
    for source, target in segments:
        neighbours[source].append(target)
        neighbours[target].append(source)
    middles: dict[Node, float] = {}
    for nodes in columns:
        middles |= zip(nodes, _apart(nodes, [0.0] * len(nodes), heights), strict=True)
    for sweep in range(_SWEEPS):
        for nodes in columns if sweep % 2 == 0 else reversed(columns):
            wanted = [
                sum(middles[n] for n in neighbours[each]) / len(neighbours[each])
                if neighbours[each]
                else middles[each]
                for each in nodes
            ]
            middles |= zip(nodes, _apart(nodes, wanted, heights), strict=True)
    return middles


def _apart(
    nodes: Sequence[Node], wanted: Sequence[float], heights: Mapping[str, float]
) -> list[float]:
    """The places nearest to those wanted, in the same order and far enough apart."""
    offsets = [0.0]
    for above, below in pairwise(nodes):
        distance = (_height(above, heights) + _height(below, heights)) / 2 + _GAP
        offsets.append(offsets[-1] + distance)
    pools: list[tuple[float, int]] = []
    for place, offset in zip(wanted, offsets, strict=False):
        pools.append((place - offset, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (mean, count), (earlier, others) = pools.pop(), pools.pop()
            both = count + others
            pools.append(((mean * count + earlier * others) / both, both))
    levels = [mean for mean, count in pools for _ in range(count)]
    return [level + offset for level, offset in zip(levels, offsets, strict=False)]


def _height(node: Node, heights: Mapping[str, float]) -> float:
    return heights[node] if isinstance(node, str) else _THROUGH
