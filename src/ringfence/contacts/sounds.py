"""Sound files that flows name by address: fetched, checked, and kept for a while.

In S3 (`s3://bucket/key`, as Amazon Connect has it), on the web (`https://`), or in the folder that
was set up for them (`file:///name.wav`, or with the folder's path). What a caller hears does not
depend on whether the store can be reached at that moment: a sound that was fetched before is
played again, and asked for anew only when it is old.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

import structlog

from ringfence.flows import PromptFailed, Recording
from ringfence.flows.recordings import MOST_BYTES, check_recording

FRESH_SECONDS = 60.0

_TIMEOUT_SECONDS, _LONGEST_FETCH_SECONDS = 5.0, 15.0
_KEPT_BYTES = 64 * 1024 * 1024
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was found at an address. `tag` changes with the content; `wav` None: it has not."""

    wav: bytes | None
    tag: str


@dataclass(slots=True)
class _Kept:
    digest: bytes
    tag: str
    fetched_at: float


class Sounds:
    """Sound files by address. Safe to use from several threads.

    `folder` is where `file://` addresses are found; without one they are nowhere. Contents are kept
    once however many addresses they have, the least used are forgotten first.
    """

    def __init__(self, folder: Path | None, *, clock: Callable[[], float] = time.monotonic):
        self._folder = folder
        self._clock = clock
        self._addresses: OrderedDict[str, _Kept] = OrderedDict()
        self._contents: dict[bytes, bytes] = {}
        self._lock = threading.Lock()

    def recording(self, address: str) -> Recording:
        """The sound at an address. Blocks while it is fetched.

        Raises `PromptFailed` for what cannot be had, is no WAV file, or is too large or too long.
        """
        name = unquote(urlsplit(address).path).rpartition("/")[2] or address
        with self._lock:
            kept = self._addresses.get(address)
            before = self._contents[kept.digest] if kept is not None else None
            if kept is not None:
                self._addresses.move_to_end(address)
                if self._clock() - kept.fetched_at < FRESH_SECONDS:
                    return Recording(name, self._contents[kept.digest])
        try:
            fetched = self._fetch(address, kept.tag if kept is not None else "")
            wav = fetched.wav if fetched.wav is not None else before
            assert wav is not None
            recording = Recording(name, wav)
            check_recording(recording)
        except PromptFailed as failure:
            if before is None:
                raise
            _log.warning("a sound is played as it was", name=name, reason=str(failure))
            return Recording(name, before)
        self._keep(address, wav, fetched.tag)
        return recording

    def _fetch(self, address: str, tag: str) -> Fetched:
        try:
            parts = urlsplit(address)
            if parts.scheme == "s3" and parts.netloc:
                return _from_s3(parts.netloc, unquote(parts.path.lstrip("/")), tag)
            if parts.scheme == "https" and parts.hostname:
                return _from_web(address, tag)
            if parts.scheme == "file" and parts.netloc in ("", "localhost"):
                return self._from_folder(parts.path)
        except PromptFailed:
            raise
        except Exception as error:  # whatever a client raises: the sound cannot be had
            raise PromptFailed(f"{address[:200]} cannot be fetched: {_words_of(error)}") from error
        raise PromptFailed(
            f"{address[:200]!r} is no address of a sound file: s3://, https:// or file://"
        )

    def _from_folder(self, path: str) -> Fetched:
        if self._folder is None:
            raise PromptFailed("no folder of sound files is set up here")
        folder = self._folder.resolve()
        given = Path(url2pathname(path))
        inside = given if given.is_relative_to(folder) else folder / str(given).lstrip("/\\")
        file = inside.resolve()
        if not file.is_relative_to(folder):
            raise PromptFailed(f"{file.name!r} is not in the folder of sound files")
        if file.stat().st_size > MOST_BYTES:
            raise PromptFailed(f"{file.name!r} has more than {MOST_BYTES} bytes")
        return Fetched(file.read_bytes(), "")

    def _keep(self, address: str, wav: bytes, tag: str) -> None:
        digest = sha256(wav).digest()
        with self._lock:
            self._contents[digest] = wav
            self._addresses[address] = _Kept(digest, tag, self._clock())
            self._addresses.move_to_end(address)
            self._forget_unused()
            while sum(map(len, self._contents.values())) > _KEPT_BYTES:
                self._addresses.popitem(last=False)
                self._forget_unused()

    def _forget_unused(self) -> None:
        used = {kept.digest for kept in self._addresses.values()}
        self._contents = {key: wav for key, wav in self._contents.items() if key in used}


def _from_s3(bucket: str, key: str, tag: str) -> Fetched:
    from botocore.exceptions import ClientError

    given: dict[str, Any] = {"IfNoneMatch": tag} if tag else {}
    try:
        found = _s3().get_object(Bucket=bucket, Key=key, **given)
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if status == 304 and tag:
            return Fetched(None, tag)
        raise
    return Fetched(found["Body"].read(MOST_BYTES + 1), found.get("ETag", ""))


@cache
def _s3() -> Any:
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=_TIMEOUT_SECONDS,
        read_timeout=_TIMEOUT_SECONDS,
        retries={"max_attempts": 2, "mode": "standard"},
    )
    return boto3.client("s3", config=config)


def _from_web(address: str, tag: str) -> Fetched:
    import httpx2

    headers = {"user-agent": "ringfence"} | ({"if-none-match": tag} if tag else {})
    began = time.monotonic()
    with httpx2.stream(
        "GET", address, headers=headers, timeout=_TIMEOUT_SECONDS, follow_redirects=False
    ) as answer:
        if answer.status_code == 304 and tag:
            return Fetched(None, tag)
        if answer.status_code != 200:
            raise PromptFailed(f"{address[:200]} answered with status {answer.status_code}")
        pieces, size = [], 0
        for piece in answer.iter_bytes():
            pieces.append(piece)
            size += len(piece)
            if size > MOST_BYTES:
                break  # it is refused for its size then
            if time.monotonic() - began > _LONGEST_FETCH_SECONDS:
                raise PromptFailed(f"{address[:200]} did not answer in time")
        return Fetched(b"".join(pieces), answer.headers.get("etag", ""))


def _words_of(error: Exception) -> str:
    response = getattr(error, "response", None)
    if isinstance(response, dict) and "Error" in response:
        return str(response["Error"].get("Code", "")) or type(error).__name__
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
