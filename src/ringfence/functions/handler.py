"""One process with a Python handler, seen from outside: started, asked, listened to, killed.

Lives on one event loop. What runs inside is `handler_process`, a program that stands alone.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import signal
import struct
import sys
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from ringfence.carddata import mask_card_numbers
from ringfence.functions.definitions import (
    LARGEST_ANSWER_BYTES,
    PythonFunction,
    module_and_function,
)
from ringfence.functions.handler_process import ANSWER, ERROR, INVOKE, READY, START
from ringfence.functions.invocations import Answer, ErrorDocument, Invocation, failed, read_error

_PROGRAM = Path(__file__).with_name("handler_process.py")
_HEAD = struct.Struct(">cI")
_LOADING_SECONDS = 60.0
_LAST_WORDS_SECONDS = 0.5
_ENDING_SECONDS = 5.0
_PASSED_ALWAYS = ("PATH", "LANG", "LC_ALL", "TZ", "SYSTEMROOT")
_LONGEST_UNFINISHED = 16_384  # characters of a line that does not end


class LoadFailed(Exception):
    """The code could not be loaded; `error` says why, in AWS Lambda's words."""

    def __init__(self, error: ErrorDocument):
        super().__init__(str(error))
        self.error = error


class _Gone(Exception):
    """The process has ended, or says what nobody understands."""


class HandlerProcess:
    """A process that has loaded a handler. One event at a time. Made by `start`."""

    def __init__(self, process: asyncio.subprocess.Process, seconds: float):
        self._process = process
        self._seconds = seconds
        self._listener: Callable[[str], None] = lambda _: None
        self._said_all = asyncio.Event()
        self._request_id = ""
        self._usable = True
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def start(
        cls, name: str, definition: PythonFunction, region: str, listener: Callable[[str], None]
    ) -> HandlerProcess:
        """Start a process and have it load the code. `listener` gets the lines that it prints.

        Raises `LoadFailed`.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                definition.python or sys.executable,
                str(_PROGRAM),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=definition.working_folder,
                env=_environment(name, definition, region),
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            what = f"{definition.python or sys.executable} in {definition.working_folder}"
            raise LoadFailed(
                ErrorDocument(
                    error_message=f"{what} cannot be started: {reason}",
                    error_type="Runtime.InvalidEntrypoint",
                )
            ) from None
        handler = cls(process, definition.timeout_seconds)
        handler._listener = listener
        try:
            await handler._load(name, definition)
        except BaseException:
            await handler.kill()
            raise
        handler._listener = lambda _: None
        return handler

    @property
    def usable(self) -> bool:
        """Whether it can be given another event."""
        return self._usable and self._process.returncode is None

    async def invoke(self, invocation: Invocation) -> Answer:
        """The answer, within the function's time; a process that takes longer is killed."""
        self._listener = invocation.log.print
        self._said_all.clear()
        self._request_id = invocation.request_id
        try:
            async with asyncio.timeout(self._seconds):
                kind, payload = await self._asked(invocation)
        except TimeoutError:
            await self.kill()
            at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            seconds = f"{self._seconds:.2f}"
            text = f"{at} {invocation.request_id} Task timed out after {seconds} seconds"
            invocation.log.note(text)
            return failed(
                invocation.request_id,
                ErrorDocument(error_message=text, error_type="Sandbox.Timedout"),
            )
        except _Gone:
            await self.kill()
            ending = _ending(self._process.returncode)
            text = f"RequestId: {invocation.request_id} Error: Runtime exited {ending}"
            invocation.log.note(text)
            return failed(
                invocation.request_id,
                ErrorDocument(error_message=text, error_type="Runtime.ExitError"),
            )
        except BaseException:
            await self.kill()
            raise
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS_SECONDS):
                await self._said_all.wait()
        self._listener = lambda _: None
        if kind == ANSWER:
            return Answer(invocation.request_id, payload)
        error = read_error(payload)
        # What memory ran out in may not work any more.
        self._usable = error.error_type != "MemoryError"
        message = mask_card_numbers(error.error_message)
        return failed(invocation.request_id, msgspec.structs.replace(error, error_message=message))

    async def kill(self) -> None:
        """End it, with everything that it has started."""
        self._usable = False
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
            elif self._process.returncode is None:
                self._process.kill()
        # A daemon that it has left behind may keep its pipes open for ever.
        ended = asyncio.ensure_future(self._process.wait())
        await asyncio.wait([ended], timeout=_ENDING_SECONDS)
        ended.cancel()
        await asyncio.wait([self._listening], timeout=_LAST_WORDS_SECONDS)
        self._listening.cancel()

    def drop(self) -> None:
        """Forget it, when it has ended by itself; its number may be another process's by now."""
        self._usable = False
        self._listening.cancel()

    async def _load(self, name: str, definition: PythonFunction) -> None:
        module, function = module_and_function(definition)
        start = {
            "name": name,
            "file": definition.file,
            "module": module,
            "function": function,
            "folder": definition.working_folder,
            "memory_mb": definition.memory_mb,
        }
        try:
            async with asyncio.timeout(_LOADING_SECONDS):
                await self._write(START, msgspec.json.encode(start))
                kind, payload = await self._read()
        except TimeoutError:
            text = f"the code was not loaded within {_LOADING_SECONDS:g} seconds"
            raise LoadFailed(
                ErrorDocument(error_message=text, error_type="Sandbox.Timedout")
            ) from None
        except _Gone:
            await self.kill()
            text = f"Runtime exited {_ending(self._process.returncode)} while it was loaded"
            raise LoadFailed(
                ErrorDocument(error_message=text, error_type="Runtime.ExitError")
            ) from None
        if kind != READY:
            raise LoadFailed(read_error(payload))

    async def _asked(self, invocation: Invocation) -> tuple[bytes, bytes]:
        request = {
            "request_id": invocation.request_id,
            "arn": invocation.arn,
            "seconds": self._seconds,
            "event": msgspec.Raw(invocation.payload),
        }
        await self._write(INVOKE, msgspec.json.encode(request))
        return await self._read()

    async def _write(self, kind: bytes, body: bytes) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(_HEAD.pack(kind, len(body)) + body)
            await self._process.stdin.drain()
        except (ConnectionError, RuntimeError):
            raise _Gone from None

    async def _read(self) -> tuple[bytes, bytes]:
        assert self._process.stdout is not None
        try:
            kind, length = _HEAD.unpack(await self._process.stdout.readexactly(_HEAD.size))
            if kind not in (READY, ANSWER, ERROR) or length > 2 * LARGEST_ANSWER_BYTES:
                raise _Gone
            return kind, await self._process.stdout.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError):
            raise _Gone from None

    async def _listen(self) -> None:
        """Take what is printed line by line, until the process closes its standard error."""
        assert self._process.stderr is not None
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        unfinished = ""
        is_told = False  # the beginning of a line that is too long
        while part := await self._process.stderr.read(65_536):
            *lines, unfinished = (unfinished + decoder.decode(part)).split("\n")
            for line in lines:
                if not is_told:
                    self._hear(line)
                is_told = False
            if len(unfinished) > _LONGEST_UNFINISHED:
                if not is_told:
                    self._hear(unfinished)
                unfinished, is_told = "", True
        if unfinished:
            self._hear(unfinished)

    def _hear(self, line: str) -> None:
        before, mark, behind = line.partition(f"\0{self._request_id}\0")
        if self._request_id and mark:
            if before:
                self._listener(before)
            self._said_all.set()
            line = behind
            if not line:
                return
        self._listener(line.rstrip("\r"))


def _ending(code: int | None) -> str:
    if code is None:
        return "without a word"
    if code >= 0:
        return f"with error: exit status {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"with error: {name}"


def _environment(name: str, definition: PythonFunction, region: str) -> dict[str, str]:
    """What the process sees; nothing of the server's own but what is named here."""
    passed = (*_PASSED_ALWAYS, *definition.pass_environment)
    today = datetime.now(UTC).strftime("%Y/%m/%d")
    return {
        "LANG": "C.UTF-8",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        **{each: os.environ[each] for each in passed if each in os.environ},
        **definition.environment,
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(definition.memory_mb),
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": f"{today}/[$LATEST]{uuid.uuid4().hex}",
        "LAMBDA_TASK_ROOT": definition.working_folder,
        "_HANDLER": definition.handler,
        "PYTHONUTF8": "1",
        # Written byte code is as old as its second: code that was changed within it would not run.
        "PYTHONDONTWRITEBYTECODE": "1",
        # Each arena of the C library counts as memory, used or not.
        "MALLOC_ARENA_MAX": "2",
    }
