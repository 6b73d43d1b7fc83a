"""`ringfence rules ...`."""

from __future__ import annotations

from typing import Annotated

import typer

from ringfence.cli.options import DataDir, EventTypeName, open_database, settings_of

app = typer.Typer(help="Rules in DETECTORPL.", no_args_is_help=True)


@app.callback()
def _rules() -> None:
    """Keeps `check` a command of its own."""


@app.command("check")
def check(
    expressions: Annotated[
        list[str], typer.Argument(help="Rules to check; `-` reads one a line from the input.")
    ],
    event_type: EventTypeName = "card_payment",
    model: Annotated[
        list[str], typer.Option(help="A model whose score rules may name, beside those stored.")
    ] = [],  # noqa: B006 - typer copies it
    data_dir: DataDir = None,
) -> None:
    """Check rules against the variables, scores and lists that they name.

    Every rule that does not fit is shown with the place and what was expected; the exit code is 2
    then.

    Examples:

        ringfence rules check '$card_fraud_insightscore > 900 and $transaction_amt > 100'

        ringfence rules check --model card_fraud - < rules.txt
    """
    from ringfence.cli.screen import console
    from ringfence.detectors import rule_types
    from ringfence.errors import InvalidInput
    from ringfence.events import DataType
    from ringfence.events.lists import get_lists
    from ringfence.models import output_variable
    from ringfence.rules import check as check_rule

    with open_database(settings_of(data_dir=data_dir)).read() as connection:
        types = rule_types(connection, event_type)
        lists = get_lists(connection)
    types |= {output_variable(model_id): DataType.FLOAT for model_id in model}
    wrong = 0
    for expression in _rules_in(expressions):
        try:
            check_rule(expression, types, lists)
        except InvalidInput as error:
            wrong += 1
            console.print(f"[red]wrong[/]  {error.message}", markup=True)
            console.print(getattr(error, "pointer", ""), markup=False)
        else:
            console.print("[green]right[/]  ", end="")
            console.print(expression, markup=False)
    if wrong:
        raise typer.Exit(2)


def _rules_in(expressions: list[str]) -> list[str]:
    import sys

    rules: list[str] = []
    for expression in expressions:
        rules += sys.stdin.read().splitlines() if expression == "-" else [expression]
    return [rule for rule in rules if rule.strip() and not rule.lstrip().startswith("#")]
