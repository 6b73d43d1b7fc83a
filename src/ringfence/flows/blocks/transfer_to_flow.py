"""Transfer to flow: go on at the start of another flow."""

from __future__ import annotations

from dataclasses import dataclass

from ringfence.flows.block import ANY_ERROR, Block, Outcome
from ringfence.flows.call import Call
from ringfence.flows.events import EndReason
from ringfence.flows.instance import NotBound, ResourceKind
from ringfence.flows.kinds import BlockKind, LegacyForm
from ringfence.flows.modules import entries_of
from ringfence.flows.parameters import Parameters, Resource


@dataclass(frozen=True, slots=True)
class TransferToFlow:
    """What the contact has goes with it; what the flow alone has (`$.External`) does not."""

    flow: Resource | None

    async def run(self, call: Call, block: Block) -> Outcome:
        """Find the other flow. From the flow of a queue it takes the contact out of the queue."""
        if self.flow is None:
            return _failed({}, "no contact flow is named")
        wanted = self.flow.wanted(call.data())
        shown = {"ContactFlowId": wanted.arn}
        if not wanted.arn and not wanted.label:
            return _failed(shown, "the reference to the contact flow leads to nothing")
        try:
            flow = await call.instance.flow(wanted)
        except NotBound as unbound:
            return _failed(shown, str(unbound))
        if call.waiting is not None:
            call.waiting.go_on_in(flow)
            return Outcome(ends=EndReason.DEQUEUED, result="Success", parameters=shown)
        call.modules = {}
        return Outcome(flow=flow, result="Success", parameters=shown)


def _failed(shown: dict[str, str], detail: str) -> Outcome:
    return Outcome(error=ANY_ERROR, result="Error", parameters=shown, detail=detail)


def _read(parameters: Parameters) -> TransferToFlow:
    return TransferToFlow(parameters.optional_resource(ResourceKind.FLOW, "ContactFlowId"))


BLOCK = BlockKind(
    type="TransferToFlow",
    log_type="Transfer",
    read=_read,
    legacy=LegacyForm(
        "Transfer",
        "Flow",
        parameters=lambda given: given.renamed(ContactFlowId="ContactFlowId"),
        entries=lambda parameters: entries_of(parameters, ContactFlowId="ContactFlowId"),
    ),
)
