"""`ringfence flow test` and `ringfence flow graph`, as docs/flow-laboratory.md explains them."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from commands import Shell

from ringfence.flows import shipped_flows

DOC = Path(__file__).parents[2] / "docs" / "flow-laboratory.md"


def prompt(block_id: str, text: str, then: str) -> dict[str, object]:
    return {
        "Identifier": block_id,
        "Type": "MessageParticipant",
        "Parameters": {"Text": text},
        "Transitions": {"NextAction": then, "Errors": [], "Conditions": []},
    }


def menu(then: str) -> dict[str, object]:
    errors = ("InputTimeLimitExceeded", "NoMatchingCondition", "NoMatchingError")
    return {
        "Identifier": "ask",
        "Type": "GetParticipantInput",
        "Parameters": {"Text": "Press 1.", "InputTimeLimitSeconds": "5", "StoreInput": "False"},
        "Transitions": {
            "NextAction": "bye",
            "Errors": [{"NextAction": "bye", "ErrorType": error} for error in errors],
            "Conditions": [
                {"NextAction": then, "Condition": {"Operator": "Equals", "Operands": ["1"]}}
            ],
        },
    }


def write(folder: Path, *blocks: dict[str, object]) -> str:
    end = {
        "Identifier": "end",
        "Type": "DisconnectParticipant",
        "Parameters": {},
        "Transitions": {},
    }
    flow = {
        "Version": "2019-10-30",
        "StartAction": blocks[0]["Identifier"],
        "Actions": [*blocks, end],
    }
    (folder / "mine.json").write_text(json.dumps(flow))
    return "mine.json"


@pytest.mark.parametrize("name", sorted(shipped_flows()))
def test_the_tests_of_shipped_flows_take_every_branch(name: str, shell: Shell) -> None:
    said = shell.ringfence("flow", "test", name, "--coverage", "100")
    assert said.code == 0, said.out + said.err


def test_a_scripted_call_is_told_block_by_block(shell: Shell) -> None:
    flow = write(shell.folder, menu("thanks"), prompt("thanks", "Thank you.", "bye"), BYE)
    said = shell.ringfence("flow", "test", flow, "--script", "wait 2; 1")
    assert said.code == 0
    story = ["said: Press 1.", "key: 1", "said: Thank you.", "said: Bye.", "CONTACT_FLOW"]
    places = [said.out.index(each) for each in story]
    assert places == sorted(places)


def test_what_is_not_as_expected_fails_and_says_so(shell: Shell) -> None:
    flow = write(shell.folder, menu("thanks"), prompt("thanks", "Thank you.", "bye"), BYE)
    (shell.folder / "mine.tests.yaml").write_text(
        "flow: mine.json\ntests:\n"
        "  - {name: right, script: 1, expect: {said: [Thank you]}}\n"
        "  - {name: wrong, script: silence, expect: {said: [Thank you]}}\n"
    )
    said = shell.ringfence("flow", "test", flow)
    assert said.code == 1
    assert "'Thank you'" in said.out
    right = shell.ringfence("flow", "test", flow, "--json")
    report = json.loads(right.out)
    assert [test["passed"] for test in report["tests"]] == [True, False]


def test_exploring_finds_the_way_that_never_ends(shell: Shell) -> None:
    round_and_round = {
        "Identifier": "again",
        "Type": "UpdateContactAttributes",
        "Parameters": {"Attributes": {"a": "b"}},
        "Transitions": {"NextAction": "again", "Errors": [], "Conditions": []},
    }
    flow = write(shell.folder, menu("again"), round_and_round, BYE)
    said = shell.ringfence("flow", "test", flow, "--explore")
    assert "goes round until somebody hangs up: again" in said.out
    assert "went on for ever and were cut short: 1" in said.out


@pytest.mark.parametrize(
    ("script", "problem"),
    [("dance", "dance"), ("wait long", "wait"), ("1; press x now", "press")],
)
def test_a_step_that_there_is_not_is_shown(script: str, problem: str, shell: Shell) -> None:
    said = shell.ringfence("flow", "test", "verify-card-payment", "--script", script)
    assert said.code == 2
    assert problem in said.err
    assert "hang up" in said.err


def test_a_drawing_has_every_block(shell: Shell) -> None:
    flow = write(shell.folder, menu("thanks"), prompt("thanks", "Say A & more", "bye"), BYE)
    said = shell.ringfence("flow", "graph", flow, "--out", "mine.svg")
    assert said.code == 0, said.err
    drawing = ElementTree.parse(shell.folder / "mine.svg").getroot()
    assert drawing.tag.endswith("svg")
    written = " ".join(drawing.itertext())
    for each in ("Press 1.", "Say A & more", "Bye."):
        assert each in written


def test_the_documentation_has_tests_that_run(shell: Shell) -> None:
    text = DOC.read_text()
    (tests,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    (shell.folder / "verify-card-payment.json").write_text(shipped_flows()["verify-card-payment"])
    (shell.folder / "verify-card-payment.tests.yaml").write_text(tests)
    said = shell.ringfence("flow", "test", "verify-card-payment.json")
    assert said.code == 0, said.out + said.err
    for command in re.findall(r"^ringfence flow test verify-card-payment", text, re.MULTILINE):
        assert shell.ringfence(*command.split()[1:]).code == 0


BYE = prompt("bye", "Bye.", "end")
