"""Set event flow: which flow runs when something happens to the contact later.

Here these are the flow of the queue (`CustomerQueue`) and the one for after an agent has hung up
(`CustomerRemaining`, the disconnect flow). Those for an agent's ears or screen are kept and not
run: agents are telephones here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ringfence.flows.block import ANY_ERROR, Block, Outcome
from ringfence.flows.call import Call
from ringfence.flows.instance import NotBound, ResourceKind
from ringfence.flows.kinds import NEXT, BlockKind, LegacyForm
from ringfence.flows.modules import Entry, LegacyParameters, entry
from ringfence.flows.parameters import Parameters, Resource
from ringfence.flows.waiting import CUSTOMER_QUEUE, CUSTOMER_REMAINING

_RUN_HERE = (CUSTOMER_QUEUE, CUSTOMER_REMAINING)


@dataclass(frozen=True, slots=True)
class SetEventHook:
    """A hook that is switched off is as if it had never been set."""

    event: str
    flow: Resource | None
    disabled: bool

    async def run(self, call: Call, block: Block) -> Outcome:
        """Keep it. The error branch is for a flow that would run here and is not bound."""
        hooks = call.state.hooks
        shown = {"Type": self.event}
        if self.disabled:
            hooks.pop(self.event, None)
            await call.changed()
            return Outcome(result="Success", parameters=shown)
        wanted = self.flow.wanted(call.data()) if self.flow is not None else None
        if wanted is None or not (wanted.arn or wanted.label) or not self.event:
            detail = "there is no contact flow or no event to be found"
            return Outcome(error=ANY_ERROR, result="Error", parameters=shown, detail=detail)
        shown["ContactFlowId"] = wanted.arn
        named, detail = wanted.arn or wanted.label, ""
        if self.event in _RUN_HERE:
            try:
                flow = await call.instance.flow(wanted)
            except NotBound as unbound:
                return Outcome(
                    error=ANY_ERROR, result="Error", parameters=shown, detail=str(unbound)
                )
            named = flow.arn or named
        else:
            detail = f"the flow for {self.event} is not run here"
        hooks[self.event] = named
        await call.changed()
        return Outcome(result="Success", parameters=shown, detail=detail)


def read_event_hook(parameters: Parameters) -> SetEventHook:
    """The one hook there is in `EventHooks`, or in `EventHooksConfiguration`."""
    hooks = parameters.inside("EventHooks")
    configuration = parameters.inside("EventHooksConfiguration")
    events = tuple(dict.fromkeys((*hooks.names(), *configuration.names())))
    if len(events) > 1:
        parameters.wrong(f"EventHooks has {' and '.join(events)}, one of them is wanted")
    if not events:
        return SetEventHook("", None, disabled=False)
    event = events[0]
    disabled = configuration.given(event) and configuration.inside(event).flag("DisableExecution")
    return SetEventHook(event, hooks.optional_resource(ResourceKind.FLOW, event), disabled)


def event_hook_from_legacy(given: LegacyParameters) -> dict[str, object]:
    """The newer format's parameters."""
    event = given.raw("Type")
    if not event:
        return {}
    parameters: dict[str, object] = {"EventHooks": {event: given.get("ContactFlowId")}}
    if given.get("DisableExecution") is not None:
        parameters["EventHooksConfiguration"] = {
            event: given.renamed(DisableExecution="DisableExecution")
        }
    return parameters


def event_hook_entries(parameters: Mapping[str, object]) -> list[Entry]:
    """The way back."""
    entries = []
    hooks, configuration = parameters.get("EventHooks"), parameters.get("EventHooksConfiguration")
    for event in _events(parameters):
        entries.append(entry("Type", event))
        if isinstance(hooks, Mapping) and hooks.get(event) is not None:
            entries.append(entry("ContactFlowId", hooks[event]))
        settings = configuration.get(event) if isinstance(configuration, Mapping) else None
        if isinstance(settings, Mapping) and settings.get("DisableExecution") is not None:
            entries.append(entry("DisableExecution", settings["DisableExecution"]))
    return entries


def is_whisper_or_hold(parameters: Mapping[str, object]) -> bool:
    """Whether the older format has a type of its own for the hook."""
    return any(event.endswith(("Whisper", "Hold")) for event in _events(parameters))


def _events(parameters: Mapping[str, object]) -> tuple[str, ...]:
    both = (parameters.get("EventHooks"), parameters.get("EventHooksConfiguration"))
    return tuple(
        dict.fromkeys(str(key) for each in both if isinstance(each, Mapping) for key in each)
    )


BLOCK = BlockKind(
    type="UpdateContactEventHooks",
    log_type="SetEventHook",
    read=read_event_hook,
    legacy=LegacyForm(
        "SetEventHook", parameters=event_hook_from_legacy, entries=event_hook_entries
    ),
    required=((NEXT,),),
    forgives=True,
    chosen_by=lambda parameters: not is_whisper_or_hold(parameters),
)
