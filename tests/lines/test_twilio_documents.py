"""TwiML is well formed whatever is said, and settings are read and refused with their field."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.twiml.voice_response import Dial, Gather, Number, Redirect, VoiceResponse
from twilio_account import ACCOUNT, BANK, TOKEN

from ringfence.errors import InvalidInput
from ringfence.flows.participant import Destination, Prompt, PromptFailed
from ringfence.lines import Limits, Synthesizer
from ringfence.lines.opening import Surroundings, open_line
from ringfence.lines.twilio import twiml
from ringfence.lines.twilio.opening import TwilioSettings, _base_url

_XML = st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff")
_TURN = "https://calls.example.org/lines/p/calls/t/turn/1"


@given(words=st.text(_XML), voice=st.text(_XML))
def test_whatever_is_said_arrives_as_it_is(words: str, voice: str) -> None:
    said = twiml.say(Prompt(words, ssml=False, voice=voice))

    response = ElementTree.fromstring(twiml.document(said))

    assert [verb.tag for verb in response] == ["Say"]
    assert "".join(response.itertext()) == words
    assert response[0].attrib["voice"] == f"Polly.{voice}"


@given(words=st.text())
def test_characters_that_xml_has_not_break_no_document(words: str) -> None:
    document = twiml.document(twiml.gather(twiml.play(words), seconds=3, then=words))

    response = ElementTree.fromstring(document.encode("utf-8", "surrogatepass"))

    assert [verb.tag for verb in response] == ["Gather", "Redirect"]


@given(words=st.text(_XML, min_size=1))
def test_markup_in_a_value_stays_a_value_inside_ssml(words: str) -> None:
    from ringfence.flows.ssml import escaped

    said = twiml.say(Prompt(f"<speak><p>{escaped(words)}</p></speak>", ssml=True))

    assert "".join(ElementTree.fromstring(said).itertext()) == words


def test_what_twilio_cannot_say_of_ssml_is_said_without_it() -> None:
    ssml = (
        '<speak>a<amazon:effect name="whispered">b</amazon:effect>'
        '<say-as interpret-as="digits">12</say-as><lang xml:lang="fr-FR">c</lang></speak>'
    )

    assert twiml.say(Prompt(ssml, ssml=True)) == (
        '<Say voice="Polly.Joanna" language="en-US">ab'
        '<say-as interpret-as="digits">12</say-as><lang xml:lang="fr-FR">c</lang></Say>'
    )


def test_broken_ssml_is_said_to_be_broken() -> None:
    with pytest.raises(PromptFailed):
        twiml.say(Prompt("<speak><p></speak>", ssml=True))


def _tree(xml: str) -> Any:
    def shape(element: Any) -> Any:
        return element.tag, dict(element.attrib), element.text or "", [shape(e) for e in element]

    return shape(ElementTree.fromstring(xml))


def test_documents_have_the_shape_that_the_sdk_gives_them() -> None:
    expected = VoiceResponse()
    gather = Gather(
        input="dtmf", num_digits=1, finish_on_key="", timeout=5, action=_TURN, method="POST"
    )
    gather.play("https://calls.example.org/a.wav")
    expected.append(gather)
    expected.append(Redirect(_TURN, method="POST"))
    sound = twiml.play("https://calls.example.org/a.wav")
    assert _tree(twiml.document(twiml.gather(sound, seconds=5, then=_TURN))) == _tree(str(expected))

    expected = VoiceResponse()
    dial = Dial(timeout=30, action=_TURN, method="POST", caller_id=BANK)
    dial.append(
        Number(
            "+4930901899",
            status_callback_event="answered",
            status_callback="https://told",
            send_digits="1ww2",
        )
    )
    expected.append(dial)
    there = Destination("+4930901899", BANK, digits="1,2")
    ours = twiml.document(twiml.dial(there, then=_TURN, told="https://told"))
    assert _tree(ours) == _tree(str(expected))

    expected = VoiceResponse()
    expected.reject(reason="busy")
    assert _tree(twiml.document(twiml.reject(busy=True))) == _tree(str(expected))


def _opened(tmp_path: Path, public_url: str | None = "https://a.example", **changes: Any) -> Any:
    table = {"kind": "twilio", "account_sid": ACCOUNT, "auth_token": TOKEN, "numbers": [BANK]}
    surroundings = Surroundings(Synthesizer(), tmp_path, public_url)
    return open_line("phones", {**table, **changes}, surroundings)


async def test_a_line_says_which_numbers_it_has_and_how_many_calls_it_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_TOKEN", TOKEN)
    async with _opened(tmp_path, auth_token="env:A_TOKEN", calls_at_once=7) as line:
        assert (line.name, line.numbers) == ("phones", frozenset({BANK}))
        assert line.limits == Limits(calls_at_once=7, calls_per_second=1.0)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"account_sid": "AC1"}, "lines.phones.account_sid"),
        ({"auth_token": ""}, "lines.phones.auth_token"),
        ({"auth_token": "env:NOT_SET_AT_ALL"}, "lines.phones.auth_token"),
        ({"numbers": []}, "lines.phones.numbers"),
        ({"numbers": [BANK, "030 901820"]}, "lines.phones.numbers[1]"),
        ({"api_key": "SK1"}, "lines.phones.api_secret"),
        ({"voice": "loud"}, "lines.phones.voice"),
        ({"calls_per_second": 0}, "lines.phones.calls_per_second"),
        ({"calls_at_once": 0}, "lines.phones.calls_at_once"),
        ({"machine_detection_seconds": 1}, "lines.phones.machine_detection_seconds"),
        ({"base_url": "api.twilio.com"}, "lines.phones.base_url"),
        ({"edge": "dublin/x"}, "lines.phones.edge"),
        ({"accountsid": "AC1"}, "lines.phones"),
        ({"public_url": None}, "public_url"),
        ({"public_url": "calls.example.org"}, "public_url"),
        ({"public_url": "http://calls.example.org"}, "public_url"),
    ],
)
def test_settings_that_are_wrong_are_refused_with_their_field(
    tmp_path: Path, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as raised:
        _opened(tmp_path, **changes)

    assert raised.value.field == field
    assert TOKEN not in str(raised.value)


@pytest.mark.parametrize(
    ("edge", "region", "url"),
    [
        ("", "", "https://api.twilio.com"),
        ("dublin", "ie1", "https://api.dublin.ie1.twilio.com"),
        ("dublin", "", "https://api.dublin.us1.twilio.com"),
        ("", "ie1", "https://api.ie1.twilio.com"),
    ],
)
def test_an_edge_and_a_region_make_the_address(edge: str, region: str, url: str) -> None:
    settings = TwilioSettings(
        account_sid=ACCOUNT, auth_token=TOKEN, numbers=[BANK], edge=edge, region=region
    )
    assert _base_url(settings) == url
