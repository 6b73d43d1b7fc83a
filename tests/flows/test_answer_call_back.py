"""The flow that answers cardholders who call back: its own tests run, in every language."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest

from ringfence.flows import language_of_voice, shipped_flows
from ringfence.flows.laboratory.coverage import Coverage
from ringfence.flows.laboratory.library import FlowLibrary
from ringfence.flows.laboratory.suite import judge, read_suite, shipped_suite

NAMES = tuple(name for name in shipped_flows() if name.partition(".")[0] == "answer-call-back")
SHIPPED = Path(str(files("ringfence.flows.shipped")))


def test_it_comes_in_the_languages_of_the_flow_that_calls() -> None:
    calling = {
        name.partition(".")[2] for name in shipped_flows() if name.startswith("verify-card-payment")
    }
    assert {name.partition(".")[2] for name in NAMES} == calling


@pytest.mark.parametrize("name", NAMES)
def test_its_tests_pass_and_take_every_branch_of_it(name: str) -> None:
    flow = FlowLibrary(SHIPPED).load(SHIPPED / f"{name}.json")
    suite = read_suite(shipped_suite(name) or "")
    library = FlowLibrary(SHIPPED)
    coverage = Coverage()
    for test in suite.tests:
        verdict = judge(flow, test, library)
        assert verdict.differences == (), test.name
        steps = [step for step in verdict.trial.steps if step.flow == flow.name]
        coverage.add(steps, [flow])
    assert coverage.never_taken == ()


@pytest.mark.parametrize("name", NAMES)
def test_each_language_is_block_for_block_the_same_and_has_a_voice_of_its_own(name: str) -> None:
    blocks = json.loads(shipped_flows()[name])["Actions"]
    english = json.loads(shipped_flows()["answer-call-back"])["Actions"]
    assert [(b["Identifier"], b["Type"], b["Transitions"]) for b in blocks] == [
        (b["Identifier"], b["Type"], b["Transitions"]) for b in english
    ]
    (voice,) = [b["Parameters"] for b in blocks if b["Type"] == "UpdateContactTextToSpeechVoice"]
    spoken = language_of_voice(voice["TextToSpeechVoice"]) or ""
    assert spoken.partition("-")[0] == (name.partition(".")[2] or "en")
