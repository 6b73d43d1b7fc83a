"""Waiting in a queue for an agent: the queue's flow runs until it is the contact's turn.

Whatever happens meanwhile (the far end hangs up, the call is stopped, the queue's flow goes
elsewhere), the place in the queue is left and nothing goes on running.
"""

from __future__ import annotations

import asyncio
from typing import Any

from ringfence.flows.block import Outcome
from ringfence.flows.call import Call
from ringfence.flows.events import EndReason
from ringfence.flows.flow import Flow
from ringfence.flows.instance import Agent, NotBound, Place, Queue, ResourceKind, Wanted
from ringfence.flows.participant import Destination, NotConnected, PromptFailed
from ringfence.flows.running import Walk

CUSTOMER_QUEUE = "CustomerQueue"
CUSTOMER_REMAINING = "CustomerRemaining"
WHISPERS = ("CustomerWhisper", "AgentWhisper")

RING_SECONDS = 20.0  # Amazon Connect gives an agent as long to accept a contact
_SILENCE_SECONDS = 60.0

# Amazon Connect's own queue flow has music here, which is not ours to copy.
_ANNOUNCEMENTS = {
    "de": "Wir verbinden Sie mit einem Mitarbeiter. Bitte bleiben Sie am Apparat.",
    "en": "We are putting you through to a colleague. Please stay on the line.",
    "es": "Le ponemos con un compañero. Por favor, no cuelgue.",
    "fr": "Nous vous mettons en relation avec un conseiller. Veuillez rester en ligne.",
    "it": "La mettiamo in contatto con un collega. Resti in linea, per favore.",
    "pt": "Vamos passar a chamada a um colega. Por favor, aguarde em linha.",
}


async def wait_for_agent(call: Call, queue: Queue) -> Outcome:
    """Wait in `queue`, and in those that its flow goes on to, and talk to the agent who comes.

    The outcome ends the conversation, or goes on with the flow that is set for when the agent has
    hung up. Raises `HungUp`, and `AtCapacity` or `NotBound` where the queue cannot be entered.
    """
    waiting = Waiting(call)
    try:
        await waiting.enter(queue)
        outcome: Outcome | None = None
        while outcome is None:
            outcome = await waiting.turn()
    finally:
        await waiting.leave()
    return outcome


class Waiting:
    """The way of a contact through queues, one place at a time."""

    def __init__(self, call: Call):
        self._call = call
        self._places: list[Place] = []  # the last one is where it waits
        self._leads_to: Flow | None = None
        self._announced = False

    async def enter(self, queue: Queue) -> None:
        """Wait in `queue` from now on. Raises `AtCapacity`, `NotBound`."""
        entering = asyncio.ensure_future(self._call.instance.wait_in(queue, self._call.state))
        try:
            self._places.append(await asyncio.shield(entering))
        except asyncio.CancelledError:
            # A place that is being taken would otherwise be nobody's.
            for each in await asyncio.gather(entering, return_exceptions=True):
                if not isinstance(each, BaseException):
                    await each.leave()
            raise

    async def move_to(self, queue: Queue) -> None:
        """Wait in `queue` instead, at its end. Raises `AtCapacity`, `NotBound`: it stays here."""
        await self.enter(queue)
        self._call.state.queue = queue
        await self._leave_before(len(self._places) - 1)
        await self._call.changed()

    def go_on_in(self, flow: Flow) -> None:
        """Wait no longer once the queue's flow has ended, and go on in `flow`."""
        self._leads_to = flow

    async def leave(self) -> None:
        """Wait nowhere any more."""
        await self._leave_before(len(self._places))

    async def turn(self) -> Outcome | None:
        """Wait until something comes of it; None: the agent did not answer, or the queue changed.

        Raises `HungUp`.
        """
        place = self._places[-1]
        coming = asyncio.ensure_future(place.agent())
        holding = asyncio.ensure_future(self._hold())
        try:
            await asyncio.wait({coming, holding}, return_when=asyncio.FIRST_COMPLETED)
            if self._places[-1] is place:  # else it has just moved on, and the agent is free again
                holding.cancel()
            await asyncio.wait({holding})
        finally:
            await _cancelled(coming, holding)
        if not holding.cancelled():
            reason, detail = holding.result()
            if self._leads_to is not None:
                return Outcome(flow=self._leads_to, result="Success")
            if reason is EndReason.DEQUEUED:
                return None
            return Outcome(ends=reason, result=reason, detail=detail)
        return await self._talk(place, coming.result())

    async def _hold(self) -> tuple[EndReason, str]:
        """The flow of the queue; when it is through, silence."""
        call = self._call
        flow = await self._flow_of(CUSTOMER_QUEUE)
        if flow is not None:
            inner = call.in_flow(flow)
            inner.waiting = self
            ended = await Walk(inner).to_the_end()
            if ended[0] is not EndReason.FLOW_ENDED:
                return ended
        elif not self._announced:
            self._announced = True
            language = call.state.language[:2].lower()
            text = _ANNOUNCEMENTS.get(language)
            try:
                if text is not None:
                    await call.say(text, ssml=False, interruptible=False)
            except PromptFailed:
                pass  # the wait is not over because a line cannot say so
        while True:
            await call.pause(_SILENCE_SECONDS)

    async def _talk(self, place: Place, agent: Agent) -> Outcome | None:
        """Until the agent hangs up; None when the agent did not answer."""
        call = self._call
        answered = asyncio.Event()
        destination = Destination(
            number=agent.phone_number,
            caller_number=call.contact.system_number,
            caller_name=call.state.name,
            ring_seconds=RING_SECONDS,
            answered=answered.set,
        )
        telling = asyncio.ensure_future(_tell(place, answered))
        call.steps_alone = 0
        try:
            await call.participant.connect(destination)
            answered.set()
        except NotConnected as failure:
            await place.missed(str(failure))
            return None
        finally:
            if answered.is_set():
                await telling
            await _cancelled(telling)
        return await self._after_talk(agent)

    async def _after_talk(self, agent: Agent) -> Outcome:
        skipped = [name for name in WHISPERS if name in self._call.state.hooks]
        detail = f"{agent.user_name} took the call"
        if skipped:
            detail += f"; not run before it: {', '.join(skipped)}"
        flow = await self._flow_of(CUSTOMER_REMAINING)
        if flow is not None:
            return Outcome(flow=flow, result="Success", detail=detail)
        return Outcome(ends=EndReason.AGENT_DISCONNECT, result="Success", detail=detail)

    async def _flow_of(self, hook: str) -> Flow | None:
        named = self._call.state.hooks.get(hook)
        if named is None:
            return None
        try:
            return await self._call.instance.flow(Wanted(ResourceKind.FLOW, named))
        except NotBound:
            return None  # it was there when the hook was set

    async def _leave_before(self, position: int) -> None:
        places, self._places = self._places[:position], self._places[position:]
        leaving = [asyncio.ensure_future(place.leave()) for place in places]
        try:
            await asyncio.shield(asyncio.gather(*leaving))
        except asyncio.CancelledError:
            await asyncio.gather(*leaving, return_exceptions=True)
            raise


async def _tell(place: Place, answered: asyncio.Event) -> None:
    await answered.wait()
    await place.connected()


async def _cancelled(*tasks: asyncio.Future[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
