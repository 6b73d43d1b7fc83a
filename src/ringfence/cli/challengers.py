"""`ringfence challengers ...`: what was trained anew, how it compares, and what is decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ringfence.cli.options import DataDir, open_database, settings_of

if TYPE_CHECKING:
    from ringfence.detectors.retraining.comparison import Evaluation

app = typer.Typer(
    help="Challengers: models trained anew, compared with the version that decides.",
    no_args_is_help=True,
)

Model = Annotated[str, typer.Argument(help="Id of the model.")]
Version = Annotated[str, typer.Argument(help="Version of the challenger, such as 2.0.")]
Reason = Annotated[str, typer.Option(help="Why; kept with the decision.")]


@app.command("list")
def list_all(
    model: Annotated[str | None, typer.Argument(help="Id of a model; all when left out.")] = None,
    data_dir: DataDir = None,
) -> None:
    """List challengers, the latest first, with how much better than the champion they rank.

    Examples:

        ringfence challengers list

        ringfence challengers list card_fraud
    """
    from ringfence.cli.screen import console, table
    from ringfence.detectors.retraining.challengers import list_challengers

    with open_database(settings_of(data_dir=data_dir)).read() as connection:
        found = list_challengers(connection, model)
    if not found:
        console.print("No challenger yet. Make one: ringfence retrain MODEL")
        return
    table(
        ("model", "version", "against", "status", "made", "by", "frauds>", "gain in AUC>",
         "95 % range", "gain in recall>"),
        (
            (
                of.model_id,
                of.version,
                of.champion_version,
                of.status,
                f"{of.created_at:%Y-%m-%d %H:%M}",
                of.created_by,
                f"{of.evaluation.frauds:,}",
                _signed(of.evaluation.auc_gain),
                _range(of.evaluation),
                _signed(of.evaluation.recall_gain),
            )
            for of in found
        ),
    )  # fmt: skip


@app.command("show")
def show(model: Model, version: Version, data_dir: DataDir = None) -> None:
    """Show a challenger: what it learned from, how it compares, what was decided about it and why.

    Examples:

        ringfence challengers show card_fraud 2.0
    """
    from ringfence.cli.screen import console
    from ringfence.detectors.retraining.challengers import get_challenger, list_decisions

    with open_database(settings_of(data_dir=data_dir)).read() as connection:
        of = get_challenger(connection, model, version)
        decisions = [d for d in list_decisions(connection, model) if d.version == version]
    sources = ", ".join(f"{count:,} {source}" for source, count in of.labels.sources.items())
    console.print(
        f"Version [bold]{of.version}[/] of model [bold]{of.model_id}[/], {of.status}; made "
        f"{of.created_at:%Y-%m-%d %H:%M} UTC by {of.created_by} from {of.labels.source}; labels: "
        f"{sources or 'not said'}"
    )
    show_evaluation(of.evaluation, of.champion_version, of.version)
    for reason in of.policy_reasons:
        console.print(f"  {reason}")
    for decision in reversed(decisions):
        console.print(
            f"{decision.decided_at:%Y-%m-%d %H:%M} UTC, {decision.decided_by}: "
            f"{decision.action}: {decision.reason}"
        )
        for switch in decision.switches:
            console.print(
                f"  detector {switch.detector_id}: version {switch.from_version} to "
                f"{switch.to_version}"
            )


@app.command("compare")
def compare(model: Model, version: Version, data_dir: DataDir = None) -> None:
    """Compare a candidate with the champion anew, on all that has come since both learned.

    The policy of the model's schedule is applied to what comes of it.

    Examples:

        ringfence challengers compare card_fraud 2.0
    """
    from ringfence.cli.retraining import who
    from ringfence.cli.screen import console, progress_bar
    from ringfence.detectors.retraining.challengers import get_challenger
    from ringfence.detectors.retraining.runs import RunKind, begin_run
    from ringfence.detectors.retraining.schedules import stated_options, stated_policy
    from ringfence.detectors.retraining.work import work_on_evaluation
    from ringfence.storage import now

    database = open_database(settings_of(data_dir=data_dir))
    with database.write() as connection:
        get_challenger(connection, model, version)
        options, policy = stated_options(connection, model), stated_policy(connection, model)
        run = begin_run(connection, model, RunKind.EVALUATE, by=who(), at=now(), version=version)
    with progress_bar("Comparing") as advance:
        of = work_on_evaluation(database, run, options, policy=policy, progress=advance)
    show_evaluation(of.evaluation, of.champion_version, of.version)
    for reason in of.policy_reasons:
        console.print(f"  {reason}")
    console.print(f"Version {of.version} of model {of.model_id} is {of.status}.")


@app.command("promote")
def promote(
    model: Model,
    version: Version,
    reason: Reason,
    detector: Annotated[
        str | None, typer.Option(help="Only in this detector; in all that use it when left out.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Decide with a challenger from now on; a running server notices within a second.

    Each active detector version that uses the model gets a new version with the same rules. Who,
    when and why is recorded, with the comparison.

    Examples:

        ringfence challengers promote card_fraud 2.0 --reason "finds the gift card wave"
    """
    from ringfence.cli.retraining import who
    from ringfence.cli.screen import console
    from ringfence.detectors.retraining.challengers import list_decisions
    from ringfence.detectors.retraining.promotion import promote as put_in_place
    from ringfence.storage import now

    with open_database(settings_of(data_dir=data_dir)).write() as connection:
        put_in_place(
            connection, model, version, by=who(), reason=reason, at=now(), detector_id=detector
        )
        [decision] = list_decisions(connection, model, limit=1)
    for switch in decision.switches:
        console.print(
            f"Detector {switch.detector_id} decides with version {switch.to_version} "
            f"({model} {version}) from now on; before: {switch.from_version}."
        )
    console.print(f"Go back: ringfence challengers rollback {model} --reason WHY")


@app.command("reject")
def reject(model: Model, version: Version, reason: Reason, data_dir: DataDir = None) -> None:
    """Decide that a challenger does not take over; it is kept, and a shadow no longer.

    Examples:

        ringfence challengers reject card_fraud 2.0 --reason "too few frauds to tell"
    """
    from ringfence.cli.retraining import who
    from ringfence.cli.screen import console
    from ringfence.detectors.retraining.promotion import reject as refuse
    from ringfence.storage import now

    with open_database(settings_of(data_dir=data_dir)).write() as connection:
        refuse(connection, model, version, by=who(), reason=reason, at=now())
    console.print(f"Version {version} of model {model} is rejected.")


@app.command("rollback")
def rollback(model: Model, reason: Reason, data_dir: DataDir = None) -> None:
    """Undo a model's last promotion: decide with the detector versions before it again.

    Examples:

        ringfence challengers rollback card_fraud --reason "rings twice as many cardholders"
    """
    from ringfence.cli.retraining import who
    from ringfence.cli.screen import console
    from ringfence.detectors.retraining.promotion import roll_back
    from ringfence.storage import now

    with open_database(settings_of(data_dir=data_dir)).write() as connection:
        decision = roll_back(connection, model, by=who(), reason=reason, at=now())
    for switch in decision.switches:
        console.print(
            f"Detector {switch.detector_id} decides with version {switch.to_version} again."
        )


def show_evaluation(of: Evaluation, champion: str, challenger: str) -> None:
    """A comparison on the console, with what to bear in mind."""
    from ringfence.cli.screen import console, table
    from ringfence.detectors.retraining.comparison import in_words

    console.print(
        f"Compared on {of.events:,} events, {of.since:%Y-%m-%d %H:%M} to {of.until:%Y-%m-%d %H:%M} "
        f"UTC, which neither learned from: {of.frauds:,} frauds, {of.legits:,} legitimate"
    )
    if of.champion is not None and of.challenger is not None:
        first, second = of.champion, of.challenger
        table(
            ("", f"champion {champion}>", f"challenger {challenger}>", "gain>"),
            (
                ("AUC", f"{first.auc:.4f}", f"{second.auc:.4f}", _signed(of.auc_gain)),
                ("  95 % range", f"{first.auc_low:.4f} to {first.auc_high:.4f}",
                 f"{second.auc_low:.4f} to {second.auc_high:.4f}", _range(of)),
                ("average precision", f"{first.average_precision:.4f}",
                 f"{second.average_precision:.4f}", _signed(of.average_precision_gain)),
                *(
                    (f"frauds in {volume.alerts:,} alerts",
                     f"{volume.champion_caught:,}", f"{volume.challenger_caught:,}",
                     f"{volume.challenger_caught - volume.champion_caught:+,}")
                    for volume in of.volumes
                ),
                (f"recall at {of.alert_share:.1%}", f"{first.recall:.4f}", f"{second.recall:.4f}",
                 _signed(of.recall_gain)),
            ),
        )  # fmt: skip
    console.print(in_words(of))
    console.print(f"Stability index between their scores: {of.score_psi:.3f}")
    for remark in of.remarks:
        console.print(remark)


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{value:+.4f}"


def _range(of: Evaluation) -> str:
    if of.auc_gain_low is None or of.auc_gain_high is None:
        return "-"
    return f"{of.auc_gain_low:+.4f} to {of.auc_gain_high:+.4f}"
