"""Whatever is sent, the wire answers in AWS's form, never with a fault, and goes on answering."""

from __future__ import annotations

import copy
import json
import string
from collections.abc import Iterator
from typing import Any

import pytest
from api_servers import running
from aws_clients import NOWHERE, client_of
from fd_payments import define_payments, publish_rules, sent
from fd_requests import REQUESTS
from fd_wire import AUTHORIZATION, PREFIX, Answer, Wire, check
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ringfence.aws.wire.shapes import service_model

MODEL = service_model("frauddetector")
ALL = sorted(MODEL.operation_names)
TARGET = ("x-amz-target", f"{PREFIX}.GetLabels")
GROWTH_BYTES = 150 * 1024 * 1024

few = settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

Path = tuple[str | int, ...]
ODD_VALUES = (
    None,
    True,
    -1,
    10**40,
    float("nan"),
    "",
    "\ud800",
    "a\0b",
    "Ä" * 10_000,
    "1e400",
    "99999",
    "9999.99",
    "2026-02-30T99:99:99Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59.999999-14:00",
    "s3://a/../b",
    "arn:aws:frauddetector:eu-west-1:000000000000:rule/absent/absent/1e9",
    ["a", None, 1],
    {"a": {"b": None}},
)
TEXTS = st.text(max_size=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.sampled_from(ODD_VALUES),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    """A connection to a server that takes any access key, and has what the requests name."""
    data_dir = tmp_path_factory.mktemp("fuzz") / "data"
    data_dir.mkdir()
    with running(data_dir, RINGFENCE_AWS_ACCEPT_ANY_KEY="1", **NOWHERE) as server:
        client = client_of(server.url)
        define_payments(client, "absent", ingestion="ENABLED")
        publish_rules(client, "absent", "absent", rules=[("absent", "$amount > 100", "absent")])
        client.put_label(name="absent")
        client.put_entity_type(name="absent")
        client.create_list(name="absent", elements=["a"])
        client.create_model(
            modelId="absent", modelType="ONLINE_FRAUD_INSIGHTS", eventTypeName="absent"
        )
        client.send_event(**sent("absent", "absent"))
        opened = Wire(server)
        # What is loaded with the first request of each kind is no growth.
        for operation in ALL:
            if not operation.startswith(("Delete", "Create", "Update", "Put")):
                check(opened.ask(operation, json.dumps(REQUESTS[operation])))
        before = opened.memory_bytes()
        yield opened
        opened.close()
        after = Wire(server)
        assert after.ask("GetLabels", "{}").status == 200
        assert after.memory_bytes() - before < GROWTH_BYTES
        after.close()


def paths_of(value: Any, at: Path = ()) -> Iterator[Path]:
    """The places in a request that something else can be put at."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for name, one in inner:
        yield (*at, name)
        if isinstance(one, (dict, list)):
            yield from paths_of(one, (*at, name))


def changed(request: dict[str, Any], at: Path, value: Any) -> dict[str, Any]:
    """The request with another value at a place."""
    found: Any = copy.deepcopy(request)
    inner = found
    for name in at[:-1]:
        inner = inner[name]
    inner[at[-1]] = value
    return dict(found)


# What the other requests have none of.
NESTED = {
    "GetEventPrediction": {
        **REQUESTS["GetEventPrediction"],
        "externalModelEndpointDataBlobs": {"far": {"byteBuffer": "YQ==", "contentType": "text/a"}},
    },
    "ListEventPredictions": {
        "eventId": {"value": "absent"},
        "predictionTimeRange": {"startTime": "2026-01-01T00:00Z", "endTime": "2026-02-01T00:00Z"},
    },
    "CreateModelVersion": {
        **REQUESTS["CreateModelVersion"],
        "trainingDataSchema": {
            "modelVariables": ["amount", "merchant"],
            "labelSchema": {
                "labelMapper": {"FRAUD": ["fraud"], "LEGIT": ["legit"]},
                "unlabeledEventsTreatment": "IGNORE",
            },
        },
    },
}
REQUESTS_HERE = {**REQUESTS, **NESTED}


def whole(operation: str) -> dict[str, Any]:
    """A request for an operation with all members that it may have, one deep."""
    shape = MODEL.operation_model(operation).input_shape
    members = {} if shape is None else dict.fromkeys(shape.members, "x")
    return {**members, **REQUESTS_HERE[operation]}


@pytest.mark.parametrize("operation", ALL)
def test_no_member_can_be_anything_that_is_a_fault(wire: Wire, operation: str) -> None:
    for at in paths_of(whole(operation)):
        for value in ODD_VALUES:
            request = changed(
                whole(operation) if len(at) == 1 else REQUESTS_HERE[operation], at, value
            )
            # Of what is optional and wrong there is one at a time.
            kept = {name: one for name, one in request.items() if one != "x"}
            answer = wire.ask(operation, json.dumps({**kept, at[0]: request[at[0]]}))
            check(answer)


@few
@given(operation=st.sampled_from(ALL), data=st.data())
def test_no_request_is_a_fault(wire: Wire, operation: str, data: st.DataObject) -> None:
    request = REQUESTS_HERE[operation]
    for _ in range(data.draw(st.integers(1, 3))):
        places = list(paths_of(request)) or [("absent",)]
        request = changed(request, data.draw(st.sampled_from(places)), data.draw(JSON))
    check(wire.ask(operation, json.dumps(request)))


@few
@given(operation=st.sampled_from(ALL), body=st.binary(max_size=200), cut=st.integers(0, 200))
def test_what_is_no_json_is_refused(wire: Wire, operation: str, body: bytes, cut: int) -> None:
    for content in (body, json.dumps(REQUESTS_HERE[operation]).encode()[:cut] + body):
        check(wire.ask(operation, content))


@pytest.mark.parametrize(
    "body",
    [
        "[" * 100_000,
        '{"a":' * 50_000,
        '{"name": ' + "[" * 500 + "]" * 500 + "}",
        '{"name": NaN}',
        '{"maxResults": 1e400}',
        '{"maxResults": 1' + "0" * 5_000 + "}",
        '{"name": "\\ud800"}',
        '{"name": "\\u0000"}',
        b'{"name": "\xff"}',
        b"\xef\xbb\xbf{}",
        "null",
        "[]",
        '"text"',
        '{"name": "a"} {}',
    ],
    ids=range(14),
)
def test_bodies_that_no_client_sends_are_refused(wire: Wire, body: bytes | str) -> None:
    answer = wire.ask("GetLabels", body)
    check(answer)
    assert answer.status == 400


@pytest.mark.parametrize("operation", ["SendEvent", "GetEventPrediction"])
def test_a_map_of_any_size_is_answered(wire: Wire, operation: str) -> None:
    for count in (5_000, 5_001, 10_000):
        variables = {f"v{number}": "1" for number in range(count)}
        answer = wire.ask(
            operation, json.dumps({**REQUESTS_HERE[operation], "eventVariables": variables})
        )
        check(answer)
        assert answer.error == "ValidationException"


def test_a_body_that_is_too_large_is_refused(wire: Wire) -> None:
    answer = wire.ask("PutLabel", json.dumps({"name": "a", "description": "x" * 1_000_000}))
    assert (answer.status, answer.error) == (413, "RequestEntityTooLargeException")
    elements = [f"{number:06d}{'x' * 300}" for number in range(100_000)]
    full = {"name": "full", "elements": elements}
    assert wire.ask("CreateList", json.dumps(full)).status == 200
    full["elements"] = [*elements, "one more"]
    check(wire.ask("UpdateList", json.dumps({**full, "updateMode": "REPLACE"})))


VISIBLE = st.text(string.ascii_letters + string.digits + string.punctuation + " éÿ", max_size=60)


@few
@given(target=VISIBLE | VISIBLE.map(f"{PREFIX}.{{}}".format) | VISIBLE.map("{}.GetLabels".format))
def test_a_target_that_is_none_is_refused(wire: Wire, target: str) -> None:
    # Hypothesis knows the words that stand in this project's code.
    assume(target.strip() not in {f"{PREFIX}.{name}" for name in ALL})
    answer = wire.send([("x-amz-target", target.strip())], "{}")
    check(answer)
    assert answer.error == "UnknownOperationException"


def test_a_target_is_named_once(wire: Wire) -> None:
    other = ("x-amz-target", f"{PREFIX}.GetOutcomes")
    for headers in ([TARGET, other], [TARGET, ("x-amz-target", "nothing")], [TARGET, TARGET]):
        check(wire.send(headers, "{}"))


def test_what_is_in_other_headers_does_not_matter(wire: Wire) -> None:
    for headers in (
        [],
        [("content-type", "text/html"), ("content-type", "application/json")],
        [("content-encoding", "gzip")],
        [("x-amz-security-token", "x" * 5_000)],
        [("accept", "nothing/at-all"), ("cookie", "a=b; c"), ("expect", "nothing")],
        [("amz-sdk-request", "attempt=99999999999999999999; max=-1")],
    ):
        assert wire.send([TARGET, *headers], "{}").status == 200


HEAD = f"""
POST / HTTP/1.1
host: {{host}}
x-amz-target: {PREFIX}.GetLabels
x-amz-date: 20260301T100000Z
authorization: {AUTHORIZATION}
"""


def test_a_body_may_come_in_chunks(wire: Wire) -> None:
    head = f"{HEAD}transfer-encoding: chunked\n"
    whole = wire.raw(head, b'1\r\n{\r\n10\r\n"name": "absent"\r\n1\r\n}\r\n0\r\n\r\n')
    assert json.loads(whole.body)["labels"][0]["name"] == "absent"
    none = wire.raw(head, b"0\r\n\r\n")
    assert none.status == 200
    check(wire.raw(head, b"5\r\n{{{{{\r\n0\r\n\r\n"))
    assert wire.raw(head, b"no size\r\n{}\r\n0\r\n\r\n").status == 400
    assert wire.raw(f"{head}content-length: 2\n", b"2\r\n{}\r\n0\r\n\r\n").status in (200, 400)
    assert wire.raw(f"{HEAD}content-length: -1\n", b"{}").status == 400


def test_a_client_that_goes_away_is_no_matter(wire: Wire) -> None:
    for _ in range(20):
        wire.leave(f"{HEAD}content-length: 100\n", b"{")
    assert wire.ask("GetLabels", "{}").status == 200


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    """A connection to a server that verifies signatures."""
    data_dir = tmp_path_factory.mktemp("strict") / "data"
    data_dir.mkdir()
    with running(data_dir) as server:
        opened = Wire(server)
        yield opened
        opened.close()


def refused(answer: Answer) -> None:
    check(answer)
    assert 400 <= answer.status < 500, answer


PARTS = st.sampled_from(
    ["AKIATESTTESTTESTTEST", "20260301", "eu-west-1", "frauddetector", "aws4_request", "",
     "AWS4-HMAC-SHA256", "Credential=", "SignedHeaders=", "Signature=", "host;x-amz-date", "/",
     "0" * 64, "host", ";", ",", "=", " ", "x" * 5_000, "é"]
)  # fmt: skip


@few
@given(authorization=st.lists(PARTS, max_size=14).map("".join) | VISIBLE)
def test_an_authorization_that_is_none_is_refused(strict: Wire, authorization: str) -> None:
    headers = [TARGET, ("x-amz-date", "20260301T100000Z"), ("authorization", authorization)]
    refused(strict.send(headers, "{}", signed=False))


@few
@given(
    at=st.integers(0, len(AUTHORIZATION) - 1),
    put=VISIBLE,
    date=VISIBLE | st.sampled_from(["20260301T100000Z", "99999999T999999Z", "0", "-1"]),
)
def test_a_signature_that_is_not_right_is_refused(
    strict: Wire, at: int, put: str, date: str
) -> None:
    authorization = AUTHORIZATION[:at] + put + AUTHORIZATION[at + 1 :]
    for name in ("x-amz-date", "date"):
        headers = [TARGET, (name, date), ("authorization", authorization)]
        refused(strict.send(headers, "{}", signed=False))


def test_signatures_that_come_several_times_or_not_at_all_are_refused(strict: Wire) -> None:
    date, signed = ("x-amz-date", "20260301T100000Z"), ("authorization", AUTHORIZATION)
    for headers in ([], [date], [signed], [date, date, signed], [date, signed, signed]):
        refused(strict.send([TARGET, *headers], "{}", signed=False))
    refused(strict.send([TARGET, ("authorization", "Bearer key"), date], "{}", signed=False))
