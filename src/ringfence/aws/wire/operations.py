"""Operations: what the folders of the services declare, and how one is run.

The same for both of AWS's JSON protocols.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property
from typing import Any, Protocol, TypeAlias

import msgspec


class Caller(Protocol):
    """Who sent a request, as its signature says."""

    @property
    def name(self) -> str:
        """Who is written down as having asked."""

    @property
    def access_key_id(self) -> str:
        """What tells callers apart."""

    @property
    def region(self) -> str:
        """The region that the client speaks to."""

    def require(self, service: str, operation: str) -> None:
        """Raise `AccessDenied` unless the caller may do that."""


class Call(msgspec.Struct, frozen=True):
    """One request: its members, read and checked, and who sent it.

    `region` is the one that the client signed for, `account` that of the operator. `capitals` says
    that the service's names begin with a capital, as those of Amazon Connect do.
    """

    members: Mapping[str, Any]
    region: str
    account: str
    by: str
    capitals: bool = False


Handler: TypeAlias = Callable[[Any, Call], dict[str, Any] | Awaitable[dict[str, Any]]]


class Operations:
    """Collects the operations of one kind of resource."""

    def __init__(self) -> None:
        self.all: dict[str, Handler] = {}

    def add(self, name: str) -> Callable[[Handler], Handler]:
        """Declare the decorated function as the operation of that name in the model.

        A plain function runs in a thread, so it may block.
        """

        def declare(handler: Handler) -> Handler:
            self.all[name] = handler
            return handler

        return declare


class Answer(msgspec.Struct, frozen=True):
    """What a client is told."""

    status: int
    body: bytes
    error: str | None = None
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Handlers:
    """The operations of a service, loaded when the first is asked for: a server that nobody asks
    loads none of them."""

    def __init__(self, load: Callable[[], Mapping[str, Handler]]):
        self._load = load

    def __contains__(self, operation: str) -> bool:
        return operation in self._all

    async def run(self, operation: str, host: Any, call: Call) -> dict[str, Any]:
        """The members of the output. Raises what the handler raises."""
        handler, is_async = self._all[operation]
        if is_async:
            outcome = handler(host, call)
        else:
            outcome = await asyncio.to_thread(handler, host, call)
        return await outcome if inspect.isawaitable(outcome) else outcome

    @cached_property
    def _all(self) -> Mapping[str, tuple[Handler, bool]]:
        return {
            operation: (handler, inspect.iscoroutinefunction(handler))
            for operation, handler in self._load().items()
        }


def without_none(value: Any) -> Any:
    """The value without the members that are None, as AWS leaves out what there is not."""
    if isinstance(value, dict):
        return {name: without_none(one) for name, one in value.items() if one is not None}
    if isinstance(value, (list, tuple)):
        return [without_none(one) for one in value]
    return value
