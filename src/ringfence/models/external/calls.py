"""All endpoints that a process asks, on an event loop in a thread of its own.

A decision waits there for its external models before it goes to be committed, so that no
transaction and no other decision ever waits for somebody else's server. Connections are kept open
and used again.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Mapping
from concurrent.futures import CancelledError, Future
from typing import TYPE_CHECKING, Any, TypeVar

from ringfence.errors import Unavailable
from ringfence.events.variables import Value
from ringfence.models.external.answers import Answer, Body
from ringfence.models.external.counts import Counts
from ringfence.models.external.definitions import ExternalModel
from ringfence.models.external.signing import AwsSigner

if TYPE_CHECKING:
    import httpx2

    from ringfence.models.external.asking import EndpointCaller

T = TypeVar("T")


class ExternalCalls:
    """Asks endpoints; one per process. Its thread is started by the first question."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._closed = False
        # The rest is used on the loop alone.
        self._client: httpx2.AsyncClient | None = None
        self._callers: dict[str, EndpointCaller] = {}
        self._counts: dict[str, Counts] = {}
        self._signer = AwsSigner()

    async def ask(
        self, model: ExternalModel, variables: Mapping[str, Value], body: Body | None = None
    ) -> Answer:
        """The answer of a model about an event, from whatever event loop this is.

        Takes no longer than the endpoint's time-out; a failed answer says why it failed. Raises
        `Unavailable` when the process is about to end.
        """
        asked = self._run(self._ask(model, variables, body))
        try:
            return await asyncio.wrap_future(asked)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            raise _ending() from None

    def ask_here(
        self, model: ExternalModel, variables: Mapping[str, Value], body: Body | None = None
    ) -> Answer:
        """Like `ask`, for a caller in a thread of its own."""
        try:
            return self._run(self._ask(model, variables, body)).result()
        except CancelledError:
            raise _ending() from None

    def open(self) -> None:
        """Load and open what asking needs, so that the first event does not wait for it."""

        async def open_client() -> None:
            self._opened()

        self._run(open_client()).result()

    def counts(self) -> Mapping[str, Counts]:
        """What came of asking, by the names of the models that have been asked."""
        return dict(self._counts)

    def close(self) -> None:
        """Give up what is on its way, and end the thread."""
        with self._lock:
            self._closed = True
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is not None and thread is not None:
            asyncio.run_coroutine_threadsafe(self._close(), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        # Under the lock, so that nothing is put on the loop behind what ends it.
        with self._lock:
            if self._closed:
                work.close()
                raise _ending()
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="external-models", daemon=True
                )
                self._thread.start()
            return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _ask(
        self, model: ExternalModel, variables: Mapping[str, Value], body: Body | None
    ) -> Answer:
        return await self._caller(model).ask(variables, body)

    def _caller(self, model: ExternalModel) -> EndpointCaller:
        caller = self._callers.get(model.name)
        if caller is None or caller.model != model:
            from ringfence.models.external.asking import EndpointCaller

            # A changed definition is another endpoint, of which nothing bad is known yet.
            caller = EndpointCaller(
                self._opened(), model, self._counts.setdefault(model.name, Counts()), self._signer
            )
            self._callers[model.name] = caller
        return caller

    def _opened(self) -> httpx2.AsyncClient:
        if self._client is None:
            import httpx2

            self._client = httpx2.AsyncClient(
                follow_redirects=False,
                trust_env=False,
                timeout=None,  # every question has its own, over all of it
                limits=httpx2.Limits(max_connections=None, max_keepalive_connections=64),
                headers={"User-Agent": "ringfence", "Accept": "*/*"},
            )
        return self._client

    async def _close(self) -> None:
        for caller in self._callers.values():
            await caller.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        if self._client is not None:
            await self._client.aclose()


def _ending() -> Unavailable:
    return Unavailable("the server is shutting down")
