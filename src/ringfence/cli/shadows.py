"""`ringfence shadows ...`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringfence.cli.options import (
    AlertOutcomes,
    CaseHours,
    DataDir,
    WindowEnd,
    WindowStart,
    open_database,
    settings_of,
)
from ringfence.cli.results import write_json

if TYPE_CHECKING:
    from ringfence.detectors.shadows.ranking import Ranking
    from ringfence.detectors.shadows.report import Agreement, ShadowReport

app = typer.Typer(
    help="Shadows: versions that score live events without acting, beside the one that decides.",
    no_args_is_help=True,
)

DetectorId = Annotated[str, typer.Argument(help="Id of the detector.")]
Version = Annotated[str, typer.Argument(help="Version of the detector.")]
_BY = "command line"
_AGREEMENTS_SHOWN = 12
_DAYS_SHOWN = 14


@app.command("start")
def start(detector: DetectorId, version: Version, data_dir: DataDir = None) -> None:
    """Have a draft or an inactive version score live events from now on, without acting.

    A running server notices within a second, and builds the profiles that the version lacks. What
    the version says is stored with each decision; nobody is called because of it.

    Examples:

        ringfence shadows start card_fraud 2
    """
    from ringfence.cli.screen import console
    from ringfence.detectors import start_shadow

    with open_database(settings_of(data_dir=data_dir)).write() as connection:
        start_shadow(connection, detector, version, by=_BY)
    console.print(
        f"Version {version} of {detector} is a shadow from now on. Look how it does: "
        f"ringfence shadows show {detector} {version}"
    )


@app.command("stop")
def stop(detector: DetectorId, version: Version, data_dir: DataDir = None) -> None:
    """Score no further event with a shadow; what it said is kept.

    Examples:

        ringfence shadows stop card_fraud 2
    """
    from ringfence.cli.screen import console
    from ringfence.detectors import stop_shadow

    with open_database(settings_of(data_dir=data_dir)).write() as connection:
        stop_shadow(connection, detector, version, by=_BY)
    console.print(f"Version {version} of {detector} is a shadow no longer.")


@app.command("list")
def list_all(
    detector: Annotated[
        str | None, typer.Argument(help="Id of the detector; all of them when left out.")
    ] = None,
    running: Annotated[bool, typer.Option("--running", help="Only those that run.")] = False,
    data_dir: DataDir = None,
) -> None:
    """List when which version ran as a shadow, the latest first.

    Examples:

        ringfence shadows list

        ringfence shadows list card_fraud --running
    """
    from ringfence.cli.screen import console, table
    from ringfence.detectors import list_shadows

    with open_database(settings_of(data_dir=data_dir)).read() as connection:
        shadows = list_shadows(connection, detector, running_only=running)
    if not shadows:
        console.print("No shadow. Start one: ringfence shadows start DETECTOR VERSION")
        return
    table(
        ("detector", "version", "state", "started", "by", "stopped", "by", "trouble"),
        (
            (
                of.detector_id,
                of.version,
                of.state,
                f"{of.started_at:%Y-%m-%d %H:%M}",
                of.started_by,
                f"{of.stopped_at:%Y-%m-%d %H:%M}" if of.stopped_at else "-",
                of.stopped_by or "-",
                of.trouble or "",
            )
            for of in shadows
        ),
    )


@app.command("show")
def show(
    detector: DetectorId,
    version: Version,
    since: WindowStart = None,
    until: WindowEnd = None,
    alert_on: AlertOutcomes = None,
    case_hours: CaseHours = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the whole report to this file, as JSON.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Compare a shadow with the version that decided, on the events that both judged.

    Examples:

        ringfence shadows show card_fraud 2

        ringfence shadows show card_fraud 2 --from 2026-03-01 --out report.json
    """
    from ringfence.cases import called_outcomes
    from ringfence.detectors.backtest.history import Window
    from ringfence.detectors.backtest.judging import check_outcomes
    from ringfence.detectors.shadows.report import shadow_report

    window = Window.read(since, until)
    window.check()
    with open_database(settings_of(data_dir=data_dir)).read() as connection:
        alerting = alert_on or called_outcomes(connection)
        check_outcomes(connection, alerting)
        report = shadow_report(
            connection,
            detector,
            version,
            window.since,
            window.until,
            alert_outcomes=alerting,
            case_hours=case_hours,
        )
    if out is not None:
        write_json(out, report)
    _show(report)


@app.command("clear")
def clear(
    detector: DetectorId,
    version: Version,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Delete what a stopped shadow said of events; when it ran stays on record.

    Examples:

        ringfence shadows clear card_fraud 2 --yes
    """
    from ringfence.cli.screen import console
    from ringfence.detectors import clear_shadow_decisions, get_shadow

    database = open_database(settings_of(data_dir=data_dir))
    with database.read() as connection:
        get_shadow(connection, detector, version)
    if not yes:
        typer.confirm(f"Delete all that version {version} of {detector} said?", abort=True)
    deleted = clear_shadow_decisions(database, detector, version)
    console.print(f"Deleted what version {version} of {detector} said of {deleted:,} events.")


def _show(report: ShadowReport) -> None:
    from ringfence.cli.screen import console, table
    from ringfence.detectors.shadows.side_by_side import side_by_side

    shadow = report.shadow
    until = f" until {shadow.stopped_at:%Y-%m-%d %H:%M}" if shadow.stopped_at else ""
    console.print(
        f"Version [bold]{shadow.version}[/] of [bold]{shadow.detector_id}[/], {shadow.state}: "
        f"shadow since {shadow.started_at:%Y-%m-%d %H:%M}{until} UTC"
    )
    if shadow.trouble:
        console.print(f"[red]{shadow.trouble}[/]")
    if report.failed:
        console.print(f"It failed on {report.failed:,} events:")
        for failure in report.failures:
            console.print(f"  {failure.events:,}: {failure.reason}", markup=False)
    if not report.events or report.first_at is None or report.last_at is None:
        console.print(report.words[0])
        return
    champions = ", ".join(f"{of.version} ({of.events:,})" for of in report.champions)
    console.print(
        f"{report.events:,} events that both judged, {report.first_at:%Y-%m-%d %H:%M} to "
        f"{report.last_at:%Y-%m-%d %H:%M} UTC; decided by version {champions}; alerts are "
        + (", ".join(report.alert_outcomes) or "none, for no contact plan names an outcome")
    )
    for sentence in report.words:
        console.print(f"  {sentence}")
    console.print(f"Conclusion: [bold]{report.conclusion}[/]")
    table(("", "champion>", "challenger>", "difference>"), side_by_side(report))
    if report.ranking is not None:
        table(("scores", "champion>", "challenger>"), _ranks(report.ranking))
    table(
        ("champion says", "challenger says", "events>", "frauds>", "legitimate>", "such as"),
        (_agreement(of) for of in report.agreements[:_AGREEMENTS_SHOWN]),
    )
    table(
        ("day", "events>", "alerts, champion>", "challenger>", "calls, champion>", "challenger>"),
        (
            (
                of.date,
                f"{of.events:,}",
                f"{of.champion_alerts:,}",
                f"{of.challenger_alerts:,}",
                f"{of.champion_calls:,}",
                f"{of.challenger_calls:,}",
            )
            for of in report.days[-_DAYS_SHOWN:]
        ),
    )


def _ranks(ranking: Ranking) -> list[list[str]]:
    from ringfence.detectors.shadows.side_by_side import cell

    first, second = ranking.champion_ranks, ranking.challenger_ranks
    rows = []
    if first is not None and second is not None:
        rows.append(["AUC", f"{first.auc:.4f}", f"{second.auc:.4f}"])
        precisions = (f"{of.average_precision:.4f}" for of in (first, second))
        rows.append(["average precision", *precisions])
    at_volume = (ranking.champion_at_volume, ranking.challenger_at_volume)
    top = f"in the {ranking.alerts:,} highest"
    rows.append([f"frauds {top}", *(f"{of.caught:,.0f}" for of in at_volume)])
    rows.append([f"precision {top}", *(cell(of.precision, "share") for of in at_volume)])
    rows.append(["stability index (PSI)", "", f"{ranking.psi:.3f}"])
    return rows


def _agreement(of: Agreement) -> list[str]:
    return [
        ", ".join(of.champion) or "-",
        ", ".join(of.challenger) or "-",
        f"{of.split.events:,}",
        f"{of.split.frauds:,}",
        f"{of.split.legits:,}",
        ", ".join(example.event_id for example in of.examples[:2]),
    ]
