"""The SIP line over real processes of PJSIP, with SIPp as the far end."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import socket
import wave
from pathlib import Path
from typing import Any

import pytest
from sip_children import RtpEnd, far_end, free_port, missing
from sip_lines import LONG, OURS, SHORT, THEIRS, during, open_line, says
from sipp_scenarios import ANSWER, HUNG_UP, TALK, pause, receive, reply, respond, scenario, send

from ringfence.flows import Destination, NotConnected, Participant
from ringfence.lines import CallEnd, CallEvent, CallRequest

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())


@pytest.fixture
def rtp() -> Any:
    end = RtpEnd()
    yield end
    end.close()


def test_a_call_is_rung_answered_spoken_on_and_ended(tmp_path: Path, rtp: RtpEnd) -> None:
    with far_end(scenario(*ANSWER, *HUNG_UP), tmp_path, rtp) as peer:

        async def work() -> None:
            async with open_line(peer.port) as caller:
                result = await caller.call(caller_name="Example Bank")
                assert result.end is CallEnd.COMPLETED, result
                assert caller.told() == ["dialled", "ringing", "answered", "said", "ended"]
                assert caller.line.state().calls == 0

        during(work())
        invite = peer.saw("INVITE sip:")
        assert '"Example Bank" <sip:+15550100000@127.0.0.1>' in invite
        assert "P-Asserted-Identity: <sip:+15550100000@127.0.0.1>" in invite
    assert max(map(abs, rtp.heard())) > 5000


@pytest.mark.parametrize(
    ("status", "headers", "end"),
    [
        ("486 Busy Here", "", CallEnd.BUSY),
        ("480 Temporarily Unavailable", "", CallEnd.UNREACHABLE),
        ("480 No", "Reason: Q.850;cause=19\n", CallEnd.NO_ANSWER),
        ("603 Decline", "", CallEnd.REJECTED),
        ("404 Not Found", "", CallEnd.UNREACHABLE),
        ("410 Gone", "", CallEnd.NUMBER_CHANGED),
        ("403 Forbidden", "", CallEnd.UNAUTHORIZED),
        ("503 Service Unavailable", "", CallEnd.LINE_DOWN),
    ],
)
def test_why_nobody_answered_is_a_result_of_its_own(
    status: str, headers: str, end: CallEnd, tmp_path: Path
) -> None:
    refusing = scenario(receive("INVITE"), respond(status, headers=headers), receive("ACK"))
    with far_end(refusing, tmp_path) as peer:

        async def work() -> None:
            async with open_line(peer.port) as caller:
                result = await caller.call()
                assert result.end is end, result
                assert result.answered_at is None

        during(work())


def test_a_telephone_that_nobody_answers_stops_ringing_in_time(tmp_path: Path) -> None:
    ringing = scenario(
        receive("INVITE"),
        respond("180 Ringing"),
        receive("CANCEL"),
        reply(),
    )
    with far_end(ringing, tmp_path) as peer:

        async def work() -> None:
            async with open_line(peer.port) as caller:
                result = await caller.call(ring_timeout_seconds=1.0)
                assert result.end is CallEnd.NO_ANSWER, result

        during(work())
        peer.saw("CANCEL sip:")


def test_a_call_goes_to_the_next_trunk_when_the_first_takes_none(
    tmp_path: Path, rtp: RtpEnd
) -> None:
    down = scenario(receive("INVITE"), respond("503 Service Unavailable"), receive("ACK"))
    with (
        far_end(down, tmp_path) as first,
        far_end(scenario(*ANSWER, *HUNG_UP), tmp_path, rtp) as second,
    ):

        async def work() -> None:
            async with open_line(first.port, second.port) as caller:
                assert (await caller.call()).end is CallEnd.COMPLETED
                assert (await caller.call()).end is CallEnd.COMPLETED

        during(work())
        # The second call did not try again what had just failed.
        assert first.log().count("INVITE sip:") == 1
        assert second.log().count("INVITE sip:") == 2


def test_a_trunk_that_says_nothing_is_given_up_for_the_next_in_seconds(
    tmp_path: Path, rtp: RtpEnd
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        with far_end(scenario(*ANSWER, *HUNG_UP), tmp_path, rtp) as second:

            async def work() -> None:
                async with open_line(deaf.getsockname()[1], second.port) as caller:
                    async with asyncio.timeout(25):  # SIP itself would wait for 32 s, 64 times T1
                        assert (await caller.call()).end is CallEnd.COMPLETED
                    await caller.until(lambda: caller.line.state().trunks[1].calls == 0)

            during(work())
            assert second.log().count("INVITE sip:") == 1


def test_no_second_trunk_rings_a_telephone_that_has_rung(tmp_path: Path) -> None:
    rang = scenario(
        receive("INVITE"),
        respond("180 Ringing"),
        respond("503 Service Unavailable"),
        receive("ACK"),
    )
    with far_end(rang, tmp_path) as first, far_end(scenario(*ANSWER), tmp_path) as second:

        async def work() -> None:
            async with open_line(first.port, second.port) as caller:
                assert (await caller.call()).end is CallEnd.LINE_DOWN

        during(work())
        assert "INVITE" not in second.log()


def test_a_number_that_no_trunk_serves_is_not_dialled(tmp_path: Path) -> None:
    async def work() -> None:
        async with open_line(free_port(), trunk={"serves": ["+1"]}) as caller:
            result = await caller.call()
            assert result.end is CallEnd.LINE_DOWN
            assert "no trunk of this line may call" in result.detail

    during(work())


def test_a_key_stops_the_prompt_and_answers_the_question(tmp_path: Path, rtp: RtpEnd) -> None:
    with far_end(scenario(*ANSWER, *HUNG_UP), tmp_path, rtp) as peer:

        async def work() -> None:
            async with open_line(peer.port) as caller:
                pressed: list[str | None] = []

                async def conversation(participant: Participant) -> None:
                    asyncio.get_running_loop().run_in_executor(None, press)
                    await participant.say(LONG, interruptible=True)
                    pressed.append(await participant.digit(5.0))

                def press() -> None:
                    rtp.wait_for_packets(30)
                    rtp.press("2")

                began = asyncio.get_running_loop().time()
                result = await caller.call(conversation)
                assert result.end is CallEnd.COMPLETED
                assert pressed == ["2"]
                assert asyncio.get_running_loop().time() - began < 12  # the prompt has 14 s

        during(work())


def test_a_far_end_that_hangs_up_ends_the_conversation(tmp_path: Path, rtp: RtpEnd) -> None:
    leaving = scenario(*TALK, pause(500), send("BYE"), '<recv response="200" crlf="true"/>')
    with far_end(leaving, tmp_path, rtp) as peer:

        async def work() -> None:
            async with open_line(peer.port) as caller:
                result = await caller.call(says(LONG))
                assert result.end is CallEnd.HUNG_UP, result
                assert result.detail == "hung up"

        during(work())


def test_a_call_that_is_cancelled_hangs_up(tmp_path: Path, rtp: RtpEnd) -> None:
    with far_end(scenario(*ANSWER, *HUNG_UP), tmp_path, rtp) as peer:

        async def work() -> None:
            async with open_line(peer.port) as caller:
                call = asyncio.ensure_future(caller.call(says(LONG)))
                await caller.until(lambda: "said" in caller.told())
                call.cancel()
                await asyncio.gather(call, return_exceptions=True)
                await asyncio.to_thread(peer.saw, "BYE sip:")
                await caller.until(lambda: caller.line.state().calls == 0)

        during(work())


@pytest.mark.parametrize("moment", ["ringing", "answered"])
def test_a_process_that_dies_loses_its_own_calls_alone(
    moment: str, tmp_path: Path, rtp: RtpEnd
) -> None:
    parts = (
        (receive("INVITE"), respond("180 Ringing"), pause(60_000))
        if moment == "ringing"
        else ANSWER
    )
    with far_end(scenario(*parts), tmp_path, rtp) as peer:

        async def work() -> None:
            async with open_line(peer.port, calls_at_once=12, spare_calls=12) as caller:
                await caller.until(lambda: len(caller.line.state().processes) == 3)
                one = asyncio.ensure_future(caller.call(says(LONG)))
                two = asyncio.ensure_future(caller.call(says(LONG)))
                await caller.until(lambda: caller.told().count(moment) == 2)
                busy = [pid for pid, calls, _ in caller.line.state().processes if calls]
                assert len(busy) == 2  # calls are spread over the processes
                os.kill(busy[0], signal.SIGKILL)
                done, _ = await asyncio.wait({one, two}, return_when=asyncio.FIRST_COMPLETED)
                assert [task.result().end for task in done] == [CallEnd.FAILED]
                assert "process died" in done.pop().result().detail
                await caller.until(lambda: len(caller.line.state().processes) == 3)
                left = one if not one.done() else two
                assert not left.done()
                left.cancel()
                await asyncio.gather(left, return_exceptions=True)

        during(work())


def test_more_calls_than_a_process_holds_are_spread_and_the_rest_told_that_it_is_full(
    tmp_path: Path, rtp: RtpEnd
) -> None:
    with far_end(scenario(*ANSWER, *HUNG_UP), tmp_path, rtp) as peer:

        async def work() -> None:
            async with open_line(peer.port, calls_at_once=8) as caller:
                calls = [asyncio.ensure_future(caller.call(says(LONG))) for _ in range(8)]
                await caller.until(lambda: caller.told().count("answered") == 8)
                assert sorted(calls for _, calls, _ in caller.line.state().processes) == [4, 4]
                full = await caller.call()
                assert full.end is CallEnd.LINE_DOWN
                assert "all channels" in full.detail
                for call in calls:
                    call.cancel()
                await asyncio.gather(*calls, return_exceptions=True)

        during(work())


def test_what_both_sides_say_is_recorded(tmp_path: Path, rtp: RtpEnd) -> None:
    with far_end(scenario(*ANSWER, *HUNG_UP), tmp_path, rtp) as peer:

        async def work() -> None:
            async with open_line(peer.port) as caller:

                async def conversation(participant: Participant) -> None:
                    assert await participant.record(True)
                    await participant.say(SHORT, interruptible=False)

                result = await caller.call(conversation)
                assert result.recording is not None
                with wave.open(io.BytesIO(result.recording)) as sound:
                    assert sound.getnframes() > 4000

        during(work())


def test_a_caller_is_put_through_to_another_telephone(tmp_path: Path, rtp: RtpEnd) -> None:
    with far_end(scenario(*ANSWER, *HUNG_UP), tmp_path, rtp) as peer:

        async def work() -> None:
            async with open_line(peer.port) as caller:
                joined = asyncio.Event()

                async def conversation(participant: Participant) -> None:
                    other = Destination("+4930901899", OURS, answered=joined.set)
                    talking = asyncio.ensure_future(participant.connect(other))
                    await asyncio.wait_for(joined.wait(), 20)
                    assert caller.line.state().calls == 2
                    talking.cancel()
                    await asyncio.gather(talking, return_exceptions=True)
                    await caller.until(lambda: caller.line.state().calls == 1)

                assert (await caller.call(conversation)).end is CallEnd.COMPLETED
                assert "put_through" in caller.told()

        during(work())


def test_another_telephone_that_is_busy_is_told_to_the_flow(tmp_path: Path, rtp: RtpEnd) -> None:
    busy = scenario(receive("INVITE"), respond("486 Busy Here"), receive("ACK"))
    with (
        far_end(scenario(*ANSWER, *HUNG_UP), tmp_path, rtp) as near,
        far_end(busy, tmp_path) as far,
    ):

        async def work() -> None:
            trunks = [
                {"name": "near", "host": f"127.0.0.1:{near.port}", "serves": ["+4930"]},
                {"name": "far", "host": f"127.0.0.1:{far.port}", "serves": ["+1"]},
            ]
            async with open_line(trunks=trunks) as caller:

                async def conversation(participant: Participant) -> None:
                    with pytest.raises(NotConnected, match="busy"):
                        await participant.connect(Destination("+14155550123", OURS))
                    await participant.say(SHORT, interruptible=False)

                assert (await caller.call(conversation)).end is CallEnd.COMPLETED

        during(work())


@pytest.mark.parametrize("first", ["full", "silent"])
def test_another_telephone_is_reached_on_the_next_trunk_when_the_first_takes_no_calls(
    first: str, tmp_path: Path, rtp: RtpEnd
) -> None:
    full = scenario(receive("INVITE"), respond("503 Service Unavailable"), receive("ACK"))
    with (
        far_end(scenario(*ANSWER, *HUNG_UP), tmp_path, rtp) as near,
        far_end(full, tmp_path) as refusing,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf,
    ):
        deaf.bind(("127.0.0.1", 0))
        port = refusing.port if first == "full" else deaf.getsockname()[1]

        async def work() -> None:
            trunks = [
                {"name": "near", "host": f"127.0.0.1:{near.port}", "serves": ["+4930"]},
                {"name": "first", "host": f"127.0.0.1:{port}", "serves": ["+1"]},
                {"name": "second", "host": f"127.0.0.1:{near.port}", "serves": ["+1"]},
            ]
            async with open_line(trunks=trunks) as caller:

                async def conversation(participant: Participant) -> None:
                    joined = asyncio.Event()
                    other = Destination("+14155550123", OURS, answered=joined.set)
                    talking = asyncio.ensure_future(participant.connect(other))
                    await asyncio.wait_for(joined.wait(), 20)
                    talking.cancel()
                    await asyncio.gather(talking, return_exceptions=True)

                assert (await caller.call(conversation)).end is CallEnd.COMPLETED
                await caller.until(lambda: caller.line.state().trunks[2].calls == 0)

        during(work())
        assert near.log().count("INVITE sip:+14155550123") >= 1


def test_a_call_is_dialled_once_whatever_is_asked(tmp_path: Path) -> None:
    busy = scenario(receive("INVITE"), respond("486 Busy Here"), receive("ACK"))
    with far_end(busy, tmp_path) as peer:

        async def work() -> None:
            async with open_line(peer.port) as caller:
                request = CallRequest("same", THEIRS, OURS)

                async def report(event: CallEvent) -> None:
                    """Nobody listens."""

                ends = [(await caller.line.call(request, says(SHORT), report)).end for _ in "ab"]
                assert ends == [CallEnd.BUSY, CallEnd.FAILED]

        during(work())
        assert peer.log().count("INVITE sip:") == 1
