"""The demo from outside: what a newcomer types, hears, presses and sees."""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

pytestmark = pytest.mark.slow

CHROMIUM = shutil.which("chromium")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
SMALL = ["--transactions", "8000", "--port", "0"]


def demo(data_dir: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ringfence", "demo", "--data-dir", str(data_dir), *SMALL, *options],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize(
    ("options", "verdict", "state"),
    [
        (["--answer", "1"], "legit", "active"),
        ([], "fraud", "blocked"),  # without a terminal: as with --answer 2
        (["--answer", "none"], "unreached", "held"),
    ],
)
def test_the_demo_shows_what_became_of_the_payment(
    tmp_path: Path, options: list[str], verdict: str, state: str
) -> None:
    shown = demo(tmp_path / "demo", *options)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert re.search(r"^Score +\d+ of 1000", shown.stdout, re.MULTILINE)
    assert "Rule       call_cardholder version 1 -> call_cardholder" in shown.stdout
    assert re.search(rf"^Verdict +{verdict}:", shown.stdout, re.MULTILINE)
    assert re.search(rf"^Card +ending in 8788: {state}", shown.stdout, re.MULTILINE)
    assert re.search(r"^ *decision to ringing +\d", shown.stdout, re.MULTILINE)


def test_a_folder_that_is_not_a_demo_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("keep me")
    refused = demo(tmp_path, "--answer", "2")
    assert refused.returncode == 2
    assert "--data-dir" in refused.stderr
    assert (tmp_path / "precious").read_text() == "keep me"


class PersonAtATerminal:
    """The demo on a pseudo-terminal; what it writes is collected as it comes."""

    def __init__(self, data_dir: Path) -> None:
        ours, theirs = pty.openpty()
        self._ours = ours
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ringfence", "demo", "--data-dir", str(data_dir), *SMALL],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "160"},
            start_new_session=True,
        )
        os.close(theirs)
        self._text = ""
        self._more = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def sees(self, pattern: str, seconds: float = 120) -> re.Match[str]:
        with self._more:
            found = self._more.wait_for(lambda: re.search(pattern, self._text), seconds)
        assert found, f"never saw {pattern!r} in:\n{self._text[-3000:]}"
        return found

    def leaves(self) -> None:
        self.process.terminate()
        self.process.wait(30)

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._ours, 4096)
            except OSError:
                return
            with self._more:
                self._text += re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", data.decode(errors="replace"))
                self._more.notify_all()


@pytest.fixture
def person(tmp_path: Path) -> Iterator[PersonAtATerminal]:
    at_terminal = PersonAtATerminal(tmp_path / "demo")
    yield at_terminal
    at_terminal.leaves()


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium: apt-get install chromium")
def test_a_ringing_call_is_answered_in_the_browser_and_the_card_turns_blocked(
    person: PersonAtATerminal,
) -> None:
    from playwright.sync_api import expect, sync_playwright

    shots = os.environ.get("RINGFENCE_SCREENSHOTS")
    address = person.sees(r"Phone +(http://\S+)")[1]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page(viewport={"width": 420, "height": 860})
        page.goto(address)
        page.get_by_label("Name").fill("admin")
        page.get_by_label("Password").fill("ringfence demo")
        page.get_by_role("button", name="Sign in").click()
        expect(page).to_have_url(re.compile("/phone"))
        page.get_by_role("button", name="Answer").click(timeout=60_000)
        expect(page.get_by_text("If it was not you, press 2", exact=False)).to_be_visible(
            timeout=60_000
        )
        if shots:
            page.screenshot(path=f"{shots}/call.png")
        page.keyboard.press("2")
        expect(page.get_by_text("Your card is now blocked", exact=False)).to_be_visible(
            timeout=30_000
        )
        if shots:
            page.screenshot(path=f"{shots}/blocked.png")
        console = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        console.context.add_cookies(page.context.cookies())
        start = address.partition("/phone")[0]
        console.goto(f"{start}/customers/u82-1alz-RI301")
        expect(console.get_by_text("blocked", exact=False).first).to_be_visible(timeout=20_000)
        if shots:
            console.screenshot(path=f"{shots}/customer.png")
            console.goto(f"{start}/cases")
            console.wait_for_timeout(1500)
            console.screenshot(path=f"{shots}/cases.png")
        browser.close()
    person.sees(r"Verdict +fraud", 90)
    person.sees(r"Card +ending in 8788: blocked")
    person.leaves()
    with pytest.raises(OSError, match="refused"):
        urlopen(f"{start}/healthz", timeout=5)
