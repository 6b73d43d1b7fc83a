"""The browser line: calls to phones that are web pages (or programs) on one WebSocket each."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial

from ringfence.lines.browser.call import BrowserCall
from ringfence.lines.browser.connection import Connection, Refused, Socket
from ringfence.lines.browser.exchange import E164, Exchange
from ringfence.lines.browser.protocol import CloseCode, Hello
from ringfence.lines.dialled import Dialled
from ringfence.lines.holding import Refusal, Unanswered, hold
from ringfence.lines.line import CallEnd, CallRequest, CallResult, Conversation, Limits, Report
from ringfence.lines.speech.synthesizer import Synthesizer
from ringfence.lines.switch import Switch
from ringfence.lines.talking import TalkingHandset

HELLO_SECONDS = 5.0


class BrowserLine:
    """A telephone exchange for browser phones; a `Line` named `browser`.

    The phones of one number ring together and the first to answer has the call. A number without
    a phone is unreachable, one whose phones are all taken is busy. A phone that loses its
    connection is kept for `grace_seconds`, so that a reload loses neither a ringing call nor one
    in progress.
    """

    name = "browser"
    numbers: frozenset[str] | None = None
    limits = Limits()

    def __init__(
        self,
        synthesizer: Synthesizer | None = None,
        switch: Switch | None = None,
        *,
        grace_seconds: float = 10.0,
        most_phones: int = 500,
        most_per_number: int = 8,
    ) -> None:
        """Callers are put through by `switch`; without one, to other browser phones alone."""
        self._synthesizer = synthesizer or Synthesizer()
        switch = switch or Switch()
        switch.phones = self
        self._put_through = partial(switch.put_through, self)
        self._exchange = Exchange(
            grace_seconds=grace_seconds,
            most_phones=most_phones,
            most_per_number=most_per_number,
        )
        self._dialled = Dialled()

    @property
    def phones(self) -> dict[str, int]:
        """How many phones are connected now, by number."""
        return self._exchange.connected()

    async def call(
        self, request: CallRequest, conversation: Conversation, report: Report
    ) -> CallResult:
        """See `Line.call`. A `call_id` that was dialled before fails at once."""
        if not self._dialled.add(request.call_id):
            refusal = Refusal(CallEnd.FAILED, f"{request.call_id} was dialled before")
            return await hold(request, refusal, conversation, report)
        far_end = self._call(request)
        if isinstance(far_end, Refusal):
            return await hold(request, far_end, conversation, report)
        async with self._synthesizer.preparing(request.foretell):
            return await hold(request, far_end, conversation, report)

    def reaches(self, number: str) -> bool:
        """See `Way.reaches`."""
        return self._exchange.knows(number)

    def telephone(self, request: CallRequest, near: TalkingHandset) -> BrowserCall | Refusal:
        """See `Way.telephone`."""
        return self._call(request)

    def _call(self, request: CallRequest) -> BrowserCall | Refusal:
        free = self._exchange.free(request.to_number)
        if isinstance(free, Unanswered):
            return Refusal(free.end, free.detail)
        return BrowserCall(request, free, self._exchange, self._synthesizer, self._put_through)

    async def serve(self, socket: Socket, number: str) -> None:
        """Accept `socket` and be the exchange for this phone of `number` (E.164) until it goes.

        The caller has checked who it is. Nothing that the phone sends raises: it is refused with
        a `CloseCode`.
        """
        await socket.accept()
        connection = Connection(socket)
        await connection.run(asyncio.create_task(self._attend(connection, number)))

    async def _attend(self, connection: Connection, number: str) -> None:
        if not E164.fullmatch(number):
            raise Refused(CloseCode.BAD_NUMBER, "the number is not E.164, such as +4930901820")
        async with contextlib.aclosing(connection.messages()) as messages:
            try:
                async with asyncio.timeout(HELLO_SECONDS):
                    hello = await anext(messages, None)
            except TimeoutError:
                raise Refused(CloseCode.NO_HELLO, "the phone did not say hello") from None
            if hello is None:
                return
            if not isinstance(hello, Hello):
                raise Refused(CloseCode.NO_HELLO, "a phone says hello first")
            phone = self._exchange.admit(number, hello, connection)
            try:
                async for message in messages:
                    if isinstance(message, Hello):
                        raise Refused(CloseCode.BAD_MESSAGE, "a phone says hello once")
                    if phone.call is not None and phone.connection is connection:
                        phone.call.heard(phone, message)
            finally:
                self._exchange.lost(phone, connection)
