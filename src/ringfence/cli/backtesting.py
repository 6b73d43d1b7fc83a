"""`ringfence backtest`."""

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
    from sqlalchemy import Connection

    from ringfence.detectors.backtest.report import BacktestReport

_DAYS_SHOWN = 31
_AMOUNTS = "Amounts are added up as they are written, whatever their currency."


def backtest(
    detector: Annotated[
        str | None, typer.Option(help="Detector to test; needed when there are several.")
    ] = None,
    version: Annotated[
        str | None, typer.Option(help="Its version; the active one when left out.")
    ] = None,
    against: Annotated[
        str | None, typer.Option(help="Another version, to compare side by side.")
    ] = None,
    file: Annotated[
        str | None,
        typer.Option(help="Test on this CSV or Parquet file (or s3://...), not the event log."),
    ] = None,
    since: WindowStart = None,
    until: WindowEnd = None,
    alert_on: AlertOutcomes = None,
    case_hours: CaseHours = None,
    out: Annotated[Path | None, typer.Option(help="Write the whole report to this file.")] = None,
    data_dir: DataDir = None,
) -> None:
    """What a detector version would have done with past events: alerts, calls, money, people.

    Nothing is stored and nobody is called. Events without a label are counted apart. A file needs
    EVENT_TIMESTAMP and EVENT_LABEL (which may be empty), and `card_id` for calls to be counted.

    Examples:

        ringfence backtest

        ringfence backtest --version 2 --against 1 --from 2026-03-01 --to 2026-04-01

        ringfence backtest --file payments.parquet --out report.json
    """
    import os

    from ringfence.cases import called_outcomes
    from ringfence.cli.screen import console, progress_bar
    from ringfence.detectors.backtest.history import FiledEvents, LoggedEvents, Past, Window
    from ringfence.detectors.backtest.judging import backtest as run
    from ringfence.detectors.backtest.judging import check_outcomes, subject
    from ringfence.detectors.catalog import Catalog

    window = Window.read(since, until)
    window.check()
    if out is not None and not out.absolute().parent.is_dir():
        from ringfence.errors import InvalidInput

        raise InvalidInput(
            f"there is no folder {out.parent}", field="out", expected="a file in a folder"
        )
    database = open_database(settings_of(data_dir=data_dir))
    with database.read() as connection:
        chosen = detector or _only_detector(connection)
        catalog = Catalog()
        subjects = [subject(connection, catalog, chosen, version)]
        if against is not None:
            subjects.append(subject(connection, catalog, chosen, against))
        alerting = frozenset(alert_on or called_outcomes(connection))
        check_outcomes(connection, alerting)
        with progress_bar("Judging past events") as advance:
            event_type = subjects[0].event_type
            past: Past
            if file is None:
                past = LoggedEvents(connection, event_type, window)
            else:
                advance(0.0, f"reading {file}")
                past = FiledEvents(file, event_type, window)
            report = run(
                past,
                subjects,
                alert_outcomes=alerting,
                case_hours=case_hours,
                database_url=database.url,
                processes=min(8, os.cpu_count() or 1),
                progress=lambda share: advance(share, ""),
            )
    if out is not None:
        write_json(out, report)
    if report.events == 0:
        console.print(f"No event of type {report.event_type} in this window: nothing to judge.")
        return
    _show(report)
    if out is not None:
        console.print(f"The whole report is in {out}.")


def _show(report: BacktestReport) -> None:
    from ringfence.cli.screen import console, table

    console.print(
        f"{report.events:,} events of type {report.event_type} from {report.source}, "
        f"{report.first_at:%Y-%m-%d %H:%M} to {report.last_at:%Y-%m-%d %H:%M} UTC; alerts are "
        + ", ".join(report.alert_outcomes)
    )
    for of in report.versions:
        if of.trained_until and report.first_at and report.first_at <= of.trained_until:
            console.print(
                f"Version {of.version} has a model that learned from events until "
                f"{of.trained_until:%Y-%m-%d %H:%M}: up to then this flatters it."
            )
    names = [f"{of.detector} {of.version}" for of in report.versions]
    rows = [
        [label, *(_cell(getattr(of.totals, name), kind) for of in report.versions)]
        for label, name, kind in _TOTALS
    ]
    if report.comparison is not None:
        for row, (_, name, kind) in zip(rows, _TOTALS, strict=True):
            row.append(_cell(report.comparison.differences.get(name), kind, signed=True))
        names.append("difference")
    table(("", *(f"{name}>" for name in names)), rows)
    if report.comparison is not None:
        compared = report.comparison
        table(
            ("alerts of", "events>", "frauds>", "legitimate>"),
            (
                (which, f"{split.events:,}", f"{split.frauds:,}", f"{split.legits:,}")
                for which, split in (
                    ("both", compared.both),
                    (f"{names[0]} only", compared.only_first),
                    (f"{names[1]} only", compared.only_second),
                )
            ),
        )
    for of in report.versions:
        table(
            ("rule", "outcomes", "matched>", "frauds>", "legitimate>", "not evaluated>"),
            (
                (
                    f"{rule.rule_id} {rule.version}",
                    ", ".join(rule.outcomes),
                    f"{rule.matched:,}",
                    f"{rule.frauds:,}",
                    f"{rule.legits:,}",
                    f"{rule.not_evaluated:,}",
                )
                for rule in of.rules
            ),
            title=f"Rules of {of.detector} {of.version}",
        )
    days = report.versions[0].days
    table(
        ("day", "events>", "frauds>", *(f"alerts {of.version}>" for of in report.versions)),
        (
            (
                of_each[0].date,
                f"{of_each[0].events:,}",
                f"{of_each[0].frauds:,}",
                *(f"{day.alerts:,}" for day in of_each),
            )
            for of_each in zip(*(of.days[-_DAYS_SHOWN:] for of in report.versions), strict=True)
        ),
        title=f"The last {_DAYS_SHOWN} of {len(days)} days" if len(days) > _DAYS_SHOWN else "Days",
    )
    console.print(_AMOUNTS)


_TOTALS = (
    ("frauds", "frauds", "count"),
    ("legitimate events", "legits", "count"),
    ("events without a label", "unlabelled", "count"),
    ("alerts", "alerts", "count"),
    ("frauds caught", "caught", "count"),
    ("false alerts", "false_alerts", "count"),
    ("precision", "precision", "share"),
    ("recall", "recall", "share"),
    ("false positive rate", "false_positive_rate", "share"),
    ("alert rate", "alert_rate", "share"),
    ("calls placed", "calls", "count"),
    ("alerts that name no card", "alerts_without_card", "count"),
    ("customers disturbed", "customers_disturbed", "count"),
    ("fraud amount", "fraud_amount", "money"),
    ("saved: caught", "caught_amount", "money"),
    ("saved: prevented after a call", "prevented_amount", "money"),
    ("missed", "missed_amount", "money"),
    ("legitimate amount interrupted", "interrupted_amount", "money"),
)


def _cell(value: float | None, kind: str, *, signed: bool = False) -> str:
    if value is None:
        return "-"
    sign = "+" if signed else ""
    if kind == "share":
        return f"{value * 100:{sign}.2f} %"
    return f"{value:{sign},.2f}" if kind == "money" else f"{value:{sign},.0f}"


def _only_detector(connection: Connection) -> str:
    from ringfence.detectors import list_detectors
    from ringfence.errors import InvalidInput, NotFound

    ids = [of.detector_id for of in list_detectors(connection)]
    if not ids:
        raise NotFound(
            "there is no detector yet", field="detector", expected="ringfence detectors publish"
        )
    if len(ids) > 1:
        raise InvalidInput(
            "there are several", field="detector", expected="--detector " + " or ".join(ids)
        )
    return ids[0]
