"""A real exchange on loopback, phones that speak its protocol, and what calls leave behind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from importlib.resources import files
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.responses import FileResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket
from websockets.asyncio.client import ClientConnection, connect

from ringfence.flows.participant import Participant, Prompt
from ringfence.lines import BrowserLine, CallEvent, CallRequest, CallResult

NUMBER = "+4930901820"
BANK = "+15550100000"
_STRICT = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src *"


class Exchange:
    """A running browser line with its address."""

    def __init__(self, line: BrowserLine, port: int) -> None:
        self.line = line
        self.port = port
        self.events: list[CallEvent] = []
        self._reported = asyncio.Condition()

    @property
    def page(self) -> str:
        return f"http://127.0.0.1:{self.port}/phone"

    @property
    def socket(self) -> str:
        return f"ws://127.0.0.1:{self.port}/v1/phones/ws"

    async def report(self, event: CallEvent) -> None:
        self.events.append(event)
        async with self._reported:
            self._reported.notify_all()

    async def sees(self, kind: str, count: int = 1) -> None:
        async with asyncio.timeout(5), self._reported:
            await self._reported.wait_for(lambda: self.happened().count(kind) >= count)

    def happened(self) -> list[str]:
        return [event.kind.value for event in self.events]

    def place(
        self,
        conversation: Callable[[Participant], Awaitable[None]],
        *,
        number: str = NUMBER,
        ring_seconds: float = 5.0,
        call_id: str | None = None,
    ) -> asyncio.Task[CallResult]:
        request = CallRequest(
            call_id or uuid.uuid4().hex, number, BANK, "Ringfence Bank", ring_seconds
        )
        return asyncio.create_task(self.line.call(request, conversation, self.report))


@contextlib.asynccontextmanager
async def exchange(**options: Any) -> AsyncIterator[Exchange]:
    """A browser line behind uvicorn and Starlette, page and all, with a strict content policy."""
    line = BrowserLine(**options)
    pages = files("ringfence.lines") / "phone"

    async def phones(socket: WebSocket) -> None:
        await line.serve(socket, socket.query_params["number"])

    async def page(_request: object) -> FileResponse:
        return FileResponse(str(pages / "phone.html"), headers={"content-security-policy": _STRICT})

    app = Starlette(
        routes=[
            Route("/phone", page),
            Mount("/phone", StaticFiles(directory=str(pages))),
            WebSocketRoute("/v1/phones/ws", phones),
        ]
    )
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off"))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn offers no event
        await asyncio.sleep(0.005)
    try:
        yield Exchange(line, server.servers[0].sockets[0].getsockname()[1])
    finally:
        server.should_exit = server.force_exit = True
        await serving


class Telephone:
    """A phone as a program: it plays a prompt by saying at once that it was heard."""

    def __init__(self, socket: ClientConnection, *, listens: bool) -> None:
        self.socket = socket
        self.seen: list[dict[str, Any]] = []
        self.sounds: list[bytes] = []
        self._listens = listens
        self._arrived = asyncio.Condition()

    async def receive(self) -> None:
        async for data in self.socket:
            if isinstance(data, bytes):
                self.sounds.append(data)
                if self._listens:
                    prompt_id = self.last("prompt")["prompt_id"]
                    await self.send(type="started", prompt_id=prompt_id)
                    await self.send(type="finished", prompt_id=prompt_id)
            else:
                self.seen.append(json.loads(data))
            async with self._arrived:
                self._arrived.notify_all()

    async def send(self, **message: object) -> None:
        await self.socket.send(json.dumps(message))

    def last(self, kind: str) -> dict[str, Any]:
        return [message for message in self.seen if message["type"] == kind][-1]

    async def waits_for(self, kind: str, count: int = 1) -> dict[str, Any]:
        def there() -> bool:
            return sum(message["type"] == kind for message in self.seen) >= count

        async with asyncio.timeout(5), self._arrived:
            await self._arrived.wait_for(there)
        return self.last(kind)

    async def waits_for_sound(self, count: int = 1) -> bytes:
        async with asyncio.timeout(5), self._arrived:
            await self._arrived.wait_for(lambda: len(self.sounds) >= count)
        return self.sounds[-1]

    async def rings(self, count: int = 1) -> str:
        return str((await self.waits_for("ring", count))["call_id"])

    async def answers(self) -> str:
        call_id = await self.rings()
        await self.send(type="answer", call_id=call_id)
        await self.waits_for("connected")
        return call_id

    async def ended(self, count: int = 1) -> str:
        return str((await self.waits_for("ended", count))["reason"])


@contextlib.asynccontextmanager
async def telephone(
    there: Exchange, number: str = NUMBER, *, phone_id: str = "", listens: bool = True
) -> AsyncIterator[Telephone]:
    """A phone on `number`, welcomed by the exchange; gone when the block is left."""
    address = f"{there.socket}?number={number.replace('+', '%2B')}"
    async with connect(address, max_size=None, proxy=None) as socket:
        phone = Telephone(socket, listens=listens)
        receiving = asyncio.create_task(phone.receive())
        try:
            await phone.send(type="hello", version=1, phone_id=phone_id or uuid.uuid4().hex)
            await phone.waits_for("welcome")
            yield phone
        finally:
            receiving.cancel()
            await asyncio.gather(receiving, return_exceptions=True)


def spoken(text: str) -> Prompt:
    return Prompt(text, ssml=False)


async def menu(participant: Participant) -> None:
    """The shape of every alert: say, ask, say goodbye."""
    await participant.say(spoken("Hello from the bank. Press 1 or 2."), interruptible=True)
    key = await participant.digit(5)
    await participant.say(spoken(f"You pressed {key}."), interruptible=False)
