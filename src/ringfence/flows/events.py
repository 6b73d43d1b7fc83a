"""What a flow reports while it runs: enough to write Amazon Connect's flow log from."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias


class FlowEventKind(StrEnum):
    """What happened in a flow."""

    BLOCK = "block"  # a block has run; once for each step
    INPUT = "input"  # a key was pressed in a menu; `result` is the key
    FUNCTION = "function"  # a function has answered, or failed
    ENDED = "ended"  # the flow is over; `result` is an `EndReason`


class EndReason(StrEnum):
    """Why a conversation ended; all but the last two as in a contact record."""

    CONTACT_FLOW_DISCONNECT = "CONTACT_FLOW_DISCONNECT"  # the flow hung up
    CUSTOMER_DISCONNECT = "CUSTOMER_DISCONNECT"  # the far end hung up
    AGENT_DISCONNECT = "AGENT_DISCONNECT"  # an agent had the call, and hung up
    THIRD_PARTY_DISCONNECT = "THIRD_PARTY_DISCONNECT"  # so did another telephone
    FLOW_ENDED = "FLOW_ENDED"  # the flow is done and leaves the call to its caller
    DEQUEUED = "DEQUEUED"  # the flow of a queue takes the contact out, to `Call.state.queue`


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowEvent:
    """One thing that happened in a flow, at an aware UTC time.

    `block_type` is the name that Amazon Connect's flow log uses (`ContactFlowModuleType`), also
    for blocks of the newer format. `parameters`, `result` and `external_results` are resolved,
    with card numbers, stored input and sensitive attributes masked, but for the key of an INPUT.
    `matched` says of an INPUT whether a condition of the menu holds for the key. `logged` says
    whether the flow has logging enabled at this point. `detail` explains in words for an operator.
    """

    kind: FlowEventKind
    block_id: str
    block_type: str
    at: datetime
    contact_id: str = ""
    flow_name: str = ""
    flow_arn: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    result: str = ""
    matched: bool = False
    external_results: Mapping[str, str] = field(default_factory=dict)
    logged: bool = False
    detail: str = ""


Observe: TypeAlias = Callable[[FlowEvent], Awaitable[None]]
