"""Card data is nowhere but in the vault's seal: not on disk, in the log, the metrics, the pages."""

from __future__ import annotations

import base64
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
from api_servers import PASSWORD, Server, example_transaction, prepare, running
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from ringfence.carddata import looks_like_card_number, looks_like_track_data, luhn_valid

STORED = "4716108999716531"
NEW = "5425233430109903"
SENT = "4532756279624064"  # put where it does not belong
OF_THE_ARTICLE = "912387564224"
OF_THE_EXAMPLE = "2442230821108788"
TRACK_1 = f"%B{SENT}^MILLER/JANE^2912201000000000000?"
TRACK_2 = f";{SENT}=29122010000000000000?"
CVV = "9176"
NUMBERS = (STORED, NEW, SENT, OF_THE_ARTICLE, OF_THE_EXAMPLE)


def spaced(number: str, separator: str) -> str:
    return separator.join(number[start : start + 4] for start in range(0, len(number), 4))


@pytest.fixture(scope="module")
def remains(tmp_path_factory: pytest.TempPathFactory) -> tuple[Server, dict[str, bytes]]:
    """What a server that logs all it can leaves behind, and everything that it answered."""
    data_dir = tmp_path_factory.mktemp("cards") / "data"
    prepare(data_dir)
    with running(data_dir, RINGFENCE_LOG_LEVEL="debug") as server:
        answers = {**live(server), **misuse(server), **look_around(server)}
        with server.client() as client:
            answers["metrics"] = client.get("/metrics").content
        files = {str(path): path.read_bytes() for path in files_of(data_dir)}
    files |= {f"{path} in the end": path.read_bytes() for path in files_of(data_dir)}
    return server, files | answers | {"log": server.log.read_bytes()}


def live(server: Server) -> dict[str, bytes]:
    """Customers come, pay, are suspected and judged."""
    answers = {}
    with server.client() as client:
        for number, customer in ((STORED, "one"), (NEW, "two")):
            document = {
                "customer_id": customer,
                "last_name": "Miller",
                "phone_number": "+14155550100",
                "card_number": spaced(number, " "),
            }
            answers[f"store {customer}"] = client.post("/v1/customers", json=document).content
        for customer, number in (("one", STORED), ("two", NEW), ("u82-1alz-RI301", OF_THE_ARTICLE)):
            reply = client.post(
                "/v1/transactions",
                json=example_transaction(customer=customer, card_number=number, explain=True),
            )
            assert reply.status_code == 200
            answers[f"pay {customer}"] = reply.content
            case_id = reply.json()["case"]["case_id"]
            verdict = {"verdict": "fraud", "reason": f"it was {spaced(SENT, '-')}, cvv {CVV}"}
            settled = client.post(f"/v1/cases/{case_id}/verdict", json=verdict | {"reason": SENT})
            assert settled.status_code == 200
            card_id = settled.json()["case"]["card_id"]
            answers[f"settle {customer}"] = settled.content
            for action in ("release", "block"):
                reason = {"reason": f"they read {spaced(SENT, ' ')} to me, {TRACK_2}"}
                assert client.post(f"/v1/cards/{card_id}/{action}", json=reason).is_success
            answers[f"card {customer}"] = client.get(f"/v1/cards/{card_id}").content
            answers[f"case {customer}"] = client.get(f"/v1/cases/{case_id}").content
    return answers


def misuse(server: Server) -> dict[str, bytes]:
    """Card data in every field, path, header and form that is not made for it."""
    payment = {"customer": "one", "transaction": {"merchant_name": "x"}}
    wrong: list[tuple[str, str, Any]] = [
        ("POST", "/v1/transactions", payment | {"event_id": SENT}),
        ("POST", "/v1/transactions", payment | {"customer": SENT}),
        ("POST", "/v1/transactions", payment | {"detector": SENT}),
        ("POST", "/v1/transactions", payment | {"cvv": CVV}),
        ("POST", "/v1/transactions", payment | {SENT: "x"}),
        ("POST", "/v1/transactions", payment | {"card_number": f"{SENT}0000"}),
        ("POST", "/v1/transactions", payment | {"card_number": int(SENT)}),
        ("POST", "/v1/transactions", payment | {"event_timestamp": SENT}),
        ("POST", "/v1/event-types/card_payment/decisions", entities(SENT)),
        ("POST", f"/v1/event-types/{SENT}/decisions", entities("x")),
        ("POST", "/v1/customers", {"customer_id": SENT, "last_name": "x", "phone_number": "+1"}),
        ("POST", "/v1/customers", customer(last_name=SENT)),
        ("POST", "/v1/customers", customer(phone_number=SENT)),
        ("POST", "/v1/customers", customer(cvv=CVV)),
        ("POST", "/v1/customers", customer(card_number=TRACK_2)),
        ("POST", "/v1/customers", {SENT: SENT}),
        ("PUT", "/v1/lists/cards", {"elements": ["x", SENT]}),
        ("PUT", "/v1/lists/cards", {"elements": ["x"], "description": spaced(SENT, " ")}),
        ("PUT", f"/v1/lists/{SENT}", {"elements": ["x"]}),
        ("PUT", f"/v1/outcomes/{SENT}", {}),
        ("PUT", "/v1/outcomes/card", {"description": TRACK_1}),
        ("PUT", f"/v1/detectors/{SENT}", {"event_type": "card_payment"}),
        ("PUT", "/v1/detectors/payments/rules/x", rule(f"$merchant_name == '{SENT}'")),
        ("PUT", "/v1/detectors/payments/rules/x", rule(f"$transaction_amt == {SENT}")),
        ("PUT", "/v1/event-types/cards", event_type(default=int(SENT))),
        ("PUT", "/v1/event-types/cards", event_type(description=SENT)),
        ("PUT", f"/v1/contact-plans/{SENT}", {"name": SENT, "outcomes": ["review"]}),
        ("PUT", "/v1/contact-plans/x", {"name": "x", "outcomes": [SENT]}),
        ("PUT", f"/v1/flows/{SENT}", {"content": "{}"}),
        ("POST", "/v1/keys", {"name": SENT, "scopes": ["metrics"]}),
        ("POST", "/v1/keys", {"name": "x", "scopes": [SENT]}),
        ("POST", "/v1/users", {"name": SENT, "password": PASSWORD, "role": "viewer"}),
        ("POST", "/v1/test-calls", {"to_number": f"+{SENT}"}),
        ("POST", "/v1/test-calls", {"to_number": "+14155550100", "line": SENT}),
    ]
    for value in values():
        wrong.append(("POST", "/v1/transactions", payment | {"transaction": value}))
    answers = {}
    with server.client() as client:
        for number, (method, path, body) in enumerate(wrong):
            reply = client.request(method, path, json=body)
            assert 400 <= reply.status_code < 500, (method, path, body, reply.text)
            answers[f"refusal {number}"] = reply.content
        for path in (f"/v1/cards/{SENT}", f"/v1/cases/{SENT}", f"/{SENT}", f"/v1/{SENT}"):
            answers[path] = client.get(path).content
        answers["search"] = client.get("/v1/customers", params={"search": SENT}).content
        answers["query"] = client.get("/v1/customers", params={SENT: SENT}).content
        answers["garbage"] = client.post("/v1/customers", content=f'{{"a": {SENT}').content
        answers["header"] = client.get("/v1/me", headers={"user-agent": TRACK_1}).content
    with server.client(key=SENT) as client:
        answers["key"] = client.get("/v1/me").content
        answers["cookie"] = client.get("/", headers={"cookie": f"ringfence_session={SENT}"}).content
    with server.client(key=None) as client:
        form = {"name": SENT, "password": SENT, "next": f"/{SENT}"}
        assert client.post("/sign-in", data=form).status_code == 401
        client.get(f"/?card={SENT}", headers={"accept": "text/html"})
    socket = server.url.replace("http", "ws", 1) + f"/v1/phones/ws?number={SENT}"
    with pytest.raises(InvalidStatus), connect(socket):
        pass
    # What an answer repeats to the very person who sent it in a URL of a page is no leak of ours.
    return {name: answer for name, answer in answers.items() if name != f"/{SENT}"}


def look_around(server: Server) -> dict[str, bytes]:
    """Every page of the console, and everything that the API lists."""
    answers = {}
    with server.client(key=None) as browser:
        reply = browser.post("/sign-in", data={"name": "admin", "password": PASSWORD})
        assert reply.status_code == 303
        for path in pages(browser):
            page = browser.get(path, headers={"accept": "text/html"})
            assert page.status_code == 200, path
            answers[path] = page.content
    return answers


def pages(browser: httpx2.Client) -> Iterator[str]:
    yield from ("/", "/cases", "/customers", "/detectors", "/models", "/access", "/phones")
    yield from ("/customers/one", "/customers/two")
    for case in browser.get("/v1/cases").json():
        yield f"/cases/{case['case_id']}"
    yield from ("/v1/cases", "/v1/customers", "/v1/customers/one", "/v1/detectors", "/v1/lists")
    yield from ("/v1/users", "/v1/keys", "/v1/event-types", "/v1/outcomes", "/v1/contact-plans")


def entities(entity_id: str) -> dict[str, Any]:
    return {
        "event_id": "x",
        "variables": {"transaction_amt": 1},
        "entities": [{"entity_type": "card", "entity_id": entity_id}],
    }


def customer(**more: str) -> dict[str, str]:
    return {"customer_id": "x", "last_name": "x", "phone_number": "+14155550100"} | more


def rule(expression: str) -> dict[str, Any]:
    return {"expression": expression, "outcomes": ["approve"]}


def event_type(**of_variable: Any) -> dict[str, Any]:
    variable = {"name": "v", "data_type": "INTEGER", "variable_type": "NUMERIC"}
    return {"name": "cards", "variables": [variable | of_variable]}


def values() -> Iterator[dict[str, Any]]:
    for text in (
        SENT,
        spaced(SENT, " "),
        spaced(SENT, "-"),
        f"paid with {SENT}.",
        int(SENT),
        float(SENT),
        TRACK_1,
        TRACK_2,
    ):
        yield {"merchant_name": text}
    yield {"transaction_amt": SENT}
    yield {"transaction_amt": f"{float(SENT):e}"}
    yield {SENT: "x"}
    yield {"phone_number": SENT}
    for code in (CVV, int(CVV), f"{CVV} "):
        yield {"cvv": code}


def files_of(data_dir: Path) -> list[Path]:
    return [path for path in data_dir.rglob("*") if path.is_file() and path.name != "vault.key"]


def test_the_numbers_are_what_they_should_be() -> None:
    for number in (STORED, NEW, SENT):
        assert luhn_valid(number)
        assert looks_like_card_number(number)
    for track in (TRACK_1, TRACK_2):
        assert looks_like_track_data(track)


@pytest.mark.parametrize("number", NUMBERS)
def test_no_number_that_was_sent_is_left_anywhere(
    number: str, remains: tuple[Server, dict[str, bytes]]
) -> None:
    plain = number.encode()
    half = len(number) // 2
    forms = [
        plain,
        *(spaced(number, separator).encode() for separator in " -_."),
        plain.hex().encode(),
        *(base64.b64encode(b"x" * shift + plain)[4:-4] for shift in range(3)),
        int(number).to_bytes(8, "big"),
        f"{float(number):.15e}"[: half + 2].encode(),
    ]
    for where, content in remains[1].items():
        for form in forms:
            assert form not in content, where


def test_no_security_code_is_left_anywhere(remains: tuple[Server, dict[str, bytes]]) -> None:
    code = re.compile(
        rb"(?i)(?<![0-9a-z])%(code)b(?![0-9a-z])|cvv\W{0,9}%(code)b" % {b"code": CVV.encode()}
    )
    for where, content in remains[1].items():
        if not where.endswith((".db", ".db-wal", ".db-shm")) and " in the end" not in where:
            assert code.search(content) is None, where
        assert b'"%b"' % CVV.encode() not in content, where


def test_nothing_left_reads_like_a_card(remains: tuple[Server, dict[str, bytes]]) -> None:
    server, everything = remains
    for where, content in everything.items():
        for found in re.finditer(rb"(?<![0-9a-f.])[2-6](?:[ -]?[0-9]){14,18}(?![0-9a-f])", content):
            assert not luhn_valid(re.sub(rb"\D", b"", found[0]).decode()), (where, found[0])
    for where, text in texts_of(server.data_dir / "ringfence.db"):
        assert not looks_like_card_number(text), where
        assert not looks_like_track_data(text), where
    for line in everything["log"].decode().splitlines():
        assert not looks_like_card_number(line), line
        assert not looks_like_track_data(line), line


def texts_of(path: Path) -> Iterator[tuple[str, str]]:
    """Every text of the database, with where it stands."""
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        for (table,) in tables.fetchall():
            rows = connection.execute(f'SELECT * FROM "{table}"')
            names = [column[0] for column in rows.description]
            for row in rows:
                for name, value in zip(names, row, strict=True):
                    if isinstance(value, str):
                        yield f"{table}.{name}: {value[:200]}", value


def test_the_search_would_find_what_it_looks_for(
    remains: tuple[Server, dict[str, bytes]],
) -> None:
    server, everything = remains
    assert len(everything) > 60
    assert any(b"6531" in content for where, content in everything.items() if "card one" in where)
    assert b'"level": "debug"' in everything["log"]
    stored = " ".join(text for _, text in texts_of(server.data_dir / "ringfence.db"))
    assert "************4064" in stored
    assert any("-wal" in where for where in everything)
