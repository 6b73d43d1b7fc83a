"""A server for the tests of the HTTP API, and a browser for those of pages, each started when the
first test asks for it."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest
from api_servers import Server, prepare, running
from chromium import CHROMIUM, FLAGS
from consoles import Console, Watched, signed_in
from playwright.sync_api import Browser, sync_playwright


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running `ringfence serve` that decides by rules alone."""
    data_dir = tmp_path_factory.mktemp("server") / "data"
    prepare(data_dir)
    with running(data_dir) as started:
        yield started


@pytest.fixture
def api(server: Server) -> Iterator[httpx2.Client]:
    """A client with a key that has every scope."""
    with server.client() as client:
        yield client


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real Chromium, for the tests of pages."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def admin(browser: Browser, console: Console) -> Iterator[Watched]:
    """An admin who has just signed in to the module's `console`."""
    yield from _signed_in(browser, console, "adminer")


@pytest.fixture
def viewer(browser: Browser, console: Console) -> Iterator[Watched]:
    """A viewer, likewise."""
    yield from _signed_in(browser, console, "viewerer")


def _signed_in(browser: Browser, console: Console, name: str) -> Iterator[Watched]:
    watched = signed_in(browser, console, name, viewport={"width": 1280, "height": 900})
    yield watched
    watched.page.context.close()
    assert watched.errors == []
    assert watched.foreign == []
