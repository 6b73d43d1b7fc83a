"""The blocks that a flow may consist of: one file each, found by being in this folder.

A file declares one kind of block as `BLOCK`; nothing else has to know of it. Those that need what
is not here are in `agent_blocks`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from ringfence.flows.agent_blocks import ABSENT_KINDS
from ringfence.flows.kinds import BlockKind


@cache
def all_kinds() -> tuple[BlockKind, ...]:
    """Every kind there is, by the name of its file."""
    names = sorted(module.name for module in iter_modules(__path__))
    kinds = []
    for name in names:
        kind = import_module(f"{__name__}.{name}").BLOCK
        if not isinstance(kind, BlockKind):
            raise TypeError(f"{name}.BLOCK is no BlockKind")
        kinds.append(kind)
    return (*kinds, *ABSENT_KINDS)


def kind_of(type_: str, parameters: Mapping[str, object]) -> BlockKind | None:
    """The kind of a block of the Flow language."""
    return next((kind for kind in _by_type().get(type_, ()) if kind.chosen_by(parameters)), None)


def legacy_kind_of(type_: str, target: str | None) -> BlockKind | None:
    """The kind of a module of the older format; a missing target is the only one there is."""
    kinds = _by_legacy_type().get(type_, ())
    for kind in kinds:
        if kind.legacy is not None and kind.legacy.target == target:
            return kind
    return kinds[0] if target is None and len(kinds) == 1 else None


@cache
def _by_type() -> Mapping[str, list[BlockKind]]:
    kinds = defaultdict(list)
    for kind in all_kinds():
        kinds[kind.type].append(kind)
    return dict(kinds)


@cache
def _by_legacy_type() -> Mapping[str, list[BlockKind]]:
    kinds = defaultdict(list)
    for kind in all_kinds():
        if kind.legacy is not None:
            kinds[kind.legacy.type].append(kind)
    return dict(kinds)
