"""What phones may send to the browser line, and what becomes of everything else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from telephones import NUMBER, Exchange, exchange, menu, telephone
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from ringfence.flows.participant import Participant
from ringfence.lines import CallEnd
from ringfence.lines.browser import BrowserLine
from ringfence.lines.browser.protocol import LARGEST_MESSAGE, CloseCode


@pytest.fixture
async def there() -> AsyncIterator[Exchange]:
    async with exchange(grace_seconds=0.4, most_phones=6, most_per_number=4) as running:
        yield running


async def test_the_same_phone_connecting_twice_replaces_the_first(there: Exchange) -> None:
    async with (
        telephone(there, phone_id="the-same-phone") as first,
        telephone(there, phone_id="the-same-phone"),
    ):
        await asyncio.wait_for(first.socket.wait_closed(), 5)
        assert first.socket.close_code == CloseCode.REPLACED
        assert there.line.phones == {NUMBER: 1}


async def close_code(there: Exchange, *sent: str | bytes, number: str = "%2B4930901820") -> int:
    """The code with which the exchange closes after `sent`."""
    async with connect(f"{there.socket}?number={number}", proxy=None) as socket:
        try:
            for data in sent:
                await socket.send(data)
            async with asyncio.timeout(5):
                async for _ in socket:
                    pass
        except ConnectionClosed:
            pass
        assert socket.close_code is not None
        return socket.close_code


HELLO = '{"type":"hello","version":1,"phone_id":"a-good-phone"}'


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (["not json"], CloseCode.BAD_MESSAGE),
        (['{"type":"key","call_id":"x","key":"1"}'], CloseCode.NO_HELLO),
        ([HELLO.replace("1", "2")], CloseCode.WRONG_VERSION),
        ([HELLO.replace("a-good-phone", "../../x")], CloseCode.BAD_MESSAGE),
        ([HELLO, HELLO], CloseCode.BAD_MESSAGE),
        ([HELLO, b"\x00"], CloseCode.BAD_MESSAGE),
        ([HELLO, '{"type":"key","call_id":"x","key":"12"}'], CloseCode.BAD_MESSAGE),
        ([HELLO, '{"type":"answer","call_id":"x","extra":1}'], CloseCode.BAD_MESSAGE),
        ([HELLO, " " * (LARGEST_MESSAGE + 1)], CloseCode.TOO_LARGE),
        ([HELLO, *['{"type":"finished","prompt_id":1}'] * 200], CloseCode.TOO_MANY),
    ],
)
async def test_a_bad_message_closes_with_a_clear_code(
    there: Exchange, sent: list[str | bytes], code: CloseCode
) -> None:
    assert await close_code(there, *sent) == code


async def test_a_number_that_is_not_e164_is_refused(there: Exchange) -> None:
    assert await close_code(there, HELLO, number="030-901820") == CloseCode.BAD_NUMBER


async def test_phones_beyond_the_limit_are_refused_and_the_others_stay(there: Exchange) -> None:
    async with telephone(there) as one, telephone(there), telephone(there), telephone(there):
        assert await close_code(there, HELLO) == CloseCode.TOO_MANY
        call = there.place(menu)
        await one.rings()
        call.cancel()


async def test_keys_beyond_the_queue_are_lost_and_do_no_harm(there: Exchange) -> None:
    keys: list[str | None] = []

    async def conversation(participant: Participant) -> None:
        await participant.pause(0.3)
        while (key := await participant.digit(0.05)) is not None:
            keys.append(key)

    async with telephone(there) as phone:
        call = there.place(conversation)
        call_id = await phone.answers()
        for number in range(80):
            await phone.send(type="key", call_id=call_id, key=str(number % 10))
        assert (await call).end is CallEnd.COMPLETED
    assert keys == [str(number % 10) for number in range(32)]


class ScriptedSocket:
    """A WebSocket whose far side sends what it was given and then goes."""

    def __init__(self, incoming: list[dict[str, object]]) -> None:
        self._incoming = incoming
        self.closed_with: int | None = None

    async def accept(self) -> None:
        """Nothing to do."""

    async def receive(self) -> dict[str, object]:
        await asyncio.sleep(0)
        return self._incoming.pop(0) if self._incoming else {"type": "websocket.disconnect"}

    async def send_text(self, data: str) -> None:
        """Sent."""

    async def send_bytes(self, data: bytes) -> None:
        """Sent."""

    async def close(self, code: int = 1000, reason: str | None = None) -> None:
        assert reason is None or len(reason.encode()) <= 123
        self.closed_with = code


_words = st.sampled_from(["answer", "decline", "hang_up", "key", "started", "finished", "hello"])
_message = st.one_of(
    st.text(max_size=60),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["type", "call_id", "key", "prompt_id"]), inner)
        ),
        max_leaves=6,
    ).map(lambda value: __import__("json").dumps(value)),
    st.builds('{{"type":"{}","call_id":"c","key":"1","prompt_id":1}}'.format, _words),
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(messages=st.lists(_message, max_size=6), greets=st.booleans())
async def test_nothing_that_a_phone_sends_raises(messages: list[str], greets: bool) -> None:
    line = BrowserLine(grace_seconds=0.001)
    sent = [HELLO, *messages] if greets else messages
    socket = ScriptedSocket([{"type": "websocket.receive", "text": text} for text in sent])
    await asyncio.wait_for(line.serve(socket, NUMBER), 5)
    assert socket.closed_with is None or socket.closed_with in set(CloseCode)
    await asyncio.sleep(0.005)
    assert line.phones == {}
