"""A whole server with a Twilio line: a suspicious payment, a call, a key, a blocked card."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
from api_servers import KEY, example_transaction, prepare, running

from ringfence.cards.permissions import ConsentRule
from ringfence.cases import CALL_OUTCOME, ContactPlan, put_plan
from ringfence.storage import Database

sys.path.append(str(Path(__file__).parents[1] / "lines"))
from twilio_account import ACCOUNT, BANK, LINE, TOKEN, Account, serving, until

HEADERS = {"authorization": f"Bearer {KEY}"}


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


async def test_a_key_that_is_pressed_in_a_call_over_twilio_settles_the_case(
    tmp_path: Path,
) -> None:
    data_dir = tmp_path / "data"
    prepare(data_dir)
    database = Database(f"sqlite:///{data_dir / 'ringfence.db'}")
    with database.write() as connection:
        plan = ContactPlan(
            name="call-cardholder",
            outcomes=(CALL_OUTCOME,),
            line=LINE,
            quiet_hours=None,
            consent=ConsentRule.NOT_NEEDED,
        )
        put_plan(connection, plan)
    database.dispose()
    account, port = Account(), _free_port()
    async with serving(account.application()) as account.url:
        table = {
            "kind": "twilio",
            "account_sid": ACCOUNT,
            "auth_token": TOKEN,
            "numbers": [BANK],
            "base_url": account.url,
        }
        settings = {
            "RINGFENCE_PORT": str(port),
            "RINGFENCE_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "RINGFENCE_LINES": json.dumps({LINE: table}),
            "RINGFENCE_CALLER_NUMBER": BANK,
        }
        stack = ExitStack()
        server = await asyncio.to_thread(stack.enter_context, running(data_dir, **settings))
        try:
            async with httpx2.AsyncClient(base_url=server.url, headers=HEADERS) as api:
                statuses = await _posted_by_anybody(api)
                suspected = await api.post("/v1/transactions", json=example_transaction())
                placed = await account.placed()
                await until(lambda: bool(placed.sounds))
                await placed.press_when_asked("2")
                case_id = suspected.json()["case"]["case_id"]
                case = await _settled(api, case_id)
                await placed.hang_up()
        finally:
            await account.stop()
            await asyncio.to_thread(stack.close)

    assert statuses == [403, 404, 413]
    assert case["verdict"] == "fraud"


async def _settled(api: httpx2.AsyncClient, case_id: str) -> dict[str, Any]:
    async with asyncio.timeout(20):
        while True:
            case: dict[str, Any] = (await api.get(f"/v1/cases/{case_id}")).json()["case"]
            if not case["open"]:
                return case
            await asyncio.sleep(0.05)


async def _posted_by_anybody(api: httpx2.AsyncClient) -> list[int]:
    unsigned = await api.post(f"/lines/{LINE}/incoming", data={"CallSid": "CA1"})
    unknown = await api.post("/lines/browser/incoming", data={"CallSid": "CA1"})
    large = await api.post(f"/lines/{LINE}/incoming", content=b"x" * 70_000)
    return [reply.status_code for reply in (unsigned, unknown, large)]
