"""How a call is asked for at Twilio: what it refuses, and what it may have done all the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from twilio_account import CARDHOLDER, Telephone, desk

from ringfence.flows.participant import Participant
from ringfence.lines import CallEnd


async def silent(participant: Participant) -> None:
    """Nothing is said."""


def answer(
    status: int, code: int = 0, **headers: str
) -> tuple[int, dict[str, Any], dict[str, str]]:
    """An answer of the API."""
    return status, {"code": code, "message": "said Twilio", "status": status}, headers


@pytest.mark.parametrize(
    ("status", "code", "end"),
    [
        (401, 20003, CallEnd.UNAUTHORIZED),
        (403, 0, CallEnd.UNAUTHORIZED),
        (400, 21215, CallEnd.UNAUTHORIZED),
        (400, 21210, CallEnd.UNAUTHORIZED),
        (400, 13227, CallEnd.UNAUTHORIZED),
        (400, 21211, CallEnd.UNREACHABLE),
        (400, 21214, CallEnd.UNREACHABLE),
        (400, 21217, CallEnd.UNREACHABLE),
        (400, 21610, CallEnd.REJECTED),
        (400, 21201, CallEnd.UNREACHABLE),
        (400, 21401, CallEnd.FAILED),
    ],
)
async def test_what_twilio_refuses_is_told_apart(
    tmp_path: Path, status: int, code: int, end: CallEnd
) -> None:
    async with desk(tmp_path) as tried:
        tried.account.faults.place = [answer(status, code)]
        result = await tried.place(silent)

    assert result.end is end
    assert "said Twilio" in result.detail
    assert str(code or status) in result.detail
    assert len(tried.account.requests) == 1


async def test_a_wrong_token_is_told_without_the_token(tmp_path: Path) -> None:
    async with desk(tmp_path, api_key="SKwrong", api_secret="a-wrong-secret") as tried:
        result = await tried.place(silent)

    assert result.end is CallEnd.UNAUTHORIZED
    assert "a-wrong-secret" not in result.detail


async def test_too_many_calls_at_once_are_tried_again_when_twilio_says(tmp_path: Path) -> None:
    async with desk(tmp_path) as tried:
        tried.account.faults.place = [answer(429, 20429, **{"retry-after": "0"})] * 2
        result = await tried.place(silent)

    assert result.end is CallEnd.COMPLETED
    assert len(tried.account.requests) == 3
    assert len(tried.account.calls) == 1


async def test_an_account_that_has_no_room_for_long_is_a_line_that_is_down(tmp_path: Path) -> None:
    async with desk(tmp_path) as tried:
        tried.account.faults.place = [answer(429, 20429, **{"retry-after": "600"})]
        result = await tried.place(silent)

    assert result.end is CallEnd.LINE_DOWN
    assert len(tried.account.requests) == 1


async def test_a_failing_api_is_a_line_that_is_down_and_the_call_is_asked_for_once(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as tried:
        tried.account.faults.place = [answer(503)]
        result = await tried.place(silent)

    assert result.end is CallEnd.LINE_DOWN
    assert (len(tried.account.requests), len(tried.account.calls)) == (1, 0)


async def test_an_api_that_nobody_listens_at_is_a_line_that_is_down(tmp_path: Path) -> None:
    async with desk(tmp_path, base_url="http://127.0.0.1:9") as tried:
        result = await tried.place(silent)

    assert result.end is CallEnd.LINE_DOWN


async def test_a_call_whose_answer_was_lost_is_known_by_its_call_backs(tmp_path: Path) -> None:
    async with desk(tmp_path) as tried:
        tried.account.faults.place = [answer(504)]
        tried.account.faults.placed_anyway = True
        result = await tried.place(silent)

    assert result.end is CallEnd.COMPLETED
    assert len(tried.account.requests) == 1


async def test_a_call_whose_answer_and_call_backs_were_lost_is_found_in_the_list(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as tried:
        tried.account.faults.place = [answer(504)]
        tried.account.faults.placed_anyway = tried.account.faults.lose_statuses = True
        tried.account.phones[CARDHOLDER] = Telephone("busy", ring_seconds=1.5)
        result = await tried.place(silent)

    assert result.end is CallEnd.BUSY
    assert len(tried.account.requests) == 1
