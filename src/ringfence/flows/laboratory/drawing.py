"""A flow as a picture: SVG without scripts, in dark and light, readable without anything else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape

from ringfence.flows.block import Block
from ringfence.flows.flow import Flow
from ringfence.flows.laboratory.branches import Branch, branches_of, written
from ringfence.flows.laboratory.candidates import texts_of
from ringfence.flows.laboratory.coverage import Coverage
from ringfence.flows.laboratory.layout import Layout, lay_out
from ringfence.flows.laboratory.sounds import words_of

_WIDTH, _BETWEEN, _MARGIN = 210.0, 150.0, 28.0
_LEAST_HEIGHT, _PORT = 62.0, 17.0
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.I)
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_STYLE = """
:root { color-scheme: light dark; }
svg { background: #fbfbfd; font-family: system-ui, sans-serif; }
.block rect { fill: #ffffff; stroke: #8a94a6; stroke-width: 1.2; }
.start rect { stroke: #1d6fd8; stroke-width: 2.6; }
.end rect { stroke: #b3403a; stroke-width: 2; }
.name { font-size: 12px; font-weight: 600; fill: #1c2330; }
.type { font-size: 10px; fill: #5b6577; }
.text { font-size: 10px; fill: #2f5d3a; }
.way { fill: none; stroke: #7b879b; stroke-width: 1.3; }
.error { stroke-dasharray: 5 3; }
.label { font-size: 9.5px; fill: #47505f; }
.tip { fill: #7b879b; }
.ran rect { fill: #eaf6ec; }
.taken { stroke: #2f8f46; stroke-width: 1.8; }
.never rect { fill: #ececef; stroke: #b9bec8; }
.never text { fill: #9097a3; }
.untaken { stroke: #c3c8d1; }
.untaken-label { fill: #a1a8b4; }
@media (prefers-color-scheme: dark) {
svg { background: #14171d; }
.block rect { fill: #1f242d; stroke: #66718a; }
.start rect { stroke: #5ea2f5; }
.end rect { stroke: #e2746d; }
.name { fill: #e8ecf3; }
.type { fill: #9aa5b8; }
.text { fill: #9ccfa8; }
.way { stroke: #8793a8; }
.label { fill: #b4bdcc; }
.tip { fill: #8793a8; }
.ran rect { fill: #1b3022; }
.taken { stroke: #55b96c; }
.never rect { fill: #23262c; stroke: #454b57; }
.never text { fill: #6d7482; }
.untaken { stroke: #474e5b; }
.untaken-label { fill: #6d7482; }
}
"""


def draw(flow: Flow, coverage: Coverage | None = None) -> str:
    """The flow from left to right. With `coverage`, what never ran is grey, what ran is green."""
    ways = {block_id: _joined(branches_of(flow, block)) for block_id, block in flow.blocks.items()}
    heights = {each: max(_LEAST_HEIGHT, _PORT * len(ways[each]) + 8) for each in flow.blocks}
    edges = [(source, target) for source in ways for target in ways[source]]
    layout = lay_out(heights, edges, flow.start)
    width = layout.columns * (_WIDTH + _BETWEEN) - _BETWEEN + 2 * _MARGIN + 40
    height = layout.height + 2 * _MARGIN + 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img">',
        f"<title>{_clean(flow.name or 'Contact flow')}</title>",
        f"<style>{_STYLE}</style>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto-start-reverse"><path class="tip" d="M0 0 8 4 0 8z"/>'
        "</marker></defs>",
    ]
    for source, targets in ways.items():
        parts += _ways(source, targets, layout, heights[source], coverage)
    for block in flow.blocks.values():
        parts += _block(flow, block, layout, heights[block.block_id], coverage)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _joined(branches: Sequence[Branch]) -> dict[str, list[Branch]]:
    """The branches by where they lead."""
    found: dict[str, list[Branch]] = {}
    for branch in branches:
        found.setdefault(branch.next_id, []).append(branch)
    return found


def _block(
    flow: Flow, block: Block, layout: Layout, height: float, coverage: Coverage | None
) -> Iterator[str]:
    column, middle = layout.places[block.block_id]
    x, y = _x(column), middle - height / 2 + _MARGIN
    kinds = ["block"]
    if block.block_id == flow.start:
        kinds.append("start")
    if not branches_of(flow, block):
        kinds.append("end")
    if coverage is not None:
        ran = (flow.name, block.block_id) in coverage.run
        kinds.append("ran" if ran else "never")
    is_uuid = _UUID.fullmatch(block.block_id) is not None
    name, type_ = (
        (block.log_type, block.block_id[:8]) if is_uuid else (block.block_id, block.log_type)
    )
    said = _said(block)
    yield f'<g class="{" ".join(kinds)}">'
    yield f"<title>{_clean(f'{block.block_id} ({block.source_type}) {said}'.strip())}</title>"
    yield f'<rect x="{x:.1f}" y="{y:.1f}" width="{_WIDTH:.0f}" height="{height:.1f}" rx="7"/>'
    for kind, text, below in (
        ("name", _short(name, 31), 19),
        ("type", _short(type_, 38), 34),
        ("text", _short(said, 39), 50),
    ):
        if text:
            yield f'<text class="{kind}" x="{x + 9:.1f}" y="{y + below:.1f}">{_clean(text)}</text>'
    if block.block_id == flow.start:
        yield f'<text class="type" x="{x:.1f}" y="{y - 6:.1f}">start</text>'
    yield "</g>"


def _ways(
    source: str,
    targets: dict[str, list[Branch]],
    layout: Layout,
    height: float,
    coverage: Coverage | None,
) -> Iterator[str]:
    column, middle = layout.places[source]

    def first(target: str) -> float:
        route = layout.routes.get((source, target), ())
        return route[0][1] if route else layout.places[target][1]

    ordered = sorted(targets, key=first)
    for position, target in enumerate(ordered):
        branches = targets[target]
        x = _x(column) + _WIDTH
        y = middle + _MARGIN + (position - (len(ordered) - 1) / 2) * min(_PORT, height / 2)
        points = [(x, y)]
        for place, at in layout.routes.get((source, target), ()):
            ends = [(_x(place) - 12, at + _MARGIN), (_x(place) + _WIDTH + 12, at + _MARGIN)]
            points += ends if place > column else reversed(ends)
        to_column, to_middle = layout.places[target]
        points.append((_x(to_column), to_middle + _MARGIN))
        kinds, label_kinds = ["way"], ["label"]
        if all(_is_error(branch) for branch in branches):
            kinds.append("error")
        if coverage is not None:
            taken = any(branch in coverage.taken for branch in branches)
            kinds.append("taken" if taken else "untaken")
            label_kinds += [] if taken else ["untaken-label"]
        label = ", ".join(_label(branch) for branch in branches)
        label = "" if label == "next" else label
        yield (
            f'<path class="{" ".join(kinds)}" d="{_curve(points, to_column <= column)}" '
            f'marker-end="url(#tip)"><title>{_clean(f"{source}: {label}")}</title></path>'
        )
        yield (
            f'<text class="{" ".join(label_kinds)}" x="{x + 6:.1f}" y="{y - 3:.1f}">'
            f"{_clean(_short(label, 26))}</text>"
        )


def _curve(points: Sequence[tuple[float, float]], back: bool) -> str:
    x, y = points[0]
    path = [f"M{x:.1f} {y:.1f}"]
    if back:
        # Out to the right, round, and into the target from its left.
        path.append("h14")
        x += 14
    for to_x, to_y in points[1:]:
        bend = max(abs(to_x - x) / 2, 24.0)
        path.append(f"C{x + bend:.1f} {y:.1f} {to_x - bend:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}")
        x, y = to_x, to_y
    return " ".join(path)


def _label(branch: Branch) -> str:
    label = branch.label.removeprefix("Equals ")
    return {
        "NextAction": "next",
        "NoMatchingError": "error",
        "NoMatchingCondition": "no match",
        "InputTimeLimitExceeded": "timeout",
        "ContinueLooping": "looping",
        "DoneLooping": "complete",
    }.get(label, label)


def _is_error(branch: Branch) -> bool:
    return " " not in branch.label and branch.label not in ("NextAction", "NoMatchingCondition")


def _said(block: Block) -> str:
    """The first text that says something: of a prompt its words."""
    for text in texts_of(block.action):
        shown = written(text)
        if shown.strip():
            return words_of(shown) if "<" in shown else " ".join(shown.split())
    return ""


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "\u2026"


def _clean(text: str) -> str:
    """Escaped, without what XML cannot carry."""
    return escape(_FORBIDDEN.sub("\ufffd", text))


def _x(column: int) -> float:
    return _MARGIN + column * (_WIDTH + _BETWEEN)
