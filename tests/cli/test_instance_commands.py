"""`ringfence queue`, `agent`, `hours`, `prompt`, `bot` and `task`: what an instance holds."""

from __future__ import annotations

import wave

import pytest
from commands import Shell

ANALYSTS = "Fraud analysts"


@pytest.fixture
def office(shell: Shell) -> Shell:
    """A folder with hours, a queue that keeps them, and an agent who serves it."""
    for arguments in (
        ("hours", "add", "Office hours", "--time-zone", "Europe/Berlin",
         "--open", "mon-fri 08:00-18:00", "--closed", "2026-12-24..2026-12-26"),
        ("queue", "add", ANALYSTS, "--hours", "Office hours", "--most", "20"),
        ("agent", "add", "jane", "--phone", "+4930901821", "--queue", ANALYSTS),
    ):  # fmt: skip
        said = shell.ringfence(*arguments)
        assert said.code == 0, said
    return shell


def test_without_anything_each_list_says_how_one_begins(shell: Shell) -> None:
    for noun in ("queue", "agent", "hours", "prompt", "bot"):
        assert f"ringfence {noun} add" in shell.ringfence(noun, "list").out
    assert "nothing to do" in shell.ringfence("task", "list").out


def test_hours_are_said_in_a_line_and_listed_again(office: Shell) -> None:
    listed = office.ringfence("hours", "list").out
    assert "Europe/Berlin" in listed
    assert "mon 08:00-18:00; tue 08:00-18:00" in listed
    assert "2026-12-24..2026-12-26 standard" in listed
    office.ringfence("hours", "add", "Nights", "--open", "fri-mon,wed 22:00-06:00")
    assert office.ringfence("hours", "list").out.count("22:00-06:00") == 5


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("--open", "mon-fri"),
        ("--open", "someday 08:00-18:00"),
        ("--open", "mon 8-18"),
        ("--open", "08:00-18:00"),
        ("--closed", "christmas"),
        ("--closed", "2026-12-26..2026-12-24"),
        ("--time-zone", "Europe/Nowhere"),
    ],
)
def test_hours_that_are_not_understood_are_refused(shell: Shell, option: str, text: str) -> None:
    assert "expected" in shell.fails(2, "hours", "add", "H", option, text)
    assert "No hours yet" in shell.ringfence("hours", "list").out


def test_a_queue_is_changed_only_in_what_is_given(office: Shell) -> None:
    assert "Office hours" in office.ringfence("queue", "list").out
    assert office.ringfence("queue", "add", ANALYSTS, "--disabled").code == 0
    listed = office.ringfence("queue", "list").out
    assert "disabled" in listed
    assert "Office hours" in listed
    error = office.fails(1, "queue", "add", "Other", "--hours", "Never")
    assert "one of Office hours" in error
    assert "a queue keeps the hours" in office.fails(1, "hours", "remove", "Office hours")
    assert office.ringfence("queue", "remove", ANALYSTS).code == 0
    assert office.ringfence("hours", "remove", "Office hours").code == 0


def test_an_agent_says_what_they_do(office: Shell) -> None:
    listed = office.ringfence("agent", "list").out
    assert ANALYSTS in listed
    assert "offline" in listed
    assert office.ringfence("agent", "status", "jane", "available").code == 0
    assert "available" in office.ringfence("agent", "list").out
    assert "1 of 1" in office.ringfence("queue", "list").out
    assert "break" in office.fails(2, "agent", "status", "jane", "asleep")
    assert "break" in office.fails(2, "agent", "status", "jane", "busy")
    office.fails(1, "agent", "status", "john", "break")
    assert "--phone" in office.fails(2, "agent", "add", "john")
    assert office.ringfence("agent", "add", "jane", "--phone", "+4930901822").code == 0
    listed = office.ringfence("agent", "list").out
    assert "+4930901822" in listed
    assert ANALYSTS in listed
    assert office.ringfence("agent", "remove", "jane").code == 0
    assert "No agent yet" in office.ringfence("agent", "list").out


def test_a_prompt_is_kept_if_it_is_a_sound(shell: Shell) -> None:
    with wave.open(str(shell.folder / "beep.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(b"\0\0" * 800)
    assert shell.ringfence("prompt", "add", "Beep.wav", "beep.wav").code == 0
    assert shell.ringfence("prompt", "add", "Beep.wav", "beep.wav", "--description", "A").code == 0
    assert shell.ringfence("prompt", "list").out.count("Beep.wav") == 1
    assert "WAV" in shell.fails(2, "prompt", "add", "B", shell.write("not.wav", "no sound"))
    assert "cannot be read" in shell.fails(2, "prompt", "add", "B", "missing.wav")
    assert shell.ringfence("prompt", "remove", "Beep.wav").code == 0
    shell.fails(1, "prompt", "remove", "Beep.wav")


def test_a_bot_knows_phrases_by_language(shell: Shell) -> None:
    said = shell.ringfence(
        "bot", "add", "Confirm", "--intent", "Yes=yes", "--intent", "Yes=that was me",
        "--intent", "Yes:de=ja", "--intent", "No=no", "--fallback", "Other",
    )  # fmt: skip
    assert "Confirm knows Yes, No" in said.out
    listed = shell.ringfence("bot", "list").out
    assert "yes, that was me" in listed
    assert "de" in listed
    assert "--intent" in shell.fails(2, "bot", "add", "Confirm", "--intent", "Yes")
    assert shell.ringfence("bot", "remove", "Confirm").code == 0


def test_a_task_is_added_listed_and_done(office: Shell) -> None:
    added = office.ringfence("task", "add", "Call the merchant", "--queue", ANALYSTS, "-a", "A=b")
    task_id = added.out.strip()
    assert task_id in office.ringfence("task", "list").out
    assert "done by" in office.ringfence("task", "done", task_id).out
    assert "nothing to do" in office.ringfence("task", "list").out
    assert task_id in office.ringfence("task", "list", "--all").out
    office.fails(1, "task", "done", "no-such-task")
    office.fails(1, "task", "add", "x", "--queue", "Nowhere")
