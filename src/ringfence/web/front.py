"""The front door: who is it, is the body of a decent size, and where does the request go.

Decisions are answered here, ahead of the framework: at thousands of requests a second its routing
would cost more than the decision. Everything else goes to the application. Nothing but what
`OPEN_PATHS` and `OPEN_PLACES` name is answered without a valid key or session; what is below the
latter sees for itself who asks.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from http.cookies import CookieError, SimpleCookie
from typing import Any, TypeAlias
from urllib.parse import quote, unquote, urlsplit

import msgspec
import structlog

from ringfence.access import Principal
from ringfence.errors import Forbidden, RingfenceError, TooLarge, Unauthenticated
from ringfence.web.api import Endpoint, Operation
from ringfence.web.decisions import operations as decision_operations
from ringfence.web.problems import problem
from ringfence.web.services import Services
from ringfence.web.telemetry import Telemetry

AsgiScope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[AsgiScope, Receive, Send], Awaitable[None]]

SESSION_COOKIE = "ringfence_session"
OPEN_PATHS = frozenset({"/healthz", "/sign-in"})
OPEN_PLACES = ("/c/", "/lines/", "/texts/")

_EVENT_PREFIX, _EVENT_SUFFIX = "/v1/event-types/", "/decisions"
_HOT = {o.path: Endpoint(o) for o in decision_operations.all if o.method == "POST"}
_TRANSACTIONS = _HOT["/v1/transactions"]
_EVENTS = _HOT["/v1/event-types/{name}/decisions"]

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_JSON = (b"content-type", b"application/json")
_NO_STORE = (b"cache-control", b"no-store")
_SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
]
_log = structlog.get_logger(__name__)


class _Gone(Exception):
    """The client went away before it had sent its body."""


def is_hot(operation: Operation) -> bool:
    """Whether the front door answers this operation itself."""
    return operation.path in _HOT and operation.method == "POST"


def is_same_site(origin: str, host: str | None) -> bool:
    """Whether the header `origin` names the server that the header `host` names."""
    try:
        return urlsplit(origin).netloc == host
    except ValueError:
        return False


class Front:
    """An ASGI application in front of `application`. `services` are opened by its lifespan."""

    def __init__(
        self, services: Callable[[], Services], application: Application, telemetry: Telemetry
    ):
        self._services = services
        self._application = application
        self._telemetry = telemetry

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Answer one request, or hand it on."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._application(scope, receive, send)

    async def _http(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if path == "/healthz":
            await _send_json(send, 200, b'{"status":"ok"}')
            return
        started = False

        async def send_noting(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            services = self._services()
            if path == "/" and scope["method"] == "POST":
                target = _target_of(scope)
                if target is not None:
                    await self._aws(services, target, scope, receive, send)
                    return
            if _is_signed(scope):
                await self._aws(services, None, scope, receive, send)
                return
            limited = _limited(scope, receive, services.settings.max_body_bytes)
            if path in OPEN_PATHS or path.startswith(OPEN_PLACES):
                await self._application(scope, limited, _hardened(send_noting))
                return
            principal = self._principal(services, scope)
            if scope["method"] == "POST":
                if path == "/v1/transactions":
                    await self._decide(services, principal, _TRANSACTIONS, {}, limited, send)
                    return
                if path.startswith(_EVENT_PREFIX) and path.endswith(_EVENT_SUFFIX):
                    event_type = path[len(_EVENT_PREFIX) : -len(_EVENT_SUFFIX)]
                    if "/" not in event_type:
                        place = {"name": event_type}
                        await self._decide(services, principal, _EVENTS, place, limited, send)
                        return
            scope["principal"] = principal
            await self._application(scope, limited, _hardened(send_noting))
        except _Gone:
            return
        except Unauthenticated as error:
            if _wants_page(scope):
                await _redirect(send, f"/sign-in?next={quote(_target(scope), safe='')}")
            else:
                await self._refuse(send, error)
        except Exception as error:
            if started:
                # The framework has answered already, with a 500, or not to the end.
                _log.error("request failed", exc_info=error)
            else:
                await self._refuse(send, error)

    async def _decide(
        self,
        services: Services,
        principal: Principal,
        endpoint: Endpoint,
        place: Mapping[str, str],
        receive: Receive,
        send: Send,
    ) -> None:
        began = time.perf_counter()
        result = "error"
        try:
            body = await _body(receive)
            reply = await endpoint.answer(services, principal, place, {}, body)
            result = "decided"
            await _send_json(send, 200, reply)
        finally:
            self._telemetry.decided(result, time.perf_counter() - began)

    async def _aws(
        self, services: Services, target: str | None, scope: AsgiScope, receive: Receive, send: Send
    ) -> None:
        most = services.aws.largest_body(target, services.settings.max_body_bytes)
        try:
            body = await _body(_limited(scope, receive, most))
        except TooLarge as error:
            answer = services.aws.too_large(error)
        else:
            query: bytes = scope.get("query_string", b"")
            headers = scope["headers"]
            if target is not None:
                answer = await services.aws.answer(target, scope["path"], query, headers, body)
            else:
                path = scope.get("raw_path", scope["path"].encode()).decode("latin-1")
                answer = await services.aws.answer_rest(scope["method"], path, query, headers, body)
        await _send(
            send,
            answer.status,
            answer.body,
            [
                *(answer.headers or ((b"content-type", b"application/x-amz-json-1.1"),)),
                (b"x-amzn-requestid", str(uuid.uuid4()).encode()),
            ],
        )

    async def _websocket(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        try:
            scope["principal"] = self._principal(self._services(), scope)
        except RingfenceError:
            await receive()  # websocket.connect
            await send({"type": "websocket.close", "code": 4401, "reason": "sign in first"})
            return
        await self._application(scope, receive, send)

    def _principal(self, services: Services, scope: AsgiScope) -> Principal:
        cookie = origin = host = None
        for name, value in scope["headers"]:
            if name == b"authorization":
                kind, _, token = value.decode("latin-1").partition(" ")
                if kind.lower() != "bearer" or not token:
                    raise Unauthenticated(
                        "not a bearer token", field="authorization", expected="Bearer KEY"
                    )
                return services.keys.principal(token.strip())
            if name == b"x-api-key":
                return services.keys.principal(value.decode("latin-1").strip())
            if name == b"cookie":
                cookie = value.decode("latin-1")
            elif name == b"origin":
                origin = value.decode("latin-1")
            elif name == b"host":
                host = value.decode("latin-1")
        token = _session_token(cookie)
        if token is None:
            raise Unauthenticated(
                "no API key and no session", expected="the header Authorization: Bearer KEY"
            )
        # A browser sends the cookie whoever made the page; only our own pages may use it to
        # change something or to listen.
        changes = scope["type"] == "websocket" or scope["method"] not in _SAFE_METHODS
        if changes and origin is not None and not is_same_site(origin, host):
            raise Forbidden("the request comes from another site", field="origin")
        return services.sessions.principal(token)

    async def _refuse(self, send: Send, error: Exception) -> None:
        status, reply = problem(error)
        if status >= 500:
            _log.error("request failed", exc_info=error)
        await _send_json(
            send,
            status,
            msgspec.json.encode(reply),
            [(b"www-authenticate", b"Bearer")] if status == 401 else [],
        )


def _target_of(scope: AsgiScope) -> str | None:
    """What an AWS client asks for, such as `AWSHawksNestServiceFacade.PutLabel`."""
    for name, value in scope["headers"]:
        if name == b"x-amz-target":
            target: str = value.decode("latin-1")
            return target
    return None


def _is_signed(scope: AsgiScope) -> bool:
    """Whether an AWS client has signed the request."""
    return any(
        name == b"authorization" and value.startswith(b"AWS4-HMAC-SHA256")
        for name, value in scope["headers"]
    )


def _session_token(cookie: str | None) -> str | None:
    if cookie is None or SESSION_COOKIE not in cookie:
        return None
    try:
        morsel = SimpleCookie(cookie).get(SESSION_COOKIE)
    except CookieError:
        return None
    return morsel.value if morsel else None


def _limited(scope: AsgiScope, receive: Receive, limit: int) -> Receive:
    """`receive`, raising `TooLarge` once the body is longer than `limit` bytes."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value) > limit:
            raise _too_large(limit)
    received = 0

    async def receive_some() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > limit:
            raise _too_large(limit)
        return message

    return receive_some


def _too_large(limit: int) -> TooLarge:
    return TooLarge("the body is too large", field="body", expected=f"at most {limit} bytes")


async def _body(receive: Receive) -> bytes:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise _Gone
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return body
    chunks = [body]
    while message.get("more_body"):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        chunks.append(message.get("body", b""))
    return b"".join(chunks)


def _hardened(send: Send) -> Send:
    async def send_hardened(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *_SECURITY_HEADERS]
        await send(message)

    return send_hardened


async def _send_json(
    send: Send, status: int, body: bytes, headers: Sequence[tuple[bytes, bytes]] = ()
) -> None:
    await _send(send, status, body, [_JSON, *headers])


async def _send(
    send: Send, status: int, body: bytes, headers: Sequence[tuple[bytes, bytes]]
) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [*headers, _NO_STORE, length],
        }
    )
    await send({"type": "http.response.body", "body": body})


def _wants_page(scope: AsgiScope) -> bool:
    if scope["method"] != "GET" or scope["path"].startswith("/v1/"):
        return False
    return any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])


def _target(scope: AsgiScope) -> str:
    query = scope.get("query_string", b"").decode("latin-1")
    path = unquote(scope["path"])
    return f"{path}?{query}" if query else path


async def _redirect(send: Send, location: str) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": 303,
            "headers": [(b"location", location.encode()), (b"content-length", b"0"), _NO_STORE],
        }
    )
    await send({"type": "http.response.body", "body": b""})
