"""The REST-JSON protocol, held against botocore: what its serializer writes is read back, and what
is answered its parser reads."""

from __future__ import annotations

import contextlib
import math
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringfence.aws.wire.errors import SerializationError, ValidationError
from ringfence.aws.wire.rest_messages import read_request, write_answer
from ringfence.aws.wire.rest_routes import Route, find_route
from ringfence.aws.wire.shapes import operation_model, service_model

_CONNECT = """
    AssociateLambdaFunction AssociatePhoneNumberContactFlow ClaimPhoneNumber CreateContactFlow
    CreateContactFlowModule CreateContactFlowVersion CreateHoursOfOperation CreateInstance
    CreatePrompt CreateQueue DeleteContactFlow DescribeContact DescribeContactFlow
    DescribeHoursOfOperation DescribeInstance DescribePhoneNumber DescribePrompt DescribeQueue
    DisassociateLambdaFunction GetContactAttributes ListContactFlows ListContactFlowVersions
    ListInstances ListPhoneNumbersV2 ListQueues ReleasePhoneNumber SearchAvailablePhoneNumbers
    StartOutboundVoiceContact StopContact TagContact TagResource UntagContact UntagResource
    UpdateContactAttributes UpdateContactFlowContent UpdateContactFlowMetadata UpdatePhoneNumber
"""
SERVED = [("connect", name) for name in _CONNECT.split()]
SERVED += [("lambda", name) for name in ("Invoke", "GetFunction", "ListFunctions")]

_ALPHABET = "abcXYZ019-_./: ü€'\"%?&=+"
_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def _texts(shape: Any) -> st.SearchStrategy[str]:
    if shape.enum:
        return st.sampled_from(shape.enum)
    pattern = shape.metadata.get("pattern")
    if pattern:
        if "\\p{" in pattern:
            return st.text("abc xyz", min_size=1, max_size=5).map(str.strip).filter(bool)
        pattern = pattern.replace("\\\\", "\\")
        low, high = shape.metadata.get("min", 0), shape.metadata.get("max", 200)
        return st.from_regex(f"\\A(?:{pattern})\\Z").filter(
            lambda text: low <= len(text) <= high and not {"\n", "\0"} & {*text}
        )
    low = max(1, shape.metadata.get("min", 1))
    header = shape.serialization.get("location") == "header"
    return st.text(
        "abc019=" if header else _ALPHABET, min_size=low, max_size=max(low, min(12, _most(shape)))
    )


def _most(shape: Any) -> int:
    return int(shape.metadata.get("max", 12))


def _values(shape: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    kind = shape.type_name
    if kind == "structure":
        required = set(shape.required_members)
        members = {
            name: _values(member, depth + 1)
            for name, member in shape.members.items()
            if name in required or depth < 3
        }
        must = {name: value for name, value in members.items() if name in required}
        may = {name: value for name, value in members.items() if name not in required}
        return st.fixed_dictionaries(must, optional=may)
    if kind == "list":
        low = int(shape.metadata.get("min", 1))
        return st.lists(_values(shape.member, depth + 1), min_size=low, max_size=low + 1)
    if kind == "map":
        return st.dictionaries(
            _texts(shape.key), _values(shape.value, depth + 1), min_size=1, max_size=2
        )
    if kind == "string":
        return _texts(shape)
    if kind in ("integer", "long"):
        low = int(shape.metadata.get("min", 0))
        return st.integers(low, int(shape.metadata.get("max", low + 1000)))
    if kind in ("float", "double"):
        return st.floats(0, 1)
    if kind == "boolean":
        return st.booleans()
    if kind == "timestamp":
        return st.integers(0, 10**7).map(lambda seconds: _EPOCH + timedelta(seconds=seconds))
    return st.binary(min_size=1, max_size=20)


@pytest.mark.parametrize(("service", "operation"), SERVED)
@given(data=st.data())
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_botocore_sends_is_what_is_read(
    service: str, operation: str, data: st.DataObject
) -> None:
    model = operation_model(service, operation)
    assert model is not None
    members = data.draw(_values(model.input_shape)) if model.input_shape is not None else {}
    sent = create_serializer("rest-json").serialize_to_request(members, model)
    # What a client puts into the address, as it travels.
    query = urlencode(sent["query_string"], doseq=True).encode()
    route = find_route(service, sent["method"], sent["url_path"], query)
    assert route is not None
    assert route.operation == operation
    headers = [
        (n.lower().encode(), str(v).encode("latin-1", "replace"))
        for n, v in sent["headers"].items()
    ]
    body = sent["body"]
    body = body if isinstance(body, bytes) else str(body).encode()
    assert read_request(service, route, query, headers, body) == members


def test_every_address_of_a_model_leads_to_its_operation() -> None:
    for service in ("connect", "lambda"):
        for name in service_model(service).operation_names:
            http = operation_model(service, name).http  # type: ignore[union-attr]
            path, _, query = http["requestUri"].partition("?")
            path = path.replace("{Resource+}", "x").replace("+}", "}")
            filled = "/".join("x%2Fy" if part.startswith("{") else part for part in path.split("/"))
            route = find_route(service, http["method"], filled, query.encode())
            assert route is not None, name
            found = operation_model(service, route.operation)
            assert found is not None
            assert found.http["requestUri"] == http["requestUri"]


def test_an_arn_in_an_address_stays_whole() -> None:
    arn = "arn%3Aaws%3Aconnect%3Aeu-central-1%3A123456789012%3Ainstance%2Fi%2Fcontact-flow%2Ff"
    route = find_route("connect", "GET", f"/contact-flows/i/{arn}", b"")
    assert route is not None
    assert route.labels["ContactFlowId"] == (
        "arn:aws:connect:eu-central-1:123456789012:instance/i/contact-flow/f"
    )


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("GET", "/nothing"), ("DELETE", "/contact/stop"), ("PUT", "/contact-flows/")],
)
def test_an_address_that_is_none_leads_nowhere(method: str, path: str) -> None:
    assert find_route("connect", method, path, b"") is None


@given(body=st.binary(max_size=60), query=st.text(_ALPHABET, max_size=20))
def test_whatever_comes_is_read_or_refused_in_words(body: bytes, query: str) -> None:
    route = Route("ListContactFlows", {"InstanceId": "i"})
    for each in (route, Route("StartOutboundVoiceContact", {}), Route("CreateQueue", {})):
        with contextlib.suppress(SerializationError, ValidationError):
            read_request("connect", each, query.encode(), [], body)


def test_answers_are_what_botocore_reads() -> None:
    at = datetime(2026, 3, 1, 12, 30, 1, 250_000, tzinfo=UTC)
    answer = write_answer(
        "connect", "DescribeContact", {"Contact": {"Id": "c", "InitiationTimestamp": at, "X": None}}
    )
    model = operation_model("connect", "DescribeContact")
    assert model is not None
    read = create_parser("rest-json").parse(
        {"status_code": answer.status, "headers": {}, "body": answer.body}, model.output_shape
    )
    contact = read["Contact"]
    assert contact["Id"] == "c"
    assert math.isclose(contact["InitiationTimestamp"].timestamp(), at.timestamp())


def test_a_payload_is_the_body_and_the_rest_stands_in_headers() -> None:
    answer = write_answer(
        "lambda",
        "Invoke",
        {
            "StatusCode": 200,
            "Payload": b'{"a":1}',
            "FunctionError": "Unhandled",
            "LogResult": "bG9n",
        },
    )
    assert answer.status == 200
    assert answer.body == b'{"a":1}'
    assert dict(answer.headers)[b"x-amz-function-error"] == b"Unhandled"
