"""The program of the process that a Python handler runs in.

It stands alone, imports nothing of ours and runs as a file under whichever Python (3.8 or later)
the function names. Events come as frames on its standard input, answers leave as frames on its
standard output: one byte that says what it is, the length in four bytes (big endian), and that much
JSON. A handler finds both taken away, and what it prints goes to standard error. The process ends
when its standard input does, whatever the handler is doing.

Errors are told as AWS Lambda's Python runtime tells them (`errorMessage`, `errorType`, `requestId`,
`stackTrace`).
"""

from __future__ import annotations

import contextlib
import decimal
import importlib
import importlib.util
import json
import logging
import os
import struct
import sys
import threading
import time
import traceback
from pathlib import Path
from queue import SimpleQueue
from typing import Any

START, INVOKE, READY, ANSWER, ERROR = b"S", b"I", b"R", b"A", b"E"
_HEAD = struct.Struct(">cI")
_LARGEST_ANSWER_BYTES = 6 * 1024 * 1024
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)


def main() -> None:
    """Load the handler, and answer events until there are no more."""
    channel = _Channel(os.dup(0), os.dup(1))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    _die_with_parent()
    first = channel.read()
    if first is None:
        return
    start = json.loads(first[1])
    frames: SimpleQueue[tuple[bytes, bytes]] = SimpleQueue()
    threading.Thread(target=_receive, args=(channel, frames), daemon=True).start()
    _write_for_people()
    _limit_memory(start["memory_mb"])
    try:
        handler = _load(start)
    except SystemExit as leaving:
        _leave(leaving)
    except BaseException as error:
        _flush()
        channel.write(ERROR, _encoded(_load_error(error, start)))
        os._exit(1)
    _flush()
    channel.write(READY, b"{}")
    while True:
        _answer(channel, handler, json.loads(frames.get()[1]), start)


class Context:
    """What AWS Lambda's handlers are given beside the event."""

    function_version = "$LATEST"
    identity = None
    client_context = None

    def __init__(self, request: dict[str, Any], start: dict[str, Any]):
        self.aws_request_id = request["request_id"]
        self.invoked_function_arn = request["arn"]
        self.function_name = start["name"]
        self.memory_limit_in_mb = str(start["memory_mb"])
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self._ends_at = time.monotonic() + request["seconds"]

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the process is killed."""
        return max(0, int((self._ends_at - time.monotonic()) * 1000))

    def log(self, message: object) -> None:
        """Write to the log."""
        sys.stdout.write(str(message))


class _Channel:
    def __init__(self, requests: int, answers: int):
        self._requests = requests
        self._answers = answers

    def read(self) -> tuple[bytes, bytes] | None:
        """The next frame; None when there will be none."""
        head = self._exactly(_HEAD.size)
        if head is None:
            return None
        kind, length = _HEAD.unpack(head)
        body = self._exactly(length)
        return None if body is None else (kind, body)

    def write(self, kind: bytes, body: bytes) -> None:
        whole = memoryview(_HEAD.pack(kind, len(body)) + body)
        while whole:
            whole = whole[os.write(self._answers, whole) :]

    def _exactly(self, length: int) -> bytes | None:
        parts = bytearray()
        while len(parts) < length:
            part = os.read(self._requests, min(length - len(parts), 1 << 20))
            if not part:
                return None
            parts += part
        return bytes(parts)


class _LogLine(logging.Formatter):
    """Lines as AWS Lambda writes them."""

    converter = time.gmtime  # type: ignore[assignment]
    request_id = ""

    def __init__(self) -> None:
        super().__init__(
            "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(request_id)s\t%(message)s",
            "%Y-%m-%dT%H:%M:%S",
        )

    def format(self, record: logging.LogRecord) -> str:
        record.request_id = self.request_id
        return super().format(record)


class _Encoder(json.JSONEncoder):
    """Decimals, which DynamoDB's clients give, are numbers."""

    def default(self, o: Any) -> Any:
        if isinstance(o, decimal.Decimal):
            return int(o) if o == o.to_integral_value() else float(o)
        return super().default(o)


def _answer(
    channel: _Channel,
    handler: Any,
    request: dict[str, Any],
    start: dict[str, Any],
) -> None:
    _LogLine.request_id = request["request_id"]
    try:
        given = handler(request["event"], Context(request, start))
        kind, body = ANSWER, None
    except SystemExit as leaving:
        _leave(leaving)
    except BaseException as error:
        kind, body = ERROR, _encoded(_error(error, request["request_id"]))
        _print_error(error)
    if body is None:
        kind, body = _marshalled(given, request["request_id"])
        del given
    _flush()
    # So that whoever reads the log knows where the lines of this event end.
    with contextlib.suppress(OSError):
        os.write(2, b"\0" + request["request_id"].encode() + b"\0\n")
    channel.write(kind, body)


def _marshalled(given: object, request_id: str) -> tuple[bytes, bytes]:
    try:
        body = json.dumps(given, cls=_Encoder, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, ArithmeticError, RecursionError) as error:
        # What cannot be encoded is not repeated.
        why = "not UTF-8" if isinstance(error, UnicodeError) else str(error)
        return ERROR, _encoded(
            {
                "errorMessage": "Unable to marshal response: " + why,
                "errorType": "Runtime.MarshalError",
                "requestId": request_id,
                "stackTrace": [],
            }
        )
    if len(body) > _LARGEST_ANSWER_BYTES:
        return ERROR, _encoded(
            {
                "errorMessage": "Response payload size exceeded maximum allowed payload size "
                f"({_LARGEST_ANSWER_BYTES} bytes).",
                "errorType": "Function.ResponseSizeTooLarge",
                "requestId": request_id,
            }
        )
    return ANSWER, body


def _load(start: dict[str, Any]) -> Any:
    sys.path[0] = start["folder"]  # in place of ours
    name, function = start["module"], start["function"]
    if start["file"]:
        name = Path(start["file"]).stem
        spec = importlib.util.spec_from_file_location(name, start["file"])
        if spec is None or spec.loader is None:
            raise ImportError("it is not a file of Python")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    else:
        module = importlib.import_module(name)
    handler = getattr(module, function, None)
    if not callable(handler):
        raise _HandlerNotFound(f"Handler '{function}' missing on module '{name}'")
    return handler


class _HandlerNotFound(Exception):
    pass


def _load_error(error: BaseException, start: dict[str, Any]) -> dict[str, Any]:
    told = _error(error, "")
    name = start["module"] or start["file"]
    if isinstance(error, _HandlerNotFound):
        told.update(errorType="Runtime.HandlerNotFound", stackTrace=[])
    elif isinstance(error, SyntaxError):
        place = f'at line {error.lineno} of "{error.filename}"'
        message = f"Syntax error in module '{name}': {error.msg} {place}"
        told.update(errorType="Runtime.UserCodeSyntaxError", errorMessage=message)
    elif isinstance(error, (ImportError, FileNotFoundError)):
        message = f"Unable to import module '{name}': {error}"
        told.update(errorType="Runtime.ImportModuleError", errorMessage=message)
    return told


def _error(error: BaseException, request_id: str) -> dict[str, Any]:
    try:
        message = str(error)
    except Exception:
        message = ""
    return {
        "errorMessage": message,
        "errorType": type(error).__name__,
        "requestId": request_id,
        "stackTrace": _frames(error),
    }


def _frames(error: BaseException) -> list[str]:
    found = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename != __file__ and not frame.filename.startswith("<frozen ")
    ]
    return traceback.format_list(found[-100:])


def _print_error(error: BaseException) -> None:
    told = _error(error, "")
    sys.stderr.write(f"[ERROR] {told['errorType']}: {told['errorMessage']}\n")
    sys.stderr.write("".join(["Traceback (most recent call last):\n", *told["stackTrace"]]))


def _encoded(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=True).encode()


def _receive(channel: _Channel, frames: SimpleQueue[tuple[bytes, bytes]]) -> None:
    try:
        while True:
            frame = channel.read()
            if frame is None:
                break
            frames.put(frame)
    finally:
        os._exit(0)


def _leave(leaving: SystemExit) -> None:
    """Leave at once: threads of the handler must not keep the process."""
    code = leaving.code
    if code is not None and not isinstance(code, int):
        sys.stderr.write(f"{code}\n")
        code = 1
    _flush()
    os._exit((code or 0) & 0xFF)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        # A handler may have put a stream of its own there, which fails as it likes.
        with contextlib.suppress(Exception):
            stream.flush()


def _write_for_people() -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(  # type: ignore[union-attr]
            encoding="utf-8", errors="backslashreplace", line_buffering=True
        )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_LogLine())
    logging.getLogger().addHandler(handler)


def _die_with_parent() -> None:
    if not sys.platform.startswith("linux"):
        return
    try:
        import ctypes
        import signal

        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, int(signal.SIGKILL), 0, 0, 0)
    except (ImportError, OSError, AttributeError):
        pass


def _limit_memory(megabytes: int) -> None:
    """No more than `megabytes` beside what is mapped now. Only Linux tells how much that is."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * os.sysconf("SC_PAGE_SIZE") + megabytes * 1024 * 1024
        _, most = resource.getrlimit(resource.RLIMIT_AS)
        if most != resource.RLIM_INFINITY:
            limit = min(limit, most)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    except (ImportError, OSError, ValueError):
        pass


if __name__ == "__main__":
    main()
