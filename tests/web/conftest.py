"""One server for the tests of the HTTP API, started when the first of them asks for it."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest
from api_servers import Server, prepare, running


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
