"""`ringfence demo`: the whole way of a suspicious payment, on this machine, in a few minutes."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringfence.cli.options import open_database, settings_of

if TYPE_CHECKING:
    from ringfence.cli.demo_call import Outcome
    from ringfence.cli.stopwatch import Stopwatch
    from ringfence.settings import Settings
    from ringfence.storage import Database

# Shown on the screen, for a server on loopback that lives as long as the demo.
_ADMIN_PASSWORD = "ringfence demo"  # noqa: S105
_MODEL, _DETECTOR, _EVENT_TYPE = "card_fraud", "card_fraud", "card_payment"


def demo(
    answer: Annotated[
        str | None,
        typer.Option(
            help="Answer the call by itself: `1` it was me, `2` fraud, `none` nobody answers. "
            "When left out, you answer; without a terminal it is 2."
        ),
    ] = None,
    data_dir: Annotated[
        Path, typer.Option(help="Folder to work in; what a demo left there is thrown away.")
    ] = Path(".demo"),
    port: Annotated[int, typer.Option(help="Port of the server; another when it is taken.")] = 8750,
    transactions: Annotated[
        int, typer.Option(min=5_000, help="How many transactions to learn from.")
    ] = 100_000,
) -> None:
    """Show everything: generate, train, publish, serve, decide, ring, act.

    Examples:

        ringfence demo

        ringfence demo --answer 2
    """
    from ringfence.cli.demo_report import show_outcome
    from ringfence.cli.stopwatch import Stopwatch
    from ringfence.errors import InvalidInput

    if answer not in (None, "", "1", "2", "none"):
        raise InvalidInput("not an answer", field="--answer", expected="1, 2 or none")
    by_hand = not answer and sys.stdin.isatty() and sys.stdout.isatty()
    chosen = None if by_hand else (answer or "2")
    _empty(data_dir)
    watch = Stopwatch()
    settings = settings_of(data_dir=data_dir, port=port, host="127.0.0.1")
    database = open_database(settings)
    _prepare(settings, database, transactions, watch, by_hand=by_hand)
    database.dispose()
    try:
        outcome = asyncio.run(_until_told_to_stop(_play(settings, chosen, watch)))
    except asyncio.CancelledError:
        raise typer.Exit(143) from None
    show_outcome(outcome, watch)


async def _until_told_to_stop(work: Coroutine[Any, Any, Outcome]) -> Outcome:
    """`work`, cancelled by the signals that would otherwise leave its server behind."""
    working = asyncio.ensure_future(work)
    if sys.platform != "win32":
        loop = asyncio.get_running_loop()
        for told in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(told, working.cancel)
    return await working


def _empty(data_dir: Path) -> None:
    """Throw away an earlier demo. Raises `InvalidInput` for a folder that is anything else."""
    from ringfence.errors import InvalidInput

    marker = data_dir / "this-is-a-demo"
    if data_dir.exists():
        if any(data_dir.iterdir()) and not marker.exists():
            raise InvalidInput(
                f"{data_dir} holds something else than a demo",
                field="--data-dir",
                expected="a new folder, or one of an earlier demo",
            )
        shutil.rmtree(data_dir)
    data_dir.mkdir(parents=True)
    marker.touch()


def _prepare(
    settings: Settings, database: Database, transactions: int, watch: Stopwatch, *, by_hand: bool
) -> None:
    from ringfence.cards import open_vault, read_customers, store_customers
    from ringfence.cases import CALL_OUTCOME, ContactPlan, put_plan
    from ringfence.cli.detectors import publish_version, show_detector_version
    from ringfence.cli.screen import console, progress_bar
    from ringfence.cli.training import show_version, train_version
    from ringfence.examples import read_example
    from ringfence.simulation import Options, generate, write
    from ringfence.storage import now

    data = settings.data_dir / "payments.parquet"
    with watch.time("generate transactions"), progress_bar("Generating transactions") as advance:
        frame = generate(
            Options(transactions=transactions, seed=7), progress=lambda share: advance(share, "")
        )
        write(frame, data)
    console.print(f"{frame.height:,} transactions of an invented world in {data}\n")
    with watch.time("train the model"), progress_bar("Training") as advance:
        version = train_version(database, str(data), _MODEL, _EVENT_TYPE, 0, advance)
    show_version(version)
    with watch.time("publish the detector"):
        published, rules = publish_version(database, _DETECTOR, _MODEL, _EVENT_TYPE)
    console.print()
    show_detector_version(published, rules)
    with watch.time("register the customer"):
        vault = open_vault(settings.data_dir, settings.vault_secret, database)
        with database.write() as connection:
            (customer,) = store_customers(
                connection,
                vault,
                read_customers(read_example("customer.json")),
                by="demo",
                at=now(),
                language=settings.customer_language,
            )
            put_plan(
                connection,
                ContactPlan(
                    name="call-cardholder",
                    outcomes=(CALL_OUTCOME,),
                    attempts=2,
                    spacing_seconds=3,
                    ring_timeout_seconds=60 if by_hand else 10,
                    quiet_hours=None,
                ),
            )
    console.print(f"\nCustomer {customer.customer_id} is registered, with one card.")


async def _play(settings: Settings, answer: str | None, watch: Stopwatch) -> Outcome:
    from ringfence.cli.demo_call import play
    from ringfence.cli.demo_server import demo_server
    from ringfence.cli.screen import console

    api_key = secrets.token_urlsafe(24)
    async with demo_server(settings, api_key, _ADMIN_PASSWORD, watch) as url:
        number = _customer()["phone_number"]
        console.print(f"\nConsole  {url}/  (sign in as [bold]admin[/], {_ADMIN_PASSWORD!r})")
        console.print(f"Phone    {url}/phone?number={number.replace('+', '%2B')}")
        console.print(f"API      {url}/docs\n")
        outcome = await play(url, api_key, number, answer, watch)
        if answer is None:
            from ringfence.cli.demo_report import show_outcome

            show_outcome(outcome, watch)
            console.print(f"\nThe server goes on at {url}. Ctrl-C ends it.")
            await asyncio.Event().wait()
        return outcome


def _customer() -> dict[str, Any]:
    import msgspec

    from ringfence.examples import read_example

    document: dict[str, Any] = msgspec.json.decode(read_example("customer.json"))
    return document
