"""Putting a caller through to another browser telephone."""

from __future__ import annotations

import asyncio

from telephones import BANK, NUMBER, exchange, telephone

from ringfence.flows.participant import Destination, Participant

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
