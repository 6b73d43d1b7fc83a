"""A contact flow that has been checked and can run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ringfence.flows.block import Block


class FlowFormat(StrEnum):
    """The two formats Amazon Connect exports."""

    LEGACY = "legacy"  # `modules`
    LANGUAGE = "2019-10-30"  # the Flow language


@dataclass(frozen=True, slots=True)
class Flow:
    """A flow: `start` and every transition name one of `blocks`, which are by id.

    `arn` is that of the flow here, empty for one that was read from a file.
    """

    name: str
    format: FlowFormat
    start: str
    blocks: Mapping[str, Block]
    arn: str = ""
