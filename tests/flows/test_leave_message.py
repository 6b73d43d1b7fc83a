"""The flow that leaves a message on an answering machine: its own tests run, in every language."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from conversations import Cardholder, converse, spoken_seconds

from ringfence.flows import language_of_voice, load_flow, shipped_flows
from ringfence.flows.laboratory.coverage import Coverage
from ringfence.flows.laboratory.suite import judge, read_suite, shipped_suite

NAMES = tuple(name for name in shipped_flows() if name.partition(".")[0] == "leave-message")


def test_it_comes_in_the_languages_of_the_flow_that_calls() -> None:
    calling = {
        name.partition(".")[2] for name in shipped_flows() if name.startswith("verify-card-payment")
    }
    assert {name.partition(".")[2] for name in NAMES} == calling


@pytest.mark.parametrize("name", NAMES)
def test_its_tests_pass_and_take_every_branch_of_it(name: str) -> None:
    flow = load_flow(shipped_flows()[name])
    suite = read_suite(shipped_suite(name) or "")
    coverage = Coverage()
    for test in suite.tests:
        verdict = judge(flow, test)
        assert verdict.differences == (), test.name
        coverage.add(verdict.trial.steps, [flow])
    assert suite.flow == f"{name}.json"
    assert coverage.never_taken == ()


@pytest.mark.parametrize("name", NAMES)
def test_a_message_is_short_asks_nothing_and_is_in_a_voice_of_its_language(name: str) -> None:
    talk = converse(load_flow(shipped_flows()[name]), Cardholder([]))
    assert len(talk.said) == 1
    assert talk.inputs == []
    assert spoken_seconds(talk.said[0]) < 60
    language = name.partition(".")[2] or "en"
    assert {(language_of_voice(each.voice) or "")[:2] for each in talk.cardholder.heard} == {
        language
    }


def structure(name: str) -> Any:
    """The flow without what is said, and by whom."""
    flow = json.loads(shipped_flows()[name])
    for told in ("name", "description"):
        del flow["Metadata"][told]
    for block in flow["Actions"]:
        for text in ("SSML", "TextToSpeechVoice"):
            block["Parameters"].pop(text, None)
    return flow


@pytest.mark.parametrize("name", NAMES)
def test_languages_differ_in_nothing_but_texts_and_voice(name: str) -> None:
    assert structure(name) == structure("leave-message")
    said = [
        [
            sorted(re.findall(r"\$\.Attributes\.\w+|<[^>]*>", block["Parameters"].get("SSML", "")))
            for block in json.loads(shipped_flows()[each])["Actions"]
        ]
        for each in (name, "leave-message")
    ]
    assert said[0] == said[1]
