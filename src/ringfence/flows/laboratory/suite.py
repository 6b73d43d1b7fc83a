"""The tests of a flow, as they stand in a YAML file beside it: `NAME.tests.yaml`.

    flow: verify-card-payment.json
    attributes: {Bank: Example Bank}
    tests:
      - name: A payment that was theirs changes nothing
        script: 1
        expect: {said: [we have noted], functions: []}

What stands above `tests` is the default of every test; a test has the same keys, and may change
any of them. Objects are merged name by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from ringfence.flows.flow import Flow
from ringfence.flows.laboratory.expectations import Expected, differences
from ringfence.flows.laboratory.library import FlowLibrary
from ringfence.flows.laboratory.scenario import Scenario, over
from ringfence.flows.laboratory.script import ScriptInvalid, read_script
from ringfence.flows.laboratory.trial import Trial, try_out
from ringfence.flows.laboratory.yaml_text import ScenarioInvalid, YamlText

SUFFIX = ".tests.yaml"


class FlowTest(Scenario, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One test: a scenario, and what is expected of the call."""

    name: str
    expect: Expected = Expected()


@dataclass(frozen=True, slots=True)
class Suite:
    """The tests of one flow. `flow` is the file that they name, empty without one."""

    flow: str
    tests: tuple[FlowTest, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a test came out: right, if nothing differs from what was expected."""

    test: FlowTest
    trial: Trial
    differences: tuple[str, ...]


def suite_beside(flow: Path) -> Path | None:
    """The file of tests beside a flow's file, if there is one."""
    for name in (flow.stem if flow.suffix == ".json" else flow.name, flow.name):
        if (path := flow.with_name(name + SUFFIX)).is_file():
            return path
    return None


def shipped_suite(name: str) -> str | None:
    """The text of the tests that a shipped flow comes with."""
    path = files("ringfence.flows.shipped") / (name + SUFFIX)
    return path.read_text(encoding="utf-8") if path.is_file() else None


def read_suite(text: str, given: Mapping[str, Any] | None = None) -> Suite:
    """The tests in a file, with what was `given` otherwise on top of each.

    Raises `ScenarioInvalid`, with the line of what is wrong.
    """
    content = YamlText(text)
    whole = content.mapping(content.data, "the file")
    tests = whole.get("tests")
    if not isinstance(tests, list) or not tests:
        raise content.wrong("there are no tests in it", "$.tests", "a list of tests")
    defaults = {name: value for name, value in whole.items() if name not in ("tests", "flow")}
    content.convert(defaults, Scenario)
    flow = whole.get("flow", "")
    if not isinstance(flow, str):
        raise content.wrong("the flow is not a file's name", "$.flow", "a text")
    read = []
    for position, test in enumerate(tests):
        place = f".tests[{position}]"
        entry = content.mapping(test, f"test {position + 1}", f"${place}")
        content.convert(entry, FlowTest, place)
        read.append(content.convert(over(over(defaults, entry), given or {}), FlowTest, place))
        _check_script(read[-1], content, place)
    return Suite(flow, tuple(read))


def read_scenario(text: str, given: Mapping[str, Any] | None = None) -> Scenario:
    """A scenario of its own: what a test has, without name and expectations.

    Raises `ScenarioInvalid`, with the line of what is wrong.
    """
    content = YamlText(text)
    entry = content.mapping(content.data, "the file")
    content.convert(entry, Scenario)
    scenario: Scenario = content.convert(over(entry, given or {}), Scenario)
    _check_script(scenario, content, "")
    return scenario


def scenario_of(given: Mapping[str, Any]) -> Scenario:
    """A scenario from plain values. Raises `ScenarioInvalid`, `ScriptInvalid`."""
    try:
        scenario: Scenario = msgspec.convert(given, Scenario)
    except msgspec.ValidationError as error:
        raise ScenarioInvalid(str(error), field="scenario") from None
    read_script(scenario.steps_text)
    return scenario


def judge(flow: Flow, test: FlowTest, library: FlowLibrary | None = None) -> Verdict:
    """Run a test."""
    trial = try_out(flow, test, library)
    return Verdict(test, trial, tuple(differences(test.expect, trial)))


def _check_script(scenario: Scenario, content: YamlText, place: str) -> None:
    try:
        read_script(scenario.steps_text)
    except ScriptInvalid as error:
        raise content.wrong(error.message, f"${place}.script", error.expected or "") from None
