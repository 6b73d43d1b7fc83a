"""`ringfence detectors ...`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringfence.cli.options import DataDir, EventTypeName, open_database, read_text, settings_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ringfence.detectors import DetectorVersion
    from ringfence.models import ModelVersion
    from ringfence.rules import Rule
    from ringfence.storage import Database

app = typer.Typer(help="Detectors: models and rules that decide.", no_args_is_help=True)


@app.command("list")
def list_all(data_dir: DataDir = None) -> None:
    """List all detector versions.

    Examples:

        ringfence detectors list
    """
    from ringfence.cli.screen import console, table
    from ringfence.detectors import list_detector_versions, list_detectors

    with open_database(settings_of(data_dir=data_dir)).read() as connection:
        versions = [
            (detector, version)
            for detector in list_detectors(connection)
            for version in list_detector_versions(connection, detector.detector_id)
        ]
    if not versions:
        console.print("No detector version yet. Make one: ringfence detectors publish")
        return
    table(
        ("detector", "version", "status", "event type", "models", "rules>", "mode"),
        (
            (
                version.detector_id,
                version.version,
                version.status,
                detector.event_type,
                ", ".join(version.model_names) or "-",
                len(version.rules),
                version.mode,
            )
            for detector, version in versions
        ),
    )


@app.command("show")
def show(
    detector: Annotated[str, typer.Argument(help="Id of the detector.")],
    version: Annotated[
        str | None, typer.Argument(help="Version; the active one when left out.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Show a detector version: its rules in order, with their outcomes.

    Examples:

        ringfence detectors show card_fraud
    """
    from ringfence.detectors import (
        DetectorStatus,
        get_detector_version,
        list_detector_versions,
        list_rules,
    )
    from ringfence.errors import NotFound

    with open_database(settings_of(data_dir=data_dir)).read() as connection:
        if version is None:
            active = [
                v
                for v in list_detector_versions(connection, detector)
                if v.status is DetectorStatus.ACTIVE
            ]
            if not active:
                raise NotFound(f"detector {detector!r} has no active version", field="detector")
            found = active[0]
        else:
            found = get_detector_version(connection, detector, version)
        rules = {(r.rule_id, r.version): r for r in list_rules(connection, detector)}
    show_detector_version(found, [rules[(ref.rule_id, ref.version)] for ref in found.rules])


@app.command("publish")
def publish(
    detector: Annotated[str, typer.Argument(help="Id of the detector.")] = "card_fraud",
    model: Annotated[
        str | None,
        typer.Option(
            help="Model to decide with: MODEL or MODEL:VERSION; card_fraud when left out, or none "
            "if there is an external one."
        ),
    ] = None,
    external: Annotated[
        list[str], typer.Option(help="External model to decide with, beside or instead of a model.")
    ] = [],  # noqa: B006 - typer copies it
    rules: Annotated[
        Path | None,
        typer.Option(help="JSON list of rules: rule_id, expression, outcomes, description."),
    ] = None,
    all_matched: Annotated[
        bool, typer.Option(help="Evaluate every rule, not only until the first that matches.")
    ] = False,
    event_type: EventTypeName = "card_payment",
    data_dir: DataDir = None,
) -> None:
    """Make a detector version of a model and rules, and decide with it from now on.

    Without --rules, thresholds come from the model version's own measurements: above 1 % false
    positives ring the cardholder, above 4 % have an analyst look, else approve. With a model of
    account takeovers: challenge 1 % of logins, block 0.1 % where enough logins were held out to
    tell which, else approve.

    Examples:

        ringfence detectors publish

        ringfence detectors publish card_fraud --model card_fraud:2.0 --rules rules.json

        ringfence detectors publish sign_in --event-type login --model takeovers

        ringfence detectors publish inspection --event-type inspection --external inspection
        --rules rules.json
    """
    from ringfence.errors import InvalidInput

    if model is None and not external:
        model = "card_fraud"
    if model is None and rules is None:
        raise InvalidInput(
            "thresholds are suggested for models of our own", field="rules", expected="--rules FILE"
        )
    database = open_database(settings_of(data_dir=data_dir))
    version, used = publish_version(
        database, detector, model, event_type, rules, external, all_matched=all_matched
    )
    show_detector_version(version, used)


@app.command("activate")
def activate(
    detector: Annotated[str, typer.Argument(help="Id of the detector.")],
    version: Annotated[str, typer.Argument(help="Version to decide with.")],
    data_dir: DataDir = None,
) -> None:
    """Decide with another version from now on; a running server notices within a second.

    Examples:

        ringfence detectors activate card_fraud 1
    """
    from ringfence.cli.screen import console
    from ringfence.detectors import activate_detector_version

    with open_database(settings_of(data_dir=data_dir)).write() as connection:
        activate_detector_version(connection, detector, version)
    console.print(f"Detector {detector} decides with version {version}.")


@app.command("deactivate")
def deactivate(
    detector: Annotated[str, typer.Argument(help="Id of the detector.")],
    version: Annotated[str, typer.Argument(help="The version that decides.")],
    data_dir: DataDir = None,
) -> None:
    """Decide with no version any more; a running server notices within a second.

    Events that are sent for a decision are refused until a version is activated.

    Examples:

        ringfence detectors deactivate card_fraud 2
    """
    from ringfence.cli.screen import console
    from ringfence.detectors import deactivate_detector_version

    with open_database(settings_of(data_dir=data_dir)).write() as connection:
        deactivate_detector_version(connection, detector, version)
    console.print(f"Detector {detector} decides with no version.")


@app.command("delete")
def delete(
    detector: Annotated[str, typer.Argument(help="Id of the detector.")],
    version: Annotated[str, typer.Argument(help="A draft, or a version that is inactive.")],
    data_dir: DataDir = None,
) -> None:
    """Take a version away that does not decide. Decisions that it made stay, without reasons.

    Examples:

        ringfence detectors delete card_fraud 3
    """
    from ringfence.cli.screen import console
    from ringfence.detectors import clear_before_deletion, delete_detector_version

    database = open_database(settings_of(data_dir=data_dir))
    clear_before_deletion(database, detector, version)
    with database.write() as connection:
        delete_detector_version(connection, detector, version)
    console.print(f"Version {version} of detector {detector} is deleted.")


def publish_version(
    database: Database,
    detector_id: str,
    model: str | None,
    event_type: str,
    rules_file: Path | None = None,
    external: Sequence[str] = (),
    *,
    all_matched: bool = False,
) -> tuple[DetectorVersion, list[Rule]]:
    """Make and activate a detector version; all of it or nothing.

    `model` is `MODEL` (its latest version), `MODEL:VERSION`, or None for a version that has only
    rules and `external` models. Raises `InvalidInput` naming the
    rule or the outcome, `NotFound` for the model.
    """
    from ringfence.cases import put_suggested_rules
    from ringfence.detectors import (
        Detector,
        ModelRef,
        RuleRef,
        activate_detector_version,
        create_detector_version,
        get_detector_version,
        put_detector,
        put_rule,
    )
    from ringfence.rules import ExecutionMode

    with database.write() as connection:
        trained = _trained(connection, model) if model else None
        put_detector(connection, Detector(detector_id=detector_id, event_type=event_type))
        if rules_file is None:
            assert trained is not None
            stored = put_suggested_rules(connection, detector_id, trained)
        else:
            stored = [put_rule(connection, detector_id, rule) for rule in _read_rules(rules_file)]
        draft = create_detector_version(
            connection,
            detector_id,
            rules=[RuleRef(rule.rule_id, rule.version) for rule in stored],
            models=[ModelRef(trained.model_id, trained.version)] if trained else [],
            external_models=external,
            mode=ExecutionMode.ALL_MATCHED if all_matched else ExecutionMode.FIRST_MATCHED,
        )
        activate_detector_version(connection, detector_id, draft.version)
        return get_detector_version(connection, detector_id, draft.version), stored


def _trained(connection: Connection, model: str) -> ModelVersion:
    from ringfence.errors import NotFound
    from ringfence.models import get_version, list_versions

    model_id, _, number = model.partition(":")
    if number:
        return get_version(connection, model_id, number)
    versions = list_versions(connection, model_id)
    if not versions:
        raise NotFound(f"model {model_id!r} has no version yet", field="model")
    return versions[-1]


def show_detector_version(version: DetectorVersion, rules: list[Rule]) -> None:
    """A detector version, on the console."""
    from ringfence.cli.screen import console, table

    models = ", ".join(version.model_names) or "no model"
    console.print(
        f"Detector [bold]{version.detector_id}[/] version [bold]{version.version}[/], "
        f"{version.status}: {models}; {version.mode}"
    )
    table(
        ("rule", "expression", "outcomes"),
        ((rule.rule_id, rule.expression, ", ".join(rule.outcomes)) for rule in rules),
    )


def _read_rules(path: Path) -> list[Rule]:
    import msgspec

    from ringfence.errors import InvalidInput
    from ringfence.rules import Rule

    class RuleDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        """A rule as it stands in the file."""

        rule_id: str
        expression: str
        outcomes: tuple[str, ...]
        description: str = ""

    try:
        documents = msgspec.json.decode(read_text(path), type=list[RuleDocument])
    except msgspec.DecodeError as error:
        raise InvalidInput(str(error), field=str(path), expected="a JSON list of rules") from None
    return [
        Rule(
            rule_id=document.rule_id,
            version="1",
            expression=document.expression,
            outcomes=document.outcomes,
            description=document.description,
        )
        for document in documents
    ]
