"""Files in S3, or in anything that speaks its protocol, for jobs and for commands.

Where S3 is, and who we are to it, boto3 finds out by its own rules: `AWS_ENDPOINT_URL_S3`,
`AWS_ENDPOINT_URL`, `AWS_REGION`, profiles, keys and roles. What goes wrong is said in words that
can stand as the reason why a job failed.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ringfence.errors import Conflict, Forbidden, InvalidInput, NotFound, Unavailable

_URI = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?", re.DOTALL)
_TIMEOUT_SECONDS = 20
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class S3Path:
    """`s3://bucket/key`; the key may be empty."""

    bucket: str
    key: str

    @classmethod
    def read(cls, uri: str, field: str) -> S3Path:
        """A path from its text. Raises `InvalidInput` naming `field`."""
        found = _URI.fullmatch(uri)
        if found is None:
            raise InvalidInput(
                "not a path in S3", field=field, expected="such as s3://bucket/folder/file.csv"
            )
        return cls(found[1], found[2] or "")

    def under(self, name: str) -> S3Path:
        """A key inside this one, taken as a folder."""
        folder = self.key.rstrip("/")
        return S3Path(self.bucket, f"{folder}/{name}" if folder else name)

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True, slots=True)
class S3Object:
    """An object that exists: its size in bytes, and the tag that changes with its content."""

    path: S3Path
    size: int
    etag: str


class S3:
    """S3 as this process sees it. `field` is the member whose value named the paths, for errors.

    Every method raises `NotFound` for a bucket or key that is not there, `Forbidden` where S3 does
    not let us, `Unavailable` when it cannot be reached or there are no credentials.
    """

    def __init__(self, field: str):
        self._field = field
        from botocore.exceptions import BotoCoreError

        try:
            self._client = _client()
        except (BotoCoreError, ValueError) as error:
            raise Unavailable(f"S3 cannot be used: {error}", field=field) from None

    def find(self, path: S3Path) -> S3Object:
        """One object."""
        with self._told(path):
            head = self._client.head_object(Bucket=path.bucket, Key=path.key)
        return S3Object(path, head["ContentLength"], head["ETag"])

    def objects_under(self, folder: S3Path) -> list[S3Object]:
        """All objects whose keys begin with that of `folder`, in the order of their keys."""
        found = []
        with self._told(folder):
            pages = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=folder.bucket, Prefix=folder.key):
                for item in page.get("Contents", ()):
                    path = S3Path(folder.bucket, item["Key"])
                    found.append(S3Object(path, item["Size"], item["ETag"]))
        return found

    def stream(self, found: S3Object, start: int = 0) -> io.RawIOBase:
        """The bytes of an object from `start` on, read as they are asked for.

        Raises `Conflict` when the object has changed since it was found, here or while it is read.
        """
        return _Stream(self, found, start)

    def fetch(self, found: S3Object, start: int) -> Any:
        """The body of a request for an object from `start` on."""
        with self._told(found.path):
            return self._client.get_object(
                Bucket=found.path.bucket,
                Key=found.path.key,
                IfMatch=found.etag,
                Range=f"bytes={start}-",
            )["Body"]

    def find_bucket(self, path: S3Path) -> None:
        """Raise `NotFound` unless there is the bucket. Who may write to it need not be allowed to
        ask: then nothing is raised."""
        with suppress(Forbidden), self._told(S3Path(path.bucket, "")):
            self._client.head_bucket(Bucket=path.bucket)

    def upload(
        self, file: Path, path: S3Path, progress: Callable[[int], None] | None = None
    ) -> None:
        """Store a file as an object, in parts where it is large. `progress` is told the bytes that
        were sent since it was told last."""
        with self._told(path):
            self._client.upload_file(
                str(file),
                path.bucket,
                path.key,
                ExtraArgs={"ContentType": "text/csv"},
                Callback=progress,
            )

    @contextmanager
    def _told(self, path: S3Path) -> Iterator[None]:
        """Turns what boto3 raises into our families of errors."""
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except ClientError as error:
            raise self._refused(error.response, path) from None
        except (BotoCoreError, Boto3Error) as error:
            behind = error.__context__  # of an upload, what S3 answered
            if isinstance(behind, ClientError):
                raise self._refused(behind.response, path) from None
            raise self._unreachable(error, path) from None

    def _refused(self, response: Any, path: S3Path) -> Exception:
        told = response.get("Error", {})
        code = str(told.get("Code", ""))
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if code == "NoSuchBucket":
            return self._no_bucket(path)
        if code == "PreconditionFailed" or status == 412:
            return Conflict(
                f"{path} was changed while it was read",
                field=self._field,
                expected="a file that stays as it is until the job is done",
            )
        if code in ("NoSuchKey", "404", "NotFound") or status == 404:
            if not path.key:
                return self._no_bucket(path)
            return NotFound(f"there is no object {path}", field=self._field, expected="a CSV file")
        if status in (401, 403):
            return Forbidden(
                f"S3 does not let us use {path}: {told.get('Message') or code}",
                field=self._field,
                expected="credentials that may read the input and write the output",
            )
        return Unavailable(
            f"S3 answered {code or status} for {path}: {told.get('Message', '')}", field=self._field
        )

    def _no_bucket(self, path: S3Path) -> NotFound:
        return NotFound(
            f"there is no bucket {path.bucket!r}", field=self._field, expected="an own bucket"
        )

    def _unreachable(self, error: Exception, path: S3Path) -> Exception:
        from botocore.exceptions import NoCredentialsError, PartialCredentialsError

        if isinstance(error, (NoCredentialsError, PartialCredentialsError)):
            return Unavailable(
                "there are no credentials for S3",
                field=self._field,
                expected="AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile or a role, "
                "for the process that runs the jobs",
            )
        return Unavailable(f"S3 cannot be used for {path}: {error}", field=self._field)


class _Stream(io.RawIOBase):
    """An object's bytes. A connection that breaks is made again where it broke."""

    def __init__(self, s3: S3, found: S3Object, start: int):
        self._s3 = s3
        self._found = found
        self._at = start
        self._body: Any = None
        self._failures = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        from botocore.exceptions import HTTPClientError, ResponseStreamingError

        while self._at < self._found.size:
            try:
                if self._body is None:
                    self._body = self._s3.fetch(self._found, self._at)
                got: bytes = self._body.read(len(buffer))
            except (HTTPClientError, ResponseStreamingError, OSError) as error:
                self._begin_again(error)
                continue
            if not got:
                self._begin_again(EOFError("the connection ended early"))
                continue
            buffer[: len(got)] = got
            self._at += len(got)
            self._failures = 0
            return len(got)
        return 0

    def close(self) -> None:
        if self._body is not None:
            self._body.close()
        super().close()

    def _begin_again(self, error: Exception) -> None:
        self._body = None
        self._failures += 1
        if self._failures >= _ATTEMPTS:
            raise Unavailable(
                f"{self._found.path} cannot be read to its end: {error}", field=self._s3._field
            )


@cache
def _client() -> Any:
    # A second of importing, and some 30 MB: only for those that use S3.
    import boto3
    from botocore.config import Config

    session = boto3.Session()
    options: dict[str, Any] = {
        "retries": {"mode": "standard", "max_attempts": _ATTEMPTS},
        "connect_timeout": _TIMEOUT_SECONDS,
        "read_timeout": _TIMEOUT_SECONDS * 3,
        # What S3 asks for; other makers' stores do not know the newer checksums.
        "request_checksum_calculation": "when_required",
        "response_checksum_validation": "when_required",
    }
    region = session.region_name or "us-east-1"
    client = session.client("s3", region_name=region, config=Config(**options))
    if client.meta.endpoint_url.endswith(".amazonaws.com"):
        return client
    # Elsewhere, buckets seldom have host names of their own.
    options["s3"] = {"addressing_style": "path"}
    return session.client("s3", region_name=region, config=Config(**options))
