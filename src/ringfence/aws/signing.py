"""Who sent a request of an AWS client: its signature, its time, and that it is no repetition.

Stands before everything else of the protocols. What is signed, and how, is known by `signatures`.
"""

from __future__ import annotations

import hmac
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
import structlog

from ringfence.access import KeyHolder, SigningKeys, action_of, permits
from ringfence.aws.replays import AcceptedSignatures
from ringfence.aws.signatures import (
    DATE_FORM,
    TERMINATOR,
    Credentials,
    Headers,
    canonical_request,
    invalid,
    joined,
    read_credentials,
    signature,
    signed_at,
    signing_key,
    string_to_sign,
)
from ringfence.aws.wire.errors import AccessDenied, AwsError
from ringfence.storage import now as present

SKEW = timedelta(minutes=15)

_ANYONE = "anyone"
_MOST_WARNED_OF = 1_000
_WARN_EVERY_SECONDS = 1.0
_log = structlog.get_logger(__name__)


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who signed a request, for which region and service, and what that key may do."""

    name: str
    access_key_id: str
    region: str
    service: str
    account_id: str
    permissions: tuple[str, ...]

    def require(self, service: str, operation: str) -> None:
        """Raise `AccessDenied` unless the caller may do that; it must have signed for the
        service."""
        if service != self.service:
            raise invalid(f"Credential should be scoped to correct service: '{service}'.")
        if not permits(self.permissions, service, operation):
            action = action_of(service, operation)
            raise AccessDenied(
                f"User: arn:aws:iam::{self.account_id}:user/{self.name} is not authorized to "
                f"perform: {action} because no permission of the access key "
                f"{self.access_key_id} allows the {action} action"
            )


class Verifier:
    """Verifies requests by the access keys of a database.

    With `accept_any`, whoever names a key is `anyone` and may do everything; that is warned of in
    the log. A request without any credentials is refused even so.
    """

    def __init__(
        self,
        keys: SigningKeys,
        *,
        account_id: str,
        accept_any: bool = False,
        now: Callable[[], datetime] = present,
    ):
        self._keys = keys
        self._account_id = account_id
        self._anyone = _Anyone() if accept_any else None
        self._now = now
        self._accepted = AcceptedSignatures(int(SKEW.total_seconds()))

    def verify(self, method: str, path: str, query: bytes, headers: Headers, body: bytes) -> Caller:
        """Who sent the request. `path` and `query` are as they came; `headers` are in lower case.

        Raises an `AwsError` with the name and the words that AWS has for it, and `Unavailable`
        when the keys cannot be read.
        """
        together = joined(headers)
        credentials = read_credentials(together)
        if self._anyone is not None:
            self._anyone.note(credentials.access_key_id)
            return self._caller(credentials, _ANYONE, ("*",))
        holder = self._keys.holder(credentials.access_key_id)
        if holder is None:
            raise AwsError(
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
            )
        at = self._now()
        stamp, made_at = signed_at(together)
        _require_timely(stamp, made_at, credentials, at)
        canonical = canonical_request(
            method, path, query, together, credentials.signed_headers, body
        )
        _require_signature(holder, stamp, credentials, canonical)
        if holder.expires_at is not None and at >= holder.expires_at:
            raise AwsError(
                "ExpiredTokenException", "The security token included in the request is expired"
            )
        given = bytes.fromhex(credentials.signature.decode())
        marks = hash((together.get(b"amz-sdk-invocation-id"), together.get(b"amz-sdk-request")))
        if not self._accepted.add(given, marks, int(made_at.timestamp()), int(at.timestamp())):
            raise invalid("The signature of this request was used before. Sign each one anew.")
        self._keys.note_use(holder, at)
        return self._caller(credentials, holder.name, holder.permissions)

    def _caller(self, credentials: Credentials, name: str, permissions: tuple[str, ...]) -> Caller:
        return Caller(
            name=name,
            access_key_id=credentials.access_key_id,
            region=credentials.region,
            service=credentials.service,
            account_id=self._account_id,
            permissions=permissions,
        )


def _require_timely(stamp: str, made_at: datetime, credentials: Credentials, at: datetime) -> None:
    if stamp[:8] != credentials.date:
        raise invalid(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
            f"HTTP: '{credentials.date[:32]}' != '{stamp[:8]}', from '{stamp}'."
        )
    if made_at < at - SKEW:
        raise invalid(
            f"Signature expired: {stamp} is now earlier than {at - SKEW:{DATE_FORM}} "
            f"({at:{DATE_FORM}} - 15 min.)"
        )
    if made_at > at + SKEW:
        raise invalid(
            f"Signature not yet current: {stamp} is still later than {at + SKEW:{DATE_FORM}} "
            f"({at:{DATE_FORM}} + 15 min.)"
        )


def _require_signature(
    holder: KeyHolder, stamp: str, credentials: Credentials, canonical: bytes
) -> None:
    _, date, region, service, *_ = credentials
    right = signature(
        signing_key(holder.secret, date, region, service),
        string_to_sign(stamp, f"{date}/{region}/{service}/{TERMINATOR}", canonical),
    )
    if not hmac.compare_digest(right, credentials.signature):
        raise invalid(
            "The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method. "
            "Consult the service documentation for details."
        )


class _Anyone:
    """Says loudly that signatures are not checked: at once, and for every key that is new."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._warned_at = -_WARN_EVERY_SECONDS
        self._lock = threading.Lock()
        _log.warning(
            "ANY access key is accepted, and signatures are not checked: whoever reaches this "
            "server may do everything that AWS clients can",
            setting="aws_accept_any_key",
            expected="false, except for development",
        )

    def note(self, access_key_id: str) -> None:
        """A request named this key."""
        if access_key_id in self._seen:
            return
        with self._lock:
            at = time.monotonic()
            if len(self._seen) < _MOST_WARNED_OF and at - self._warned_at >= _WARN_EVERY_SECONDS:
                self._seen.add(access_key_id)
                self._warned_at = at
                _log.warning(
                    "a request was accepted whose signature was not checked",
                    access_key_id=access_key_id,
                    setting="aws_accept_any_key",
                )
