"""The phone page in a real Chromium, against a real exchange, with a strict content policy."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from chromium import CHROMIUM, FLAGS
from phone_pages import WITH_SOUND, open_phone
from playwright.async_api import BrowserContext, async_playwright, expect
from telephones import NUMBER, Exchange, exchange, menu, spoken

from ringfence.flows.participant import Participant
from ringfence.lines import CallEnd

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is missing: apt-get install chromium"
)


@pytest.fixture
async def there() -> AsyncIterator[Exchange]:
    async with exchange() as running:
        yield running


@pytest.fixture
async def context() -> AsyncIterator[BrowserContext]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*FLAGS, WITH_SOUND]
        )
        context = await browser.new_context(viewport={"width": 900, "height": 900})
        context.set_default_timeout(8000)
        yield context
        await browser.close()


async def test_a_call_rings_is_answered_by_mouse_and_takes_a_key_from_the_keyboard(
    context: BrowserContext, there: Exchange
) -> None:
    page, errors = await open_phone(context, there)
    call = there.place(menu)
    await expect(page.get_by_text("Incoming call")).to_be_visible()
    await expect(page.get_by_role("heading", name="Ringfence Bank")).to_be_visible()
    assert await page.title() == "☎ Incoming call"
    await page.get_by_role("button", name="Answer").click()
    await expect(page.get_by_role("log")).to_contain_text("Hello from the bank.")
    await page.keyboard.press("2")
    await expect(page.get_by_role("log")).to_contain_text("You pressed 2.")
    await expect(page.get_by_text("Call ended")).to_be_visible()
    assert (await call).end is CallEnd.COMPLETED
    assert "digit" in there.happened()
    assert errors == []


async def test_enter_answers_the_keypad_takes_the_mouse_and_escape_hangs_up(
    context: BrowserContext, there: Exchange
) -> None:
    pressed: list[str | None] = []

    async def conversation(participant: Participant) -> None:
        pressed.append(await participant.digit(5))
        pressed.append(await participant.digit(5))
        await participant.digit(30)

    page, errors = await open_phone(context, there)
    call = there.place(conversation)
    await expect(page.get_by_text("Incoming call")).to_be_visible()
    await page.keyboard.press("Enter")
    await page.get_by_label("Keypad").get_by_text("7").click()
    await page.get_by_role("button", name="hash").click()
    await expect(page.get_by_label("Keys pressed")).to_have_text("7#")
    await page.keyboard.press("Escape")
    await expect(page.get_by_text("You hung up")).to_be_visible()
    assert (await call).end is CallEnd.HUNG_UP
    assert pressed == ["7", "#"]
    assert errors == []


async def test_decline_rejects_the_call(context: BrowserContext, there: Exchange) -> None:
    page, _ = await open_phone(context, there)
    call = there.place(menu)
    await page.get_by_role("button", name="Decline").click()
    await expect(page.get_by_text("Declined")).to_be_visible()
    assert (await call).end is CallEnd.REJECTED


async def test_a_reload_during_the_call_comes_back_to_it(
    context: BrowserContext, there: Exchange
) -> None:
    async def conversation(participant: Participant) -> None:
        await participant.say(
            spoken("One moment please. Now press a key."),
            interruptible=True,
        )
        await participant.digit(10)

    page, _ = await open_phone(context, there)
    call = there.place(conversation)
    await page.get_by_role("button", name="Answer").click()
    await expect(page.get_by_role("log")).to_contain_text("One moment please")
    await page.reload()
    await expect(page.get_by_role("heading", name="Ringfence Bank")).to_be_visible()
    await expect(page.get_by_role("log")).to_contain_text("Now press a key.")
    await page.keyboard.press("1")
    assert (await call).end is CallEnd.COMPLETED


async def test_another_tab_that_answers_stops_the_ringing_here(
    context: BrowserContext, there: Exchange
) -> None:
    first, _ = await open_phone(context, there)
    second, _ = await open_phone(context, there)
    call = there.place(menu)
    await second.get_by_role("button", name="Answer").click()
    await expect(first.get_by_text("Answered on another phone")).to_be_visible()
    await expect(second.get_by_role("button", name="Hang up")).to_be_visible()
    await second.get_by_role("button", name="Hang up").click()
    assert (await call).end is CallEnd.HUNG_UP


async def test_without_a_number_the_page_asks_for_one_and_checks_it(
    context: BrowserContext, there: Exchange
) -> None:
    page = await context.new_page()
    await page.goto(there.page)
    await page.get_by_label("Which number").fill("030 901820")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("not a number with country code")).to_be_visible()
    await page.get_by_label("Which number").fill("+49 (30) 901-820")
    await page.get_by_role("button", name="Use this number").click()
    await expect(page.get_by_text("Waiting for a call")).to_be_visible()
    await expect(page.get_by_text("Connected", exact=True)).to_be_visible()
    assert there.line.phones == {NUMBER: 1}


async def test_muting_silences_and_keeps_the_captions(
    context: BrowserContext, there: Exchange
) -> None:
    page, _ = await open_phone(context, there)
    call = there.place(menu)
    await page.get_by_role("button", name="Answer").click()
    await page.get_by_role("button", name="Mute").click()
    await expect(page.get_by_role("button", name="Muted")).to_have_attribute("aria-pressed", "true")
    await expect(page.get_by_role("log")).to_contain_text("Hello from the bank.")
    await page.get_by_role("button", name="Hang up").click()
    await call
