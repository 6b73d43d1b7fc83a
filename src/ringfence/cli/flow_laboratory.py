"""`ringfence flow test`: flows tried out before anybody's telephone rings."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringfence.cli.options import read_text
from ringfence.errors import InvalidInput

if TYPE_CHECKING:
    from ringfence.flows import Flow
    from ringfence.flows.laboratory.scenario import Scenario

FlowFile = Annotated[
    Path,
    typer.Argument(help="A flow exported from Amazon Connect, a shipped one's name, or tests."),
]


def try_flow(
    file: FlowFile,
    script: Annotated[
        str | None,
        typer.Option(
            help="What the cardholder does, such as `wait 3; 2`, or a YAML file with a scenario."
        ),
    ] = None,
    tests: Annotated[
        Path | None,
        typer.Option(help="Tests to run; FILE.tests.yaml beside the flow when left out."),
    ] = None,
    explore: Annotated[
        bool, typer.Option("--explore", help="Walk every branch without a script.")
    ] = False,
    calls: Annotated[
        int, typer.Option(min=1, max=1_000_000, help="At most so many calls for --explore.")
    ] = 2000,
    attribute: Annotated[
        list[str] | None, typer.Option(help="Contact attribute, NAME=VALUE; may be repeated.")
    ] = None,
    function: Annotated[
        list[str] | None,
        typer.Option(
            help="What a function answers: NAME=JSON, NAME=error or NAME=timeout; may be repeated."
        ),
    ] = None,
    language: Annotated[str | None, typer.Option(help="The contact's, such as de-DE.")] = None,
    at: Annotated[
        str | None, typer.Option(help="When the call is answered, ISO 8601; a Monday noon, UTC.")
    ] = None,
    roll: Annotated[
        int | None, typer.Option(min=1, max=100, help="The number that shares of calls draw.")
    ] = None,
    show_path: Annotated[
        bool, typer.Option("--path", help="Show the way of every test, not only of failed ones.")
    ] = False,
    minimum: Annotated[
        float,
        typer.Option("--coverage", min=0, max=100, help="Fail below this share of branches, in %."),
    ] = 0.0,
    as_json: Annotated[bool, typer.Option("--json", help="The whole report as JSON.")] = False,
) -> None:
    """Try a contact flow out: against a scripted cardholder, by its tests, or on all its ways.

    A call takes no time. With a script, the way of the call is shown block by block. Tests are
    YAML: see docs/flow-laboratory.md. Exit code 1 when a test fails, a call gets stuck or too few
    branches were taken.

    Steps of a script, apart by semicolons: keys (1, 12#), `press 1 now`, `say WORDS`, silence,
    `wait 3`, `wait for "TEXT"`, hang up.

    Examples:

        ringfence flow test verify-card-payment --script "3; 2" --attribute Name=Rojas

        ringfence flow test flow.json --script 2 --function 'block-credit-card={"statusCode": 200}'

        ringfence flow test flow.tests.yaml --coverage 100

        ringfence flow test flow.json --explore
    """
    from ringfence.cli import flow_trials

    if file.suffix in (".yaml", ".yml"):
        file, tests = _flow_of(file), tests or file
    flow, folder = load(file)
    given = {
        "attributes": dict(_pair(each, "attribute") for each in attribute or ()),
        "functions": dict(_answer(*_pair(each, "function")) for each in function or ()),
        "language": language,
        "at": _moment(at),
        "roll": roll,
    }
    given = {name: value for name, value in given.items() if value not in (None, {})}
    if explore:
        scenario = _scenario(script, given)
        failed = flow_trials.explored(flow, scenario, folder, calls, minimum, as_json)
    elif script is not None:
        failed = flow_trials.scripted(flow, _scenario(script, given), folder, as_json)
    else:
        suite = suite_of(file, tests)
        failed = flow_trials.tested(flow, suite, given, folder, minimum, show_path, as_json)
    if failed:
        raise typer.Exit(1)


def load(file: Path) -> tuple[Flow, Path | None]:
    """A flow, and the folder of its file; a shipped one has none.

    Raises `InvalidInput`, also for a flow that cannot be run.
    """
    from ringfence.flows import load_flow, shipped_flows

    shipped = {} if file.exists() else shipped_flows()
    if str(file) in shipped:
        return replace(load_flow(shipped[str(file)]), name=str(file)), None
    flow = load_flow(read_text(file))
    return (flow if flow.name else replace(flow, name=file.stem)), file.parent


def _flow_of(tests: Path) -> Path:
    """The file of the flow that a file of tests names."""
    from ringfence.flows.laboratory.suite import read_suite

    named = read_suite(read_text(tests)).flow
    if not named:
        raise InvalidInput(
            f"{tests} names no flow", field="flow", expected="a file's name, or the flow before it"
        )
    beside = tests.parent / named
    return beside if beside.exists() else Path(named)


def suite_of(file: Path, tests: Path | None) -> str:
    """The text of these tests, or of those beside a flow. Raises `InvalidInput` without any."""
    from ringfence.flows.laboratory.suite import shipped_suite, suite_beside

    if tests is not None:
        return read_text(tests)
    if not file.exists():
        beside = shipped_suite(str(file))
    elif (path := suite_beside(file)) is not None:
        beside = read_text(path)
    else:
        beside = None
    if beside is None:
        raise InvalidInput(
            "there are no tests beside the flow",
            field="tests",
            expected="--script, --tests or --explore",
        )
    return beside


def _scenario(script: str | None, given: dict[str, Any]) -> Scenario:
    """A scenario from a file or from a script, with what the command line says on top."""
    from ringfence.flows.laboratory.suite import read_scenario, scenario_of

    if script is not None and script.endswith((".yaml", ".yml")):
        return read_scenario(read_text(Path(script)), given)
    return scenario_of({**given, "script": script or ""})


def _pair(text: str, option: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise InvalidInput(f"{text!r} has no value", field=option, expected="NAME=VALUE")
    return name, value


def _answer(name: str, value: str) -> tuple[str, dict[str, Any]]:
    if value == "error" or value.startswith("error:"):
        return name, {"error": value.partition(":")[2].strip() or "the function failed"}
    if value == "timeout":
        return name, {"seconds": 3600.0}
    try:
        answer = json.loads(value)
    except ValueError as error:
        raise InvalidInput(
            f"{name}: {error}", field="function", expected="a JSON object, error or timeout"
        ) from None
    if not isinstance(answer, dict):
        raise InvalidInput(f"{name}: it is no object", field="function", expected="a JSON object")
    return name, {"answer": answer}


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(
            f"{text!r} is no time", field="at", expected="a time such as 2026-03-02T09:00+01:00"
        ) from None
