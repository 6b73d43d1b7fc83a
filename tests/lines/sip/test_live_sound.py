"""Live sound that comes as a network and a busy machine bring it, and goes out evenly."""

from __future__ import annotations

import itertools
import os

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sip_children import missing

from ringfence.lines.sip.child_pipes import Pipes
from ringfence.lines.sip.messages import MOST_LIVE, Digit, Voice

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())
if not missing():
    from ringfence.lines.sip.child_feed import FRAME, LOOK_FRAMES, MARGIN, MOST, Evener


def frame(number: int) -> bytes:
    return number.to_bytes(4, "big") * (FRAME // 4)


@given(st.lists(st.integers(0, 60), max_size=400))
def test_whatever_comes_between_two_frames_little_waits_and_its_order_is_kept(
    bursts: list[int],
) -> None:
    evener, numbers, last = Evener(), itertools.count(), -1
    for burst in bursts:
        for number in itertools.islice(numbers, burst):
            evener.put(frame(number))
            assert evener.waiting <= MOST
        heard = evener.next()
        assert len(heard) in (0, FRAME)
        if heard:
            this = int.from_bytes(heard[:4], "big")
            assert this > last
            assert heard == frame(this)
            last = this


@pytest.mark.parametrize("together", [1, 2, 5])
def test_sound_that_comes_in_time_is_heard_without_a_gap(together: int) -> None:
    evener = Evener()
    heard = []
    for tick in range(1000):
        if tick % together == 0:
            for number in range(tick, tick + together):
                evener.put(frame(number))
        heard.append(evener.next())
    first = next(index for index, one in enumerate(heard) if one)
    assert first <= 2 * together
    assert all(heard[first:])


def test_after_a_burst_what_waits_is_soon_no_more_than_it_must_be() -> None:
    evener = Evener()
    for number in range(20):
        evener.put(frame(number))
    for number in range(20, 20 + LOOK_FRAMES + 1):
        assert evener.next()
        evener.put(frame(number))
    assert evener.waiting <= MARGIN + FRAME


def test_after_sound_that_came_too_late_it_waits_for_some_before_it_goes_on() -> None:
    evener = Evener()
    for number in range(MARGIN // FRAME):
        evener.put(frame(number))
    while evener.next():
        pass
    evener.put(frame(9))
    assert evener.next() == b""


def test_a_line_that_reads_nothing_loses_live_sound_and_no_key() -> None:
    (_, nowhere), (reader, writer) = os.pipe(), os.pipe()
    pipes = Pipes(nowhere, writer)
    for _ in range(3000):  # a minute of sound
        pipes.send(Voice("call", frame(0)))
    pipes.send(Digit("call", "2"))
    read = b""
    os.set_blocking(reader, False)
    while not read.endswith(msgspec.msgpack.encode(Digit("call", "2"))):
        read += os.read(reader, 1 << 20)
        pipes.flush()
    pipe_holds = 1 << 16
    assert len(read) < pipe_holds + MOST_LIVE + 4096
