"""Signatures of AWS clients: verified as botocore makes them, and nothing else is taken."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from aws_clients import client_of
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from ringfence.access import (
    SigningKeys,
    create_access_key,
    list_access_keys,
    revoke_access_key,
)
from ringfence.aws.signatures import canonical_request, joined, read_credentials
from ringfence.aws.signing import Caller, Verifier
from ringfence.aws.wire.errors import AwsError
from ringfence.cards import Vault
from ringfence.storage import Database, now

VAULT = Vault(b"k" * 32)
ACCOUNT = "123456789012"


@dataclass(frozen=True)
class Sent:
    """A request as a server sees it."""

    headers: dict[bytes, bytes]
    body: bytes = b"{}"
    method: str = "POST"
    path: str = "/"
    query: bytes = b""

    def having(self, **headers: str | None) -> Sent:
        """The request with other headers; None takes one away."""
        changed = dict(self.headers)
        for name, value in headers.items():
            changed.pop(name.replace("_", "-").encode(), None)
            if value is not None:
                changed[name.replace("_", "-").encode()] = value.encode()
        return replace(self, headers=changed)


@dataclass
class Signer:
    """A client with one access key, and a server with a clock of its own."""

    database: Database
    at: datetime = field(default_factory=now)
    permissions: tuple[str, ...] = ("frauddetector:Get*",)
    accept_any: bool = False

    def __post_init__(self) -> None:
        with self.database.write() as connection:
            self.key, self.secret = create_access_key(
                connection, VAULT, "till", self.permissions, "test", now() - timedelta(days=9),
                now() + timedelta(days=1),
            )  # fmt: skip
        self.keys = SigningKeys(self.database, VAULT)
        self.verifier = Verifier(
            self.keys, account_id=ACCOUNT, accept_any=self.accept_any, now=lambda: self.at
        )

    def sign(self, body: bytes = b"{}", service: str = "frauddetector", **headers: str) -> Sent:
        """A request as botocore signs it now."""
        return signed(
            Credentials(self.key.access_key_id, self.secret, headers.pop("token", None)),
            AWSRequest(
                "POST",
                "http://127.0.0.1:8750/",
                headers={"X-Amz-Target": "AWSHawksNestServiceFacade.GetLabels", **headers},
                data=body,
            ),
            service,
        )

    def verify(self, sent: Sent) -> Caller:
        """Who sent it."""
        return self.verifier.verify(
            sent.method, sent.path, sent.query, list(sent.headers.items()), sent.body
        )

    def refuses(self, sent: Sent, code: str, *said: str) -> None:
        """Refuses it with that error, in those words."""
        with pytest.raises(AwsError) as refused:
            self.verify(sent)
        assert refused.value.code == code
        assert refused.value.status == 400
        for words in said:
            assert words in refused.value.message
        assert self.secret not in refused.value.message


def signed(credentials: Credentials, request: Any, service: str = "frauddetector") -> Sent:
    """A request signed by botocore, as it comes over the wire."""
    SigV4Auth(credentials, service, "eu-west-1").add_auth(request)
    prepared = request.prepare()
    parts = urlsplit(prepared.url)
    headers = {name.lower().encode(): _bytes(value) for name, value in prepared.headers.items()}
    headers.setdefault(b"host", parts.netloc.encode())
    return Sent(
        headers, _bytes(prepared.body or b""), prepared.method, parts.path, parts.query.encode()
    )


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


@pytest.fixture
def signer(database: Database) -> Signer:
    return Signer(database)


def test_what_botocore_signs_is_taken_and_says_who_sent_it(signer: Signer) -> None:
    caller = signer.verify(signer.sign(b'{"name": "fraud"}'))
    assert caller == Caller(
        name="till",
        access_key_id=signer.key.access_key_id,
        region="eu-west-1",
        service="frauddetector",
        account_id=ACCOUNT,
        permissions=("frauddetector:Get*",),
    )


def test_what_a_real_client_sends_is_taken_and_its_calls_alike_are_two(signer: Signer) -> None:
    client = client_of(
        "http://127.0.0.1:8750", key_id=signer.key.access_key_id, secret=signer.secret
    )
    sent: list[Sent] = []

    def keep(request: Any, **_: object) -> None:
        headers = {n.lower().encode(): _bytes(v) for n, v in request.headers.items()}
        headers.setdefault(b"host", b"127.0.0.1:8750")
        sent.append(Sent(headers, _bytes(request.body)))
        raise InterruptedError

    client.meta.events.register("before-send.frauddetector", keep)
    for _ in range(3):
        with pytest.raises(InterruptedError):
            client.get_labels()
    for one in sent:
        assert signer.verify(one).name == "till"
    for one in sent:
        signer.refuses(one, "InvalidSignatureException", "used before")


def test_a_session_token_says_nothing_to_us(signer: Signer) -> None:
    assert signer.verify(signer.sign(token="whatever")).name == "till"


def test_a_client_that_dates_by_the_header_date_is_taken(signer: Signer) -> None:
    sent = signer.sign(Date="now")
    assert b"x-amz-date" not in sent.headers
    assert signer.verify(sent).name == "till"


_PIECES = st.text(alphabet="abzAZ019-_.~ ", max_size=6)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    method=st.sampled_from(["POST", "GET", "PUT"]),
    path=st.lists(st.one_of(_PIECES, st.sampled_from(["", ".", ".."])), max_size=4),
    query=st.lists(st.tuples(_PIECES, _PIECES), max_size=4),
    headers=st.dictionaries(
        st.sampled_from(["X-Amz-Target", "Content-Type", "X-Custom", "amz-sdk-request"]),
        st.text(alphabet="abc,;= \t", max_size=20),
    ),
    body=st.binary(max_size=200),
)
def test_the_canonical_request_is_botocores(
    method: str,
    path: list[str],
    query: list[tuple[str, str]],
    headers: dict[str, str],
    body: bytes,
) -> None:
    url = "http://server:8750/" + "/".join(quote(piece) for piece in path)
    if query:
        url += "?" + "&".join(f"{quote(n, safe='')}={quote(v, safe='')}" for n, v in query)
    request = AWSRequest(method, url, headers=headers, data=body)
    sent = signed(Credentials("RFAKTEST", "secret"), request)
    credentials = read_credentials(sent.headers)
    del request.headers["Authorization"]
    ours = canonical_request(
        sent.method, sent.path, sent.query, sent.headers, credentials.signed_headers, sent.body
    )
    assert ours.decode() == SigV4Auth(
        Credentials("RFAKTEST", "secret"), "frauddetector", "eu-west-1"
    ).canonical_request(request)


_CHANGES: dict[str, Callable[[Sent], Sent]] = {
    "body": lambda sent: replace(sent, body=b'{"name": "other"}'),
    "method": lambda sent: replace(sent, method="PUT"),
    "path": lambda sent: replace(sent, path="/other"),
    "query": lambda sent: replace(sent, query=b"name=other"),
    "target": lambda sent: sent.having(x_amz_target="AWSHawksNestServiceFacade.DeleteLabel"),
    "host": lambda sent: sent.having(host="elsewhere:8750"),
    "host taken away": lambda sent: sent.having(host=None),
    "target taken away": lambda sent: sent.having(x_amz_target=None),
}


@pytest.mark.parametrize("change", _CHANGES)
def test_what_was_changed_on_the_way_is_refused(signer: Signer, change: str) -> None:
    sent = signer.sign()
    changed = _CHANGES[change](sent)
    signer.refuses(
        changed, "InvalidSignatureException", "does not match the signature you provided"
    )
    assert signer.verify(sent).name == "till"  # what was refused does not count as sent


def test_a_wrong_secret_is_refused(signer: Signer) -> None:
    signer.secret = signer.secret[::-1]
    with pytest.raises(AwsError) as refused:
        signer.verify(signer.sign())
    assert refused.value.code == "InvalidSignatureException"


def test_a_key_that_is_unknown_or_revoked_is_refused(signer: Signer) -> None:
    said = "The security token included in the request is invalid."
    assert signer.verify(signer.sign()).name == "till"
    with signer.database.write() as connection:
        revoke_access_key(connection, signer.key.access_key_id, by="test", at=now())
    signer.refuses(signer.sign(b"{} "), "UnrecognizedClientException", said)
    other = Credentials("AKIAIOSFODNN7EXAMPLE", "secret")
    request = AWSRequest("POST", "http://127.0.0.1/", headers={}, data=b"{}")
    signer.refuses(signed(other, request), "UnrecognizedClientException", said)


def test_an_expired_key_is_told_so_only_to_who_holds_it(signer: Signer) -> None:
    with signer.database.write() as connection:
        connection.exec_driver_sql("UPDATE access_keys SET expires_at = 1")
    sent = signer.sign()
    signer.refuses(sent, "ExpiredTokenException", "is expired")
    signer.refuses(replace(sent, body=b"x"), "InvalidSignatureException", "does not match")


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(15.1, "Signature expired: "), (-15.1, "Signature not yet current: ")],
)
def test_a_date_more_than_15_minutes_away_is_refused(
    signer: Signer, minutes: float, said: str
) -> None:
    signer.at = now() + timedelta(minutes=minutes)
    signer.refuses(signer.sign(), "InvalidSignatureException", said, "15 min.)")
    signer.at = now() + timedelta(minutes=minutes * 0.98)
    assert signer.verify(signer.sign()).name == "till"


def test_a_request_that_is_sent_again_is_refused_with_whatever_marks_it_comes_later(
    signer: Signer,
) -> None:
    sent = signer.sign().having(amz_sdk_invocation_id="1", amz_sdk_request="attempt=1")
    signer.verify(sent)
    signer.refuses(sent, "InvalidSignatureException", "used before")
    assert signer.verify(sent.having(amz_sdk_request="attempt=2")).name == "till"
    signer.at += timedelta(minutes=2)
    signer.refuses(sent, "InvalidSignatureException", "used before")
    forged = sent.having(amz_sdk_invocation_id="2")
    signer.refuses(forged, "InvalidSignatureException", "used before")


def _authorized(signer: Signer, **changes: str) -> Sent:
    sent = signer.sign()
    given = sent.headers[b"authorization"].decode()
    for old, new in changes.items():
        given = given.replace(_WORDS[old](signer), new)
    return sent.having(authorization=given)


_WORDS: dict[str, Callable[[Signer], str]] = {
    "algorithm": lambda _: "AWS4-HMAC-SHA256",
    "credential": lambda _: "Credential=",
    "key": lambda signer: signer.key.access_key_id,
    "date": lambda _: f"{now():%Y%m%d}",
    "region": lambda _: "/eu-west-1/",
    "service": lambda _: "/frauddetector/",
    "terminator": lambda _: "/aws4_request",
    "signed": lambda _: "SignedHeaders=",
    "host": lambda _: "host;",
    "amz_date": lambda _: ";x-amz-date",
    "target": lambda _: ";x-amz-target",
    "signature": lambda _: "Signature=",
}


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"algorithm": "AWS4-ECDSA-P256-SHA256"}, "Incomplete", "algorithm AWS4-HMAC-SHA256"),
        ({"credential": "Credentials="}, "Incomplete", "requires 'Credential' parameter"),
        ({"signed": "Signed="}, "Incomplete", "requires 'SignedHeaders' parameter"),
        ({"signature": "Sig="}, "Incomplete", "requires 'Signature' parameter"),
        ({"signature": "Signature=0"}, "Invalid", "64 hexadecimal digits"),
        ({"key": "a/b"}, "Incomplete", "exactly 5 slash-delimited elements"),
        ({"key": ""}, "Incomplete", "access key ID"),
        ({"key": "x" * 5000}, "Incomplete", "too long"),
        ({"date": "20200101"}, "Invalid", "Date in Credential scope does not match YYYYMMDD"),
        ({"region": "/Nowhere!/"}, "Invalid", "valid region"),
        ({"service": "/s3/"}, "Invalid", "correct service: 'connect' or 'frauddetector'"),
        ({"terminator": "/aws3_request"}, "Invalid", "valid terminator: 'aws4_request'"),
        ({"host": ""}, "Invalid", "'host' must be a 'SignedHeader'"),
        ({"amz_date": ""}, "Invalid", "'x-amz-date' must be a 'SignedHeader'"),
        ({"target": ""}, "Invalid", "'x-amz-target' must be a 'SignedHeader'"),
    ],
)
def test_what_is_not_signed_as_it_should_be_is_told_what_is_missing(
    signer: Signer, changes: dict[str, str], code: str, said: str
) -> None:
    signer.refuses(_authorized(signer, **changes), f"{code}SignatureException", said)


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"authorization": None}, "MissingAuthenticationTokenException"),
        ({"authorization": ""}, "MissingAuthenticationTokenException"),
        ({"authorization": "Bearer rf_none_none"}, "IncompleteSignatureException"),
        ({"authorization": "AWS4-HMAC-SHA256"}, "IncompleteSignatureException"),
        ({"authorization": "AWS4-HMAC-SHA256 ,,=,"}, "IncompleteSignatureException"),
        ({"x_amz_date": None}, "IncompleteSignatureException"),
        ({"x_amz_date": "2025-11-07T12:00:00Z"}, "IncompleteSignatureException"),
        ({"x_amz_date": "20251399T120000Z"}, "IncompleteSignatureException"),
    ],
)
def test_what_is_not_signed_or_not_dated_is_refused(
    signer: Signer, headers: dict[str, str | None], code: str
) -> None:
    signer.refuses(signer.sign().having(**headers), code)


def test_a_header_that_comes_twice_is_not_what_was_signed(signer: Signer) -> None:
    sent = signer.sign()
    headers = [*sent.headers.items(), (b"x-amz-target", b"AWSHawksNestServiceFacade.DeleteLabel")]
    assert joined(headers)[b"x-amz-target"].count(b",") == 1
    with pytest.raises(AwsError) as refused:
        signer.verifier.verify("POST", "/", b"", headers, sent.body)
    assert refused.value.code == "InvalidSignatureException"


@given(given=st.binary(max_size=200), date=st.text(alphabet="0123456789TZ -:", max_size=20))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
def test_whatever_comes_as_a_signature_is_an_error_of_the_clients(
    signer: Signer, given: bytes, date: str
) -> None:
    for authorization in (given, b"AWS4-HMAC-SHA256 " + given):
        for name in (b"x-amz-date", b"date"):
            with pytest.raises(AwsError) as refused:
                signer.verify(
                    Sent({b"authorization": authorization, b"host": b"x", name: date.encode()})
                )
            assert refused.value.status == 400


def test_a_key_may_do_what_its_permissions_match_and_is_told_what_it_may_not(
    signer: Signer,
) -> None:
    caller = signer.verify(signer.sign())
    caller.require("frauddetector", "GetEventPrediction")
    with pytest.raises(AwsError) as refused:
        caller.require("frauddetector", "PutLabel")
    assert refused.value.code == "AccessDeniedException"
    assert refused.value.message.startswith(
        f"User: arn:aws:iam::{ACCOUNT}:user/till is not authorized to perform: "
        "frauddetector:PutLabel because"
    )
    with pytest.raises(AwsError) as elsewhere:
        caller.require("connect", "GetContactAttributes")
    assert elsewhere.value.code == "InvalidSignatureException"


def test_a_server_for_development_takes_any_key_and_says_so_loudly(database: Database) -> None:
    with capture_logs() as logs:
        signer = Signer(database, accept_any=True)
        other = Credentials("AKIAIOSFODNN7EXAMPLE", "secret")
        for _ in range(3):
            request = AWSRequest("POST", "http://127.0.0.1/", headers={}, data=b"{}")
            caller = signer.verify(signed(other, request))
    assert (caller.name, caller.region) == ("anyone", "eu-west-1")
    caller.require("frauddetector", "DeleteDetector")
    assert [entry["log_level"] for entry in logs] == ["warning", "warning"]
    assert logs[0]["event"].startswith("ANY access key is accepted")
    assert logs[1]["access_key_id"] == "AKIAIOSFODNN7EXAMPLE"
    signer.refuses(Sent({b"host": b"x"}), "MissingAuthenticationTokenException")


def test_a_verified_request_counts_as_use_of_its_key(signer: Signer) -> None:
    with pytest.raises(AwsError):
        signer.verify(replace(signer.sign(b"1"), body=b"2"))
    signer.at += timedelta(seconds=5)
    signer.verify(signer.sign())
    deadline = time.monotonic() + 20
    used = None
    while used is None and time.monotonic() < deadline:
        with signer.database.read() as connection:
            (used,) = (key.last_used_at for key in list_access_keys(connection))
        time.sleep(0.01)
    assert used == signer.at
