"""`ringfence simulate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def simulate(
    out: Annotated[Path, typer.Argument(help="File to write; .csv or .parquet.")],
    transactions: Annotated[
        int, typer.Option(min=100, max=10_000_000, help="How many transactions, or logins.")
    ] = 100_000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same file.")] = 7,
    days: Annotated[int, typer.Option(min=1, max=3650, help="How many days they span.")] = 180,
    fraud_share: Annotated[
        float | None,
        typer.Option(
            min=0.0005,
            max=0.5,
            help="Share of fraudulent transactions, by default 0.03; of logins by strangers who "
            "were let in, by default 0.005.",
        ),
    ] = None,
    with_pattern: Annotated[
        bool,
        typer.Option(
            help="Add the column `fraud_pattern`, or `takeover_pattern`, which no bank would have."
        ),
    ] = False,
    logins: Annotated[
        bool, typer.Option("--logins", help="Generate logins of accounts, not card payments.")
    ] = False,
    labelled: Annotated[
        float,
        typer.Option(
            min=0.0, max=1.0, help="With --logins: share of the takeovers that were reported."
        ),
    ] = 0.1,
) -> None:
    """Generate card payments of an invented world, some of them fraudulent.

    Customers have habits, places and devices; fraud comes in patterns that change over time. With
    --logins it is sign-ins, failed ones too, of which strangers make a few; nearly all without a
    label, as in life.

    Examples:

        ringfence simulate payments.parquet

        ringfence simulate payments.csv --transactions 20000 --seed 1 --days 90

        ringfence simulate logins.parquet --logins --transactions 50000 --labelled 0.2
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
    if logins:
        _simulate_logins(
            out, transactions, seed, days, fraud_share or 0.005, labelled, with_pattern
        )
        return
    options = Options(
        transactions=transactions, seed=seed, days=days, fraud_share=fraud_share or 0.03
    )
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


def _simulate_logins(
    out: Path,
    logins: int,
    seed: int,
    days: int,
    takeover_share: float,
    labelled: float,
    with_pattern: bool,
) -> None:
    from ringfence.cli.screen import console, progress_bar
    from ringfence.examples import example_path
    from ringfence.simulation import write
    from ringfence.simulation.logins import LoginOptions, generate_logins

    options = LoginOptions(
        logins=logins, seed=seed, days=days, takeover_share=takeover_share, labelled=labelled
    )
    with progress_bar("Generating logins") as advance:
        frame = generate_logins(
            options, with_pattern=with_pattern, progress=lambda share: advance(share * 0.9, "")
        )
        advance(0.9, "writing")
        write(frame, out)
    reported = frame.height - frame["EVENT_LABEL"].null_count()
    console.print(
        f"{frame.height:,} logins of {frame['ENTITY_ID'].n_unique():,} accounts, {reported:,} of "
        f"them labelled takeovers, in {out}"
    )
    console.print(
        f"Their event type: ringfence events define {example_path('login_event_type.json')}"
    )
