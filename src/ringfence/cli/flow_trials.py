"""What `ringfence flow test` does, and shows: each function says whether something was wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import typer

from ringfence.cli.screen import console
from ringfence.flows import Flow
from ringfence.flows.laboratory.coverage import Coverage
from ringfence.flows.laboratory.exploring import explore
from ringfence.flows.laboratory.library import FlowLibrary
from ringfence.flows.laboratory.report import (
    coverage_lines,
    coverage_values,
    exploration_lines,
    exploration_values,
    path_lines,
    trial_values,
)
from ringfence.flows.laboratory.scenario import Scenario
from ringfence.flows.laboratory.suite import Verdict, judge, read_suite
from ringfence.flows.laboratory.trial import try_out


def scripted(flow: Flow, scenario: Scenario, folder: Path | None, as_json: bool) -> bool:
    """Show the way of one call; wrong is one that gets stuck, or is over before its script."""
    trial = try_out(flow, scenario, FlowLibrary(folder))
    if as_json:
        _show_json(trial_values(trial))
    else:
        _show(path_lines(trial))
    return bool(trial.left_over) or any(step.stuck for step in trial.steps)


def tested(
    flow: Flow,
    suite: str,
    given: Mapping[str, Any],
    folder: Path | None,
    minimum: float,
    show_path: bool,
    as_json: bool,
) -> bool:
    """Run tests; wrong is one that differs, or too little coverage."""
    library = FlowLibrary(folder)
    verdicts = [judge(flow, test, library) for test in read_suite(suite, given).tests]
    coverage = coverage_of(verdicts)
    wrong = sum(bool(verdict.differences) for verdict in verdicts)
    if as_json:
        _show_json(
            {
                "tests": [
                    {
                        "name": verdict.test.name,
                        "passed": not verdict.differences,
                        "differences": verdict.differences,
                        **trial_values(verdict.trial),
                    }
                    for verdict in verdicts
                ],
                "coverage": coverage_values(coverage),
            }
        )
    else:
        for verdict in verdicts:
            _show_verdict(verdict, show_path)
        console.print(f"{len(verdicts)} tests, {wrong} failed")
        _show(coverage_lines(coverage))
    return wrong > 0 or _too_little(coverage, minimum, as_json)


def explored(
    flow: Flow, scenario: Scenario, folder: Path | None, calls: int, minimum: float, as_json: bool
) -> bool:
    """Walk through a flow; wrong is a dead end, or too little coverage."""
    found = explore(flow, scenario, FlowLibrary(folder), most_calls=calls)
    if as_json:
        _show_json(exploration_values(found))
    else:
        _show(exploration_lines(found))
    return bool(found.coverage.stuck) or _too_little(found.coverage, minimum, as_json)


def coverage_of(verdicts: list[Verdict]) -> Coverage:
    """What tests have covered together."""
    coverage = Coverage()
    for verdict in verdicts:
        coverage.add(verdict.trial.steps, verdict.trial.flows)
    return coverage


def _show_verdict(verdict: Verdict, show_path: bool) -> None:
    word = "[red]failed[/]" if verdict.differences else "[green]passed[/]"
    console.print(f"{word}  ", end="")
    console.print(f"{verdict.test.name} ({verdict.trial.seconds:.0f} s of call)", markup=False)
    _show(f"        {difference}" for difference in verdict.differences)
    if verdict.differences or show_path:
        _show(f"        {line}" for line in path_lines(verdict.trial))


def _too_little(coverage: Coverage, minimum: float, as_json: bool) -> bool:
    too_little = coverage.share * 100 < minimum
    if too_little and not as_json:
        console.print(f"[red]too few branches[/]  {coverage.share:.1%}, at least {minimum:g} %")
    return too_little


def _show(lines: Iterable[str]) -> None:
    for line in lines:
        console.print(line, markup=False)


def _show_json(report: object) -> None:
    typer.echo(msgspec.json.format(msgspec.json.encode(report)).decode())
