"""`ringfence challengers schedule` and `runs`: when models are trained anew, and how it went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ringfence.cli.challengers import Model
from ringfence.cli.options import DataDir, open_database, settings_of
from ringfence.cli.retraining import UnlabelledName

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ringfence.detectors.retraining.policies import PromotionPolicy


def schedule(
    model: Model,
    every_days: Annotated[
        float | None, typer.Option(help="Train anew so many days after the last time.")
    ] = None,
    cron: Annotated[
        str | None,
        typer.Option(help="Or at these times, UTC: minute hour day month weekday."),
    ] = None,
    promote_when: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=NUMBER, several times: promote by itself when all hold. min_frauds, "
            "auc_gain_low, recall_gain, average_precision_gain, max_score_psi, min_shadow_days."
        ),
    ] = None,
    base_file: Annotated[
        str | None,
        typer.Option("--with", help="Also learn from this file (or s3://...) each time."),
    ] = None,
    unlabelled: Annotated[
        UnlabelledName,
        typer.Option(help="What events without a label are; as for `ringfence retrain`."),
    ] = UnlabelledName.IGNORE,
    unlabelled_days: Annotated[
        float, typer.Option(help="After how many days without a label.")
    ] = 45.0,
    budget: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="Try other ways to learn for about so long."),
    ] = None,
    shadow: Annotated[
        bool, typer.Option("--shadow", help="Have each challenger score live events at once.")
    ] = False,
    off: Annotated[
        bool, typer.Option("--off", help="Train no more on its own, and promote nothing.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Say when a running server trains a model anew, and what promotes the result; or show it.

    Without --promote-when a challenger waits for a person's decision.

    Examples:

        ringfence challengers schedule card_fraud

        ringfence challengers schedule card_fraud --every-days 7

        ringfence challengers schedule card_fraud --cron "0 3 * * 0" --promote-when auc_gain_low=0
        --promote-when min_frauds=100 --promote-when min_shadow_days=3

        ringfence challengers schedule card_fraud --off
    """
    from ringfence.cli.retraining import who
    from ringfence.detectors.retraining.options import RetrainingOptions
    from ringfence.detectors.retraining.schedules import (
        RetrainingSchedule,
        delete_schedule,
        put_schedule,
    )
    from ringfence.models.weights import Unlabelled, UnlabelledTreatment
    from ringfence.storage import now

    database = open_database(settings_of(data_dir=data_dir))
    with database.write() as connection:
        if off:
            delete_schedule(connection, model)
        elif every_days is not None or cron is not None or promote_when:
            put_schedule(
                connection,
                RetrainingSchedule(
                    model_id=model,
                    enabled=every_days is not None or cron is not None,
                    every_days=every_days,
                    cron=cron,
                    policy=_policy(promote_when) if promote_when else None,
                    options=RetrainingOptions(
                        shadow=shadow,
                        base_file=base_file,
                        unlabelled=Unlabelled(
                            UnlabelledTreatment(unlabelled.value), unlabelled_days
                        ),
                        budget_seconds=budget,
                    ),
                    updated_by=who(),
                    updated_at=now(),
                ),
            )
    with database.read() as connection:
        _show_schedule(connection, model)


def runs(
    model: Annotated[str | None, typer.Argument(help="Id of a model; all when left out.")] = None,
    data_dir: DataDir = None,
) -> None:
    """List when models were, or are being, trained anew, and how it ended.

    Examples:

        ringfence challengers runs
    """
    from ringfence.cli.screen import console, table
    from ringfence.detectors.retraining.runs import list_runs

    with open_database(settings_of(data_dir=data_dir)).read() as connection:
        found = list_runs(connection, model)
    if not found:
        console.print("No model was trained anew yet. Do: ringfence retrain MODEL")
        return
    table(
        ("started", "model", "what", "by", "status", "done>", "version", ""),
        (
            (
                f"{run.started_at:%Y-%m-%d %H:%M}",
                run.model_id,
                run.kind,
                run.started_by,
                run.status,
                f"{run.share:.0%}",
                run.version or "",
                run.stage if run.status == "running" else run.message,
            )
            for run in found
        ),
    )


def _show_schedule(connection: Connection, model: str) -> None:
    from ringfence.cli.screen import console
    from ringfence.detectors.retraining.runs import list_runs
    from ringfence.detectors.retraining.schedules import get_schedule, next_time
    from ringfence.errors import NotFound
    from ringfence.models import get_model

    get_model(connection, model)
    try:
        found = get_schedule(connection, model)
    except NotFound:
        console.print(f"Model {model} is trained anew only by hand: ringfence retrain {model}")
        return
    planned = next_time(found, list_runs(connection, model))
    when = f"cron {found.cron}" if found.cron else f"every {found.every_days:g} days"
    if not found.enabled or planned is None:
        console.print(f"Model {model} is trained anew only by hand.")
    else:
        console.print(
            f"Model {model} is trained anew {when}, next after {planned:%Y-%m-%d %H:%M} UTC."
        )
    if found.policy is None:
        console.print("A challenger waits for a person's decision.")
        return
    import msgspec

    stated = msgspec.structs.asdict(found.policy)
    asked = ", ".join(f"{name} {value:g}" for name, value in stated.items() if value is not None)
    console.print(f"A challenger is promoted when all hold: {asked}.")


def _policy(given: list[str]) -> PromotionPolicy:
    import msgspec

    from ringfence.detectors.retraining.policies import PromotionPolicy
    from ringfence.errors import InvalidInput

    stated: dict[str, object] = {}
    for text in given:
        name, _, number = text.partition("=")
        try:
            stated[name] = int(number) if name == "min_frauds" else float(number)
        except ValueError:
            raise InvalidInput(
                f"{text!r} is not NAME=NUMBER", field="promote_when", expected="min_frauds=100"
            ) from None
    try:
        return msgspec.convert(stated, PromotionPolicy)
    except msgspec.ValidationError:
        names = ", ".join(PromotionPolicy.__struct_fields__)
        unknown = next((name for name in stated if name not in names.split(", ")), "")
        raise InvalidInput(
            f"there is no condition {unknown!r}", field="promote_when", expected=f"one of {names}"
        ) from None
