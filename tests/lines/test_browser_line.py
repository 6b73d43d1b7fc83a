"""Calls over the browser line, through real WebSockets."""

from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import AsyncIterator

import pytest
from telephones import NUMBER, Exchange, exchange, menu, spoken, telephone

from ringfence.flows.participant import HungUp, Participant, Prompt, PromptFailed
from ringfence.lines import CallEnd, CallEvent, CallEventKind, CallRequest


@pytest.fixture
async def there() -> AsyncIterator[Exchange]:
    async with exchange(grace_seconds=0.4, most_phones=6, most_per_number=4) as running:
        yield running


async def wait_for_key(participant: Participant) -> None:
    await participant.digit(20)


async def test_a_call_goes_from_dialling_to_its_end_in_order(there: Exchange) -> None:
    async with telephone(there) as phone:
        call = there.place(menu)
        call_id = await phone.answers()
        await there.sees("said", 2)
        await phone.send(type="key", call_id=call_id, key="2")
        assert await phone.ended() == "completed"
        result = await call
    assert result.end is CallEnd.COMPLETED
    assert result.answered_at is not None
    assert result.answered_at <= result.ended_at
    assert [(event.kind.value, event.text) for event in there.events] == [
        ("dialled", NUMBER),
        ("ringing", ""),
        ("answered", ""),
        ("said", "Hello from the bank."),
        ("said", "Press 1 or 2."),
        ("digit", "2"),
        ("said", "You pressed 2."),
        ("ended", "completed"),
    ]
    assert [event.at for event in there.events] == sorted(event.at for event in there.events)


async def test_a_prompt_arrives_as_wideband_wav_with_timed_captions(there: Exchange) -> None:
    async with telephone(there) as phone:
        call = there.place(menu)
        await phone.answers()
        sound = await phone.waits_for_sound()
        prompt = phone.seen[[message["type"] for message in phone.seen].index("prompt")]
        with wave.open(io.BytesIO(sound)) as file:
            assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16000, 1, 2)
            assert abs(file.getnframes() / 16 - prompt["duration_ms"]) < 2
        assert [caption["text"] for caption in prompt["captions"]] == [
            "Hello from the bank.",
            "Press 1 or 2.",
        ]
        assert 0 == prompt["captions"][0]["at_ms"] < prompt["captions"][1]["at_ms"]
        call.cancel()


async def test_phones_on_one_number_ring_together_and_the_first_has_the_call(
    there: Exchange,
) -> None:
    async with telephone(there) as first, telephone(there) as second, telephone(there) as third:
        call = there.place(wait_for_key)
        call_id = await first.rings()
        assert await third.rings() == call_id
        await second.answers()
        assert await first.ended() == await third.ended() == "answered_elsewhere"
        await first.send(type="key", call_id=call_id, key="9")  # not its call any more
        await first.send(type="hang_up", call_id=call_id)
        await second.send(type="key", call_id=call_id, key="1")
        assert (await call).end is CallEnd.COMPLETED
    assert [event.text for event in there.events if event.kind is CallEventKind.DIGIT] == ["1"]


async def test_one_decline_leaves_the_other_phones_ringing(there: Exchange) -> None:
    async with telephone(there) as first, telephone(there) as second:
        call = there.place(wait_for_key)
        call_id = await first.rings()
        await first.send(type="decline", call_id=call_id)
        assert await first.ended() == "declined"
        assert not call.done()
        await second.rings()
        await second.send(type="decline", call_id=call_id)
        assert (await call).end is CallEnd.REJECTED
    assert there.happened() == ["dialled", "ringing", "ended"]


async def test_a_number_without_a_phone_is_unreachable(there: Exchange) -> None:
    async with telephone(there):
        result = await there.place(menu, number="+15550199999")
    assert result.end is CallEnd.UNREACHABLE
    assert "+15550199999" in result.detail
    assert there.happened() == ["dialled", "ended"]


async def test_a_phone_in_a_call_is_busy(there: Exchange) -> None:
    async with telephone(there) as phone:
        first = there.place(wait_for_key)
        call_id = await phone.answers()
        assert (await there.place(menu)).end is CallEnd.BUSY
        await phone.send(type="hang_up", call_id=call_id)
        assert (await first).end is CallEnd.HUNG_UP
        again = there.place(wait_for_key)
        await phone.rings(2)
        again.cancel()


async def test_a_free_phone_rings_while_another_of_its_number_is_in_a_call(
    there: Exchange,
) -> None:
    async with telephone(there) as taken:
        first = there.place(wait_for_key)
        await taken.answers()
        async with telephone(there) as free:
            second = there.place(wait_for_key)
            await free.answers()
            assert not first.done()
            first.cancel()
            second.cancel()


async def test_nobody_answering_is_no_answer_after_the_ring_timeout(there: Exchange) -> None:
    async with telephone(there) as phone:
        result = await there.place(menu, ring_seconds=0.2)
        assert result.end is CallEnd.NO_ANSWER
        assert result.answered_at is None
        assert await phone.ended() == "missed"
        # An answer that crossed with the end is late, not wrong.
        await phone.send(type="answer", call_id=phone.last("ring")["call_id"])
        assert (await there.place(menu, ring_seconds=0.2)).end is CallEnd.NO_ANSWER


async def test_hanging_up_during_a_prompt_ends_the_conversation_there(there: Exchange) -> None:
    raised: list[type[BaseException]] = []

    async def conversation(participant: Participant) -> None:
        try:
            await participant.say(spoken("This is a long announcement. " * 5), interruptible=False)
        except HungUp:
            raised.append(HungUp)
            with pytest.raises(HungUp):
                await participant.digit(1)
            with pytest.raises(HungUp):
                await participant.pause(1)
            await participant.hang_up()
            raise

    async with telephone(there, listens=False) as phone:
        call = there.place(conversation)
        call_id = await phone.answers()
        await phone.waits_for_sound()
        await phone.send(type="started", prompt_id=1)
        await phone.send(type="hang_up", call_id=call_id)
        result = await call
        assert await phone.ended() == "hung_up"
    assert result.end is CallEnd.HUNG_UP
    assert raised == [HungUp]


async def test_our_hang_up_reaches_the_phone_at_once_and_completes_the_call(
    there: Exchange,
) -> None:
    go_on = asyncio.Event()

    async def conversation(participant: Participant) -> None:
        await participant.hang_up()
        await go_on.wait()

    async with telephone(there) as phone:
        call = there.place(conversation)
        await phone.answers()
        assert await phone.ended() == "completed"
        go_on.set()
        assert (await call).end is CallEnd.COMPLETED


async def test_a_key_interrupts_an_interruptible_prompt_and_stays_queued(there: Exchange) -> None:
    keys: list[str | None] = []

    async def conversation(participant: Participant) -> None:
        await participant.say(spoken("A very long menu. " * 20), interruptible=True)
        keys.append(await participant.digit(1))

    async with telephone(there, listens=False) as phone:
        call = there.place(conversation)
        call_id = await phone.answers()
        await phone.waits_for_sound()
        await phone.send(type="started", prompt_id=1)
        await phone.send(type="key", call_id=call_id, key="*")
        await phone.waits_for("stop")
        assert (await call).end is CallEnd.COMPLETED
    assert keys == ["*"]


async def test_keys_during_an_uninterruptible_prompt_are_queued_and_can_be_forgotten(
    there: Exchange,
) -> None:
    keys: list[str | None] = []

    async def conversation(participant: Participant) -> None:
        await participant.say(spoken("Listen to this."), interruptible=False)
        keys.append(await participant.digit(1))
        participant.clear_digits()
        keys.append(await participant.digit(0.05))

    async with telephone(there, listens=False) as phone:
        call = there.place(conversation)
        call_id = await phone.answers()
        await phone.waits_for_sound()
        for key in "42":
            await phone.send(type="key", call_id=call_id, key=key)
        await phone.send(type="finished", prompt_id=1)
        await call
    assert keys == ["4", None]
    assert "stop" not in [message["type"] for message in phone.seen]


async def test_a_reload_while_ringing_rings_again_with_the_time_that_is_left(
    there: Exchange,
) -> None:
    async with telephone(there, phone_id="reloading-phone") as phone:
        call = there.place(wait_for_key, ring_seconds=5)
        call_id = await phone.rings()
    async with telephone(there, phone_id="reloading-phone") as phone:
        assert await phone.rings() == call_id
        assert 0 < phone.last("ring")["remaining_ms"] < 5000
        await phone.answers()
        call.cancel()
    assert there.happened()[:3] == ["dialled", "ringing", "answered"]


async def test_a_reload_during_a_prompt_says_the_sentence_again_and_reports_it_once(
    there: Exchange,
) -> None:
    async def conversation(participant: Participant) -> None:
        await participant.say(spoken("First sentence. Second sentence."), interruptible=False)

    async with telephone(there, phone_id="reloading-phone", listens=False) as phone:
        call = there.place(conversation)
        await phone.answers()
        await phone.waits_for_sound()
        await phone.send(type="started", prompt_id=1)
        await there.sees("said")
    async with telephone(there, phone_id="reloading-phone") as phone:
        connected = await phone.waits_for("connected")
        assert connected["elapsed_ms"] >= 0
        assert (await phone.waits_for("prompt"))["offset_ms"] == 0
        assert (await call).end is CallEnd.COMPLETED
    said = [event.text for event in there.events if event.kind is CallEventKind.SAID]
    assert said == ["First sentence.", "Second sentence."]


async def test_a_phone_that_does_not_come_back_has_hung_up(there: Exchange) -> None:
    async with telephone(there) as phone:
        call = there.place(wait_for_key)
        await phone.answers()
    result = await call
    assert result.end is CallEnd.HUNG_UP
    assert "gone" in result.detail


async def test_a_phone_that_leaves_while_ringing_makes_the_number_unreachable(
    there: Exchange,
) -> None:
    async with telephone(there) as phone:
        call = there.place(wait_for_key)
        await phone.rings()
    assert (await call).end is CallEnd.UNREACHABLE


async def test_a_phone_that_comes_while_others_ring_rings_too(there: Exchange) -> None:
    async with telephone(there) as first:
        call = there.place(wait_for_key)
        call_id = await first.rings()
        async with telephone(there) as late:
            assert await late.answers() == call_id
            assert await first.ended() == "answered_elsewhere"
            call.cancel()


async def test_cancelling_the_call_hangs_up(there: Exchange) -> None:
    async with telephone(there) as phone:
        ringing = there.place(wait_for_key)
        await phone.rings()
        ringing.cancel()
        assert await phone.ended() == "cancelled"
        answered = there.place(wait_for_key)
        await phone.rings(2)
        await phone.send(type="answer", call_id=phone.last("ring")["call_id"])
        await phone.waits_for("connected")
        answered.cancel()
        assert await phone.ended(2) == "cancelled"
        with pytest.raises(asyncio.CancelledError):
            await answered


async def test_a_call_id_is_dialled_at_most_once(there: Exchange) -> None:
    async with telephone(there) as phone:
        first = there.place(wait_for_key, call_id="case-1-1")
        await phone.rings()
        again = await there.place(wait_for_key, call_id="case-1-1")
        assert again.end is CallEnd.FAILED
        assert "dialled before" in again.detail
        assert sum(message["type"] == "ring" for message in phone.seen) == 1
        first.cancel()


async def test_a_conversation_that_breaks_ends_the_call_as_failed(there: Exchange) -> None:
    async def conversation(participant: Participant) -> None:
        await participant.say(Prompt("<speak>broken", ssml=True), interruptible=False)

    async with telephone(there) as phone:
        call = there.place(conversation)
        await phone.answers()
        result = await call
        assert await phone.ended() == "failed"
    assert result.end is CallEnd.FAILED
    assert PromptFailed.__name__ in result.detail


async def test_a_report_that_fails_ends_the_call_instead_of_raising(there: Exchange) -> None:
    async def report(event: CallEvent) -> None:
        if event.kind is CallEventKind.ANSWERED:
            raise OSError("the disk is full")

    async with telephone(there) as phone:
        request = CallRequest("with-a-full-disk", NUMBER, "+15550100000")
        call = asyncio.create_task(there.line.call(request, wait_for_key, report))
        await phone.answers()
        result = await call
    assert result.end is CallEnd.FAILED
    assert "the disk is full" in result.detail
