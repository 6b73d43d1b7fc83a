"""A contact flow that has been checked and can run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ringfence.flows.block import Block
from ringfence.flows.instance import Wanted
from ringfence.flows.problems import Problem

CONTACT_FLOW = "CONTACT_FLOW"


class FlowFormat(StrEnum):
    """The two formats Amazon Connect exports."""

    LEGACY = "legacy"  # `modules`
    LANGUAGE = "2019-10-30"  # the Flow language


@dataclass(frozen=True, slots=True)
class Flow:
    """A flow: `start` and every transition name one of `blocks`, which are by id.

    `arn` is that of the flow here, empty for one that was read from a file. `type` is Amazon
    Connect's (`CONTACT_FLOW`). `resources` are what blocks name of an instance, by the block's id;
    `notices` what cannot be done here.
    """

    name: str
    format: FlowFormat
    start: str
    blocks: Mapping[str, Block]
    arn: str = ""
    type: str = CONTACT_FLOW
    resources: tuple[tuple[str, Wanted], ...] = ()
    notices: tuple[Problem, ...] = ()
