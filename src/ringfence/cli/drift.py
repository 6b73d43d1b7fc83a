"""`ringfence drift`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringfence.cli.options import DataDir, open_database, settings_of
from ringfence.cli.results import write_json

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ringfence.detectors.drift.report import Calibration, DriftReport

BEYOND = 3
_SHOWN = 12


def drift(
    model: Annotated[
        str | None,
        typer.Argument(help="Id of the model; every version that decides now when left out."),
    ] = None,
    version: Annotated[
        str | None,
        typer.Argument(help="Its version; the one that decides now, else the latest."),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--from", help="First moment of the window, ISO 8601, UTC. Default: a week."),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--to", help="The moment at which the window ends; now.")
    ] = None,
    most_events: Annotated[
        int | None,
        typer.Option("--most-events", min=1_000, help="Draw when there are more; all by default."),
    ] = None,
    fail: Annotated[
        bool, typer.Option("--fail", help=f"End with exit code {BEYOND} when beyond a bound.")
    ] = False,
    show_all: Annotated[bool, typer.Option("--all", help="Show every variable.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Write the whole report to this file, as JSON.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Compare stored events with what a model version was trained on.

    The stability index says how far each variable and the score have moved: from 0.1 on it is
    watched, from 0.25 on it is beyond its bound. Calibration says whether as many of the labelled
    events were fraud as their scores let expect. Small windows say "too few". Bounds are the
    settings drift_watch, drift_alert and drift_calibration.

    Examples:

        ringfence drift

        ringfence drift card_fraud 2.0 --from 2026-03-01 --to 2026-04-01

        ringfence drift --fail --out drift.json
    """
    from ringfence.cli.screen import console, progress_bar
    from ringfence.detectors.drift.alerts import watched_versions
    from ringfence.detectors.drift.checks import drift_report, window_of
    from ringfence.errors import InvalidInput
    from ringfence.models.stability import Bounds

    if out is not None and not out.absolute().parent.is_dir():
        raise InvalidInput(
            f"there is no folder {out.parent}", field="out", expected="a file in a folder"
        )
    settings = settings_of(data_dir=data_dir)
    bounds = Bounds(
        watch=settings.drift_watch,
        alert=settings.drift_alert,
        calibration=settings.drift_calibration,
    )
    begin, end = window_of(since, until, settings.drift_window_days)
    database = open_database(settings)
    with database.read() as connection:
        if model is None:
            versions = watched_versions(connection)
        else:
            versions = [(model, version or _version(connection, model))]
    if not versions:
        console.print(
            "No model version that decides now can be watched: publish a detector with a model "
            "that this release has trained."
        )
        return
    reports = []
    for model_id, number in versions:
        with (
            progress_bar(f"{model_id} {number}") as advance,
            database.read() as connection,
        ):
            reports.append(
                drift_report(
                    connection,
                    model_id,
                    number,
                    begin,
                    end,
                    bounds=bounds,
                    most_events=most_events,
                    progress=lambda share, advance=advance: advance(share, ""),  # type: ignore[misc]
                )
            )
    for report in reports:
        _show(report, show_all=show_all)
    if out is not None:
        write_json(out, reports)
        console.print(f"The whole report is in {out}.")
    if fail and any(report.beyond for report in reports):
        raise typer.Exit(BEYOND)


def _version(connection: Connection, model_id: str) -> str:
    from ringfence.detectors.drift.alerts import watched_versions
    from ringfence.errors import NotFound
    from ringfence.models import list_versions

    versions = [of.version for of in list_versions(connection, model_id)]
    if not versions:
        raise NotFound(f"model {model_id!r} has no version yet", field="model")
    deciding = {number for name, number in watched_versions(connection) if name == model_id}
    return next((number for number in reversed(versions) if number in deciding), versions[-1])


def _show(report: DriftReport, *, show_all: bool) -> None:
    from ringfence.cli.screen import console, table

    drawn = "" if report.sampled == 1 else f" (one of {report.sampled} was drawn)"
    console.print(
        f"Model [bold]{report.model_id}[/] version [bold]{report.version}[/]: {report.events:,} "
        f"events of type {report.event_type}{drawn}, {report.scored:,} of them scored by it, "
        f"{_day(report.since)} to {_day(report.until)} UTC"
    )
    if not report.events:
        console.print("There is no event in this window: nothing to compare.")
        return
    ordered = sorted(report.variables, key=lambda of: -of.excess)
    shown = ordered if show_all else ordered[:_SHOWN]
    table(
        ("variable", "state", "index>", "by chance>", "missing>", "expected>", "new>", "expected>"),
        (
            (
                of.name,
                str(of.state),
                f"{of.psi:.3f}",
                f"{of.chance:.3f}",
                f"{of.missing:.1%}",
                f"{of.missing_expected:.1%}",
                "" if of.new is None else f"{of.new:.1%}",
                "" if of.new_expected is None else f"{of.new_expected:.1%}",
            )
            for of in (report.score, *shown)
        ),
    )
    if len(shown) < len(ordered):
        console.print(f"{len(ordered) - len(shown)} more have moved less; --all shows them.")
    console.print(f"Calibration: {_calibration(report.calibration)}")
    high = report.alerts
    if high.share is not None:
        console.print(
            f"High scores: {high.state}: {high.share:.2%} of the events at or above "
            f"{high.threshold:.0f}, {high.expected:.2%} expected"
        )
    table(
        ("from", "to", "events>", "scored>", "labelled>", "frauds>", "expected>", "score index>"),
        (
            (
                _day(of.since),
                _day(of.until),
                f"{of.events:,}",
                f"{of.scored:,}",
                f"{of.calibration.labelled:,}",
                f"{of.calibration.frauds:,}",
                f"{of.calibration.expected:,.1f}",
                "too few" if of.score_excess is None else f"{of.score_excess:.3f}",
            )
            for of in report.slices
        ),
    )
    if report.beyond:
        console.print("Beyond bounds: [bold]" + ", ".join(report.beyond) + "[/]")
    else:
        console.print("Nothing is beyond its bounds.")


def _calibration(of: Calibration) -> str:
    if of.ratio is None or of.ratio_low is None or of.ratio_high is None:
        return (
            f"{of.state}: {of.frauds:,} frauds among {of.labelled:,} labelled events, "
            f"{of.expected:,.1f} expected"
        )
    return (
        f"{of.state}: {of.frauds:,} frauds among {of.labelled:,} labelled events, "
        f"{of.expected:,.1f} expected; {of.ratio:.2f} times as many (99 % range "
        f"{of.ratio_low:.2f} to {of.ratio_high:.2f})"
    )


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"
