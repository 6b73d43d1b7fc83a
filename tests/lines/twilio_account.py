"""An account at Twilio on loopback: its HTTP API, and telephones that do what a test says.

It behaves as Twilio's documentation says: takes calls over its API, asks for documents with signed
forms, carries out their verbs in real time, loses keys that are pressed while nothing gathers, and
posts status call-backs. Signatures and their base strings are the SDK's.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import itertools
import wave
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from email.utils import format_datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import urljoin
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import httpx2
import uvicorn
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from twilio.request_validator import RequestValidator

from ringfence.flows.participant import Recording
from ringfence.lines import CallEvent, CallRequest, Synthesizer
from ringfence.lines.journal import utc_now
from ringfence.lines.opening import Surroundings, open_line
from ringfence.web.routes.line_callbacks import add_line_callbacks

ACCOUNT = "AC" + "0" * 32
TOKEN = "a-token-of-an-account"
BANK = "+4930901820"
CARDHOLDER = "+14155550100"
LINE = "phones"
SPOKEN_SECONDS = 0.3


@dataclass
class Telephone:
    """What answers, and how."""

    outcome: str = "answered"  # or busy, no-answer, failed, canceled
    sip_code: str = ""
    error_code: str = ""
    answered_by: str = "human"
    ring_seconds: float = 0.0
    dial_status: str = "completed"
    dial_seconds: float = 0.1


@dataclass
class Faults:
    """What goes wrong. `place` are HTTP answers to the next calls; `placed_anyway` says that the
    calls that are answered so are placed all the same."""

    place: list[tuple[int, dict[str, Any], dict[str, str]]] = field(default_factory=list)
    placed_anyway: bool = False
    answers_after: float = 0.0
    twice: bool = False
    lose_statuses: bool = False
    statuses_last: bool = False
    never_asks: bool = False


def sound(seconds: float, name: str = "a tone") -> Recording:
    """A recording of this length."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(8000)
        writer.writeframes(b"\x10\x20" * int(8000 * seconds))
    return Recording(name, file.getvalue())


async def until(holds: Callable[[], bool]) -> None:
    """Wait for something that nobody tells of."""
    async with asyncio.timeout(15):
        while not holds():  # noqa: ASYNC110 - whoever changes it is elsewhere
            await asyncio.sleep(0.01)


class PlacedCall:
    """A call, from its request to its end."""

    def __init__(self, account: Account, sid: str, form: dict[str, str]) -> None:
        self.account = account
        self.sid = sid
        self.form = form
        self.status = "queued"
        self.created_at = utc_now()
        self.documents: list[str] = []
        self.heard: list[str] = []
        self.sounds: list[bytes] = []
        self.lost_keys: list[str] = []
        self.gathering = asyncio.Event()
        self.answered_by = ""
        self.redirected = 0
        self._keys: asyncio.Queue[str] = asyncio.Queue()
        self._statuses: list[dict[str, str]] = []
        self._task: asyncio.Task[None] | None = None

    def start(self, run: Callable[[], Any]) -> None:
        self._task = asyncio.create_task(run())

    def press(self, key: str) -> None:
        if self.gathering.is_set():
            self._keys.put_nowait(key)
        else:
            self.lost_keys.append(key)

    async def press_when_asked(self, key: str) -> None:
        async with asyncio.timeout(10):
            await self.gathering.wait()
        self.press(key)

    async def hang_up(self) -> None:
        """The far end hangs up."""
        await self.stop()
        await self.tell("completed")

    async def stop(self) -> None:
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def redirect(self, url: str) -> None:
        self.redirected += 1
        await self.stop()
        self.start(lambda: self.follow(url))

    async def over(self) -> None:
        ends = ("completed", "busy", "failed", "no-answer", "canceled")
        await until(lambda: self.status in ends)

    async def run(self) -> None:
        phone = self.account.phones.get(self.form["To"], Telephone())
        await self.tell("initiated")
        await self.tell("ringing")
        await asyncio.sleep(phone.ring_seconds)
        if phone.outcome != "answered":
            more = {"SipResponseCode": phone.sip_code, "ErrorCode": phone.error_code}
            await self.tell(phone.outcome, **{k: v for k, v in more.items() if v})
            return
        if "MachineDetection" in self.form:
            self.answered_by = phone.answered_by
        await self.tell("in-progress")
        if not self.account.faults.never_asks:
            await self.follow(self.form["Url"])

    async def follow(self, url: str, **fields: str) -> None:
        """Ask for a document, carry it out, and so on."""
        try:
            asked: tuple[str, dict[str, str]] | None = (url, fields)
            while asked is not None:
                url, fields = asked
                asked = await self._carry_out(await self._ask(url, fields), url)
            await self.tell("completed")
        finally:
            self.gathering.clear()

    async def tell(self, status: str, **fields: str) -> None:
        """A status call-back."""
        self.status = status
        faults = self.account.faults
        told = {"CallStatus": status} | fields
        self._statuses.append(told)
        if faults.lose_statuses or "StatusCallback" not in self.form:
            return
        over = status not in ("initiated", "ringing", "in-progress")
        if faults.statuses_last and not over:
            return
        late = list(reversed(self._statuses)) if faults.statuses_last else [told]
        for one in late * (2 if faults.twice else 1):
            await self.account.post(self.form["StatusCallback"], self._fields() | one)

    def _fields(self) -> dict[str, str]:
        fields = {
            "AccountSid": ACCOUNT,
            "CallSid": self.sid,
            "From": self.form["From"],
            "To": self.form["To"],
            "CallStatus": self.status,
            "Direction": "outbound-api",
            "ApiVersion": "2010-04-01",
        }
        return fields | ({"AnsweredBy": self.answered_by} if self.answered_by else {})

    async def _ask(self, url: str, fields: dict[str, str]) -> Element:
        posts = [self.account.post(url, self._fields() | fields)]
        if self.account.faults.twice:
            posts.append(self.account.post(url, self._fields() | fields))
        replies = await asyncio.gather(*posts)
        assert {reply.status_code for reply in replies} == {200}, [r.text for r in replies]
        assert len({reply.text for reply in replies}) == 1
        self.documents.append(replies[0].text)
        response = ElementTree.fromstring(replies[0].text)
        assert response.tag == "Response"
        return response

    async def _carry_out(self, response: Element, url: str) -> tuple[str, dict[str, str]] | None:
        for verb in response:
            match verb.tag:
                case "Gather":
                    if key := await self._gather(verb):
                        return urljoin(url, verb.attrib["action"]), {"Digits": key}
                case "Redirect":
                    return urljoin(url, verb.text or ""), {}
                case "Dial":
                    return await self._dial(verb, url)
                case "Reject":
                    self.heard.append(f"rejected {verb.attrib['reason']}")
                    return None
                case "Hangup":
                    return None
                case _:
                    await self._sound(verb)
        return None

    async def _gather(self, verb: Element) -> str:
        assert verb.attrib["finishOnKey"] == ""
        most = int(verb.attrib.get("numDigits", "1000"))
        seconds = int(verb.attrib["timeout"])
        keys = ""

        async def listen() -> None:
            for child in verb:
                await self._sound(child)
            await asyncio.sleep(seconds)

        self.gathering.set()
        listening: asyncio.Task[Any] = asyncio.create_task(listen())
        try:
            while len(keys) < most:
                pressed = asyncio.create_task(self._keys.get())
                await asyncio.wait((listening, pressed), return_when=asyncio.FIRST_COMPLETED)
                listening.cancel()
                if not pressed.done():
                    pressed.cancel()
                    break
                keys += pressed.result()
                listening = asyncio.create_task(asyncio.sleep(seconds))
            return keys
        finally:
            self.gathering.clear()
            listening.cancel()

    async def _sound(self, verb: Element) -> None:
        match verb.tag:
            case "Play":
                reply = await self.account.client.get(verb.text or "")
                assert reply.status_code == 200, reply.text
                assert reply.headers["content-type"] == "audio/wav"
                self.sounds.append(reply.content)
                self.heard.append("a sound")
                with wave.open(io.BytesIO(reply.content)) as sound:
                    assert (sound.getnchannels(), sound.getframerate()) == (1, 8000)
                    await asyncio.sleep(sound.getnframes() / 8000)
            case "Say":
                self.heard.append("".join(verb.itertext()))
                await asyncio.sleep(SPOKEN_SECONDS)
            case "Pause":
                await asyncio.sleep(int(verb.attrib["length"]))
            case other:
                raise AssertionError(f"no verb {other}")

    async def _dial(self, verb: Element, url: str) -> tuple[str, dict[str, str]]:
        number = verb.find("Number")
        assert number is not None
        phone = self.account.phones.get(self.form["To"], Telephone())
        self.heard.append(f"put through to {number.text}")
        if phone.dial_status == "completed":
            told = self._fields() | {
                "CallSid": "CA" + "f" * 32,
                "ParentCallSid": self.sid,
                "CallStatus": "in-progress",
            }
            await self.account.post(number.attrib["statusCallback"], told)
            await asyncio.sleep(phone.dial_seconds)
        return urljoin(url, verb.attrib["action"]), {"DialCallStatus": phone.dial_status}


class Account:
    """The account, with its API."""

    def __init__(self) -> None:
        self.phones: dict[str, Telephone] = {}
        self.faults = Faults()
        self.calls: list[PlacedCall] = []
        self.requests: list[dict[str, str]] = []
        self.url = ""
        self.client = httpx2.AsyncClient(timeout=15, verify=False, trust_env=False)
        self._sids = (f"CA{number:032x}" for number in itertools.count(1))

    async def post(self, url: str, form: dict[str, str], token: str = TOKEN) -> httpx2.Response:
        """A signed request, as Twilio makes it."""
        signature = RequestValidator(token).compute_signature(url, form)
        headers = {"x-twilio-signature": signature}
        return await self.client.post(url, data=form, headers=headers)

    async def placed(self, count: int = 1) -> PlacedCall:
        """The call number `count`, once it is there."""
        await until(lambda: len(self.calls) >= count)
        return self.calls[count - 1]

    def incoming(self, url: str, **fields: str) -> PlacedCall:
        """Somebody calls our number, whose voice webhook is `url`."""
        form = {"To": BANK, "From": CARDHOLDER, "Url": url} | fields
        call = PlacedCall(self, next(self._sids), form)
        call.status = "ringing"
        self.calls.append(call)
        call.start(lambda: call.follow(url, **fields))
        return call

    async def stop(self) -> None:
        for call in self.calls:
            await call.stop()
        await self.client.aclose()

    def application(self) -> Starlette:
        base = f"/2010-04-01/Accounts/{ACCOUNT}/Calls"
        return Starlette(
            routes=[
                Route(f"{base}.json", self._place, methods=["POST"]),
                Route(f"{base}.json", self._list, methods=["GET"]),
                Route(base + "/{sid}.json", self._update, methods=["POST"]),
                Route(base + "/{sid}.json", self._fetch, methods=["GET"]),
            ]
        )

    async def _place(self, request: Request) -> Response:
        if request.headers.get("authorization") != basic(ACCOUNT, TOKEN):
            return JSONResponse({"code": 20003, "message": "Authenticate"}, 401)
        items = (await request.form()).multi_items()
        form = {name: str(value) for name, value in items}
        self.requests.append(form)
        events = [value for name, value in items if name == "StatusCallbackEvent"]
        assert events == ["initiated", "ringing", "answered", "completed"]
        fault = self.faults.place.pop(0) if self.faults.place else None
        if fault is not None and not self.faults.placed_anyway:
            return JSONResponse(fault[1], fault[0], fault[2])
        call = PlacedCall(self, next(self._sids), form)
        self.calls.append(call)
        call.start(call.run)
        await asyncio.sleep(self.faults.answers_after)
        if fault is not None:
            return JSONResponse(fault[1], fault[0], fault[2])
        return JSONResponse(self._shown(call), 201)

    async def _list(self, request: Request) -> Response:
        wanted = [
            self._shown(call)
            for call in reversed(self.calls)
            if call.form["To"] == request.query_params.get("To")
            and call.form["From"] == request.query_params.get("From")
        ]
        return JSONResponse({"calls": wanted, "page": 0})

    async def _fetch(self, request: Request) -> Response:
        for call in self.calls:
            if call.sid == request.path_params["sid"]:
                return JSONResponse(self._shown(call))
        return JSONResponse({"code": 20404, "message": "not found"}, 404)

    async def _update(self, request: Request) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        for call in self.calls:
            if call.sid == request.path_params["sid"]:
                if form.get("Status") == "completed":
                    await call.stop()
                    await call.tell("completed")
                else:
                    await call.redirect(form["Url"])
                return JSONResponse(self._shown(call))
        return JSONResponse({"code": 20404, "message": "not found"}, 404)

    def _shown(self, call: PlacedCall) -> dict[str, Any]:
        return {
            "sid": call.sid,
            "account_sid": ACCOUNT,
            "to": call.form["To"],
            "from": call.form["From"],
            "status": call.status,
            "answered_by": call.answered_by or None,
            "date_created": format_datetime(call.created_at),
        }


def basic(user: str, password: str) -> str:
    """The header of basic authentication."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@dataclass
class Desk:
    """A Twilio line behind its call-back route, an account that it uses, and what it reports."""

    line: Any
    account: Account
    url: str
    events: list[CallEvent] = field(default_factory=list)

    async def report(self, event: CallEvent) -> None:
        self.events.append(event)

    def happened(self) -> list[str]:
        return [event.kind.value for event in self.events]

    def texts(self, kind: str) -> list[str]:
        return [event.text for event in self.events if event.kind == kind]

    def place(self, conversation: Any, call_id: str = "call-1", **terms: Any) -> Any:
        request = CallRequest(call_id, CARDHOLDER, BANK, ring_timeout_seconds=20.0, **terms)
        return asyncio.create_task(self.line.call(request, conversation, self.report))


@contextlib.asynccontextmanager
async def serving(application: Any) -> AsyncIterator[str]:
    """The address of an ASGI application on loopback."""
    config = uvicorn.Config(
        application, host="127.0.0.1", port=0, log_config=None, lifespan="off", access_log=False
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()  # and not `serve`, which takes its time to see that it is to stop
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        for listening in server.servers:
            listening.close()
        for connection in list(server.server_state.connections):
            connection.transport.abort()
        await asyncio.gather(*server.server_state.tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def desk(data_dir: Any, **settings: Any) -> AsyncIterator[Desk]:
    """A line of these settings with an account of its own, both on loopback."""
    account, synthesizer = Account(), Synthesizer()
    lines: dict[str, Any] = {}
    app = FastAPI()
    add_line_callbacks(app, lambda: SimpleNamespace(lines=lines))  # type: ignore[arg-type,return-value]
    app.mount("/twilio", account.application())
    async with serving(app) as url:
        account.url = f"{url}/twilio"
        table = {
            "kind": "twilio",
            "account_sid": ACCOUNT,
            "auth_token": TOKEN,
            "numbers": [BANK],
            "base_url": account.url,
            "poll_seconds": 0.3,
            **settings,
        }
        surroundings = Surroundings(synthesizer, data_dir, url)
        try:
            async with open_line(LINE, table, surroundings) as lines[LINE]:
                yield Desk(lines[LINE], account, url)
        finally:
            await account.stop()
            synthesizer.close()
