"""The demo's payment: sent over HTTP, and the phone that rings because of it."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx2
import msgspec

from ringfence.cli.screen import console
from ringfence.errors import Unavailable
from ringfence.examples import read_example

if TYPE_CHECKING:
    from ringfence.cli.stopwatch import Stopwatch

_CASE_SECONDS = 600.0


class Outcome(NamedTuple):
    """What happened, as the API has it: the decision, the case with its timeline, the card."""

    decision: dict[str, Any]
    view: dict[str, Any]
    card: dict[str, Any]


async def play(
    url: str, api_key: str, number: str, answer: str | None, watch: Stopwatch
) -> Outcome:
    """Put a phone on `number`, send the suspicious transaction, and wait for the case to end.

    `answer` is the key to press, `none` to let it ring, None for a person at the terminal.
    Raises `Unavailable` when no case opens.
    """
    headers = {"Authorization": f"Bearer {api_key}"}
    attending = await _phone(url, headers, number, answer)
    try:
        async with httpx2.AsyncClient(
            base_url=url, headers=headers, timeout=30.0, trust_env=False
        ) as client:
            console.print("Sending the suspicious transaction ...")
            decision = await _send(client, watch)
            case = decision.get("case")
            if case is None:
                raise Unavailable(
                    f"the transaction opened no case: {decision['scores']}, "
                    f"{decision['outcomes']}, {decision.get('note')}"
                )
            view = await _settled(client, case["case_id"], attending)
            card = await _json(client, f"/v1/cards/{view['case']['card_id']}")
    finally:
        attending.cancel()
        await asyncio.gather(attending, return_exceptions=True)
    _note_times(decision, view, watch)
    return Outcome(decision, view, card["card"])


async def _phone(
    url: str, headers: dict[str, str], number: str, answer: str | None
) -> asyncio.Task[Any]:
    from ringfence.lines import TerminalPhone

    phone = TerminalPhone(f"{url.replace('http', 'ws', 1)}/v1/phones/ws", number, headers=headers)
    if answer is None:
        console.print("This terminal is a phone, and so is the page: either can answer.")
        attending = asyncio.create_task(phone.by_hand(calls=2))
    else:
        attending = asyncio.create_task(
            phone.by_script(None if answer == "none" else answer, calls=2)
        )
    await phone.ready()
    return attending


async def _send(client: httpx2.AsyncClient, watch: Stopwatch) -> dict[str, Any]:
    # The first request of a server loads the model; a payment that nobody doubts takes that on
    # itself, as the payments before it would.
    await _decide(client, "ordinary-transaction.json")
    began = time.perf_counter()
    decision = await _decide(client, "transaction.json")
    watch.note("decide, durably (over HTTP, with reasons)", time.perf_counter() - began)
    return decision


async def _decide(client: httpx2.AsyncClient, name: str) -> dict[str, Any]:
    reply = await client.post("/v1/transactions", content=read_example(name))
    if not reply.is_success:
        raise Unavailable(f"the server refused {name}: {reply.text}")
    decision: dict[str, Any] = msgspec.json.decode(reply.content)
    return decision


async def _settled(
    client: httpx2.AsyncClient, case_id: str, attending: asyncio.Task[Any]
) -> dict[str, Any]:
    deadline = time.monotonic() + _CASE_SECONDS
    while time.monotonic() < deadline:
        view = await _json(client, f"/v1/cases/{case_id}")
        calls_over = all(attempt["ended_at"] for attempt in view["attempts"])
        if view["case"]["verdict"] is not None and calls_over:
            return view
        if attending.done() and attending.exception() is not None:
            await attending
        await asyncio.sleep(0.2)
    raise Unavailable(f"case {case_id} did not end")


async def _json(client: httpx2.AsyncClient, path: str) -> dict[str, Any]:
    reply = await client.get(path)
    reply.raise_for_status()
    document: dict[str, Any] = msgspec.json.decode(reply.content)
    return document


def _note_times(decision: dict[str, Any], view: dict[str, Any], watch: Stopwatch) -> None:
    at = {entry["kind"]: _time(entry["at"]) for entry in reversed(view["timeline"])}
    decided = _time(decision["decided_at"])
    steps = [
        ("decision to ringing", decided, at.get("ringing")),
        ("ringing to answer", at.get("ringing"), at.get("answered")),
        ("answer to key", at.get("answered"), at.get("digit")),
        ("key to verdict and card", at.get("digit"), at.get("card") or at.get("verdict")),
    ]
    for what, start, end in steps:
        if start is not None and end is not None:
            watch.note(what, (end - start).total_seconds())


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
