"""Calls over a Twilio account, as the account's telephones have them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from twilio_account import BANK, CARDHOLDER, Desk, Telephone, desk, sound, until

from ringfence.flows.participant import (
    AnsweredBy,
    Destination,
    NotConnected,
    Participant,
    Prompt,
)
from ringfence.lines import CallEnd

QUESTION = Prompt("Press two.", ssml=False)
TABLE = "+4930901899"


async def silent(participant: Participant) -> None:
    """Nothing is said."""


async def test_a_key_answers_a_question_that_was_spoken_and_the_call_is_hung_up(
    tmp_path: Path,
) -> None:
    keys: list[str | None] = []

    async def conversation(participant: Participant) -> None:
        await participant.say(QUESTION, interruptible=True)
        keys.append(await participant.digit(5))
        await participant.say(Prompt("Thank you.", ssml=False), interruptible=False)

    async with desk(tmp_path) as tried:
        call = tried.place(conversation)
        placed = await tried.account.placed()
        await placed.press_when_asked("2")
        result = await call
        await placed.over()

    assert (result.end, keys) == (CallEnd.COMPLETED, ["2"])
    assert tried.happened() == ["dialled", "ringing", "answered", "digit", "said", "ended"]
    assert placed.form["To"] == CARDHOLDER
    assert placed.form["From"] == BANK
    assert placed.form["Timeout"] == "20"
    assert len(placed.sounds) >= 1


async def test_a_key_long_after_the_prompt_needs_no_document_of_its_own(tmp_path: Path) -> None:
    keys: list[str | None] = []

    async def conversation(participant: Participant) -> None:
        await participant.play(sound(0.1), interruptible=True)
        keys.append(await participant.digit(5))

    async with desk(tmp_path) as tried:
        call = tried.place(conversation)
        placed = await tried.account.placed()
        await placed.press_when_asked("1")
        await call

    assert keys == ["1"]
    assert len(placed.documents) == 2


async def test_nobody_presses_a_key_in_time(tmp_path: Path) -> None:
    keys: list[str | None] = []

    async def conversation(participant: Participant) -> None:
        await participant.play(sound(0.1), interruptible=True)
        keys.append(await participant.digit(1))
        keys.append(await participant.digit(1))

    async with desk(tmp_path) as tried:
        result = await tried.place(conversation)

    assert (result.end, keys) == (CallEnd.COMPLETED, [None, None])


async def test_a_key_in_a_prompt_that_is_not_to_be_interrupted_is_kept_and_the_prompt_heard(
    tmp_path: Path,
) -> None:
    keys: list[str | None] = []

    async def conversation(participant: Participant) -> None:
        await participant.play(sound(1.5), interruptible=False)
        keys.append(await participant.digit(5))

    async with desk(tmp_path) as tried:
        call = tried.place(conversation)
        placed = await tried.account.placed()
        await until(lambda: bool(placed.sounds))
        placed.press("#")
        await call

    assert keys == ["#"]
    assert len(placed.sounds) == 2
    assert tried.texts("said") == ["a tone"]


async def test_keys_that_follow_each_other_fast_come_together(tmp_path: Path) -> None:
    entered: list[str] = []

    async def conversation(participant: Participant) -> None:
        await participant.play(sound(0.1), interruptible=True)
        while (key := await participant.digit(3)) not in (None, "#"):
            entered.append(key or "")

    async with desk(tmp_path) as tried:
        call = tried.place(conversation)
        placed = await tried.account.placed()
        await placed.press_when_asked("1")
        await until(lambda: len(placed.documents) == 2 and placed.gathering.is_set())
        for key in "234#":
            placed.press(key)
        await call

    assert entered == ["1", "2", "3", "4"]
    assert placed.lost_keys == []
    assert len(placed.documents) == 3


async def test_what_is_said_next_is_not_held_up_by_listening(tmp_path: Path) -> None:
    async def conversation(participant: Participant) -> None:
        await participant.play(sound(0.1), interruptible=True)
        await participant.play(sound(0.1, "another"), interruptible=True)

    async with desk(tmp_path) as tried:
        result = await tried.place(conversation)
        placed = await tried.account.placed()
        await placed.over()

    assert result.end is CallEnd.COMPLETED
    assert tried.texts("said") == ["a tone", "another"]
    assert placed.redirected == 1  # the listening behind the first was cut short


@pytest.mark.parametrize(
    ("phone", "end"),
    [
        (Telephone("busy"), CallEnd.BUSY),
        (Telephone("busy", sip_code="603"), CallEnd.REJECTED),
        (Telephone("no-answer"), CallEnd.NO_ANSWER),
        (Telephone("canceled", sip_code="487"), CallEnd.NO_ANSWER),
        (Telephone("failed"), CallEnd.UNREACHABLE),
        (Telephone("failed", sip_code="404"), CallEnd.UNREACHABLE),
        (Telephone("failed", sip_code="410"), CallEnd.NUMBER_CHANGED),
        (Telephone("failed", sip_code="302"), CallEnd.REDIRECTED),
        (Telephone("failed", sip_code="503"), CallEnd.FAILED),
        (Telephone("failed", error_code="13227"), CallEnd.UNAUTHORIZED),
    ],
)
async def test_why_nobody_answered_is_told_apart(
    tmp_path: Path, phone: Telephone, end: CallEnd
) -> None:
    async with desk(tmp_path) as tried:
        tried.account.phones[CARDHOLDER] = phone
        result = await tried.place(silent)

    assert (result.end, result.answered_at) == (end, None)
    assert f"Twilio says {phone.outcome}" in result.detail


@pytest.mark.parametrize(
    ("said", "who"),
    [
        ("human", AnsweredBy.HUMAN),
        ("machine_end_beep", AnsweredBy.MACHINE_BEEP),
        ("machine_start", AnsweredBy.MACHINE_SILENT),
        ("fax", AnsweredBy.MACHINE_SILENT),
        ("unknown", AnsweredBy.UNKNOWN),
    ],
)
async def test_who_answered_is_what_twilio_has_heard(
    tmp_path: Path, said: str, who: AnsweredBy
) -> None:
    async with desk(tmp_path, machine_detection="message_end") as tried:
        tried.account.phones[CARDHOLDER] = Telephone(answered_by=said)
        result = await tried.place(silent, detect_machine=True)

    assert result.answered_by is who
    assert tried.account.requests[0]["MachineDetection"] == "DetectMessageEnd"


async def test_a_far_end_that_hangs_up_ends_the_conversation(tmp_path: Path) -> None:
    async def conversation(participant: Participant) -> None:
        while True:
            await participant.pause(1)

    async with desk(tmp_path) as tried:
        call = tried.place(conversation)
        placed = await tried.account.placed()
        async with asyncio.timeout(10):
            await placed.gathering.wait()
        await placed.hang_up()
        result = await call

    assert (result.end, result.detail) == (CallEnd.HUNG_UP, "hung up")


async def test_the_far_end_is_put_through_and_taken_back(tmp_path: Path) -> None:
    answered: list[bool] = []

    async def conversation(participant: Participant) -> None:
        await participant.connect(
            Destination(TABLE, BANK, digits="1,2", answered=lambda: answered.append(True))
        )
        await participant.play(sound(0.1), interruptible=False)

    async with desk(tmp_path) as tried:
        result = await tried.place(conversation)
        placed = await tried.account.placed()

    assert (result.end, answered) == (CallEnd.COMPLETED, [True])
    assert tried.happened()[2:] == ["answered", "put_through", "taken_back", "said", "ended"]
    assert 'sendDigits="1ww2"' in placed.documents[0]
    assert placed.heard == [f"put through to {TABLE}", "a sound"]


@pytest.mark.parametrize(("status", "timed_out"), [("no-answer", True), ("busy", False)])
async def test_whoever_cannot_be_put_through_goes_on(
    tmp_path: Path, status: str, timed_out: bool
) -> None:
    failures: list[NotConnected] = []

    async def conversation(participant: Participant) -> None:
        try:
            await participant.connect(Destination(TABLE, BANK))
        except NotConnected as error:
            failures.append(error)

    async with desk(tmp_path) as tried:
        tried.account.phones[CARDHOLDER] = Telephone(dial_status=status)
        result = await tried.place(conversation)

    assert result.end is CallEnd.COMPLETED
    assert [failure.timed_out for failure in failures] == [timed_out]


async def test_twilio_speaks_where_it_is_told_to(tmp_path: Path) -> None:
    keys: list[str | None] = []

    async def conversation(participant: Participant) -> None:
        prompt = Prompt(
            "<speak>You & <w>I</w> <break time='1s'/></speak>".replace("&", "&amp;"), True
        )
        await participant.say(prompt, interruptible=True)
        keys.append(await participant.digit(2))

    async with desk(tmp_path, voice="twilio") as tried:
        call = tried.place(conversation)
        placed = await tried.account.placed()
        await placed.press_when_asked("7")
        await call

    assert keys == ["7"]
    assert placed.heard == ["You & I "]
    assert (
        '<Say voice="Polly.Joanna" language="en-US">You &amp; I <break time="1s">'
        in (placed.documents[0])
    )


async def test_a_call_that_is_cancelled_is_hung_up_while_it_rings(tmp_path: Path) -> None:
    async with desk(tmp_path) as tried:
        tried.account.phones[CARDHOLDER] = Telephone(ring_seconds=30)
        call = tried.place(silent)
        placed = await tried.account.placed()
        await until(lambda: "ringing" in tried.happened())
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await placed.over()

    assert placed.status == "completed"


async def test_a_call_that_is_cancelled_while_it_is_asked_for_is_hung_up(tmp_path: Path) -> None:
    async with desk(tmp_path) as tried:
        tried.account.faults.answers_after = 0.5
        tried.account.faults.lose_statuses = True
        tried.account.phones[CARDHOLDER] = Telephone(ring_seconds=30)
        call = tried.place(silent)
        placed = await tried.account.placed()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await placed.over()

    assert placed.status == "completed"


async def test_the_same_call_is_never_placed_twice(tmp_path: Path) -> None:
    async with desk(tmp_path) as tried:
        await tried.place(silent)
        again = await tried.place(silent)

    assert again.end is CallEnd.FAILED
    assert len(tried.account.calls) == 1


async def _keys_of(tried: Desk, count: int) -> list[str | None]:
    keys: list[str | None] = []

    async def conversation(participant: Participant) -> None:
        for _ in range(count):
            await participant.play(sound(0.1), interruptible=True)
            keys.append(await participant.digit(3))

    call = tried.place(conversation)
    placed = await tried.account.placed()
    for key in "123"[:count]:
        await placed.press_when_asked(key)
        await until(lambda count=int(key): len(keys) >= count)
    assert (await call).end is CallEnd.COMPLETED
    return keys


async def test_requests_that_come_twice_count_once(tmp_path: Path) -> None:
    async with desk(tmp_path) as tried:
        tried.account.faults.twice = True
        assert await _keys_of(tried, 3) == ["1", "2", "3"]

    assert tried.happened().count("ringing") == 1
    assert tried.texts("digit") == ["1", "2", "3"]


async def test_statuses_that_come_last_and_backwards_change_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path) as tried:
        tried.account.faults.statuses_last = True
        assert await _keys_of(tried, 2) == ["1", "2"]


@pytest.mark.parametrize("outcome", ["busy", "no-answer"])
async def test_a_status_that_is_lost_is_asked_for(tmp_path: Path, outcome: str) -> None:
    async with desk(tmp_path) as tried:
        tried.account.faults.lose_statuses = True
        tried.account.phones[CARDHOLDER] = Telephone(outcome)
        result = await tried.place(silent)

    assert result.end.value == outcome.replace("-", "_")


async def test_a_hang_up_that_nobody_tells_of_is_found_out(tmp_path: Path) -> None:
    async def conversation(participant: Participant) -> None:
        while True:
            await participant.pause(1)

    async with desk(tmp_path) as tried:
        tried.account.faults.lose_statuses = True
        call = tried.place(conversation)
        placed = await tried.account.placed()
        async with asyncio.timeout(10):
            await placed.gathering.wait()
        await placed.hang_up()
        assert (await call).end is CallEnd.HUNG_UP


async def test_an_account_that_cannot_reach_us_is_told_from_a_far_end_that_hangs_up(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as tried:
        tried.account.faults.lose_statuses = tried.account.faults.never_asks = True
        call = tried.place(silent)
        placed = await tried.account.placed()
        await until(lambda: placed.status == "in-progress")
        placed.status = "completed"
        result = await call

    assert result.end is CallEnd.FAILED
    assert "public_url" in result.detail
