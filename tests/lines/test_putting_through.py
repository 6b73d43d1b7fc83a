"""Putting a caller through to another browser telephone."""

from __future__ import annotations

import asyncio

import pytest
from telephones import BANK, NUMBER, Exchange, Telephone, exchange, menu, telephone

from ringfence.flows.participant import Destination, NotConnected, Participant
from ringfence.lines import CallEnd, CallResult
from ringfence.lines.browser.connection import Connection
from ringfence.lines.browser.protocol import CloseCode
from ringfence.lines.live_sound import LARGEST_FRAME

OTHER = "+12065550123"


async def test_whoever_puts_a_call_through_learns_when_the_other_telephone_picks_up() -> None:
    picked_up = asyncio.Event()

    async def conversation(participant: Participant) -> None:
        await participant.connect(Destination(OTHER, BANK, answered=picked_up.set))

    async with exchange() as there, telephone(there) as near, telephone(there, OTHER) as far:
        call = there.place(conversation, number=NUMBER)
        await near.answers()
        call_id = await far.rings()
        assert not picked_up.is_set()
        await far.send(type="answer", call_id=call_id)
        async with asyncio.timeout(5):
            await picked_up.wait()
        await far.send(type="hang_up", call_id=call_id)
        await asyncio.wait_for(call, 5)


async def put_through(
    there: Exchange, near: Telephone, far: Telephone, digits: str = ""
) -> tuple[asyncio.Task[CallResult], str, str]:
    """Both telephones in a talk: the call, and what each of them knows it by."""

    async def conversation(participant: Participant) -> None:
        await participant.connect(Destination(OTHER, BANK, "Ringfence Bank", digits=digits))

    call = there.place(conversation)
    near_call = await near.answers()
    far_call = await far.answers()
    await near.waits_for("bridged")
    await far.waits_for("bridged")
    return call, near_call, far_call


async def refusal(there: Exchange, near: Telephone) -> NotConnected:
    """Why the telephone on `OTHER` cannot be reached."""
    refused: list[NotConnected] = []

    async def conversation(participant: Participant) -> None:
        try:
            await participant.connect(Destination(OTHER, BANK))
        except NotConnected as error:
            refused.append(error)

    call = there.place(conversation)
    await near.answers()
    assert (await asyncio.wait_for(call, 5)).end is CallEnd.COMPLETED
    return refused[0]


async def test_what_is_said_at_one_telephone_is_handed_to_the_other_as_it_is() -> None:
    async with (
        exchange() as there,
        telephone(there, listens=False) as near,
        telephone(there, OTHER, listens=False) as far,
    ):
        call, near_call, _ = await put_through(there, near, far)
        one, other = b"\x01\x02" * 640, b"\x03\x04" * (LARGEST_FRAME // 2)
        await near.socket.send(one)
        await far.socket.send(other)
        assert await far.waits_for_sound() == one
        assert await near.waits_for_sound() == other
        await near.send(type="hang_up", call_id=near_call)
        await asyncio.wait_for(call, 5)
        assert await far.ended() == "completed"


async def test_both_learn_whom_they_talk_with_and_the_second_is_sent_its_keys() -> None:
    async with exchange() as there, telephone(there) as near, telephone(there, OTHER) as far:
        call, _, far_call = await put_through(there, near, far, digits="4,#")
        assert (await near.waits_for("connecting"))["number"] == OTHER
        assert near.last("bridged")["number"] == OTHER
        bank = far.last("bridged")
        assert (bank["number"], bank["name"]) == (BANK, "Ringfence Bank")
        await far.waits_for("tone", 2)
        assert [said["key"] for said in far.seen if said["type"] == "tone"] == ["4", "#"]
        await far.send(type="hang_up", call_id=far_call)
        await asyncio.wait_for(call, 5)
        assert near.last("parted")["reached"] is True
        assert there.happened()[-3:] == ["put_through", "taken_back", "ended"]


async def test_a_number_without_a_telephone_says_so() -> None:
    async with exchange() as there, telephone(there) as near:
        error = await refusal(there, near)
    assert f"no phone is open for {OTHER}" in str(error)
    assert not error.timed_out


async def test_a_telephone_in_another_call_is_busy() -> None:
    async with exchange() as there, telephone(there) as near, telephone(there, OTHER) as far:
        other_call = there.place(menu, number=OTHER)
        await far.answers()
        error = await refusal(there, near)
        assert "busy" in str(error)
        assert not error.timed_out
        other_call.cancel()


async def test_a_telephone_that_goes_away_for_good_ends_the_talk_and_not_the_call() -> None:
    async with exchange(grace_seconds=0.1) as there, telephone(there) as near:
        async with telephone(there, OTHER) as far:
            call, _, _ = await put_through(there, near, far)
        assert (await near.waits_for("parted"))["reached"] is True
        assert (await asyncio.wait_for(call, 5)).end is CallEnd.COMPLETED


async def test_a_frame_that_is_too_long_closes_the_telephone_that_sent_it() -> None:
    async with exchange() as there, telephone(there) as near, telephone(there, OTHER) as far:
        call, _, far_call = await put_through(there, near, far)
        await near.socket.send(b"\x00" * (LARGEST_FRAME + 2))
        await asyncio.wait_for(near.socket.wait_closed(), 5)
        assert near.socket.close_code == CloseCode.TOO_LARGE
        await far.send(type="hang_up", call_id=far_call)
        await asyncio.wait_for(call, 15)


class StalledSocket:
    """A WebSocket that takes nothing until `released`."""

    def __init__(self) -> None:
        self.released = asyncio.Event()
        self.taken: list[bytes] = []

    async def accept(self) -> None:
        """Nothing to do."""

    async def receive(self) -> dict[str, object]:
        await asyncio.Event().wait()
        return {}

    async def send_text(self, data: str) -> None:
        """Never used here."""

    async def send_bytes(self, data: bytes) -> None:
        await self.released.wait()
        self.taken.append(data)

    async def close(self, code: int = 1000, reason: str | None = None) -> None:
        """Closed."""


@pytest.mark.parametrize("said", [5, 2000])
async def test_a_telephone_that_stalls_loses_what_is_old_and_holds_nobody_up(said: int) -> None:
    socket = StalledSocket()
    connection = Connection(socket)
    attend = asyncio.create_task(asyncio.sleep(60))
    running = asyncio.create_task(connection.run(attend))
    await asyncio.sleep(0)
    frames = [index.to_bytes(2, "little") for index in range(said)]
    for frame in frames:
        connection.send_frame(frame)
        await asyncio.sleep(0)
    socket.released.set()
    await asyncio.sleep(0.05)
    assert socket.taken[-5:] == frames[-5:]
    assert len(socket.taken) <= 10
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
