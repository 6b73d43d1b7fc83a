"""Functions behind an address: each event is one POST of JSON, signed when there is a secret."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ringfence.functions.definitions import LARGEST_ANSWER_BYTES, HttpFunction
from ringfence.functions.invocations import Answer, Invocation, NotReached
from ringfence.webhook_signatures import signature, signing_key

if TYPE_CHECKING:
    import httpx2

_THROTTLED = 429


class Endpoints:
    """Posts events. Connections are kept open and used again, on one event loop."""

    def __init__(self) -> None:
        self._client: httpx2.AsyncClient | None = None

    async def invoke(self, definition: HttpFunction, invocation: Invocation) -> Answer:
        """What the endpoint answers with a status of 2xx. Raises `NotReached` for anything else.

        The id is the same however often one event is tried.
        """
        import httpx2

        try:
            async with self._opened().stream(
                "POST",
                definition.url,
                content=invocation.payload,
                headers=_headers(definition, invocation),
                timeout=definition.timeout_seconds,
            ) as reply:
                if not reply.is_success:
                    status = reply.status_code
                    raise NotReached(
                        f"it answered with status {status}",
                        retry=status == _THROTTLED or status >= 500,
                    )
                received = bytearray()
                async for part in reply.aiter_bytes():
                    received += part
                    if len(received) > LARGEST_ANSWER_BYTES:
                        raise NotReached("its answer is too long", retry=False)
        except httpx2.TimeoutException:
            seconds = definition.timeout_seconds
            raise NotReached(f"no answer within {seconds:g} s", retry=True) from None
        except httpx2.TransportError as error:
            reason = f"it cannot be reached: {type(error).__name__}"
            raise NotReached(reason, retry=True) from None
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError):
            raise NotReached("its answer cannot be read", retry=False) from None
        return Answer(invocation.request_id, bytes(received))

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            client, self._client = self._client, None
            await client.aclose()

    def _opened(self) -> httpx2.AsyncClient:
        if self._client is None:
            import httpx2

            self._client = httpx2.AsyncClient(
                follow_redirects=False,
                trust_env=False,
                limits=httpx2.Limits(max_connections=None, max_keepalive_connections=32),
                headers={"User-Agent": "ringfence", "Accept": "application/json"},
            )
        return self._client


def _headers(definition: HttpFunction, invocation: Invocation) -> dict[str, str]:
    timestamp = str(int(time.time()))
    headers = {
        **{name: value for name, value in definition.headers.items() if value is not None},
        "content-type": "application/json",
        "webhook-id": invocation.request_id,
        "webhook-timestamp": timestamp,
    }
    if definition.secret is not None:
        key = signing_key(definition.secret, "secret")
        headers["webhook-signature"] = signature(
            key, invocation.request_id, timestamp, invocation.payload
        )
    return headers
