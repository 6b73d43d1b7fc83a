"""SSML: read as flows write it, and safe against what is filled in."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.flows import PromptFailed
from ringfence.flows.ssml import document, escaped, parse_ssml, says_nothing, unknown_tags

BOMB = """<?xml version="1.0"?><!DOCTYPE speak [<!ENTITY a "aaaaaaaaaa">
<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><speak>&b;</speak>"""
FILE = '<!DOCTYPE speak [<!ENTITY x SYSTEM "file:///etc/hostname">]><speak>&x;</speak>'


def text(root: object) -> str:
    return "".join(root.itertext())  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("plain words", "plain words"),
        ("Marks & Spencer", "Marks & Spencer"),
        ("Marks &amp; Spencer", "Marks & Spencer"),
        ("<p>a paragraph</p>", "a paragraph"),
        (" \n<speak>spoken</speak> ", "spoken"),
        ('<?xml version="1.0"?>\n<speak version="1.1">spoken</speak>', "spoken"),
        ('<speak xmlns="http://www.w3.org/2001/10/synthesis">spoken</speak>', "spoken"),
        ('<speak><amazon:effect name="whispered">low</amazon:effect></speak>', "low"),
        ('<speak><unknown a="1">kept</unknown></speak>', "kept"),
        ("<speak><!-- aside -->heard</speak>", "heard"),
        ("", ""),
        ("<speak/>", ""),
    ],
)
def test_a_prompt_is_read_as_flows_write_it(written: str, said: str) -> None:
    root = parse_ssml(written)
    assert root.tag == "speak"
    assert text(root) == said


@pytest.mark.parametrize(
    "broken",
    [
        "<speak><p>open</speak>",
        "<speak>a & b</speak>",
        "<p>one",
        "<speak/><speak/>",
        "<speaker>no</speaker",
        BOMB,
        FILE,
        "<speak>" + "<p>" * 100 + "</p>" * 100 + "</speak>",
    ],
)
def test_broken_and_dangerous_markup_fails(broken: str) -> None:
    with pytest.raises(PromptFailed):
        parse_ssml(broken)


@given(st.text())
def test_any_markup_is_read_or_fails(written: str) -> None:
    for each in (written, f"<speak>{written}</speak>"):
        with contextlib.suppress(PromptFailed):
            assert parse_ssml(each).tag == "speak"


@given(st.text() | st.sampled_from(["</speak>", "<break time='9s'/>", "]]>", "&b;", "\x00\ud800"]))
def test_a_value_is_text_whatever_it_looks_like(value: str) -> None:
    root = parse_ssml(f"<speak>before <p>{escaped(value)}</p> behind</speak>")
    assert [element.tag for element in root] == ["p"]
    kept = "".join(each for each in value if each in "\t\n\r" or " " <= each <= "\U0010ffff")
    kept = "".join(each for each in kept if not "\ud800" <= each <= "\udfff")
    kept = kept.replace("\ufffe", "").replace("\uffff", "")
    normalised = kept.replace("\r\n", "\n").replace("\r", "\n")
    assert text(root[0]) == normalised


@pytest.mark.parametrize(
    ("written", "nothing"),
    [
        (" ", True),
        ("<speak> <p> </p></speak>", True),
        ("<speak>x</speak>", False),
        ('<break time="300"/>', False),
    ],
)
def test_words_and_pauses_are_something_to_say(written: str, nothing: bool) -> None:
    assert says_nothing(parse_ssml(written)) is nothing


def test_only_what_has_no_root_is_wrapped() -> None:
    assert document("hello") == "<speak>hello</speak>"
    assert document("<speak>hello</speak>") == "<speak>hello</speak>"
    assert document("<speaking/>") == "<speak><speaking/></speak>"


def test_tags_that_no_voice_knows_are_named_once() -> None:
    known = "<speak><p><s><w role='amazon:VB'>x</w><amazon:domain name='news'>y</amazon:domain>"
    known += "<amazon:auto-breaths/><mark name='m'/></s></p></speak>"
    assert unknown_tags(parse_ssml(known)) == ()
    odd = f"<speak><audio src='x'/><blink>a</blink><blink>b</blink><{'t' * 99}/></speak>"
    assert unknown_tags(parse_ssml(odd)) == ("audio", "blink", "t" * 40)
