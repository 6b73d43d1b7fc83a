"""Whatever is sent to Amazon Connect's addresses, the answer is in AWS's form and never a fault."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from api_servers import running
from aws_clients import client_of
from connect_calls import talk
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ringfence.aws.connect.service import operations
from ringfence.aws.wire.shapes import operation_model

AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=AKIATESTTESTTESTTEST/20260301/eu-west-1/connect/aws4_request"
    f", SignedHeaders=host;x-amz-date, Signature={'0' * 64}"
)
SERVED = sorted(operations())
few = settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
TEXTS = st.text(max_size=30)
_INNER = b'{"ValueMap":{"a":'
_NESTED = b'{"SegmentAttributes":{"a":' + _INNER * 300 + b"{}" + b"}}" * 300 + b"}}"
ODD = st.sampled_from(
    (
        None,
        True,
        -1,
        10**40,
        0.5,
        "",
        "a\0b",
        "\ud800",
        "Ä" * 5_000,
        "9999-12-31T23:59:59Z",
        "arn:aws:connect:eu-west-1:000000000000:instance/a/b/c:1e9",
        ["a", None],
        {"a": {"b": None}},
    )
)
JSON = st.recursive(
    ODD | TEXTS | st.integers() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@dataclass(frozen=True)
class Target:
    """A server, its instance and a flow there."""

    host: str
    known: tuple[str, ...]

    def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes, str]:
        """Status, body and the error's name in the headers."""
        connection = http.client.HTTPConnection(self.host, timeout=20)
        connection.putrequest(method, path, skip_accept_encoding=True)
        connection.putheader("authorization", AUTHORIZATION)
        connection.putheader("x-amz-date", "20260301T000000Z")
        connection.putheader("content-length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        found = (answer.status, answer.read(), answer.headers.get("x-amzn-errortype", ""))
        connection.close()
        return found


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    data_dir = tmp_path_factory.mktemp("connect_fuzz") / "data"
    with running(
        data_dir,
        RINGFENCE_AWS_ACCEPT_ANY_KEY="1",
        RINGFENCE_CALLABLE_PREFIXES='["+999"]',  # nobody is called
    ) as server:
        client = client_of(server.url, "connect")
        (instance,) = client.list_instances()["InstanceSummaryList"]
        flow = client.create_contact_flow(
            InstanceId=instance["Id"], Name="card", Type="CONTACT_FLOW", Content=talk()
        )["ContactFlowId"]
        yield Target(
            urlsplit(server.url).netloc,
            (instance["Id"], flow, f"{flow}:$SAVED", f"{flow}:{10**30}", f"{flow}:0"),
        )
        status, body, _ = Target(urlsplit(server.url).netloc, ()).ask("GET", "/instance")
        assert status == 200, body
        assert "Traceback" not in server.log.read_text()


def _check(answer: tuple[int, bytes, str]) -> None:
    status, body, error = answer
    assert status < 500, answer
    if status >= 400:
        assert error, answer
        assert json.loads(body)["message"], answer


def _values(shape: Any, known: tuple[str, ...], depth: int = 0) -> st.SearchStrategy[Any]:
    """Values of a shape, some odd: what comes as far as the operations."""
    kind = shape.type_name
    if kind == "structure":
        members = {
            name: _values(one, known, depth + 1)
            for name, one in shape.members.items()
            if depth < 3 or name in shape.required_members  # some hold themselves
        }
        needed = {name: members.pop(name) for name in shape.required_members}
        usual = st.fixed_dictionaries(needed, optional=members)
    elif kind == "list":
        usual = st.lists(_values(shape.member, known, depth), max_size=2)
    elif kind == "map":
        usual = st.dictionaries(TEXTS, _values(shape.value, known, depth), max_size=2)
    elif kind == "string":
        usual = st.sampled_from(shape.enum or (*known, "+4930123", talk(), "a")) | TEXTS
    elif kind in ("integer", "long"):
        usual = st.sampled_from((0, 1, 2, 100, 2**31, 2**63, 10**30))
    elif kind == "boolean":
        usual = st.booleans()
    else:
        usual = st.integers(0, 2**31)
    return st.integers(0, 19).flatmap(lambda drawn: ODD if drawn == 7 else usual)


def _address(model: Any, members: dict[str, Any]) -> str:
    """The address, with what belongs there of the members, which are taken out."""
    path: str = model.http["requestUri"]
    query = []
    for name, shape in model.input_shape.members.items():
        where = shape.serialization.get("location")
        if where not in ("uri", "querystring") or name not in members:
            continue
        label = shape.serialization.get("name", name)
        value = quote(str(members.pop(name)).encode(errors="replace"), safe="") or "x"
        if where == "uri":
            path = path.replace(f"{{{label}}}", value).replace(f"{{{label}+}}", value)
        else:
            query.append(f"{label}={value}")
    return quote(path, safe="/%?=&:$") + ("?" + "&".join(query) if query else "")


@given(data=st.data())
@few
def test_an_operation_given_odd_members_refuses_them(target: Target, data: st.DataObject) -> None:
    model = operation_model("connect", data.draw(st.sampled_from(SERVED)))
    assert model is not None
    shape = model.input_shape
    # Odd as a whole is for the next test.
    members = {
        name: data.draw(_values(shape.members[name], target.known))
        for name in shape.members
        if name in shape.required_members or data.draw(st.booleans())
    }
    address = _address(model, members)
    body = json.dumps(members).encode()
    _check(target.ask(model.http["method"], address, body))


@given(
    name=st.sampled_from(SERVED),
    body=JSON.map(lambda found: json.dumps(found).encode()) | st.binary(max_size=80),
    label=TEXTS,
    query=TEXTS,
)
@example(name="CreateContactFlow", body=b"[" * 20_000, label="a", query="")
@example(name="UpdateContact", body=_NESTED, label="a", query="")
@example(name="StartOutboundVoiceContact", body=b"\xff\xfe", label="a", query="")
@example(name="ListContactFlows", body=b"", label="\0", query="maxResults=\0")
@few
def test_any_body_path_and_query_is_answered(
    target: Target, name: str, body: bytes, label: str, query: str
) -> None:
    model = operation_model("connect", name)
    assert model is not None
    parts = model.http["requestUri"].split("/")
    odd = quote(label.encode(errors="replace"), safe="") or "x"
    path = "/".join(odd if part.startswith("{") else part for part in parts)
    asked = quote(query.encode(errors="replace"), safe="=&%")
    _check(target.ask(model.http["method"], f"{path}?{asked}", body))


@given(method=st.sampled_from(("GET", "POST", "PUT", "DELETE", "PATCH")), path=TEXTS)
@few
def test_an_address_that_is_none_is_refused(target: Target, method: str, path: str) -> None:
    status, _, _ = target.ask(method, "/contact/" + quote(path.encode(errors="replace"), safe="/"))
    assert 400 <= status < 500


@pytest.mark.parametrize("version", [0, 10**18, 10**30])
def test_a_version_that_no_flow_can_have_is_not_found_or_refused(
    target: Target, version: int
) -> None:
    instance, flow = target.known[:2]
    at = f"/contact-flows/{instance}/{flow}"
    for method, path in (("GET", f"{at}%3A{version}"), ("DELETE", f"{at}/version/{version}")):
        answer = target.ask(method, path)
        _check(answer)
        assert answer[0] in (400, 404)
