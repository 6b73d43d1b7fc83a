"""`ringfence retrain`: a challenger from what has come in since, measured against the champion."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringfence.cli.options import DataDir, open_database, settings_of

if TYPE_CHECKING:
    from ringfence.detectors.retraining.options import RetrainingOptions
    from ringfence.detectors.retraining.runs import RetrainingRun
    from ringfence.detectors.retraining.training import Retrained
    from ringfence.settings import Settings
    from ringfence.storage import Database


class UnlabelledName(StrEnum):
    """Amazon Fraud Detector's words; models know the same. Loading them takes a while."""

    IGNORE = "IGNORE"
    FRAUD = "FRAUD"
    LEGIT = "LEGIT"
    AUTO = "AUTO"


def retrain(
    model: Annotated[str, typer.Argument(help="Id of the model.")],
    since: Annotated[
        datetime | None,
        typer.Option("--since", "--from", help="Learn from events from this moment on, in UTC."),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(
            "--until", "--to", help="As if it were this moment, in UTC: nothing later is looked at."
        ),
    ] = None,
    base_file: Annotated[
        str | None,
        typer.Option(
            "--with",
            help="Also learn from this CSV or Parquet file (or s3://...), from before "
            "the log began.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Train and compare, and store nothing.")
    ] = False,
    shadow: Annotated[
        bool,
        typer.Option("--shadow", help="Have the challenger score live events beside the champion."),
    ] = False,
    unlabelled: Annotated[
        UnlabelledName | None,
        typer.Option(
            help="What events are that have had no label for --unlabelled-days: left out (IGNORE), "
            "LEGIT because nobody complained, FRAUD, or AUTO: LEGIT where few events are labelled."
        ),
    ] = None,
    unlabelled_days: Annotated[
        float | None, typer.Option(help="After how many days; 45 when left out.")
    ] = None,
    label_delay_days: Annotated[
        float | None,
        typer.Option(help="Younger events are not compared on, their labels may come; 7."),
    ] = None,
    alert_share: Annotated[
        float | None,
        typer.Option(
            help="Share of events at which recall is compared; as many as there are frauds, and at "
            "least 0.01, when left out."
        ),
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option(
            min=1.0,
            max=604_800.0,
            metavar="SECONDS",
            help="Try other ways to learn for about so long; otherwise the champion's is taken.",
        ),
    ] = None,
    new_plan: Annotated[
        bool,
        typer.Option(
            "--new-plan",
            help="Propose anew what is remembered of entities; its profiles are then "
            "built before the challenger can decide.",
        ),
    ] = False,
    seed: Annotated[int | None, typer.Option(min=0, help="The champion's when left out.")] = None,
    run: Annotated[str | None, typer.Option(hidden=True)] = None,
    data_dir: DataDir = None,
) -> None:
    """Train a model anew from the event log, and compare it with the version that decides.

    What cardholders answered on the telephone and analysts decided are the labels; how much each
    counts is the setting `label_weights`. The challenger learns from everything before a moment,
    and both are compared on what came after: events that neither has seen. Nothing changes until
    it is promoted, by `ringfence challengers promote` or by the policy of the model's schedule.
    A model of account takeovers learns from logins without a label too: they count as ordinary.

    Examples:

        ringfence retrain card_fraud

        ringfence retrain card_fraud --with payments-2025.parquet --shadow

        ringfence retrain card_fraud --unlabelled LEGIT --unlabelled-days 60 --dry-run
    """
    settings = settings_of(data_dir=data_dir)
    if run is not None:
        _as_scheduled(settings, run)
        return
    database = open_database(settings)
    given = {
        "since": _utc(since),
        "base_file": base_file,
        "label_delay_days": label_delay_days,
        "alert_share": alert_share,
        "budget_seconds": budget,
        "seed": seed,
        "shadow": shadow or None,
        "keep_plan": False if new_plan else None,
    }
    options = _options(database, model, given, unlabelled, unlabelled_days)
    made = _retrained(settings, database, model, options, _utc(until), dry_run=dry_run)
    show_retrained(made)


def show_retrained(made: Retrained) -> None:
    """What came of a retraining, on the console."""
    from ringfence.cli.challengers import show_evaluation
    from ringfence.cli.screen import console

    facts = made.trained.facts
    sources = ", ".join(f"{count:,} {source}" for source, count in made.labels.sources.items())
    sources = sources or ("not said" if facts.frauds else "none")
    console.print(
        f"Learned from {facts.rows:,} events, {facts.frauds:,} of them fraud, "
        f"{facts.first_at:%Y-%m-%d} to {facts.last_at:%Y-%m-%d}; labels: {sources}"
    )
    show_evaluation(
        made.evaluation,
        made.champion_version,
        "challenger" if made.challenger is None else made.challenger.version,
    )
    if made.challenger is None:
        console.print("A dry run: nothing is stored.")
        return
    of = made.challenger
    console.print(
        f"Stored as version [bold]{of.version}[/] of model [bold]{of.model_id}[/], {of.status}."
    )
    for reason in of.policy_reasons:
        console.print(f"  {reason}")
    for draft in of.drafts:
        console.print(f"Version {draft.version} of detector {draft.detector_id} shadows with it.")
    if of.status == "candidate":
        console.print(
            f"Promote it: ringfence challengers promote {of.model_id} {of.version} --reason WHY"
        )


def _retrained(
    settings: Settings,
    database: Database,
    model: str,
    options: RetrainingOptions,
    until: datetime | None,
    *,
    dry_run: bool,
) -> Retrained:
    from ringfence.cli.screen import progress_bar
    from ringfence.detectors.retraining.runs import RunKind, begin_run
    from ringfence.detectors.retraining.schedules import stated_policy
    from ringfence.detectors.retraining.training import retrain as train_anew
    from ringfence.detectors.retraining.work import work_on_training
    from ringfence.models import get_model
    from ringfence.models.weights import weights_of
    from ringfence.storage import now

    weights = weights_of(settings.label_weights)
    options.check()
    with database.read() as connection:
        get_model(connection, model)
        policy = stated_policy(connection, model)
    with progress_bar("Retraining") as advance:
        if dry_run:
            return train_anew(
                database,
                model,
                options,
                by=who(),
                at=now(),
                until=until,
                weights=weights,
                dry_run=True,
                progress=advance,
            )
        with database.write() as connection:
            begun = begin_run(connection, model, RunKind.RETRAIN, by=who(), at=now())
        return work_on_training(
            database,
            begun,
            options,
            until=until,
            weights=weights,
            policy=policy,
            progress=advance,
        )


def _as_scheduled(settings: Settings, run_id: str) -> None:
    """Do a run that a server has begun, with the options of the model's schedule."""
    from ringfence.detectors.retraining.runs import get_run

    _step_back(settings)
    database = open_database(settings)
    with database.read() as connection:
        run = get_run(connection, run_id)
    try:
        _work(settings, database, run)
    finally:
        database.dispose()


def _work(settings: Settings, database: Database, run: RetrainingRun) -> None:
    import structlog

    from ringfence.detectors.retraining.evidence import NothingNew
    from ringfence.detectors.retraining.runs import RunKind
    from ringfence.detectors.retraining.schedules import stated_options, stated_policy
    from ringfence.detectors.retraining.work import Stopped, work_on_evaluation, work_on_training
    from ringfence.errors import RingfenceError
    from ringfence.models.weights import weights_of

    log = structlog.get_logger(__name__).bind(model=run.model_id, run=run.run_id)
    with database.read() as connection:
        options = stated_options(connection, run.model_id)
        policy = stated_policy(connection, run.model_id)
    try:
        if run.kind is RunKind.EVALUATE:
            done = work_on_evaluation(database, run, options, policy=policy)
        else:
            weights = weights_of(settings.label_weights)
            retrained = work_on_training(database, run, options, weights=weights, policy=policy)
            assert retrained.challenger is not None
            done = retrained.challenger
    except NothingNew as error:
        log.info("nothing to learn", reason=str(error))
    except RingfenceError as error:
        log.warning("a model could not be trained anew", reason=str(error))
        raise typer.Exit(1) from None
    except Stopped:
        raise typer.Exit(143) from None
    except Exception:
        log.exception("a model could not be trained anew")
        raise typer.Exit(1) from None
    else:
        log.info("challenger measured", version=done.version, status=str(done.status),
                 policy=list(done.policy_reasons))  # fmt: skip


def _step_back(settings: Settings) -> None:
    """Deciding comes first; and who stops the server stops this."""
    import contextlib
    import os
    import signal

    from ringfence.detectors.retraining.work import Stopped
    from ringfence.logs import configure_logs

    def stop(_number: int, _frame: object) -> None:
        raise Stopped

    signal.signal(signal.SIGTERM, stop)
    configure_logs(settings.log_level, settings.log_format)
    with contextlib.suppress(OSError, AttributeError):
        os.nice(10)


def _options(
    database: Database,
    model: str,
    given: dict[str, Any],
    unlabelled: UnlabelledName | None,
    unlabelled_days: float | None,
) -> RetrainingOptions:
    """Those of the model's schedule, with what was given over them."""
    import msgspec

    from ringfence.detectors.retraining.schedules import stated_options
    from ringfence.models.weights import UnlabelledTreatment

    with database.read() as connection:
        options = stated_options(connection, model)
    stated = options.unlabelled
    if unlabelled is not None:
        stated = msgspec.structs.replace(stated, treatment=UnlabelledTreatment(unlabelled.value))
    if unlabelled_days is not None:
        stated = msgspec.structs.replace(stated, days=unlabelled_days)
    changes = {name: value for name, value in given.items() if value is not None}
    return msgspec.structs.replace(options, unlabelled=stated, **changes)


def who() -> str:
    """The name of the person at the command line, for the record."""
    import getpass

    try:
        return getpass.getuser()[:128]
    except (KeyError, OSError, ImportError):
        return "command line"


def _utc(at: datetime | None) -> datetime | None:
    from datetime import UTC

    return None if at is None else at.replace(tzinfo=UTC)
