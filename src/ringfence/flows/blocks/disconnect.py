"""Disconnect: hang up."""

from __future__ import annotations

from dataclasses import dataclass

from ringfence.flows.block import Block, Outcome
from ringfence.flows.call import Call
from ringfence.flows.events import EndReason
from ringfence.flows.kinds import BlockKind, LegacyForm
from ringfence.flows.parameters import Parameters


@dataclass(frozen=True, slots=True)
class Disconnect:
    """The end of a conversation that came to its end."""

    async def run(self, call: Call, block: Block) -> Outcome:
        """End it; whoever runs the flow hangs up."""
        return Outcome(ends=EndReason.CONTACT_FLOW_DISCONNECT, result="Success")


def _read(parameters: Parameters) -> Disconnect:
    return Disconnect()


BLOCK = BlockKind(
    type="DisconnectParticipant",
    log_type="Disconnect",
    read=_read,
    legacy=LegacyForm("Disconnect", entries=lambda _: []),
)
