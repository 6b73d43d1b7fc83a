"""References inside texts."""

from __future__ import annotations

from xml.sax.saxutils import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.flows.conditions import OPERATORS
from ringfence.flows.references import reference_to, template
from ringfence.flows.ssml import document, escaped, parse_ssml

DATA = {
    "Attributes": {"Name": "Rojas", "a b": "spaced", "x-y_1": "dashed", "empty": ""},
    "External": {
        "status": 200,
        "ok": True,
        "none": None,
        "card": {"state": "open", "list": ["first", {"n": "second"}]},
        "dotted.key": "flat",
        "half": 0.5,
    },
    "StoredCustomerInput": None,
    "Channel": "VOICE",
    "SegmentAttributes": {"connect:Subtype": "connect:Telephony"},
    "Tags": {"Desk": "fraud"},
    "References": {"case": {"Value": "https://bank.example/7", "Type": "URL"}},
    "Metrics": {"Queue": {"Size": 3}, "Agents": {"Available": {"Count": 2}}},
    "Queue": {"Name": "Fraud desk", "OutboundCallerId": {"Address": "+15550100"}},
    "Lex": {"Slots": {"card": "last"}, "IntentConfidence": {"Score": 0.9}},
}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("Hello $.Attributes.Name.", "Hello Rojas."),
        ("$.Attributes.Name, hello", "Rojas, hello"),
        ("$.Attributes.Name.Please press", "Rojas.Please press"),
        ("$.Attributes.Name- hello", "Rojas- hello"),
        ("$.Attributes.Name's card", "Rojas's card"),
        ("<$.Attributes.Name>", "<Rojas>"),
        ("$.Attributes.['a b']!", "spaced!"),
        ("$.Attributes['a b']", "spaced"),
        ('$["Attributes"]["a b"]', "spaced"),
        ("$.Attributes.x-y_1", "dashed"),
        ("$.External.status", "200"),
        ("$.External.ok", "true"),
        ("$.External.half", "0.5"),
        ("$.External.none|", "|"),
        ("$.External.card.state", "open"),
        ("$.External.card|", "|"),
        ("$.External.card.list.0", "first"),
        ("$.External.card.list[1].n", "second"),
        ("$.External.card.list[7]", ""),
        ("$.External.card.list." + "9" * 5000, ""),
        ("$.External.dotted.key", "flat"),
        ("$.External.status.Next", "200.Next"),
        ("$.Channel.x", "VOICE.x"),
        ("$.Attributes.Missing.", "."),
        ("$.Attributes.Missing and $.Nothing.at.all!", " and !"),
        ("$.StoredCustomerInput|", "|"),
        ("$.SegmentAttributes['connect:Subtype'].Then", "connect:Telephony.Then"),
        ("$.Tags.Desk.Then", "fraud.Then"),
        (
            "$.References.case.Value, $['References']['case']['Type'].",
            "https://bank.example/7, URL.",
        ),
        ("$.Metrics.Queue.Size.Then $.Metrics.Agents.Available.Count", "3.Then 2"),
        ("$.Queue.Name.Then $.Queue.OutboundCallerId.Address.", "Fraud desk.Then +15550100."),
        ("$.Lex.Slots.card.Then $.Lex.IntentConfidence.Score.", "last.Then 0.9."),
        ("$.Customer.FirstName.Then $.Case.status.Then", ".Then .Then"),
        ("$.Customer.Attributes.x.Then $.Media.Sip.Headers.P-Charge-Info.Then", ".Then .Then"),
        ("$.Views.Action $.Agent.FirstName.Then $.Wisdom.SessionArn.Then", " .Then .Then"),
        ("$5, $.50, $ and US$", "$5, $.50, $ and US$"),
        ("$.", "$."),
        ("$$.Attributes.Name", "$Rojas"),
        ("$.Attributes.Name$.Attributes.Name", "RojasRojas"),
        ("$.Attributes['open", "['open"),
    ],
)
def test_a_reference_is_filled_in_with_its_value(text: str, filled: str) -> None:
    assert template(text).fill(DATA) == filled


def test_a_missing_value_is_told_from_an_empty_one() -> None:
    assert template("$.Attributes.empty").value(DATA) == ""
    assert template("$.Attributes.nowhere").value(DATA) is None
    assert template("$.External.card").value(DATA) is None
    assert template("[$.Attributes.nowhere]").value(DATA) == "[]"


def test_a_text_that_is_one_reference_names_a_value_and_nothing_behind_it() -> None:
    assert template("$.External.card.state").value(DATA) == "open"
    assert template("$.External.card.state.of.it").value(DATA) is None
    assert template("$.Attributes.Name-").value(DATA) is None


@given(st.text(), st.text())
def test_a_value_never_becomes_markup_in_text_or_in_an_attribute(one: str, other: str) -> None:
    prompt = template('<p><sub alias="$.Attributes.one">$.Attributes.other</sub></p>')
    data = {"Attributes": {"one": one, "other": other}}
    root = parse_ssml(document(prompt.fill(data, escaped)))
    [[inside]] = root
    assert (inside.tag, len(inside)) == ("sub", 0)
    # XML reads any line end as one, and in attributes white space as blanks.
    assert "".join(inside.itertext()).split() == escaped_and_back(other).split()
    assert inside.attrib["alias"].split() == escaped_and_back(one).split()


def escaped_and_back(value: str) -> str:
    return unescape(escaped(value), {"&quot;": '"', "&apos;": "'"})


@given(st.text())
def test_any_text_can_be_parsed_and_one_without_a_dollar_stays_as_it_is(text: str) -> None:
    filled = template(text).fill({})
    if "$" not in text:
        assert filled == text


@given(name=st.text(min_size=1), value=st.text(), before=st.text(), behind=st.text())
def test_any_name_can_be_referred_to_and_its_value_is_not_looked_at_again(
    name: str, value: str, before: str, behind: str
) -> None:
    before, behind = before.replace("$", ""), " " + behind.replace("$", "")
    text = before + reference_to("Attributes", name) + behind
    assert template(text).fill({"Attributes": {name: value}}) == before + value + behind


@given(value=st.sampled_from(["$.Attributes.secret", "$.Channel", "$['Attributes']['secret']"]))
def test_a_value_that_looks_like_a_reference_stays_text(value: str) -> None:
    data = {"Attributes": {"Merchant": value, "secret": "hidden"}, "Channel": "VOICE"}
    assert template("at $.Attributes.Merchant.").fill(data) == f"at {value}."


@pytest.mark.parametrize(
    ("operator", "value", "operand", "holds"),
    [
        ("Equals", "a", "a", True),
        ("Equals", "a", "A", False),
        ("TextStartsWith", "4155", "41", True),
        ("TextEndsWith", "4155", "55", True),
        ("TextContains", "4155", "15", True),
        ("NumberGreaterThan", "10", "9", True),
        ("NumberGreaterThan", "9", "9.0", False),
        ("NumberGreaterOrEqualTo", "9", "9.0", True),
        ("NumberLessThan", "-1", "0", True),
        ("NumericLessThan", "50", "51", True),
        ("NumberLessOrEqualTo", "0.10", "0.1", True),
        ("NumberGreaterThan", "many", "1", False),
        ("NumberLessThan", "", "1", False),
        ("NumberLessThan", "nan", "1", False),
        ("NumberGreaterThan", "inf", "1", False),
    ],
)
def test_conditions_compare_text_or_numbers(
    operator: str, value: str, operand: str, holds: bool
) -> None:
    assert OPERATORS[operator](value, operand) is holds
