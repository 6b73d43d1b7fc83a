"""`ringfence simulate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def simulate(
    out: Annotated[Path, typer.Argument(help="File to write; .csv or .parquet.")],
    transactions: Annotated[
        int, typer.Option(min=100, max=10_000_000, help="How many transactions.")
    ] = 100_000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same file.")] = 7,
    days: Annotated[int, typer.Option(min=1, max=3650, help="How many days they span.")] = 180,
    fraud_share: Annotated[
        float, typer.Option(min=0.0005, max=0.5, help="Share of fraudulent transactions.")
    ] = 0.03,
    with_pattern: Annotated[
        bool, typer.Option(help="Add the column `fraud_pattern`, which no bank would have.")
    ] = False,
) -> None:
    """Generate card payments of an invented world, some of them fraudulent.

    Customers have habits, places and devices; fraud comes in patterns that change over time.

    Examples:

        ringfence simulate payments.parquet

        ringfence simulate payments.csv --transactions 20000 --seed 1 --days 90
    """
    from ringfence.cli.screen import console, progress_bar
    from ringfence.errors import InvalidInput
    from ringfence.simulation import Options, generate, write

    if out.suffix.lower() not in (".csv", ".parquet"):
        raise InvalidInput(
            f"cannot tell the format of {out.name!r}",
            field="out",
            expected="a file name that ends in .csv or .parquet",
        )
    options = Options(transactions=transactions, seed=seed, days=days, fraud_share=fraud_share)
    with progress_bar("Generating transactions") as advance:
        frame = generate(
            options, with_pattern=with_pattern, progress=lambda share: advance(share * 0.9, "")
        )
        advance(0.9, "writing")
        write(frame, out)
    fraud = int((frame["EVENT_LABEL"] == "fraud").sum())
    console.print(
        f"{frame.height:,} transactions, {fraud:,} of them fraud ({fraud / frame.height:.1%}), "
        f"in {out}"
    )
