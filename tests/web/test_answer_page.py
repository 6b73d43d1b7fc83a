"""An SMS with a link, the page behind it in a real browser, and SMS that come in."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from api_servers import Server, example_transaction, new_customer, prepare, running
from chromium import CHROMIUM, FLAGS
from twilio.request_validator import RequestValidator

from ringfence.cases import CALL_OUTCOME, ContactPlan, put_plan
from ringfence.cases.plans import TextAnswer, Texting
from ringfence.storage import Database

PUBLIC = "https://cards.example.com"
NUMBER = "+14155550100"
CARDS = iter(
    [
        "4485275742308327",
        "4539578763621486",
        "5555555555554444",
        "4000056655665556",
        "371449635398431",
    ]
)


@dataclass
class Texts:
    """A server whose cases are asked about by SMS at once, and the file that they go to."""

    server: Server
    file: Path

    def of(self, reference: str) -> str:
        """The SMS about a case; the outbox is emptied in the background."""
        return self._until(lambda text: reference in text)

    def suspect(self, api: httpx2.Client, **changes: Any) -> dict[str, Any]:
        """A case about a card of its own."""
        card = next(CARDS)
        customer = new_customer(api, card)
        sent = example_transaction(customer=customer, card_number=card, **changes)
        case: dict[str, Any] = api.post("/v1/transactions", json=sent).json()["case"]
        return case

    def _until(self, fits: Callable[[str], bool]) -> str:
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            lines = self.file.read_text().splitlines() if self.file.exists() else []
            for line in lines:
                if fits(json.loads(line)["text"]):
                    text: str = json.loads(line)["text"]
                    return text
            time.sleep(0.05)
        raise AssertionError("no such SMS")


@contextmanager
def texting(folder: Path, answer: TextAnswer, **settings: str) -> Iterator[Texts]:
    data_dir = folder / "data"
    prepare(data_dir)
    database = Database(f"sqlite:///{data_dir / 'ringfence.db'}")
    with database.write() as connection:
        text = Texting(after_attempts=0, answer=answer)
        put_plan(
            connection,
            ContactPlan(
                name="call-cardholder",
                outcomes=(CALL_OUTCOME,),
                quiet_hours=None,
                text=text,
            ),
        )
    database.dispose()
    file = folder / "sms.jsonl"
    settings = {"RINGFENCE_SMS_URL": f"file://{file}", **settings}
    with running(data_dir, RINGFENCE_PUBLIC_URL=PUBLIC, **settings) as server:
        yield Texts(server, file)


@pytest.fixture(scope="module")
def links(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Texts]:
    with texting(tmp_path_factory.mktemp("links"), TextAnswer.LINK) as texts:
        yield texts


def page_of(texts: Texts, reference: str) -> str:
    found = re.search(rf"{PUBLIC}(/c/\S+)", texts.of(reference))
    assert found is not None
    return texts.server.url + found[1]


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (apt-get install chromium)")
@pytest.mark.parametrize(
    ("button", "verdict", "said"),
    [
        ("Yes, it was me", "legit", "noted that it was you"),
        ("No, block my card", "fraud", "blocked"),
    ],
)
def test_a_cardholder_answers_on_the_page_of_the_link(
    button: str, verdict: str, said: str, links: Texts, tmp_path: Path
) -> None:
    from playwright.sync_api import sync_playwright

    with links.server.client() as api:
        case = links.suspect(api)
        url = page_of(links, case["reference"])
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            page = browser.new_page(viewport={"width": 390, "height": 780})
            page.goto(url)
            shown = page.inner_text("main")
            for part in ("Was this payment yours?", case["reference"], "never ask for your PIN"):
                assert part in shown
            page.keyboard.press("Tab")
            assert page.evaluate("document.activeElement.value") == "legit"
            assert api.get(f"/v1/cases/{case['case_id']}").json()["case"]["open"]  # only looked at
            page.screenshot(path=str(tmp_path / "asked.png"))
            page.get_by_role("button", name=button).click()
            page.get_by_role("status").wait_for()
            assert said in page.inner_text("main")
            page.goto(url)
            assert "has been answered" in page.inner_text("main")
            assert page.query_selector("form") is None
            browser.close()
        settled = api.get(f"/v1/cases/{case['case_id']}").json()["case"]
        assert (settled["verdict"], settled["verdict_by"]) == (verdict, "cardholder (link)")


def test_a_wrong_link_leads_to_the_number_on_the_card_and_nowhere_else(links: Texts) -> None:
    for link in ("x", "A" * 38, "A" * 38 + "=", "%00"):
        reply = httpx2.get(f"{links.server.url}/c/{link}", trust_env=False)
        assert reply.status_code == 404
        assert "no longer valid" in reply.text
        assert "cache-control" in reply.headers
    german = {"accept-language": "de-AT,de;q=0.8"}
    reply = httpx2.get(f"{links.server.url}/c/x", headers=german, trust_env=False)
    assert 'lang="de"' in reply.text


def test_an_answer_from_another_site_or_without_a_button_changes_nothing(links: Texts) -> None:
    with links.server.client() as api:
        case = links.suspect(api)
        url = page_of(links, case["reference"])
        evil = {"origin": "https://evil.example"}
        reply = httpx2.post(url, data={"answer": "legit"}, headers=evil, trust_env=False)
        assert reply.status_code == 403
        for answer in ("", "undecided", "x" * 1000):
            assert httpx2.post(url, data={"answer": answer}, trust_env=False).status_code == 422
        assert api.get(f"/v1/cases/{case['case_id']}").json()["case"]["open"]


def test_a_gateway_with_a_key_delivers_a_reply(tmp_path: Path) -> None:
    with texting(tmp_path, TextAnswer.REPLY) as texts, texts.server.client() as api:
        case = texts.suspect(api)
        assert "2 no" in texts.of(case["reference"])
        sent = {"text_id": "gw-1", "from_number": "+1 415 555 0100", "text": "2"}
        for _ in range(2):
            assert api.post("/v1/incoming-texts", json=sent).status_code == 204
        settled = api.get(f"/v1/cases/{case['case_id']}").json()["case"]
        assert settled["verdict"] == "fraud"
        assert "is blocked" in texts.of("is blocked")
        wrong = api.post("/v1/incoming-texts", json={**sent, "from_number": "nobody"})
        assert (wrong.status_code, wrong.json()["error"]["field"]) == (422, "from_number")
        with texts.server.client(texts.server.key_with("cases:read")) as viewer:
            assert viewer.post("/v1/incoming-texts", json=sent).status_code == 403
        # Nothing of Twilio is expected where it sends no SMS.
        assert httpx2.post(f"{texts.server.url}/texts/twilio", trust_env=False).status_code == 404


def test_twilio_delivers_a_reply_with_its_signature_alone(tmp_path: Path) -> None:
    url = {"RINGFENCE_SMS_URL": "twilio+http://AC1:token@127.0.0.1:9"}
    settings = {**url, "RINGFENCE_SMS_SENDER": "+15550100000"}
    with texting(tmp_path, TextAnswer.REPLY, **settings) as texts, texts.server.client() as api:
        case = texts.suspect(api)
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            timeline = api.get(f"/v1/cases/{case['case_id']}").json()["timeline"]
            if any(entry["kind"] == "texted" for entry in timeline):
                break
            time.sleep(0.05)
        form = {"MessageSid": "SM1", "From": NUMBER, "To": "+15550100000", "Body": "1"}
        signature = RequestValidator("token").compute_signature(f"{PUBLIC}/texts/twilio", form)
        address = f"{texts.server.url}/texts/twilio"
        for headers in ({}, {"x-twilio-signature": "x"}, {"x-twilio-signature": signature[::-1]}):
            refused = httpx2.post(address, data=form, headers=headers, trust_env=False)
            assert refused.status_code == 403
        assert api.get(f"/v1/cases/{case['case_id']}").json()["case"]["open"]
        taken = httpx2.post(
            address, data=form, headers={"x-twilio-signature": signature}, trust_env=False
        )
        assert taken.status_code == 200
        assert "<Response>" in taken.text
        assert api.get(f"/v1/cases/{case['case_id']}").json()["case"]["verdict"] == "legit"
