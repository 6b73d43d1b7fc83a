"""What the targets behind FastStream have in common: a broker that is connected when there is
something to send, and left for a new connection when it did not take it."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Sequence
from typing import Any

from ringfence.errors import InvalidInput
from ringfence.streams.messages import Message
from ringfence.streams.targets.addresses import FIELD
from ringfence.streams.targets.target import NotTaken

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 5.0
_CLOSE_SECONDS = 3.0


class BrokerTarget(ABC):
    """A place in a broker. Subclasses say how to connect and how to publish."""

    def __init__(self, name: str):
        self.name = name
        self._broker: Any = None

    async def send(self, messages: Sequence[Message]) -> int:
        """Publish them all, and wait until the broker has said of each that it has it."""
        try:
            if self._broker is None:
                async with asyncio.timeout(CONNECT_SECONDS):
                    self._broker = await self._connected()
            async with asyncio.timeout(CONNECT_SECONDS + ANSWER_SECONDS):
                taken = await self._publish(self._broker, messages)
        except NotTaken:
            await self.close()
            raise
        except TimeoutError:
            await self.close()
            raise NotTaken("it did not answer in time") from None
        except Exception as error:
            # Each client has errors of its own, and most of them several families.
            await self.close()
            raise NotTaken(words_of(error)) from error
        return taken

    async def close(self) -> None:
        """Disconnect."""
        broker, self._broker = self._broker, None
        if broker is not None:
            # A connection that is lost cannot be closed properly, and need not be.
            with contextlib.suppress(Exception):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await broker.stop()

    @abstractmethod
    async def _connected(self) -> Any:
        """A broker that can publish."""

    @abstractmethod
    async def _publish(self, broker: Any, messages: Sequence[Message]) -> int:
        """Publish and return how many were confirmed. Raises `NotTaken`, or as the client does."""


async def confirmed(answers: Sequence[Awaitable[Any]]) -> int:
    """How many of these were confirmed, all being waited for.

    Raises `NotTaken` at the first that was not.
    """
    results = await asyncio.gather(*answers, return_exceptions=True)
    for number, result in enumerate(results):
        if isinstance(result, BaseException):
            raise NotTaken(words_of(result), taken=number)
    return len(results)


def words_of(error: BaseException) -> str:
    """What a client's error says, on one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"[:300] if text else type(error).__name__


def require(extra: str, *modules: str) -> None:
    """Raise `InvalidInput` naming the `extra` that has these modules, if one is not installed."""
    for module in ("faststream", *modules):
        if importlib.util.find_spec(module) is None:
            raise InvalidInput(
                f"needs {module}, which is not installed",
                field=FIELD,
                expected=f"support for it, as installed by: pip install 'ringfence[{extra}]'",
            )
