"""Create callback: an agent is to call the customer later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ringfence.flows.block import ANY_ERROR, Block, Outcome
from ringfence.flows.blocks.transfer_to_queue import AT_CAPACITY
from ringfence.flows.call import Call
from ringfence.flows.instance import AtCapacity, CallBack, NotBound
from ringfence.flows.kinds import NEXT, BlockKind, LegacyForm
from ringfence.flows.modules import Entry, LegacyParameters, entries_of, entry
from ringfence.flows.parameters import Parameters, WholeNumber, written
from ringfence.flows.target_queue import (
    QueueMissing,
    TargetQueue,
    read_target_queue,
    target_queue_from_legacy,
)

LONGEST_SECONDS = 259_200  # three days
DEFAULT_RETRY_SECONDS = 600
MOST_ATTEMPTS = 100


@dataclass(frozen=True, slots=True)
class CreateCallback:
    """The number is the call-back number of the contact, its own unless a flow has set another."""

    target: TargetQueue
    delay: WholeNumber
    retry: WholeNumber
    attempts: WholeNumber

    async def run(self, call: Call, block: Block) -> Outcome:
        """Put the call-back into the queue; the flow goes on at once."""
        data = call.data()
        delay, retry = self.delay.value(data), self.retry.value(data)
        attempts = self.attempts.value(data)
        number = call.state.callback_number
        shown = self.target.shown(call) | {
            "InitialDelaySeconds": str(delay or 0),
            "RetryDelaySeconds": str(retry or 0),
            "MaxRetryAttempts": str(max((attempts or 1) - 1, 0)),
        }
        if delay is None or retry is None or attempts is None or not number:
            detail = "there is no number to call back, or a delay or the attempts are no number"
            return Outcome(error=ANY_ERROR, result="Error", parameters=shown, detail=detail)
        try:
            queue = await self.target.find(call)
            call_back = CallBack(number, queue, float(delay), float(retry), attempts)
            contact_id = await call.instance.call_back(call_back, call.state)
        except AtCapacity:
            detail = "the queue takes no more call-backs"
            return Outcome(error=AT_CAPACITY, result="AtCapacity", parameters=shown, detail=detail)
        except (QueueMissing, NotBound) as missing:
            return Outcome(error=ANY_ERROR, result="Error", parameters=shown, detail=str(missing))
        return Outcome(result="Success", parameters=shown, detail=f"the call-back is {contact_id}")


def _read(parameters: Parameters) -> CreateCallback:
    return CreateCallback(
        target=read_target_queue(parameters),
        delay=parameters.whole_number(
            "InitialCallDelaySeconds", low=0, high=LONGEST_SECONDS, default=0
        ),
        retry=parameters.whole_number(
            "RetryDelaySeconds", low=0, high=LONGEST_SECONDS, default=DEFAULT_RETRY_SECONDS
        ),
        attempts=parameters.whole_number(
            "MaximumConnectionAttempts", low=1, high=MOST_ATTEMPTS, default=1
        ),
    )


def _from_legacy(given: LegacyParameters) -> dict[str, object]:
    parameters = target_queue_from_legacy(given) | given.renamed(
        InitialDelaySeconds="InitialCallDelaySeconds", RetryDelaySeconds="RetryDelaySeconds"
    )
    retries = written(given.get("MaxRetryAttempts"))
    if retries is not None:
        parameters["MaximumConnectionAttempts"] = _plus(retries, 1)
    return parameters


def _to_legacy(parameters: Mapping[str, object]) -> list[Entry]:
    entries = entries_of(
        parameters,
        Queue="QueueId",
        Agent="AgentId",
        InitialDelaySeconds="InitialCallDelaySeconds",
        RetryDelaySeconds="RetryDelaySeconds",
    )
    attempts = written(parameters.get("MaximumConnectionAttempts"))
    if attempts is not None:
        entries.append(entry("MaxRetryAttempts", _plus(attempts, -1)))
    return entries


def _plus(number: str, more: int) -> str:
    """One more or less; what is no number stays, for the block to say so."""
    text = number.strip()
    return str(int(text) + more) if text.isascii() and text.isdecimal() and len(text) < 9 else text


BLOCK = BlockKind(
    type="CreateCallbackContact",
    log_type="CreateCallback",
    read=_read,
    legacy=LegacyForm("CreateCallback", parameters=_from_legacy, entries=_to_legacy),
    required=((NEXT,),),
)
