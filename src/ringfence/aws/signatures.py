"""AWS Signature Version 4: what a request says about who signed it, and what its signature must be.

The canonical request, the string to sign and the signing key are those of AWS's documentation
("Create a signed AWS API request"), and botocore's signer is what the tests hold them against.
Nothing here knows keys, or the time. The errors have AWS's names and words.

Signatures in the query (presigned addresses) are not taken: they are made to be used again and
again, by whoever has the address.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from ringfence.aws.wire.errors import AwsError

ALGORITHM = "AWS4-HMAC-SHA256"
TERMINATOR = "aws4_request"
DATE_FORM = "%Y%m%dT%H%M%SZ"
SERVICES = frozenset({"connect", "frauddetector", "lambda"})

_DATE = re.compile(r"\d{8}T\d{6}Z", re.ASCII)
# ARNs hold the region, and clients check those.
_REGION = re.compile(r"[a-z0-9-]{3,20}")
_SIGNATURE = re.compile(rb"[0-9a-f]{64}")
_KEY_ID = re.compile(r"[!-+.0-~-]{1,128}")  # neither blank nor comma nor slash
_LONGEST_AUTHORIZATION = 4096

Headers = Sequence[tuple[bytes, bytes]]


class Credentials(NamedTuple):
    """The header `Authorization`, taken apart."""

    access_key_id: str
    date: str
    region: str
    service: str
    terminator: str
    signed_headers: tuple[bytes, ...]  # in order, without doubles
    signature: bytes


def joined(headers: Headers) -> dict[bytes, bytes]:
    """The headers by their names in lower case; one that came several times is one, by commas."""
    together: dict[bytes, bytes] = {}
    for name, value in headers:
        before = together.get(name)
        together[name] = value if before is None else before + b"," + value
    return together


def read_credentials(headers: Mapping[bytes, bytes]) -> Credentials:
    """What the request says about who signed it, and how.

    Raises an `AwsError` for a request that is not signed, not by this algorithm, or without
    something that must be signed.
    """
    given = headers.get(b"authorization")
    if not given:
        raise AwsError("MissingAuthenticationTokenException", "Missing Authentication Token")
    if len(given) > _LONGEST_AUTHORIZATION:
        raise incomplete("The Authorization header is too long.")
    credentials = _read_authorization(given)
    date_header = b"x-amz-date" if b"x-amz-date" in headers else b"date"
    if date_header not in headers:
        raise incomplete(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
        )
    for name in (b"host", date_header, b"x-amz-target"):
        if name not in credentials.signed_headers and (name in headers or name == b"host"):
            raise invalid(
                f"'{name.decode()}' must be a 'SignedHeader' in the AWS Authorization header."
            )
    return credentials


def canonical_request(
    method: str,
    path: str,
    query: bytes,
    headers: Mapping[bytes, bytes],
    signed_headers: Sequence[bytes],
    body: bytes,
) -> bytes:
    """The request in the form that is signed: the headers that are signed, and all of the body."""
    lines = [method.encode(), _canonical_path(path), _canonical_query(query)]
    lines += [name + b":" + b" ".join(headers.get(name, b"").split()) for name in signed_headers]
    lines += [b"", b";".join(signed_headers), hashlib.sha256(body).hexdigest().encode()]
    return b"\n".join(lines)


def string_to_sign(stamp: str, scope: str, canonical: bytes) -> bytes:
    """What is signed of a canonical request made at `stamp`, in the scope of the credentials."""
    return f"{ALGORITHM}\n{stamp}\n{scope}\n{hashlib.sha256(canonical).hexdigest()}".encode()


@lru_cache(maxsize=4096)
def signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    """What a secret signs with on that date (YYYYMMDD), in that region, for that service."""
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, TERMINATOR):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def signature(key: bytes, text: bytes) -> bytes:
    """The signature, 64 hexadecimal digits."""
    return hmac.digest(key, text, "sha256").hex().encode()


def signed_at(headers: Mapping[bytes, bytes]) -> tuple[str, datetime]:
    """When the request was signed: as it is signed, such as `20251107T120000Z`, and as a time.

    Raises an `AwsError` for what is no date.
    """
    given = headers.get(b"x-amz-date")
    if given is not None:
        stamp = given.decode("latin-1").strip()
        at = _read_stamp(stamp)
    else:
        at = _read_http_date(headers.get(b"date", b"").decode("latin-1"))
        stamp = at.strftime(DATE_FORM) if at else ""
    if at is None:
        raise incomplete(
            "Date must be in ISO-8601 'basic format', such as 20251107T120000Z, in X-Amz-Date."
        )
    return stamp, at


def invalid(message: str) -> AwsError:
    """The error for a signature that does not count."""
    return AwsError("InvalidSignatureException", message)


def incomplete(message: str) -> AwsError:
    """The error for a request that lacks something of a signature."""
    return AwsError("IncompleteSignatureException", message)


def _read_authorization(given: bytes) -> Credentials:
    stated, signed = given.rsplit(b"Signature=", 1) if b"Signature=" in given else (given, b"")
    named, signed_headers = _read_statement(stated)
    if not signed:
        raise incomplete("Authorization header requires 'Signature' parameter.")
    signature_given = signed.strip()
    if not _SIGNATURE.fullmatch(signature_given):
        raise invalid("The signature is not made of 64 hexadecimal digits in lower case.")
    return Credentials(*named, signed_headers, signature_given)


@lru_cache(maxsize=1024)
def _read_statement(
    stated: bytes,
) -> tuple[tuple[str, str, str, str, str], tuple[bytes, ...]]:
    """Of a client, everything before the signature is the same for a day."""
    algorithm, _, rest = stated.decode("latin-1").strip().partition(" ")
    parameters = {
        name.strip(): value.strip()
        for name, _, value in (part.partition("=") for part in rest.split(","))
    }
    missing = [name for name in ("Credential", "SignedHeaders") if not parameters.get(name)]
    if algorithm != ALGORITHM or missing:
        raise incomplete(
            " ".join(f"Authorization header requires '{name}' parameter." for name in missing)
            or f"Authorization header requires the algorithm {ALGORITHM}."
        )
    named = parameters["Credential"].split("/")
    if len(named) != 5:
        raise incomplete(
            "Credential must have exactly 5 slash-delimited elements, e.g. "
            f"keyid/date/region/service/term, got {len(named)}"
        )
    access_key_id, date, region, service, terminator = named
    if not _KEY_ID.fullmatch(access_key_id):
        raise incomplete("The access key ID in Credential is none.")
    if terminator != TERMINATOR:
        raise invalid(f"Credential should be scoped with a valid terminator: '{TERMINATOR}'.")
    if service not in SERVICES:
        wanted = "' or '".join(sorted(SERVICES))
        raise invalid(f"Credential should be scoped to correct service: '{wanted}'.")
    if not _REGION.fullmatch(region):
        raise invalid("Credential should be scoped to a valid region.")
    names = sorted({name.strip().lower() for name in parameters["SignedHeaders"].split(";")})
    return (access_key_id, date, region, service, terminator), tuple(
        name.encode("latin-1") for name in names
    )


@lru_cache(maxsize=1024)
def _read_stamp(stamp: str) -> datetime | None:
    if not _DATE.fullmatch(stamp):
        return None
    try:
        return datetime.strptime(stamp, DATE_FORM).replace(tzinfo=UTC)
    except ValueError:
        return None


def _read_http_date(given: str) -> datetime | None:
    from email.utils import parsedate_to_datetime

    try:
        read = parsedate_to_datetime(given)
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, IndexError, TypeError, OverflowError):
        return None


def _canonical_path(path: str) -> bytes:
    if path in ("/", ""):
        return b"/"
    from urllib.parse import quote

    from botocore.utils import normalize_url_path

    return quote(normalize_url_path(path), safe="/~").encode()


def _canonical_query(query: bytes) -> bytes:
    if not query:
        return b""
    pairs = sorted(
        (name, value) for name, _, value in (p.partition(b"=") for p in query.split(b"&"))
    )
    return b"&".join(name + b"=" + value for name, value in pairs)
