"""All commands, put together."""

from __future__ import annotations

import typer

from ringfence.cli import (
    agents,
    backtesting,
    bots,
    calling,
    challengers,
    customers,
    demonstration,
    detectors,
    drift,
    events,
    external_models,
    flows,
    functions,
    hours,
    keys,
    lines,
    migrating,
    models,
    orchestration,
    permissions,
    phone_numbers,
    profiles,
    prompts,
    queues,
    recordings,
    retraining,
    retraining_schedules,
    rules,
    scoring,
    serving,
    shadows,
    simulating,
    tasks,
    training,
)

app = typer.Typer(
    name="ringfence",
    help="Score card payments, ring the cardholder when one looks like fraud, act on the answer.",
    epilog="Begin with: ringfence demo",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    add_completion=True,
)
app.command("demo")(demonstration.demo)
app.command("serve")(serving.serve)
app.command("simulate")(simulating.simulate)
app.command("train")(training.train)
app.command("retrain")(retraining.retrain)
app.command("score")(scoring.score)
app.command("backtest")(backtesting.backtest)
app.command("drift")(drift.drift)
app.command("call")(calling.call)
app.add_typer(events.app, name="events")
models.app.command("import")(external_models.import_model)
models.app.command("external")(external_models.show_external)
models.app.command("try")(external_models.try_model)
models.app.command("remove")(external_models.remove)
app.add_typer(models.app, name="models")
challengers.app.command("schedule")(retraining_schedules.schedule)
challengers.app.command("runs")(retraining_schedules.runs)
app.add_typer(challengers.app, name="challengers")
app.add_typer(profiles.app, name="profiles")
app.add_typer(rules.app, name="rules")
app.add_typer(detectors.app, name="detectors")
app.add_typer(shadows.app, name="shadows")
app.add_typer(customers.app, name="customers")
app.add_typer(flows.app, name="flow")
app.add_typer(functions.app, name="functions")
app.add_typer(queues.app, name="queue")
app.add_typer(agents.app, name="agent")
app.add_typer(hours.app, name="hours")
app.add_typer(prompts.app, name="prompt")
app.add_typer(bots.app, name="bot")
app.add_typer(tasks.app, name="task")
app.add_typer(lines.app, name="line")
app.add_typer(phone_numbers.app, name="number")
app.add_typer(recordings.app, name="recording")
app.add_typer(permissions.app, name="permission")
app.add_typer(permissions.do_not_call, name="do-not-call")
app.add_typer(migrating.app, name="migrate")
app.add_typer(keys.app, name="keys")
app.add_typer(orchestration.app, name="orchestration")


def _version(wanted: bool) -> None:
    if wanted:
        from ringfence import __version__

        typer.echo(f"ringfence {__version__}")
        raise typer.Exit


@app.callback()
def _ringfence(
    version: bool = typer.Option(
        False, "--version", help="Show the version.", callback=_version, is_eager=True
    ),
) -> None:
    """Options before the command."""
