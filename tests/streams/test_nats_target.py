"""Against a real server with JetStream."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from decided import announce, message, waiting
from receivers import until

from ringfence.storage import Database
from ringfence.streams import DecisionPublisher, NotTaken, open_target, publisher

nats = pytest.importorskip("nats", reason="needs the extra nats")


class Server:
    """`nats-server -js`, which can be stopped and started on the same port and folder."""

    def __init__(self, program: str, folder: Path):
        self._program, self._folder = program, folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._process = subprocess.Popen(
            [self._program, "-js", "-a", "127.0.0.1", "-p", str(self.port), "-sd", self._folder],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise AssertionError("nats-server did not start")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    program = shutil.which("nats-server")
    if program is None:
        pytest.skip("needs nats-server (apt-get install nats-server)")
    server = Server(program, tmp_path_factory.mktemp("jetstream"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def server(running: Server) -> Server:
    return running


async def stored(server: Server, subject: str) -> list[tuple[str, bytes]]:
    """The ids and bodies that the stream of a subject holds."""
    client = await nats.connect(server.url)
    jetstream = client.jetstream()
    name = await jetstream.find_stream_name_by_subject(subject)
    state = (await jetstream.stream_info(name)).state
    found = [
        await jetstream.get_msg(name, seq=number)
        for number in range(state.first_seq, state.last_seq + 1)
    ]
    await client.close()
    return [(one.headers["Nats-Msg-Id"], one.data) for one in found]


async def test_messages_are_stored_in_order_and_one_that_is_sent_again_is_not_stored_twice(
    server: Server,
) -> None:
    sent = [message(f"e-{number}") for number in range(150)]
    target = open_target(f"{server.url}/decisions.of.cards")
    assert await target.send(sent) == 150
    assert await target.send(sent[-3:]) == 3
    await target.close()
    assert await stored(server, "decisions.of.cards") == [(m.message_id, m.body) for m in sent]


async def test_a_stream_that_is_there_is_used_as_it_is(server: Server) -> None:
    client = await nats.connect(server.url)
    await client.jetstream().add_stream(name="MINE", subjects=["mine.>"])
    target = open_target(f"{server.url}/mine.decisions")
    await target.send([message("e-1")])
    await target.close()
    assert (await client.jetstream().stream_info("MINE")).state.messages == 1
    await client.close()


async def test_a_server_that_is_away_is_no_target_for_now() -> None:
    target = open_target("nats://127.0.0.1:9/decisions")
    with pytest.raises(NotTaken):
        await target.send([message("e-1")])
    await target.close()


async def test_an_outage_of_the_broker_is_gone_through(
    server: Server, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher, "_LONGEST_PAUSE_SECONDS", 0.2)
    opened = DecisionPublisher(database, open_target(f"{server.url}/outage"))
    opened.start()
    try:
        announce(database, opened, "e-0")
        until(lambda: waiting(database) == 0)
        server.kill()
        announce(database, opened, "e-1", "e-2")
        await asyncio.sleep(0.3)
        assert waiting(database) == 2
        server.start()
        until(lambda: waiting(database) == 0)
    finally:
        opened.close()
    bodies = [json.loads(body) for _, body in await stored(server, "outage")]
    assert [body["detail"]["eventId"] for body in bodies] == ["e-0", "e-1", "e-2"]
