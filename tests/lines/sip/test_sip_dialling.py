from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.errors import InvalidInput
from ringfence.lines import CallRequest
from ringfence.lines.sip.dialling import (
    country_of,
    dial_of,
    number_of_uri,
    trunk_setup,
    written,
)
from ringfence.lines.sip.settings import SipSettings, TrunkSettings, host_and_port, read_settings

BERLIN, OURS = "+4930901820", "+4930123456"


def settings(*trunks: dict[str, Any], **line: Any) -> SipSettings:
    given_trunks = trunks or ({"name": "a", "host": "sip.carrier.example"},)
    return read_settings("trunk", {"trunks": list(given_trunks), **line})


def trunk(**facts: Any) -> TrunkSettings:
    return settings({"name": "a", "host": "sip.carrier.example:5080", **facts}).trunks[0]


def request(**facts: Any) -> CallRequest:
    return CallRequest("c1", BERLIN, OURS, **facts)


@pytest.mark.parametrize(
    ("form", "dialled"),
    [
        ("{e164}", "+4930901820"),
        ("{digits}", "4930901820"),
        ("00{digits}", "004930901820"),
        ("{national}", "030901820"),
        ("9{national}#", "9030901820#"),
    ],
)
def test_a_number_is_written_as_the_trunk_wants_it(form: str, dialled: str) -> None:
    assert written(BERLIN, form) == dialled
    dial = dial_of("c", request(), trunk(dial=form), settings())
    assert dial.to_uri == f"sip:{dialled}@sip.carrier.example:5080;user=phone"


def test_the_caller_is_shown_and_asserted_in_the_trunks_domain() -> None:
    dial = dial_of("c", request(caller_name="Bank"), trunk(domain="bank.example"), settings())
    assert dial.from_uri == f'"Bank" <sip:{OURS}@bank.example>'
    assert dial.headers == (("P-Asserted-Identity", f"<sip:{OURS}@bank.example>"),)


def test_a_withheld_number_is_asserted_to_the_trunk_alone() -> None:
    dial = dial_of("c", request(caller_name="Bank"), trunk(withhold_number=True), settings())
    assert OURS not in dial.from_uri
    assert "Bank" not in dial.from_uri
    assert ("Privacy", "id") in dial.headers


@given(st.text(max_size=80))
def test_no_name_breaks_out_of_its_header(name: str) -> None:
    dial = dial_of("c", request(caller_name=name), trunk(), settings())
    assert not set(dial.from_uri) & {"\r", "\n", "\x00"}
    assert dial.from_uri.count("<") == 1
    assert dial.from_uri.count('"') in (0, 2)


def test_a_trunk_with_a_registrar_of_its_own_and_a_proxy_is_set_up_so() -> None:
    made = trunk_setup(
        trunk(
            transport="tcp",
            username="bank",
            password="secret",
            register=True,
            registrar="reg.carrier.example",
            outbound_proxy="edge.carrier.example:5070",
        )
    )
    assert made.registrar == "sip:reg.carrier.example;transport=tcp"
    assert made.outbound_proxies == ("sip:edge.carrier.example:5070;transport=tcp;lr",)
    assert made.id_uri == "sip:bank@sip.carrier.example"
    assert (made.username, made.password) == ("bank", "secret")


@pytest.mark.parametrize(
    ("uri", "number"),
    [
        ("sip:+4930901820@carrier.example", BERLIN),
        ("sip:+4930901820@carrier.example:5080;user=phone", BERLIN),
        ("sip:4930123456@10.0.0.1", OURS),
        ("sip:004930123456@10.0.0.1", OURS),
        ("sip:030123456@10.0.0.1", OURS),
        ("sip:030901820@10.0.0.1", BERLIN),
        ("tel:+49-30-901820", BERLIN),
        ("sip:anonymous@anonymous.invalid", ""),
        ("sip:bank@carrier.example", ""),
        ("sip:112@carrier.example", ""),
        ("", ""),
    ],
)
def test_a_number_is_read_however_a_trunk_writes_it(uri: str, number: str) -> None:
    assert number_of_uri(uri, frozenset({OURS}), "DE") == number


@given(st.text(max_size=100))
def test_no_uri_breaks_the_reading(uri: str) -> None:
    found = number_of_uri(uri, frozenset({OURS}), "DE")
    assert not found or found.startswith("+")


@pytest.mark.parametrize(
    ("host", "name", "port"),
    [
        ("sip.carrier.example", "sip.carrier.example", None),
        ("192.0.2.1:5070", "192.0.2.1", 5070),
        ("[2001:db8::1]", "2001:db8::1", None),
        ("[2001:db8::1]:5070", "2001:db8::1", 5070),
    ],
)
def test_a_host_is_told_from_its_port(host: str, name: str, port: int | None) -> None:
    assert host_and_port(host) == (name, port)
    shown = trunk_setup(trunk(host=host)).id_uri.partition("@")[2]
    assert shown == (f"[{name}]" if ":" in name else name)


def test_the_country_of_a_line_is_that_of_its_numbers() -> None:
    assert country_of(frozenset({OURS, BERLIN, "+14155550100"})) == "DE"
    assert country_of(frozenset()) == ""


@pytest.mark.parametrize(
    ("field", "line", "of_trunk"),
    [
        ("trunks", {"trunks": []}, {}),
        ("trunks.0.host", {}, {"host": "no host"}),
        ("trunks.0.host", {}, {"host": "evil>host"}),
        ("trunks.0.host", {}, {"host": "host:0"}),
        ("trunks.0.host", {}, {"host": "host:65536"}),
        ("trunks.0.host", {}, {"host": "host:\u0663"}),
        ("trunks.0.registrar", {}, {"registrar": "host:99999"}),
        ("trunks.0.name", {}, {"name": "a b"}),
        ("trunks.0.transport", {}, {"transport": "sctp"}),
        ("trunks.0.dial", {}, {"dial": "{number}"}),
        ("trunks.0.dial", {}, {"dial": "no number"}),
        ("trunks.0.dial", {}, {"dial": "{e164}@evil"}),
        ("trunks.0.username", {}, {"register": True}),
        ("trunks.0.username", {}, {"password": "x"}),
        ("trunks.0.password", {}, {"username": "a", "password": "env:NOT_SET_ANYWHERE"}),
        ("trunks.0.srtp", {}, {"srtp": "mandatory"}),
        ("trunks.0.serves", {}, {"serves": ["49"]}),
        ("trunks.0.codecs", {}, {"codecs": []}),
        ("trunks.0.calls_at_once", {}, {"calls_at_once": 0}),
        ("trunks.0", {}, {"pasword": "x"}),
        ("numbers", {"numbers": ["030"]}, {}),
        ("bind_host", {"bind_host": "somewhere"}, {}),
        ("rtp_ports", {"rtp_ports": [10000, 10010]}, {}),
        ("tls_ca_file", {"tls_ca_file": "/nowhere/ca.pem"}, {}),
        ("calls_at_once", {"calls_at_once": 0}, {}),
        ("courtesy_seconds", {"courtesy_seconds": 60}, {}),
        ("spare_calls", {"spare_calls": -1}, {}),
        ("stun_servers", {"stun_servers": ["no host"]}, {}),
    ],
)
def test_what_does_not_fit_is_refused_by_name(
    field: str, line: dict[str, Any], of_trunk: dict[str, Any]
) -> None:
    table: dict[str, Any] = {"trunks": [{"name": "a", "host": "h", **of_trunk}], **line}
    with pytest.raises(InvalidInput) as refusal:
        read_settings("out", table)
    assert refusal.value.field == f"lines.out.{field}"


def test_no_message_repeats_a_password() -> None:
    with pytest.raises(InvalidInput) as refusal:
        settings({"name": "a", "host": "no host", "username": "u", "password": "hunter2"})
    assert "hunter2" not in str(refusal.value)
