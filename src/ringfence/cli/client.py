"""Talking to a running server over its HTTP API."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import httpx2
import msgspec

from ringfence.errors import InvalidInput, RingfenceError, Unavailable


class Client:
    """A caller of the API. Raises `Unavailable` when the server cannot be reached, and what the
    server complains about as an error of ours."""

    def __init__(self, url: str, api_key: str | None, *, timeout_seconds: float = 30.0):
        if not api_key:
            raise InvalidInput(
                "no API key", field="--api-key", expected="a key, or RINGFENCE_API_KEY"
            )
        if not (api_key.isascii() and api_key.isprintable()):
            raise InvalidInput(
                "not an API key", field="--api-key", expected="printable ASCII characters"
            )
        self._client = httpx2.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {api_key}"},
            timeout=timeout_seconds,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def get(self, path: str) -> Any:
        """The reply to a GET."""
        return self._send("GET", path, None)

    def download(self, path: str) -> bytes:
        """The reply to a GET of what is no JSON."""
        return self._reply("GET", path, None).content

    def post(self, path: str, body: object) -> Any:
        """The reply to a POST of `body` as JSON."""
        return self._send("POST", path, body)

    def put(self, path: str, body: object) -> Any:
        """The reply to a PUT of `body` as JSON."""
        return self._send("PUT", path, body)

    def delete(self, path: str) -> None:
        """Send a DELETE."""
        self._send("DELETE", path, None)

    def _send(self, method: str, path: str, body: object) -> Any:
        reply = self._reply(method, path, body)
        return msgspec.json.decode(reply.content) if reply.content else None

    def _reply(self, method: str, path: str, body: object) -> httpx2.Response:
        try:
            reply = self._client.request(
                method,
                path,
                content=None if body is None else msgspec.json.encode(body),
                headers={"Content-Type": "application/json"} if body is not None else None,
            )
        except httpx2.HTTPError as error:
            raise Unavailable(
                f"the server at {self._client.base_url} cannot be reached: {error}",
                expected="a running `ringfence serve`",
            ) from error
        if reply.is_success:
            return reply
        raise _complaint(reply)


def _complaint(reply: httpx2.Response) -> RingfenceError:
    try:
        error = msgspec.json.decode(reply.content)["error"]
    except (msgspec.DecodeError, KeyError, TypeError):
        return Unavailable(f"the server answered {reply.status_code}")
    family = InvalidInput if reply.status_code == 422 else RingfenceError
    return family(error["message"], field=error.get("field"), expected=error.get("expected"))
