"""`ringfence migrate from-aws`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringfence.cli.options import DataDir, open_database, settings_of

if TYPE_CHECKING:
    from ringfence.aws.migration.report import Report

app = typer.Typer(help="Move here from elsewhere.", no_args_is_help=True)


@app.command("from-aws")
def from_aws(
    profile: Annotated[
        str | None, typer.Option(help="Profile of `aws configure`; boto3's default if left out.")
    ] = None,
    region: Annotated[
        str | None, typer.Option(help="Region of the account; the profile's if left out.")
    ] = None,
    endpoint_url: Annotated[
        str | None,
        typer.Option(help="Another endpoint to read from, such as a second Ringfence."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done; change nothing.")
    ] = False,
    events: Annotated[
        bool, typer.Option(help="Also move stored events, as far as they can be found.")
    ] = True,
    retrain: Annotated[
        bool, typer.Option(help="Train anew the model versions that detectors use.")
    ] = True,
    out: Annotated[
        Path | None, typer.Option(help="File to write the whole report to, as JSON.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Make here everything that an account of Amazon Fraud Detector has.

    Variables, lists, entity and event types, labels, outcomes, external models, detectors with all
    versions and rules, tags; stored events from the files of batch imports and from predictions.
    Trained models cannot be taken out of Fraud Detector: those that detectors use, and the newest
    of each model, are trained anew from their data. What is here already stays as it is, so the
    command may be run again. A server may run meanwhile.

    Examples:

        ringfence migrate from-aws --profile fraud --dry-run

        ringfence migrate from-aws --profile fraud --region eu-west-1 --out moved.json
    """
    from ringfence.aws.frauddetector.service import FraudDetector
    from ringfence.aws.jobs.runner import JobRunner
    from ringfence.aws.migration.moving import move_account
    from ringfence.aws.migration.report import Report
    from ringfence.aws.migration.source import open_source
    from ringfence.aws.migration.target import Target
    from ringfence.cards import LocalMaster, open_vault
    from ringfence.cli.results import write_json
    from ringfence.cli.screen import progress_bar
    from ringfence.detectors import DecisionEngine

    settings = settings_of(data_dir=data_dir)
    client = open_source(profile, region, endpoint_url)
    database = open_database(settings)
    engine = DecisionEngine(database)
    jobs = JobRunner(settings, database)
    report = Report(dry=dry_run)
    if not dry_run:
        jobs.start()
    try:
        vault = open_vault(settings.data_dir, settings.vault_secret, database)
        host = FraudDetector(settings, database, vault, engine, jobs, LocalMaster(database))
        with progress_bar("looking" if dry_run else "moving") as tell:
            move_account(
                client,
                Target(host, client.meta.region_name, "migrate from-aws"),
                report,
                tell,
                events=events,
                retrain=retrain,
            )
    finally:
        jobs.close()
        engine.close()
    _show(report)
    if out is not None:
        write_json(out, report.moved)


def _show(report: Report) -> None:
    from ringfence.aws.migration.report import Fate
    from ringfence.cli.screen import console, table

    counts = report.counts()
    fates = [fate for fate in Fate if any(counted[fate] for counted in counts.values())]
    if not counts:
        console.print("The account has nothing to move.")
        return
    table(
        ("", *(f"{fate}>" for fate in fates)),
        (
            (kind.replace("-", " "), *(counted[fate] or "" for fate in fates))
            for kind, counted in counts.items()
        ),
    )
    for one in report.moved:
        if one.fate in (Fate.KEPT, Fate.LEFT, Fate.RETRAINED) or "version" in one.note:
            console.print(f"{one.resource} {one.fate}: {one.note}".rstrip(": "))
    if report.dry:
        console.print("Nothing was changed.")
