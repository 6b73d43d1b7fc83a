"""The terminal phone against a real exchange, and the terminal line on a pipe and on a real pty."""

from __future__ import annotations

import asyncio
import io
import os
import pty
import termios
from collections.abc import AsyncIterator, Iterator
from typing import TextIO

import pytest
from telephones import BANK, NUMBER, Exchange, exchange, menu, spoken, telephone

from ringfence.errors import Unavailable
from ringfence.flows.participant import Participant
from ringfence.lines import (
    CallEnd,
    CallEvent,
    CallEventKind,
    CallRequest,
    TerminalLine,
    TerminalPhone,
)
from ringfence.lines.terminal.keyboard import Keyboard
from ringfence.lines.terminal.screen import Screen


@pytest.fixture
async def there() -> AsyncIterator[Exchange]:
    async with exchange(grace_seconds=0.5, most_per_number=2) as running:
        yield running


class Pseudoterminal:
    """A terminal whose keys the test presses."""

    def __init__(self) -> None:
        self.master, slave = pty.openpty()
        self.stream: TextIO = os.fdopen(slave, "r")

    def types(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    @property
    def line_by_line(self) -> bool:
        return bool(termios.tcgetattr(self.stream.fileno())[3] & termios.ICANON)


@pytest.fixture
def terminal() -> Iterator[Pseudoterminal]:
    opened = Pseudoterminal()
    yield opened
    opened.stream.close()
    os.close(opened.master)


def request(call_id: str = "c1", ring_seconds: float = 5.0) -> CallRequest:
    return CallRequest(call_id, NUMBER, BANK, "Ringfence Bank", ring_seconds)


def texts(phone: TerminalPhone) -> list[str]:
    return [heard.text for heard in phone.transcript]


async def test_a_scripted_phone_answers_listens_presses_once_and_tells_what_it_heard(
    there: Exchange,
) -> None:
    shown = io.StringIO()
    phone = TerminalPhone(there.socket, NUMBER, screen=Screen(shown))
    attending = asyncio.create_task(phone.by_script("2"))
    await phone.ready()
    result = await there.place(menu)
    transcript = await attending
    assert result.end is CallEnd.COMPLETED
    assert [heard.text for heard in transcript] == [
        f"The phone rings: Ringfence Bank, {BANK}",
        "Answered",
        "Hello from the bank.",
        "Press 1 or 2.",
        "Pressed 2",
        "You pressed 2.",
        "Call ended: completed",
    ]
    assert [heard.at for heard in transcript] == sorted(heard.at for heard in transcript)
    assert "» Press 1 or 2." in shown.getvalue()


async def test_a_scripted_phone_without_an_answer_lets_it_ring(there: Exchange) -> None:
    phone = TerminalPhone(there.socket, NUMBER, screen=Screen(io.StringIO()))
    attending = asyncio.create_task(phone.by_script(None, calls=2))
    await phone.ready()
    for _ in range(2):
        assert (await there.place(menu, ring_seconds=0.1)).end is CallEnd.NO_ANSWER
    await attending
    assert texts(phone)[1::2] == ["Call ended: missed"] * 2


async def test_a_person_answers_presses_and_the_terminal_is_as_it_was(
    there: Exchange, terminal: Pseudoterminal
) -> None:
    phone = TerminalPhone(there.socket, NUMBER, screen=Screen(io.StringIO()))
    attending = asyncio.create_task(phone.by_hand(keyboard=Keyboard(terminal.stream)))
    await phone.ready()
    assert not terminal.line_by_line
    call = there.place(menu)
    await there.sees("ringing")
    terminal.types("a")
    await there.sees("said")
    terminal.types("1")
    assert (await call).end is CallEnd.COMPLETED
    await attending
    assert "Pressed 1" in texts(phone)
    assert terminal.line_by_line


async def test_a_person_declines(there: Exchange, terminal: Pseudoterminal) -> None:
    phone = TerminalPhone(there.socket, NUMBER, screen=Screen(io.StringIO()))
    attending = asyncio.create_task(phone.by_hand(keyboard=Keyboard(terminal.stream)))
    await phone.ready()
    call = there.place(menu)
    await there.sees("ringing")
    terminal.types("d")
    assert (await call).end is CallEnd.REJECTED
    await attending


async def test_without_a_terminal_nobody_can_press_keys(there: Exchange) -> None:
    phone = TerminalPhone(there.socket, NUMBER, screen=Screen(io.StringIO()))
    with pytest.raises(Unavailable, match="terminal"):
        await phone.by_hand(keyboard=Keyboard(io.StringIO()))


async def test_a_phone_that_the_exchange_refuses_says_why(there: Exchange) -> None:
    phone = TerminalPhone(there.socket, "030", screen=Screen(io.StringIO()))
    with pytest.raises(Unavailable, match=r"E\.164"):
        await phone.by_script("1")
    async with telephone(there), telephone(there):
        phone = TerminalPhone(there.socket, NUMBER, screen=Screen(io.StringIO()))
        with pytest.raises(Unavailable, match="already"):
            await phone.by_script("1")


async def test_what_is_said_cannot_command_the_terminal() -> None:
    shown = io.StringIO()
    Screen(shown).line("»", "clear\x1b[2J\r\nnow")
    assert "\x1b" not in shown.getvalue()
    assert shown.getvalue().count("\n") == 1


class Reports:
    def __init__(self) -> None:
        self.events: list[CallEvent] = []

    async def __call__(self, event: CallEvent) -> None:
        self.events.append(event)

    def kinds(self) -> list[str]:
        return [event.kind.value for event in self.events]


async def test_the_terminal_line_reads_a_line_when_a_key_is_asked_for() -> None:
    keys: list[str | None] = []

    async def conversation(participant: Participant) -> None:
        await participant.say(spoken("Press a key."), interruptible=True)
        keys.append(await participant.digit(1))
        keys.append(await participant.digit(1))
        keys.append(await participant.digit(0.1))

    shown, reports = io.StringIO(), Reports()
    line = TerminalLine(input_stream=io.StringIO("2\n7\n"), output_stream=shown)
    result = await line.call(request(), conversation, reports)
    assert result.end is CallEnd.COMPLETED
    assert keys == ["2", "7", None]  # the end of the input is no key
    assert reports.kinds() == [
        *("dialled", "ringing", "answered", "said", "digit", "digit", "ended")
    ]
    assert "Press a key." in shown.getvalue()


async def test_an_empty_line_presses_nothing() -> None:
    keys: list[str | None] = []

    async def conversation(participant: Participant) -> None:
        keys.append(await participant.digit(0.1))
        keys.append(await participant.digit(1))

    line = TerminalLine(input_stream=io.StringIO("\n5\n"), output_stream=io.StringIO())
    await line.call(request(), conversation, Reports())
    assert keys == [None, "5"]


async def test_a_person_at_the_terminal_line_interrupts_and_hangs_up(
    terminal: Pseudoterminal,
) -> None:
    keys: list[str | None] = []
    asked = asyncio.Event()

    async def conversation(participant: Participant) -> None:
        terminal.types("3")
        await participant.say(spoken("A very long menu. " * 20), interruptible=True)
        keys.append(await participant.digit(1))
        asked.set()
        await participant.digit(20)

    line = TerminalLine(input_stream=terminal.stream, output_stream=io.StringIO())
    reports = Reports()
    call = asyncio.create_task(line.call(request(), conversation, reports))
    await asyncio.sleep(0)
    terminal.types("a")
    await asked.wait()
    terminal.types("h")
    assert (await call).end is CallEnd.HUNG_UP
    assert keys == ["3"]
    assert terminal.line_by_line


async def test_a_terminal_that_nobody_answers_is_no_answer_and_a_decline_a_rejection(
    terminal: Pseudoterminal,
) -> None:
    line = TerminalLine(input_stream=terminal.stream, output_stream=io.StringIO())
    missed = await line.call(request("c1", ring_seconds=0.1), menu, Reports())
    assert missed.end is CallEnd.NO_ANSWER
    declining = asyncio.create_task(line.call(request("c2"), menu, Reports()))
    await asyncio.sleep(0)
    busy = await line.call(request("c3"), menu, Reports())
    assert busy.end is CallEnd.BUSY
    terminal.types("d")
    assert (await declining).end is CallEnd.REJECTED
    again = await line.call(request("c1"), menu, Reports())
    assert again.end is CallEnd.FAILED


async def test_cancelling_a_call_restores_the_terminal(terminal: Pseudoterminal) -> None:
    line = TerminalLine(input_stream=terminal.stream, output_stream=io.StringIO())
    reports = Reports()
    call = asyncio.create_task(line.call(request(), menu, reports))
    while CallEventKind.RINGING.value not in reports.kinds():  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    assert not terminal.line_by_line
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert terminal.line_by_line
