"""`ringfence customers ...`."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringfence.cli.options import DataDir, open_database, read_text, settings_of

if TYPE_CHECKING:
    from ringfence.cards import Vault
    from ringfence.cards.dynamodb import CustomerTable
    from ringfence.settings import Settings
    from ringfence.storage import Database

_TABLE_TIMEOUT_SECONDS = 10.0

app = typer.Typer(help="Cardholders and their cards.", no_args_is_help=True)


@app.command("add")
def add(
    files: Annotated[list[Path], typer.Argument(help="JSON files.")],
    data_dir: DataDir = None,
) -> None:
    """Add or change customers with their cards; all of a file or none of it.

    Plain JSON (an object or a list of them) and items as DynamoDB writes them are understood:
    customer_id, first_name, last_name, salutation, phone_number (with country code), card_number,
    is_blocked, time_zone, language. With RINGFENCE_CUSTOMERS_URL they are written to that table,
    too.

    Examples:

        ringfence customers add example-customer.json

        ringfence customers add customers/*.json --data-dir /var/lib/ringfence
    """
    from ringfence.cards import open_vault, read_customers, store_customers
    from ringfence.cli.screen import console
    from ringfence.storage import now

    settings = settings_of(data_dir=data_dir)
    database = open_database(settings)
    vault = open_vault(settings.data_dir, settings.vault_secret, database)
    table = _table_of(settings, database)
    for file in files:
        documents = read_customers(read_text(file))
        with database.write() as connection:
            stored = store_customers(
                connection,
                vault,
                documents,
                by=f"cli:{getpass.getuser()}",
                at=now(),
                language=settings.customer_language,
            )
        for customer in stored:
            console.print(f"{customer.customer_id}: {customer.result}", markup=False)
            for remark in customer.remarks:
                console.print(f"  note: {remark}", markup=False)
    if table is not None:
        _push(settings, database, vault, table)


@app.command("list")
def list_all(
    search: Annotated[str, typer.Option(help="Part of an id, a name or a phone number.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=500)] = 50,
    data_dir: DataDir = None,
) -> None:
    """List customers with their cards' last four digits and states.

    Examples:

        ringfence customers list --search smith
    """
    from ringfence.cards import cards_of, list_customers
    from ringfence.cli.screen import console, table

    with open_database(settings_of(data_dir=data_dir)).read() as connection:
        rows = [
            (
                customer.customer_id,
                f"{customer.salutation} {customer.first_name} {customer.last_name}".strip(),
                customer.phone_number,
                ", ".join(
                    f"{card.last4} {card.state}"
                    for card in cards_of(connection, customer.customer_id)
                ),
            )
            for customer in list_customers(connection, search=search, limit=limit)
        ]
    if not rows:
        console.print("No customer. Add one: ringfence customers add FILE")
        return
    table(("customer", "name", "phone", "cards"), rows)


@app.command("table")
def table_of_customers(
    create: Annotated[bool, typer.Option("--create", help="Make the table.")] = False,
    leave: Annotated[
        bool,
        typer.Option(
            "--leave", help="Master customers here again; what is not written yet is dropped."
        ),
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Show the table in DynamoDB that customers are mastered in, or make it.

    RINGFENCE_CUSTOMERS_URL names it: dynamodb://TABLE. Endpoint, region and credentials are those
    of every AWS tool (AWS_ENDPOINT_URL_DYNAMODB, AWS_DEFAULT_REGION, AWS_PROFILE ...). It has the
    partition key customer_id and the sort key card_number, and is billed by request.

    Examples:

        RINGFENCE_CUSTOMERS_URL=dynamodb://customers ringfence customers table --create

        RINGFENCE_CUSTOMERS_URL=dynamodb://customers ringfence customers table
    """
    from ringfence.cards import master_here, mastered_in, writes_waiting
    from ringfence.cli.screen import console
    from ringfence.errors import InvalidInput

    settings = settings_of(data_dir=data_dir)
    if create and leave:
        raise InvalidInput("both at once", field="--leave", expected="--create or --leave")
    if leave and settings.customers_url:
        raise InvalidInput(
            "is set", field="setting customers_url", expected="no such setting before --leave"
        )
    table = _open_table(settings) if settings.customers_url else None
    database = open_database(settings)
    if leave:
        with database.write() as connection:
            master_here(connection)
        console.print("Customers are mastered here.")
        return
    if table is None:
        with database.read() as connection:
            before, waiting = mastered_in(connection), writes_waiting(connection)
        if before is None and not create:
            console.print("Customers are mastered here; RINGFENCE_CUSTOMERS_URL names no table.")
            return
        raise InvalidInput(
            "is not set"
            + (
                f", and {waiting.customers} customers wait for the table {before}" if before else ""
            ),
            field="setting customers_url",
            expected="dynamodb://TABLE",
        )
    facts = table.create() if create else table.facts()
    _table_of(settings, database)
    with database.read() as connection:
        waiting = writes_waiting(connection)
    made = "made" if create else facts.status.lower()
    console.print(f"Table {facts.name}: {made}, about {facts.items:,} items", markup=False)
    console.print(f"Customers that wait to be written to it: {waiting.customers:,}")
    if waiting.since is not None:
        console.print(f"  since {waiting.since:%Y-%m-%d %H:%M:%S} UTC; {waiting.failure or ''}")


@app.command("sync")
def sync(
    upload: Annotated[
        bool,
        typer.Option("--upload", help="Also write the customers that the table does not have."),
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Read the whole table in DynamoDB into the copy here.

    Not needed for decisions, which read whom they are about; it makes the list and the search
    complete. Customers that are not in the table stay.

    Examples:

        RINGFENCE_CUSTOMERS_URL=dynamodb://customers ringfence customers sync

        ringfence customers sync --upload
    """
    from ringfence.cards import note_unwritten, open_vault
    from ringfence.cards.dynamodb import sync_table
    from ringfence.cli.screen import console, progress_bar
    from ringfence.errors import InvalidInput
    from ringfence.storage import now

    settings = settings_of(data_dir=data_dir)
    if not settings.customers_url:
        raise InvalidInput("is not set", field="setting customers_url", expected="dynamodb://TABLE")
    table = _open_table(settings)
    database = open_database(settings)
    vault = open_vault(settings.data_dir, settings.vault_secret, database)
    about = max(table.facts().items, 1)
    _table_of(settings, database)
    with progress_bar("Reading the table") as advance:
        synced = sync_table(
            database,
            vault,
            table,
            lambda items: advance(min(items / about, 1.0), f"{items:,} items"),
        )
    console.print(f"{synced.items:,} items read; {synced.changed:,} customers were new or changed")
    for customer_id, reason in synced.refused:
        console.print(f"  not taken: {customer_id}: {reason}", markup=False)
    if upload:
        with database.write() as connection:
            noted = note_unwritten(connection, now())
        console.print(f"{noted:,} customers are not in the table")
    _push(settings, database, vault, table)


def _open_table(settings: Settings) -> CustomerTable:
    from ringfence.cards.dynamodb import CustomerTable, read_customers_url

    return CustomerTable(
        read_customers_url(settings.customers_url or ""),
        timeout_seconds=_TABLE_TIMEOUT_SECONDS,
        language=settings.customer_language,
    )


def _table_of(settings: Settings, database: Database) -> CustomerTable | None:
    """The table that the settings name, noted as the master; None without one."""
    from ringfence.cards import master_in
    from ringfence.storage import now

    if not settings.customers_url:
        return None
    table = _open_table(settings)
    with database.write() as connection:
        master_in(connection, table.name, now())
    return table


def _push(settings: Settings, database: Database, vault: Vault, table: CustomerTable) -> None:
    """Write what waits; what cannot be written now is left to the server."""
    from concurrent.futures import ThreadPoolExecutor

    from ringfence.cards import writes_waiting
    from ringfence.cards.dynamodb import CardNumberForm, push_waiting
    from ringfence.cli.screen import console, progress_bar

    with database.read() as connection:
        total = writes_waiting(connection).customers
    if not total:
        return
    written, form = 0, CardNumberForm(settings.customers_card_numbers)
    with progress_bar("Writing to the table") as advance, ThreadPoolExecutor(8) as threads:
        while True:
            pushed = push_waiting(database, vault, table, form, threads)
            written += pushed.written
            advance(min(written / total, 1.0), f"{written:,} customers")
            if pushed.failed or not pushed.written:
                break
    with database.read() as connection:
        waiting = writes_waiting(connection)
    console.print(f"{written:,} customers written to the table {table.name}", markup=False)
    if waiting.customers:
        console.print(
            f"{waiting.customers:,} wait until it takes them: {pushed.failure or waiting.failure}",
            markup=False,
        )
