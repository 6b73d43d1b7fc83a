"""The page of lines, in a real Chromium, with a real trunk."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from api_servers import PASSWORD, prepare, running
from chromium import CHROMIUM, FLAGS
from playwright.sync_api import expect, sync_playwright

sys.path.append(str(Path(__file__).parents[1] / "e2e"))

from trunks import Trunk, missing

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is missing: apt-get install chromium"),
    pytest.mark.skipif(bool(missing()), reason=missing()),
]

SETTINGS = """
[lines.carrier]
kind = "sip"
bind_host = "127.0.0.1"
courtesy_seconds = 0
numbers = ["+15550100000"]

[[lines.carrier.trunks]]
name = "one"
host = "127.0.0.1:{port}"
keep_alive_seconds = 1

[[lines.carrier.trunks]]
name = "two"
host = "127.0.0.1:9"
keep_alive_seconds = 0
"""


def test_lines_are_shown_and_one_is_proved_by_a_call(tmp_path: Path) -> None:
    trunk = Trunk(tmp_path / "trunk", key="5", ring_seconds=0.2)
    data_dir = tmp_path / "bank" / "data"
    prepare(data_dir)
    (data_dir.parent / "ringfence.toml").write_text(SETTINGS.format(port=trunk.port))
    try:
        with running(data_dir) as server, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            page = browser.new_page(viewport={"width": 1200, "height": 900})
            page.goto(f"{server.url}/lines")
            page.fill("#name", "admin")
            page.fill("#password", PASSWORD)
            page.click("button")
            table = page.get_by_role("table", name="Lines")
            expect(table).to_contain_text("carrier")
            expect(table).to_contain_text("browser")
            expect(page.get_by_role("table", name="Trunks")).to_contain_text("127.0.0.1:9")
            table.get_by_role("row", name="carrier").get_by_role("button", name="Test").click()
            dialog = page.get_by_role("dialog")
            dialog.get_by_label("Phone number").fill("030")
            dialog.get_by_role("button", name="Call").click()
            expect(dialog).to_contain_text("country code")
            dialog.get_by_label("Phone number").fill("+4930901820")
            dialog.get_by_role("button", name="Call").click()
            steps = page.get_by_role("table", name="Steps")
            expect(steps).to_contain_text("key 5 arrived", timeout=60_000)
            expect(steps).to_contain_text("PCMA")
            page.screenshot(path=str(tmp_path / "lines.png"), full_page=True)
            browser.close()
    finally:
        trunk.close()
