"""Create task: work for an analyst, now or later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ringfence.flows.block import ANY_ERROR, Block, Outcome
from ringfence.flows.call import Call
from ringfence.flows.instance import AtCapacity, NotBound, ResourceKind, Task
from ringfence.flows.kinds import NEXT, BlockKind
from ringfence.flows.parameters import Parameters, Resource, WholeNumber
from ringfence.flows.references import Template, scalar
from ringfence.flows.structures import Structure, read_structure

LONGEST_DELAY_SECONDS = 518_400  # six days
LONGEST_NAME = 512
LONGEST_DESCRIPTION = 4096


@dataclass(frozen=True, slots=True)
class CreateTask:
    """A task of its own, with its own attributes; `$.Task.ContactId` is its contact from here on.

    References are texts, or have a `Value` beside their type.
    """

    name: Template | None
    description: Template | None
    references: Structure
    attributes: Structure
    flow: Resource | None
    delay: WholeNumber
    scheduled: Template | None

    async def run(self, call: Call, block: Block) -> Outcome:
        """Open it. A task without a name takes the error branch."""
        data = call.data()
        name = self.name.fill(data).strip()[:LONGEST_NAME] if self.name is not None else ""
        shown = {"Name": name}
        try:
            starts_at = self._starts_at(call, data)
        except (ValueError, OverflowError):
            detail = "the delay is no number of seconds, or the time none of the next six days"
            return Outcome(error=ANY_ERROR, result="Error", parameters=shown, detail=detail)
        if not name:
            detail = "the task has no name"
            return Outcome(error=ANY_ERROR, result="Error", parameters=shown, detail=detail)
        description = self.description.fill(data) if self.description is not None else ""
        task = Task(
            name=name,
            description=description[:LONGEST_DESCRIPTION],
            references=_texts(self.references.fill(data)),
            attributes=_texts(self.attributes.fill(data)),
            flow=self.flow.wanted(data) if self.flow is not None else None,
            starts_at=starts_at,
        )
        try:
            contact_id = await call.instance.open_task(task, call.state)
        except AtCapacity:
            detail = "nobody takes tasks here"
            return Outcome(error=ANY_ERROR, result="Error", parameters=shown, detail=detail)
        except NotBound as unbound:
            return Outcome(error=ANY_ERROR, result="Error", parameters=shown, detail=str(unbound))
        call.task["ContactId"] = contact_id
        return Outcome(result="Success", parameters=shown, detail=f"the task is {contact_id}")

    def _starts_at(self, call: Call, data: Mapping[str, object]) -> datetime | None:
        now = call.clock()
        if self.scheduled is not None and (text := self.scheduled.fill(data).strip()):
            at = _time(text)
            if at > now + timedelta(seconds=LONGEST_DELAY_SECONDS):
                raise ValueError
            return at
        seconds = self.delay.value(data)
        if seconds is None:
            raise ValueError
        return now + timedelta(seconds=seconds) if seconds else None


def _time(text: str) -> datetime:
    """A date and time, or the seconds since 1970; in UTC, unless it says otherwise."""
    if text.isascii() and text.isdecimal() and len(text) < 12:
        return datetime.fromtimestamp(int(text), UTC)
    at = datetime.fromisoformat(text)
    return at.astimezone(UTC) if at.tzinfo is not None else at.replace(tzinfo=UTC)


def _texts(values: Mapping[str, object]) -> dict[str, str]:
    texts = {}
    for key, value in values.items():
        inner = value.get("Value") if isinstance(value, Mapping) else value
        if key and (text := scalar(inner)) is not None:
            texts[key] = text
    return texts


def _read(parameters: Parameters) -> CreateTask:
    return CreateTask(
        name=parameters.optional("Name"),
        description=parameters.optional("Description"),
        references=read_structure(parameters, "References"),
        attributes=read_structure(parameters, "Attributes"),
        flow=parameters.optional_resource(ResourceKind.FLOW, "ContactFlowId"),
        delay=parameters.whole_number("DelaySeconds", low=0, high=LONGEST_DELAY_SECONDS, default=0),
        scheduled=parameters.optional("ScheduledTime"),
    )


BLOCK = BlockKind(type="CreateTask", log_type="CreateTask", read=_read, required=((NEXT,),))
