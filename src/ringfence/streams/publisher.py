"""Publishing what is in the outbox: one thread of a server, beside everything else.

A message is put down in the transaction of what it tells of and removed once the target has it, so
everything is published at least once, whatever crashes; one that is sent twice has the same
id. An outage of the target is nothing but a longer outbox: no decision ever waits for a message.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
from collections.abc import Sequence
from datetime import timedelta

import structlog
from sqlalchemy import Connection

from ringfence.detectors import Decision
from ringfence.errors import RingfenceError
from ringfence.events.definitions import EventType, list_event_types
from ringfence.events.reading import Event
from ringfence.storage import Database, OrderedIds
from ringfence.streams.messages import Composer as DecisionComposer
from ringfence.streams.messages import Message, Origin, content_of
from ringfence.streams.outbox import DECISIONS, Outbox
from ringfence.streams.targets import NotTaken, Target
from ringfence.streams.turns import MOST_AT_ONCE, TURN_SECONDS, Composer, Turns

_log = structlog.get_logger(__name__)

# After a turn, that what comes in meanwhile shares the next one, and its commit.
_GATHER_SECONDS = 0.02
# When there is nothing to do others may have their turn, who may have left something.
_LINGER_SECONDS, _LOOK_SECONDS = 1.0, 2.0
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 60.0
_CLOSE_SECONDS = 3.0


class Publisher:
    """Publishes what is in an outbox to `target`, until it is closed.

    Messages that nobody has taken after `keep` are given up.
    """

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        composer: Composer,
        target: Target | None,
        keep: timedelta,
    ):
        self._database = database
        self._outbox = outbox
        self._target = target
        self._turns = Turns(database, outbox, composer, keep)
        self._told = False
        self._closing = False
        # Once the thread runs: its loop, and its signals that there is something to do, and to end.
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        self._stop = asyncio.Event()
        name = f"publisher of {outbox.noun}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to publish what is there; returns at once."""
        if self._target is not None:
            self._thread.start()

    def close(self) -> None:
        """Stop; what is not published yet stays in the outbox. Blocks for a few seconds at most."""
        self._closing = True
        self._signal(self._stop, self._wake)
        if self._thread.is_alive():
            self._thread.join()

    def announced(self) -> None:
        """Let the publisher look at once; called after a commit."""
        # One signal is enough for all that is put down before the publisher looks.
        if not self._told and self._loop is not None:
            self._told = True
            self._signal(self._wake)

    def _signal(self, *events: asyncio.Event) -> None:
        loop = self._loop
        if loop is not None:
            # A loop that has ended has nobody to tell.
            with contextlib.suppress(RuntimeError):
                for event in events:
                    loop.call_soon_threadsafe(event.set)

    def _run(self) -> None:
        assert self._target is not None
        asyncio.run(self._publish(self._target))

    async def _publish(self, target: Target) -> None:
        self._loop = asyncio.get_running_loop()
        failures = 0
        begun = False
        while not self._closing:
            self._wake.clear()
            self._told = False
            wait: float | None = None
            try:
                if not begun:
                    self._turns.begin()
                    begun = True
                sent = await self._turn(target)
            except NotTaken as error:
                wait = error.wait_seconds or 0.0
            except RingfenceError as error:
                wait = 0.0
                _log.warning(f"could not publish {self._outbox.noun}", reason=str(error))
            except Exception:
                # Nothing may end this thread.
                wait = 0.0
                _log.exception(f"could not publish {self._outbox.noun}")
            if wait is not None:
                failures += 1
                await _passed(self._stop, max(wait, _pause_seconds(failures)))
                continue
            if sent and failures:
                failures = 0
                _log.info(f"{self._outbox.noun} are published again", target=target.name)
            if sent:
                await _passed(self._stop, 0.0 if sent >= MOST_AT_ONCE else _GATHER_SECONDS)
            elif not await _passed(self._wake, _LINGER_SECONDS):
                self._turns.let_go()
                await _passed(self._wake, _LOOK_SECONDS)
        self._turns.let_go()
        await target.close()

    async def _turn(self, target: Target) -> int:
        """Send what is next. Returns how many messages that were. Raises `NotTaken`."""
        messages = self._turns.next()
        if not messages:
            return 0
        taken, failure = 0, None
        sending = asyncio.ensure_future(_sent(target, messages))
        stopping = asyncio.ensure_future(self._stop.wait())
        await asyncio.wait({sending, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not sending.done():
            # A message on its way may still arrive, and then does so again after the next start.
            await asyncio.wait({sending}, timeout=_CLOSE_SECONDS)
            sending.cancel()
        try:
            taken = await sending
        except NotTaken as error:
            taken, failure = error.taken, error
        except asyncio.CancelledError:
            if not self._closing:
                raise
        self._turns.settle(messages, taken, failure)
        if failure is not None:
            _log.warning(
                "a message was not taken",
                about=self._outbox.noun,
                target=target.name,
                message_id=messages[taken].message_id,
                reason=failure.reason,
            )
            raise failure
        return taken


class DecisionPublisher(Publisher):
    """Puts decisions down for `target` and publishes them, until it is closed.

    Without a target nothing is put down, and the log says so once. Implements
    `ringfence.detectors.announcing.Announcer`.
    """

    def __init__(
        self,
        database: Database,
        target: Target | None,
        *,
        origin: Origin | None = None,
        keep: timedelta = timedelta(days=7),
    ):
        super().__init__(database, DECISIONS, DecisionComposer(origin or Origin()), target, keep)
        self._ids = OrderedIds()
        self._warned = False

    def start(self) -> None:
        """Begin to publish what is there; returns at once."""
        super().start()
        if self._target is not None:
            return
        with self._database.read() as connection:
            orchestrated = [t.name for t in list_event_types(connection) if t.event_orchestration]
            left = self._outbox.anything_waits(connection)
        if orchestrated:
            self._warn(orchestrated[0])
        if left:
            _log.warning(
                "decisions are still to be published, and wait for the setting orchestration_url"
            )

    def announce(
        self, connection: Connection, event_type: EventType, event: Event, decided: Decision
    ) -> None:
        """Put a decision down to be published; see `Announcer`."""
        if self._target is None:
            self._warn(event_type.name)
            return
        content = content_of(event, decided)
        self._outbox.put_down(connection, self._ids.new(), content, content.decided_at)

    def _warn(self, event_type: str) -> None:
        if not self._warned:
            self._warned = True
            _log.warning(
                "event orchestration is on, and there is nowhere to publish decisions to: "
                "set orchestration_url",
                event_type=event_type,
            )


async def _sent(target: Target, messages: Sequence[Message]) -> int:
    try:
        async with asyncio.timeout(TURN_SECONDS):
            return await target.send(messages)
    except TimeoutError:
        raise NotTaken("it did not take any in time") from None


async def _passed(event: asyncio.Event, seconds: float) -> bool:
    """Wait for the event, that long at most. Returns whether it has come."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            return await event.wait()
    return False


def _pause_seconds(failures: int) -> float:
    """Twice as long after each failure, and never quite as long as another server's."""
    longest = min(_FIRST_PAUSE_SECONDS * 2.0 ** min(failures - 1, 20), _LONGEST_PAUSE_SECONDS)
    return longest * random.uniform(0.75, 1.0)  # noqa: S311 - no secret
