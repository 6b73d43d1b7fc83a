"""The line over Amazon Connect when the network breaks: nobody is called twice, or left alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from api_servers import KEY, Server, running
from aws_clients import ClientOf
from connect_calls import described, phone, talk, until

from ringfence.flows import Participant
from ringfence.lines import CallEnd, CallEvent, CallRequest, CallResult
from ringfence.lines.amazon_connect.line import AmazonConnectLine
from ringfence.lines.amazon_connect.settings import read_settings

OURS = "+15550100000"
PATIENCE_SECONDS = 60.0


@pytest.fixture(scope="module")
def aws_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data_dir = tmp_path_factory.mktemp("networks") / "data"
    with running(data_dir, RINGFENCE_AWS_ACCEPT_ANY_KEY="1") as made:
        yield made


@pytest.fixture(scope="module")
def table(connect: ClientOf, instance: str) -> dict[str, Any]:
    made = connect.create_contact_flow(
        InstanceId=instance, Name="talk", Type="CONTACT_FLOW", Content=talk()
    )
    return {
        "instance_id": instance,
        "contact_flow_id": made["ContactFlowId"],
        "source_phone_number": OURS,
        "poll_seconds": 0.2,
        "calls_per_second": 20.0,
        "access_key_id": "AKIATESTTESTTESTTEST",
        "secret_access_key": "test-secret",
    }


class Network:
    """A way to a server, which can be cut, and which can lose the answers to what gets through."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.url = ""
        self.requests = 0
        self.loses_answers = False
        self.holds_answers = asyncio.Event()
        self.holds_answers.set()

    async def join(self) -> None:
        port = int(self.url.rpartition(":")[2]) if self.url else 0
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", port)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def cut(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._open:
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(self._host, self._port)
        self._open |= {writer, far_writer}

        async def answers() -> None:
            while data := await far_reader.read(65536):
                await self.holds_answers.wait()
                if self.loses_answers:
                    writer.transport.abort()
                    return
                writer.write(data)

        answering = asyncio.create_task(answers())
        try:
            while data := await reader.read(65536):
                self.requests += 1
                far_writer.write(data)
        except OSError:
            pass
        finally:
            answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)
            for one in (writer, far_writer):
                one.close()
                self._open.discard(one)


@asynccontextmanager
async def networked(
    server: Server, table: dict[str, Any]
) -> AsyncIterator[tuple[Network, AmazonConnectLine]]:
    host, _, port = server.url.removeprefix("http://").partition(":")
    network = Network(host, int(port))
    await network.join()
    settings = read_settings("connect", {**table, "endpoint_url": network.url})
    line = AmazonConnectLine("connect", settings)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            yield network, line
            await line.stop()
    finally:
        await network.cut()


async def call(line: AmazonConnectLine, number: str) -> CallResult:
    async def unheard(participant: Participant) -> None:
        raise AssertionError("the conversation is held over there")

    async def report(event: CallEvent) -> None:
        """Nobody reads it."""

    request = CallRequest(f"to {number}", number, OURS, attributes={"who": "Ada", "news": "none"})
    return await line.call(request, unheard, report)


async def test_a_network_that_breaks_during_a_call_is_borne(
    aws_server: Server, table: dict[str, Any]
) -> None:
    number = "+4930600"
    with phone(aws_server.url, number, KEY) as there:
        async with networked(aws_server, table) as (network, line):
            calling = asyncio.create_task(call(line, number))
            await asyncio.to_thread(until, lambda: there.heard)
            await network.cut()
            there.press("1")
            await asyncio.sleep(1.0)
            assert not calling.done()
            await network.join()
            result = await calling
    assert result.end is CallEnd.COMPLETED, result
    assert result.attributes["who"] == "Ada"
    assert len(there.rung) == 1


async def test_a_call_whose_answer_was_lost_is_found_again_not_placed_again(
    aws_server: Server, table: dict[str, Any]
) -> None:
    number = "+4930601"
    with phone(aws_server.url, number, KEY) as there:
        async with networked(aws_server, table) as (network, line):
            network.loses_answers = True
            calling = asyncio.create_task(call(line, number))
            await asyncio.to_thread(until, lambda: there.heard)
            network.loses_answers = False
            there.press("1")
            result = await calling
    assert result.end is CallEnd.COMPLETED, result
    assert len(there.rung) == 1


async def test_a_lost_answer_keeps_a_call_from_being_taken_for_one_that_was_not_placed(
    aws_server: Server, table: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringfence.lines.amazon_connect.client._BUDGET_SECONDS", 0.1)
    number = "+4930602"
    with phone(aws_server.url, number, KEY) as there:
        async with networked(aws_server, table) as (network, line):
            network.loses_answers = True
            calling = asyncio.create_task(call(line, number))
            await asyncio.to_thread(until, lambda: there.heard)
            await asyncio.sleep(1.0)
            assert not calling.done()
            network.loses_answers = False
            there.press("1")
            result = await calling
    assert result.end is CallEnd.COMPLETED, result


async def test_a_call_that_is_given_up_while_it_is_placed_is_hung_up(
    aws_server: Server, table: dict[str, Any], connect: ClientOf, instance: str
) -> None:
    number = "+4930603"
    with phone(aws_server.url, number, KEY, answers=False) as there:
        async with networked(aws_server, table) as (network, line):
            network.holds_answers.clear()
            calling = asyncio.create_task(call(line, number))
            await asyncio.to_thread(until, lambda: there.rung)
            calling.cancel()
            await asyncio.gather(calling, return_exceptions=True)
            assert calling.cancelled()
            network.holds_answers.set()
        (contact_id,) = there.rung
        told = await asyncio.to_thread(described, connect, instance, contact_id)
        assert "DisconnectTimestamp" in told


async def test_a_call_that_is_given_up_before_its_turn_is_not_placed(
    aws_server: Server, table: dict[str, Any]
) -> None:
    slow = {**table, "calls_per_second": 1.0}
    async with networked(aws_server, slow) as (_, line):
        first = asyncio.create_task(call(line, "+4930699"))
        second = asyncio.create_task(call(line, "+4930604"))
        await asyncio.sleep(0.3)
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        with phone(aws_server.url, "+4930604", KEY) as there:
            await asyncio.sleep(1.5)
            assert there.rung == []
        assert (await first).end is CallEnd.UNREACHABLE


async def test_a_call_that_may_not_be_looked_at_is_hung_up(
    aws_server: Server,
    table: dict[str, Any],
    connect: ClientOf,
    instance: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ringfence.lines.amazon_connect.line._PATIENCE_SECONDS", 0.5)
    monkeypatch.setattr("ringfence.lines.amazon_connect.client._BUDGET_SECONDS", 0.5)
    number = "+4930605"
    with phone(aws_server.url, number, KEY) as there:
        async with networked(aws_server, table) as (network, line):
            calling = asyncio.create_task(call(line, number))
            await asyncio.to_thread(until, lambda: there.heard)
            network.loses_answers = True
            result = await calling
        assert result.end is CallEnd.FAILED
        assert "cannot be followed" in result.detail
        (contact_id,) = there.rung
        told = await asyncio.to_thread(described, connect, instance, contact_id)
        assert "DisconnectTimestamp" in told
