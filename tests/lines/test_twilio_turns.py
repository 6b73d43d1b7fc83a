"""The turns of a call: whatever Twilio repeats, the documents are the same and keys count once."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from ringfence.lines.twilio import twiml
from ringfence.lines.twilio.leg import Leg

_STATUSES = ["queued", "initiated", "ringing", "in-progress", "completed", "busy", "", "odd"]
# What comes with each turn, and which older turns are asked for again behind it.
_TURNS = st.lists(
    st.tuples(st.sampled_from("0123456789*#"), st.lists(st.integers(0, 9), max_size=4)),
    min_size=1,
    max_size=8,
)


@given(turns=_TURNS)
def test_repeated_requests_get_the_same_document_and_their_key_counts_once(
    turns: list[tuple[str, list[int]]],
) -> None:
    async def run() -> None:
        leg, pressed, documents = Leg("https://a.example/lines/p/calls/t"), list[str](), []
        leg.press = pressed.append
        for number, (key, repeated) in enumerate(turns):
            asking = asyncio.create_task(leg.turn(number, "", {"Digits": key}))
            twice = asyncio.create_task(leg.turn(number, "", {"Digits": key}))
            await asyncio.sleep(0)
            assert leg.asking
            assert leg.next_turn.endswith(f"/turn/{number + 1}")
            leg.serve(twiml.gather(seconds=1, then=leg.next_turn))
            documents.append(await asking)
            assert await twice == documents[number]
            for older in repeated:
                if older <= number:
                    again = await leg.turn(older, "", {"Digits": turns[older][0]})
                    assert again == documents[older]
            assert await leg.turn(number + 2, "", {"Digits": "9"}) is None
        assert pressed == [key for key, _ in turns]

    asyncio.run(run())


@given(statuses=st.lists(st.sampled_from(_STATUSES), max_size=12))
def test_a_status_that_comes_late_takes_nothing_back(statuses: list[str]) -> None:
    async def run() -> None:
        leg, ends = Leg("https://a.example"), 0

        def gone() -> None:
            nonlocal ends
            ends += 1

        leg.gone = gone
        order = {name: rank for rank, name in enumerate(_STATUSES[:4])}
        highest, first_end = -1, ""
        for status in statuses:
            leg.note({"CallStatus": status})
            if not first_end:
                first_end = status if status in ("completed", "busy") else ""
                highest = max(highest, order.get(status, -1))
            assert leg.over == bool(first_end)
            if not first_end:
                assert order.get(leg.status, -1) == highest
        assert ends == (1 if first_end else 0)
        assert (leg.ended or {}).get("CallStatus", "") == first_end

    asyncio.run(run())
