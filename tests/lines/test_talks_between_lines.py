"""Talks between a telephone on a trunk and a browser phone, and between processes of a trunk."""

from __future__ import annotations

import asyncio
import os
import signal
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from telephones import Telephone, telephone
from two_lines import (
    ANALYST,
    LONG,
    OURS,
    OUTSIDE,
    FarSound,
    Menu,
    Samples,
    Server,
    Stream,
    arrives,
    cardholders,
    found_in,
    heard,
    is_in,
    level_dbov,
    missing,
    read_wav,
    say,
    say_outside,
    server,
    sweep,
    until,
)

from ringfence.flows.participant import Destination, NotConnected, Participant
from ringfence.lines import CallEnd, CallResult
from ringfence.lines.live_sound import LIVE_RATE
from ringfence.lines.sip.handset import SipHandset
from ringfence.lines.sip.leg import Leg
from ringfence.lines.sip.messages import MOST_LIVE, Feed

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())


@dataclass
class Talk:
    """A cardholder on a trunk, who is put through to an analyst at a browser phone."""

    there: Server
    sound: FarSound
    analyst: Telephone
    call: asyncio.Task[CallResult]
    call_id: str  # the analyst's

    async def result(self) -> CallResult:
        return await asyncio.wait_for(self.call, 30)


@asynccontextmanager
async def talk(
    folder: Path, menu: Menu, phone_id: str = "", leaves_after_seconds: int = 0
) -> AsyncIterator[Talk]:
    with cardholders(folder, leaves_after_seconds) as (peer, sound):
        async with (
            server(peer.port) as there,
            telephone(there.phones, ANALYST, phone_id=phone_id, listens=False) as analyst,
        ):
            call = asyncio.create_task(there.trunk.call(menu))
            call_id = await rings(analyst)
            await analyst.send(type="answer", call_id=call_id)
            await analyst.waits_for("bridged")
            yield Talk(there, sound, analyst, call, call_id)
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)


async def rings(phone: Telephone) -> str:
    """The call that rings, whose caller may have to be reached over a trunk first."""
    await until(lambda: any(message["type"] == "ring" for message in phone.seen))
    return str(phone.last("ring")["call_id"])


async def ended(phone: Telephone) -> str:
    """Why its call is over, which may take a while."""
    await until(lambda: any(message["type"] == "ended" for message in phone.seen))
    return str(phone.last("ended")["reason"])


async def hears_sweep(sound: FarSound, phone: Telephone, low: float, high: float) -> None:
    """What a telephone on the trunk says now is heard at the browser phone."""
    await arrives(
        lambda: say_outside(sound, sound.stream(), sweep(low, high)),
        lambda: is_in(sweep(low, high, LIVE_RATE), heard(phone)),
    )


async def carries(sound: FarSound, one: Stream, other: Stream, said: Samples) -> None:
    """What a telephone on the trunk says now is heard at another one."""
    await arrives(
        lambda: say_outside(sound, one, said),
        lambda: is_in(said, other.heard()),
    )


async def is_heard(phone: Telephone, sound: FarSound, low: float, high: float) -> None:
    """What is said at the browser phone now is heard at the telephone on the trunk."""
    await arrives(
        lambda: say(phone, sweep(low, high, LIVE_RATE)),
        lambda: is_in(sweep(low, high), sound.stream().heard()),
    )


async def test_a_caller_on_a_trunk_and_an_analyst_at_a_browser_phone_hear_each_other(
    tmp_path: Path,
) -> None:
    async with talk(tmp_path, Menu()) as now:
        bridged = now.analyst.last("bridged")
        assert (bridged["number"], bridged["name"]) == (OURS, "Ringfence Bank")
        await hears_sweep(now.sound, now.analyst, 300, 1100)
        await is_heard(now.analyst, now.sound, 1300, 2500)


async def test_keys_reach_the_other_side_and_not_the_flow(tmp_path: Path) -> None:
    async with talk(tmp_path, Menu(digits="4#")) as now:
        stream = now.sound.stream()
        await now.analyst.waits_for("tone", 2)
        now.sound.press("7", stream)
        await now.analyst.waits_for("tone", 3)
        keys = [message["key"] for message in now.analyst.seen if message["type"] == "tone"]
        assert keys == ["4", "#", "7"]
        await now.analyst.send(type="key", call_id=now.call_id, key="5")
        await until(lambda: stream.keys() == "5")
        assert "digit" not in now.there.trunk.told()


async def test_when_the_analyst_hangs_up_the_flow_goes_on_with_the_caller(tmp_path: Path) -> None:
    menu = Menu()
    async with talk(tmp_path, menu) as now:
        await hears_sweep(now.sound, now.analyst, 300, 1100)
        await now.analyst.send(type="hang_up", call_id=now.call_id)
        await until(lambda: menu.back)
        now.sound.press("3", now.sound.stream())
        assert (await now.result()).end is CallEnd.COMPLETED
        assert menu.key == "3"
        assert await now.analyst.ended() == "hung_up"
        told = now.there.trunk.told()
        assert told.index("put_through") < told.index("taken_back") < told.index("digit")
        frames = len(now.analyst.sounds)
        await asyncio.sleep(0.3)
        assert len(now.analyst.sounds) == frames


async def test_when_the_caller_hangs_up_the_analyst_is_told_and_the_flow_ends(
    tmp_path: Path,
) -> None:
    menu = Menu()
    async with talk(tmp_path, menu, leaves_after_seconds=4) as now:
        assert await ended(now.analyst) == "completed"
        assert (await now.result()).end is CallEnd.HUNG_UP
        assert not menu.back
        assert "taken_back" not in now.there.trunk.told()


async def test_when_the_server_hangs_up_on_the_caller_the_analyst_is_told(tmp_path: Path) -> None:
    async with talk(tmp_path, Menu()) as now:
        now.call.cancel()
        assert await now.analyst.ended() == "completed"
        await until(lambda: now.there.trunk.line.state().calls == 0)


async def test_a_process_that_dies_in_a_talk_ends_it_for_the_analyst(tmp_path: Path) -> None:
    async with talk(tmp_path, Menu()) as now:
        processes = now.there.trunk.line.state().processes
        os.kill(next(pid for pid, calls, _ in processes if calls), signal.SIGKILL)
        result = await now.result()
        assert result.end is CallEnd.FAILED
        assert "process died" in result.detail
        assert await now.analyst.ended() == "completed"


async def test_a_phone_that_comes_back_is_in_the_talk_again(tmp_path: Path) -> None:
    phone_id = uuid.uuid4().hex
    async with talk(tmp_path, Menu(), phone_id) as now:
        await now.analyst.socket.close()
        async with telephone(now.there.phones, ANALYST, phone_id=phone_id, listens=False) as again:
            assert (await again.waits_for("bridged"))["number"] == OURS
            await hears_sweep(now.sound, again, 300, 1100)
            await is_heard(again, now.sound, 1300, 2500)


async def test_a_recording_goes_on_and_holds_both_sides_of_the_talk(tmp_path: Path) -> None:
    async with talk(tmp_path, Menu(records=True)) as now:
        await is_heard(now.analyst, now.sound, 1300, 2500)
        await hears_sweep(now.sound, now.analyst, 300, 1100)
        await now.analyst.send(type="hang_up", call_id=now.call_id)
        now.sound.press("3", now.sound.stream())
        recording = (await now.result()).recording
    assert recording is not None
    both = read_wav(recording)
    assert is_in(sweep(300, 1100), both)
    assert is_in(sweep(1300, 2500), both)


async def test_the_caller_hears_that_the_analyst_rings_until_somebody_answers_and_no_prompt(
    tmp_path: Path,
) -> None:
    async def conversation(participant: Participant) -> None:
        music = asyncio.create_task(participant.say(LONG, interruptible=False))
        await asyncio.sleep(1)
        music.cancel()  # as a queue does when it is the caller's turn
        await Menu()(participant)

    with cardholders(tmp_path) as (peer, sound):
        async with (
            server(peer.port) as there,
            telephone(there.phones, ANALYST, listens=False) as analyst,
        ):
            call = asyncio.create_task(there.trunk.call(conversation))
            call_id = await rings(analyst)
            ring = sweep(425, 425, seconds=0.5)
            await until(lambda: found_in(ring, sound.stream().heard())[0] > 0.9)
            await analyst.send(type="answer", call_id=call_id)
            await analyst.waits_for("bridged")
            await asyncio.sleep(0.5)
            at = len(sound.stream().heard())
            await asyncio.sleep(6)  # longer than from one ring to the next
            assert level_dbov(sound.stream().heard()[at:]) < -60
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)


async def test_an_analyst_who_declines_or_is_away_is_told_to_the_flow(tmp_path: Path) -> None:
    refused: list[NotConnected] = []

    async def conversation(participant: Participant) -> None:
        try:
            await participant.connect(Destination(ANALYST, OURS, ring_seconds=0.5))
        except NotConnected as error:
            refused.append(error)

    with cardholders(tmp_path) as (peer, _):
        async with (
            server(peer.port, trunk={"serves": ["+49309"]}) as there,
            telephone(there.phones, ANALYST) as analyst,
        ):
            call = asyncio.create_task(there.trunk.call(conversation))
            await analyst.send(type="decline", call_id=await rings(analyst))
            assert (await call).end is CallEnd.COMPLETED
            await there.trunk.call(conversation)
            assert await analyst.ended(2) == "missed"
            await analyst.socket.close()
            there.phones.line._exchange.grace_seconds = 0
            await until(lambda: not there.phones.line.phones)
    assert [error.timed_out for error in refused] == [False, True]


async def test_a_caller_at_a_browser_phone_is_put_through_to_a_telephone_on_a_trunk(
    tmp_path: Path,
) -> None:
    menu = Menu(OUTSIDE, digits="9")
    with cardholders(tmp_path) as (peer, sound):
        async with (
            server(peer.port, numbers=["+15550199999"]) as there,
            telephone(there.phones, listens=False) as caller,
        ):
            call = there.phones.place(menu)
            call_id = await caller.answers()
            await caller.waits_for("connecting")
            await until(lambda: caller.seen[-1]["type"] == "bridged")
            assert caller.last("bridged")["number"] == OUTSIDE
            await hears_sweep(sound, caller, 300, 1100)
            await is_heard(caller, sound, 1300, 2500)
            await until(lambda: sound.stream().keys() == "9")
            await caller.send(type="hang_up", call_id=call_id)
            assert (await asyncio.wait_for(call, 10)).end is CallEnd.HUNG_UP
            await until(lambda: there.trunk.line.state().calls == 0)
    assert 'From: "Ringfence Bank" <sip:+15550199999@' in peer.log()  # a number of the line


async def test_the_process_of_the_other_telephone_dying_gives_the_caller_back(
    tmp_path: Path,
) -> None:
    menu = Menu(OUTSIDE)
    with cardholders(tmp_path) as (peer, _):
        async with server(peer.port) as there, telephone(there.phones, listens=False) as caller:
            call = there.phones.place(menu)
            call_id = await caller.answers()
            await until(lambda: "put_through" in there.phones.happened())
            processes = there.trunk.line.state().processes
            os.kill(next(pid for pid, calls, _ in processes if calls), signal.SIGKILL)
            assert (await caller.waits_for("parted"))["reached"] is True
            await caller.send(type="key", call_id=call_id, key="1")
            assert (await asyncio.wait_for(call, 20)).end is CallEnd.COMPLETED
            assert menu.key == "1"


async def test_a_caller_is_put_through_though_their_own_process_is_full(tmp_path: Path) -> None:
    joined = asyncio.Event()
    far = Destination("+4930901899", OURS, digits="8", answered=joined.set)

    with cardholders(tmp_path) as (peer, sound):
        async with server(peer.port, calls_at_once=12, spare_calls=12) as there:

            async def conversation(participant: Participant) -> None:
                assert isinstance(participant, SipHandset)
                pool, taken = there.trunk.line.means.pool, 0
                while pool.take_beside(participant.slot, f"taken-{taken}", Leg("", pool)):
                    taken += 1
                await participant.connect(far)

            call = asyncio.create_task(there.trunk.call(conversation))
            await asyncio.wait_for(joined.wait(), 40)
            await until(lambda: list(sound.streams.values())[-1].keys() == "8")
            one, other = sound.streams.values()
            await carries(sound, one, other, sweep(300, 1100))
            await carries(sound, other, one, sweep(1300, 2500))
            busy = [calls for _, calls, _ in there.trunk.line.state().processes if calls]
            assert len(busy) == 2
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)


async def test_a_process_that_stands_still_loses_live_sound_and_nothing_grows(
    tmp_path: Path,
) -> None:
    async with talk(tmp_path, Menu()) as now:
        pool = now.there.trunk.line.means.pool
        child = next(child for child in pool._children if child.calls)
        name = next(iter(child.calls))
        pid = child.process.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            for _ in range(3000):  # a minute of sound
                child.process.tell(Feed(name, bytes(640)))
                await asyncio.sleep(0)
            stdin = child.process._process.stdin
            assert stdin.transport.get_write_buffer_size() <= MOST_LIVE + 1024
        finally:
            os.kill(pid, signal.SIGCONT)
        await hears_sweep(now.sound, now.analyst, 300, 1100)
        await is_heard(now.analyst, now.sound, 1300, 2500)
