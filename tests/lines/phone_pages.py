"""The phone page in a real Chromium."""

from __future__ import annotations

from playwright.async_api import BrowserContext, Page, expect
from telephones import NUMBER, Exchange

WITH_SOUND = "--autoplay-policy=no-user-gesture-required"
BEEPING = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]


async def open_phone(
    context: BrowserContext, there: Exchange, number: str = NUMBER
) -> tuple[Page, list[str]]:
    """The page on `number`, connected, and the list of errors that it will write."""
    page = await context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: said.type == "error" and errors.append(said.text))
    await page.goto(f"{there.page}?number={number.replace('+', '%2B')}")
    await expect(page.get_by_text("Connected", exact=True)).to_be_visible(timeout=15_000)
    return page, errors
