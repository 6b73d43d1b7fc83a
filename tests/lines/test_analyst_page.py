"""The phone page in a real Chromium, put through to a cardholder on a trunk."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest
from chromium import CHROMIUM, FLAGS
from phone_pages import BEEPING, open_phone
from playwright.async_api import async_playwright, expect
from two_lines import ANALYST, Menu, cardholders, level_dbov, missing, server, sweep, until

from ringfence.lines import CallEnd

_LACKING = missing() or ("" if CHROMIUM else "chromium is missing: apt-get install chromium")
pytestmark = pytest.mark.skipif(bool(_LACKING), reason=_LACKING)
# Resolves once the other side is louder than that here.
_LISTEN = """(least) => new Promise((heard) => {
    const phone = document.getElementById("phone");
    const look = () => {
        const level = Number(phone.style.getPropertyValue("--level"));
        if (level > least) heard(); else setTimeout(look, 20);
    };
    look();
})"""


async def test_an_analyst_at_the_page_and_a_cardholder_on_a_trunk_hear_each_other(
    tmp_path: Path,
) -> None:
    menu = Menu()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*FLAGS, *BEEPING]
        )
        with cardholders(tmp_path) as (peer, sound):
            async with server(peer.port) as there:
                page, errors = await open_phone(await browser.new_context(), there.phones, ANALYST)
                call = asyncio.create_task(there.trunk.call(menu))
                await page.get_by_role("button", name="Answer").click(timeout=30_000)
                await expect(page.get_by_role("log")).to_contain_text(
                    "Connected with Ringfence Bank"
                )
                await expect(page.get_by_text("The other side hears you.")).to_be_visible(
                    timeout=15_000
                )
                cardholder = sound.stream()
                sound.say(sweep(300, 1100, seconds=5.0), cardholder)
                async with asyncio.timeout(30):
                    await page.evaluate(_LISTEN, 0.05)
                # The microphone of this Chromium beeps each second.
                await until(lambda: level_dbov(np.sort(cardholder.heard())[-400:]) > -30)
                sound.press("7", cardholder)
                await expect(page.get_by_role("listitem").filter(has_text="7")).to_be_visible()
                await page.keyboard.press("5")
                await until(lambda: cardholder.keys() == "5")
                await page.get_by_role("button", name="Hang up").click()
                await until(lambda: menu.back)
                sound.press("3", cardholder)
                assert (await asyncio.wait_for(call, 30)).end is CallEnd.COMPLETED
                assert errors == []
        await browser.close()
