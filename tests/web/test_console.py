"""The console in a real Chromium, against a real server."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest
from chromium import CHROMIUM
from consoles import (
    KEY,
    PASSWORD,
    Console,
    Watched,
    furnish,
    newly_signed_in,
    serving,
    signed_in,
)
from playwright.sync_api import Browser, expect

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is missing: apt-get install chromium"
)

PAGES = (
    "/",
    "/cases?view=all",
    "/customers",
    "/customers/jdoe",
    "/models",
    "/models/payments/1.0",
    "/detectors",
    "/detectors/payments",
    "/jobs",
)
FRAUD = {"transaction_env": "M", "email_address": "a@quick.example", "merchant_name": "Air North"}


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    data_dir = tmp_path_factory.mktemp("console")
    furnish(data_dir)
    with serving(data_dir) as running:
        yield running


def test_the_live_page_shows_a_decision_that_is_sent_while_it_is_open(
    admin: Watched, console: Console
) -> None:
    page = admin.page
    expect(page.get_by_text("No decisions yet")).to_be_visible()
    console.send("live-1", 12.5)
    row = page.get_by_role("row", name="live-1")
    expect(row).to_contain_text("12.50 EUR")
    expect(row).to_contain_text("Harbour Books")
    expect(row).to_contain_text("approve")
    expect(page.get_by_text("No decisions yet")).to_be_hidden()


def test_a_paused_feed_stands_still_and_says_how_many_are_waiting(
    admin: Watched, console: Console
) -> None:
    page = admin.page
    page.get_by_role("button", name="Pause").click()
    console.send("paused-1", 3.0)
    expect(page.get_by_text("paused; 1 new")).to_be_visible()
    expect(page.get_by_role("row", name="paused-1")).to_have_count(0)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("row", name="paused-1")).to_be_visible()


def test_the_least_score_hides_what_scores_less(admin: Watched, console: Console) -> None:
    page = admin.page
    console.send("small-1", 2.0)
    expect(page.get_by_role("row", name="small-1")).to_be_visible()
    page.get_by_label("Least score").fill("1000")
    expect(page.get_by_role("row", name="small-1")).to_have_count(0)
    expect(page.get_by_text("No decision matches")).to_be_visible()


def test_every_page_opens_without_errors_and_without_asking_another_host(
    admin: Watched, console: Console
) -> None:
    for path in (*PAGES, "/new-customer", "/phones", "/access"):
        admin.page.goto(console.url + path)
        expect(admin.page.get_by_role("heading", level=1)).to_be_visible()
        expect(admin.page.get_by_text("This cannot be shown now")).to_have_count(0)


def test_a_narrow_dark_screen_shows_every_page_without_sideways_scrolling(
    browser: Browser, console: Console
) -> None:
    small = signed_in(
        browser, console, "adminer", viewport={"width": 420, "height": 900}, color_scheme="dark"
    )
    for path in (*PAGES, "/new-customer", "/phones", "/access"):
        small.page.goto(console.url + path)
        expect(small.page.get_by_role("heading", level=1)).to_be_visible()
        assert small.page.evaluate("document.documentElement.scrollWidth") <= 420, path
        ground = small.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert ground == "rgb(14, 18, 24)"
    small.page.context.close()
    assert small.errors == []


def test_the_colours_can_be_chosen_and_stay_chosen(admin: Watched, console: Console) -> None:
    page = admin.page
    page.get_by_role("button", name="Dark").click()
    page.goto(f"{console.url}/models/payments/1.0")
    expect(page.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(14, 18, 24)"


def test_moving_the_threshold_by_keys_changes_the_matrix(admin: Watched, console: Console) -> None:
    page = admin.page
    page.goto(f"{console.url}/models/payments/1.0")
    slider, matrix = page.get_by_role("slider"), page.locator("[data-part=matrix]")
    expect(matrix).to_contain_text("of frauds caught")
    slider.focus()
    page.keyboard.press("Home")
    expect(page.locator("#threshold-value")).to_have_text("0")
    expect(matrix).to_contain_text("100.00 % of frauds caught")
    expect(matrix).to_contain_text("100.00 % of legit flagged")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#threshold-value")).to_have_text("5")
    page.get_by_role("group", name="Suggested thresholds").get_by_role("button").first.click()
    expect(matrix).not_to_contain_text("100.00 % of legit flagged")
    expect(page.locator(".nicegui-echart canvas").first).to_be_visible()


def test_a_card_is_blocked_with_a_reason_and_shows_as_blocked(
    admin: Watched, console: Console
) -> None:
    page = admin.page
    page.goto(f"{console.url}/customers/mmustermann")
    card = page.get_by_role("region", name="Card ending in 4444")
    card.get_by_role("button", name="Block").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Block the card").click()
    expect(dialog).to_contain_text("why, in a few words")
    dialog.get_by_label("Reason").fill("lost on a train")
    dialog.get_by_role("button", name="Block the card").click()
    expect(card.get_by_role("heading")).to_contain_text("blocked")
    history = card.get_by_role("row", name="lost on a train")
    expect(history).to_contain_text("adminer")
    expect(card.get_by_role("button", name="Block")).to_be_hidden()
    expect(card.get_by_role("button", name="Release")).to_be_visible()


def test_calls_to_a_customer_are_stopped_with_the_way_they_told_us(
    admin: Watched, console: Console
) -> None:
    page = admin.page
    page.goto(f"{console.url}/customers/mmustermann")
    consent = page.get_by_role("region", name="Consent")
    expect(consent.get_by_role("row", name="number given to the bank")).to_have_count(2)
    consent.get_by_role("button", name="Stop Calls").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("told us in the branch")
    dialog.get_by_role("button", name="Stop Calls").click()
    row = consent.get_by_role("row", name="told us in the branch")
    expect(row).to_contain_text("withdrawn")
    expect(row).to_contain_text("adminer")
    expect(consent.get_by_role("button", name="Allow Calls")).to_be_visible()
    expect(consent.get_by_role("button", name="Stop SMS")).to_be_visible()


def test_a_viewer_sees_everything_and_can_change_nothing(viewer: Watched, console: Console) -> None:
    page = viewer.page
    for path in ("/customers", "/customers/jdoe", "/detectors", "/detectors/payments"):
        page.goto(console.url + path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        for name in (
            "Block",
            "Release",
            "Edit",
            "Add",
            "Save",
            "Publish",
            "Activate",
            "Make",
            "Stop",
        ):
            expect(page.locator("main").get_by_role("button", name=name)).to_have_count(0)
        expect(page.get_by_role("link", name="Add a customer")).to_have_count(0)
    expect(page.get_by_role("link", name="Access")).to_have_count(0)
    page.goto(f"{console.url}/access")
    expect(page.get_by_text("This page is not for your role")).to_be_visible()


def test_a_customer_is_added_and_the_wrong_field_says_what_is_wrong(
    admin: Watched, console: Console
) -> None:
    page = admin.page
    page.goto(f"{console.url}/new-customer")
    page.get_by_label("Customer id").fill("eva")
    page.get_by_label("Card number").fill("4012888888881881")
    page.get_by_label("Last name").fill("Berg")
    page.get_by_label("Phone number").fill("not a number")
    page.get_by_role("button", name="Add the customer").click()
    field = page.locator(".q-field", has=page.get_by_label("Phone number"))
    expect(field.get_by_role("alert")).to_be_visible()
    page.get_by_label("Phone number").fill("+43 1 5850")
    page.get_by_role("button", name="Add the customer").click()
    expect(page.get_by_text("Customer eva")).to_be_visible()
    expect(page.get_by_role("region", name="Card ending in 1881")).to_be_visible()
    assert "4012888888881881" not in page.content()


def test_the_rule_editor_points_at_the_mistake_while_one_types(
    admin: Watched, console: Console
) -> None:
    page = admin.page
    page.goto(f"{console.url}/detectors/payments")
    page.get_by_label("Expression").fill("$transaction_amount > 100")
    check = page.locator("[data-part=check]")
    expect(check).to_contain_text("Line 1, column 1")
    expect(check).to_contain_text("did you mean $transaction_amt?")
    expect(check.locator("pre")).to_contain_text("^")
    page.get_by_label("Expression").fill("$transaction_amt > 100")
    expect(check).to_contain_text("This is a rule")


def test_a_rule_is_stored_published_and_decides(admin: Watched, console: Console) -> None:
    page = admin.page
    page.goto(f"{console.url}/detectors/payments")
    page.get_by_label("Expression").fill('$merchant_name == "Tulip Shop"')
    page.get_by_label("Rule id").fill("tulips")
    page.get_by_label("Outcomes").click()
    page.get_by_role("option", name="approve").click()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Save the rule").click()
    order = page.locator("[data-part=order]")
    expect(order).to_contain_text("tulips, version 1")
    order.get_by_text("tulips, version 1").click()
    order.get_by_role("button", name="Move tulips up").click()
    order.get_by_role("button", name="Move tulips up").click()
    page.get_by_role("button", name="Publish and activate").click()
    expect(page.get_by_role("region", name="Version 2")).to_contain_text("1. tulips")

    def rules() -> object:
        return console.send(f"tulip-{page.evaluate('Date.now()')}", 5.0, merchant_name="Tulip Shop")

    decided = rules()
    assert isinstance(decided, dict)
    assert decided["rules"][0]["rule_id"] == "tulips"


def test_a_case_shows_what_happens_and_an_analyst_settles_it(
    browser: Browser, console: Console
) -> None:
    analyst = signed_in(browser, console, "analyster")
    page = analyst.page
    decision = console.send("case-1", 4155.0, **FRAUD)
    case = decision["case"]
    assert isinstance(case, dict)
    page.goto(f"{console.url}/cases/{case['case_id']}")
    log = page.get_by_role("log")
    expect(log).to_contain_text("Case opened")
    expect(log).to_contain_text("Dialled")
    expect(page.get_by_role("region", name="Why")).to_contain_text("transaction_amt")
    page.get_by_role("button", name="It is legit").click()
    page.get_by_role("dialog").get_by_label("Reason").fill("spoke with her")
    page.get_by_role("button", name="Lift the hold").click()
    expect(log).to_contain_text("legit (analyster)")
    expect(page.get_by_role("region", name="Summary")).to_contain_text("active")
    expect(page.get_by_role("button", name="It is legit")).to_be_hidden()
    page.context.close()
    assert analyst.errors == []


def test_a_new_key_is_shown_once_works_and_is_refused_when_revoked(
    admin: Watched, console: Console
) -> None:
    page = admin.page
    page.goto(f"{console.url}/access")
    page.get_by_role("region", name="New API key").get_by_label("Name").fill("shop")
    page.get_by_role("button", name="Make the key").click()
    token = page.locator("[data-part=token]").inner_text()
    page.get_by_role("button", name="I have it").click()
    assert _status(console, token) == 200
    page.get_by_role("row", name="shop").get_by_role("button", name="Revoke").click()
    page.get_by_role("button", name="Revoke the key").click()
    expect(page.get_by_role("row", name="shop")).to_contain_text("revoked by adminer")
    assert _status(console, token) == 401
    page.reload()
    assert token not in page.content()


def test_a_new_access_key_is_shown_once_with_all_that_a_client_needs_and_can_be_revoked(
    admin: Watched, console: Console
) -> None:
    page = admin.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{console.url}/access")
    form = page.get_by_role("region", name="New access key")
    form.get_by_label("Name").fill("report")
    form.get_by_label("Permissions").fill("frauddetector:Get*, frauddetector:Gets*")
    form.get_by_role("button", name="Make the access key").click()
    expect(form).to_contain_text("No operation of frauddetector matches 'frauddetector:Gets*'")
    form.get_by_label("Permissions").fill("frauddetector:Get*, frauddetector:List*")
    form.get_by_label("Permissions").press("Tab")
    page.keyboard.press("Enter")
    key_id, secret, environment = (
        page.locator(f"[data-part={part}]").inner_text()
        for part in ("access-key-id", "secret-access-key", "environment")
    )
    assert environment.splitlines() == [
        f"export AWS_ACCESS_KEY_ID={key_id}",
        f"export AWS_SECRET_ACCESS_KEY={secret}",
        "export AWS_DEFAULT_REGION=us-east-1",
        f"export AWS_ENDPOINT_URL_FRAUDDETECTOR={console.url}",
    ]
    page.get_by_role("button", name="Copy: For a shell").click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == environment
    page.get_by_role("button", name="I have it").click()
    listed = page.get_by_role("row", name="report")
    expect(listed).to_contain_text(key_id)
    expect(listed).to_contain_text("frauddetector:List*")
    expect(listed).to_contain_text("never")
    listed.get_by_role("button", name="Revoke").click()
    page.get_by_role("button", name="Revoke the access key").click()
    expect(listed).to_contain_text("revoked by adminer")
    page.reload()
    assert secret not in page.content()


def test_an_address_that_leads_nowhere_says_so(admin: Watched, console: Console) -> None:
    reply = admin.page.goto(f"{console.url}/nowhere")
    assert reply is not None
    assert reply.status == 404
    expect(admin.page.get_by_text("There is no such page")).to_be_visible()
    missing = admin.page.goto(f"{console.url}/customers/nobody")
    assert missing is not None
    assert missing.status == 404
    admin.errors.clear()  # Chromium writes down that a page was not found.


def test_a_person_who_is_shut_out_loses_the_open_page(browser: Browser, console: Console) -> None:
    with httpx2.Client(
        base_url=console.url, headers={"authorization": f"Bearer {KEY}"}, trust_env=False
    ) as client:
        client.post(
            "/v1/users", json={"name": "leaver", "password": PASSWORD, "role": "viewer"}
        ).raise_for_status()
        leaver = newly_signed_in(browser, console, "leaver")
        client.patch("/v1/users/leaver", json={"disabled": True}).raise_for_status()
    expect(leaver.page.get_by_role("alertdialog")).to_contain_text("Your session is over")
    leaver.page.get_by_role("link", name="Sign in again").click()
    expect(leaver.page.get_by_role("button", name="Sign in")).to_be_visible()
    leaver.page.context.close()


def test_signing_out_ends_the_session(browser: Browser, console: Console) -> None:
    page = newly_signed_in(browser, console, "viewerer").page
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    page.goto(f"{console.url}/cases")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    page.context.close()


def test_nothing_is_left_in_the_working_directory(console: Console) -> None:
    assert not (console.log.parent / ".nicegui").exists()
    assert "Traceback" not in console.log.read_text()


def _status(console: Console, token: str) -> int:
    return httpx2.get(
        f"{console.url}/v1/me", headers={"authorization": f"Bearer {token}"}, trust_env=False
    ).status_code
