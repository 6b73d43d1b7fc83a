"""`ringfence customers ...`."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated

import typer

from ringfence.cli.options import DataDir, open_database, read_text, settings_of

app = typer.Typer(help="Cardholders and their cards.", no_args_is_help=True)


@app.command("add")
def add(
    files: Annotated[list[Path], typer.Argument(help="JSON files.")],
    data_dir: DataDir = None,
) -> None:
    """Add or change customers with their cards; all of a file or none of it.

    Plain JSON (an object or a list of them) and items as DynamoDB writes them are understood:
    customer_id, first_name, last_name, salutation, phone_number (with country code), card_number,
    is_blocked, time_zone, language.

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
    for file in files:
        documents = read_customers(read_text(file))
        with database.write() as connection:
            stored = store_customers(
                connection, vault, documents, by=f"cli:{getpass.getuser()}", at=now()
            )
        for customer in stored:
            console.print(f"{customer.customer_id}: {customer.result}", markup=False)
            for remark in customer.remarks:
                console.print(f"  note: {remark}", markup=False)


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
