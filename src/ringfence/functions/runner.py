"""Invoking functions by name: for a flow, and for whoever wants to see what one does.

Held open by the server on one event loop. A definition is read with each invocation, so that what
was registered a moment ago, by whichever process, is what runs.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

import msgspec
import structlog

from ringfence.access import Sealer
from ringfence.carddata import mask_card_numbers
from ringfence.errors import NotFound, RingfenceError
from ringfence.flows.functions import FunctionFailed
from ringfence.flows.unbound import function_name
from ringfence.functions.aws_lambda import AwsLambda
from ringfence.functions.definitions import Function, HttpFunction, LambdaFunction, PythonFunction
from ringfence.functions.endpoints import Endpoints
from ringfence.functions.handler import LoadFailed
from ringfence.functions.invocations import (
    Answer,
    ErrorDocument,
    Invocation,
    NotReached,
    failed,
)
from ringfence.functions.logs import FunctionLogs, LogLine
from ringfence.functions.processes import Processes
from ringfence.functions.registry import list_functions, load_function
from ringfence.storage import Database

T = TypeVar("T")
BuiltIn: TypeAlias = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]

# Amazon Connect tries three times more, within the time of the block.
_PAUSES_SECONDS = (0.1, 0.2, 0.4)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Pool:
    since: datetime
    processes: Processes


class FunctionRunner:
    """Runs the functions of one database.

    `region` and `account` are those of the ARNs that handlers see.
    """

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        *,
        region: str = "us-east-1",
        account: str = "000000000000",
        logs: FunctionLogs | None = None,
    ):
        self._database = database
        self._sealer = sealer
        self._region = region
        self._account = account
        self._logs = logs or FunctionLogs()
        self._pools: dict[str, _Pool] = {}
        self._endpoints = Endpoints()
        self._aws_lambda = AwsLambda()
        self._background: set[asyncio.Task[Any]] = set()

    async def start(self) -> None:
        """Have a process of each Python function get ready for its first event, meanwhile."""
        self._spawn(self._warm_all())

    def warm(self, function: Function) -> None:
        """Have a process of a function that was registered just now wait for its first event."""
        self._spawn(self._warm(function))

    async def close(self) -> None:
        """End every process, and what is on its way."""
        for task in tuple(self._background):
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        pools, self._pools = self._pools, {}
        await asyncio.gather(*(pool.processes.close() for pool in pools.values()))
        await self._endpoints.close()
        self._aws_lambda.close()

    async def invoke(
        self,
        name: str,
        event: Mapping[str, Any],
        timeout_seconds: float,
        *,
        built_ins: Mapping[str, BuiltIn] = {},
    ) -> Mapping[str, Any]:
        """The answer to a flow's event, by a function's name or ARN.

        A function that is registered goes before a built-in of that name. What failed is tried
        again up to three times while there is time. A function that has begun goes on to its end
        when its caller gives up, as on a hang-up. Raises `FunctionFailed`.
        """
        called = function_name(name)
        trouble = ""

        def note(reason: str) -> None:
            nonlocal trouble
            trouble = f"; before that: {reason}"

        try:
            async with asyncio.timeout(timeout_seconds):
                function = await self._found(called)
                if function is not None:
                    return await self._insisted(function, name, msgspec.json.encode(event), note)
                if called not in built_ins:
                    raise FunctionFailed(f"there is no function {called!r}")
                return await built_ins[called](event)
        except TimeoutError:
            text = f"no answer within {timeout_seconds:g} s{trouble}"
            raise FunctionFailed(text) from None
        except RingfenceError as error:
            raise FunctionFailed(str(error)) from None

    async def run(self, name: str, payload: bytes) -> Answer:
        """The answer of one single invocation with any JSON; that it failed is an answer too.

        Raises `NotFound`.
        """
        function = await self.registered(name)
        return await self._once(function, self._invocation(function, name, payload))

    async def begin(self, name: str, payload: bytes) -> str:
        """Have it invoked soon; the id of the request. What comes of it is in the log.

        Raises `NotFound`.
        """
        function = await self.registered(name)
        invocation = self._invocation(function, name, payload)
        self._spawn(self._once(function, invocation))
        return invocation.request_id

    async def registered(self, name: str) -> Function:
        """The function of that name or ARN, with its secrets. Raises `NotFound`."""
        called = function_name(name)
        function = await self._found(called)
        if function is None:
            raise NotFound(f"there is no function {called!r}", field="function")
        return function

    def logs(self, name: str) -> Sequence[LogLine]:
        """The last lines that the function has logged here, the oldest first."""
        return self._logs.lines(name)

    async def _insisted(
        self, function: Function, name: str, payload: bytes, note: Callable[[str], None]
    ) -> Mapping[str, Any]:
        invocation = self._invocation(function, name, payload)
        for pause in (*_PAUSES_SECONDS, None):
            answer = await self._once(function, invocation)
            if answer.error is None:
                return _object(answer.payload)
            reason = str(answer.error)
            if pause is None or not answer.retry:
                raise FunctionFailed(reason)
            note(reason)
            await asyncio.sleep(pause)
        raise AssertionError("the last one has no pause")

    async def _once(self, function: Function, invocation: Invocation) -> Answer:
        try:
            answer = await self._asked(function, invocation)
        except NotReached as reason:
            text = mask_card_numbers(str(reason))
            invocation.log.note(f"[ERROR] RequestId: {invocation.request_id} {text}")
            error = ErrorDocument(error_message=text, error_type="Function.NotReached")
            answer = replace(failed(invocation.request_id, error), retry=reason.retry)
        return replace(answer, log=invocation.log.tail())

    async def _asked(self, function: Function, invocation: Invocation) -> Answer:
        definition = function.definition
        if isinstance(definition, PythonFunction):
            return await self._processes(function, definition).invoke(invocation)
        if isinstance(definition, HttpFunction):
            asking = self._spawn(self._endpoints.invoke(definition, invocation))
        else:
            asking = self._spawn(self._aws_lambda.invoke(definition, invocation))
        return await asyncio.shield(asking)

    def _invocation(self, function: Function, name: str, payload: bytes) -> Invocation:
        request_id = str(uuid.uuid4())
        own = f"arn:aws:lambda:{self._region}:{self._account}:function:{function.name}"
        return Invocation(
            request_id=request_id,
            name=function.name,
            arn=name if name.startswith("arn:") else own,
            payload=payload or b"{}",
            log=self._logs.open(function.name, request_id),
        )

    def _processes(self, function: Function, definition: PythonFunction) -> Processes:
        known = self._pools.get(function.name)
        # An older definition was read before the newer one was written: it is the past.
        if known is not None and known.since >= function.updated_at:
            return known.processes
        if known is not None:
            self._spawn(known.processes.retire())
        processes = Processes(function.name, definition, self._region)
        self._pools[function.name] = _Pool(function.updated_at, processes)
        return processes

    async def _found(self, name: str) -> Function | None:
        function = await asyncio.to_thread(self._load, name)
        is_python = function is not None and isinstance(function.definition, PythonFunction)
        if not is_python and (pool := self._pools.pop(name, None)) is not None:
            self._spawn(pool.processes.retire())
        if function is None:
            self._logs.forget(name)
        return function

    def _load(self, name: str) -> Function | None:
        with self._database.read() as connection:
            try:
                return load_function(connection, self._sealer, name)
            except NotFound:
                return None

    def _list(self) -> list[Function]:
        with self._database.read() as connection:
            return list_functions(connection)

    async def _warm_all(self) -> None:
        for function in await asyncio.to_thread(self._list):
            await self._warm(function)

    async def _warm(self, function: Function) -> None:
        definition, log = function.definition, self._logs.open(function.name)
        try:
            if isinstance(definition, PythonFunction):
                await self._processes(function, definition).warm(log.print)
            elif isinstance(definition, LambdaFunction):
                await self._aws_lambda.warm(definition)
        except (LoadFailed, NotReached) as failure:
            text = mask_card_numbers(str(failure))
            log.note(f"[ERROR] {text}")
            _log.warning("a function cannot be invoked", function=function.name, reason=text)

    def _spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._background.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None and not isinstance(error, NotReached):
            _log.error("a function could not be worked on", exc_info=error)


def _object(payload: bytes) -> Mapping[str, Any]:
    try:
        answer = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise FunctionFailed("the answer is not JSON") from None
    if not isinstance(answer, dict):
        raise FunctionFailed("the answer is not an object")
    return answer
