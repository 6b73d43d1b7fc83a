"""Our side of a table that others write as well."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import msgspec
from moto_tables import CUSTOMER

from ringfence import cards
from ringfence.cards import CustomerChanges, CustomerDetails
from ringfence.cards.dynamodb import CardNumberForm, CustomerTable, Pushed, push_waiting
from ringfence.cards.dynamodb.reading import read_customer
from ringfence.storage import Database, now


class Ours:
    """Our side: what people and programs do here, and the ways to and from the table."""

    def __init__(self, database: Database, vault: cards.Vault, table: CustomerTable):
        self.database, self.vault, self.table = database, vault, table
        self.form = CardNumberForm.CLEAR
        self.threads = ThreadPoolExecutor(4)

    def read(self, customer_id: str = CUSTOMER, number: str | None = None) -> None:
        known = cards.read_card_number(number) if number else None
        read_customer(self.database, self.vault, self.table, customer_id, known)

    def push(self) -> Pushed:
        return push_waiting(self.database, self.vault, self.table, self.form, self.threads)

    def push_later(self, seconds: float = 60) -> Pushed:
        """Push as if everything had been changed that long ago."""
        with self.database.write() as connection:
            connection.exec_driver_sql("UPDATE customer_writes SET next_try_at = 0")
            row = connection.exec_driver_sql("SELECT edits FROM customer_writes").scalar()
            edits = {
                name: {**edit, "at": (now() - timedelta(seconds=seconds)).isoformat()}
                for name, edit in msgspec.json.decode(row).items()
            }
            connection.exec_driver_sql(
                "UPDATE customer_writes SET edits = ?", (msgspec.json.encode(edits),)
            )
        return self.push()

    def edit(self, **changes: str) -> None:
        with self.database.write() as connection:
            cards.update_customer(
                connection, CUSTOMER, CustomerChanges(**changes), by="analyst", at=now()
            )

    def block(self, last4: str = "8788") -> None:
        card_id = self.card(last4).card_id
        with self.database.write() as connection:
            cards.block(connection, card_id, by="analyst", reason="fraud", at=now())

    def release(self, last4: str = "8788") -> None:
        card_id = self.card(last4).card_id
        with self.database.write() as connection:
            cards.release(connection, card_id, by="analyst", reason="was legit", at=now())

    def add(self, *numbers: str, **details: str) -> None:
        told = CustomerDetails(
            **{
                "customer_id": CUSTOMER,
                "phone_number": "+14155552671",
                "last_name": "Rojas",
                **details,
            }
        )
        with self.database.write() as connection:
            cards.put_customer(connection, told, by="test", at=now())
            for number in numbers:
                cards.add_card(connection, self.vault, CUSTOMER, number, by="test", at=now())

    def customer(self) -> cards.Customer:
        with self.database.read() as connection:
            return cards.get_customer(connection, CUSTOMER)

    def card(self, last4: str = "8788") -> cards.Card:
        with self.database.read() as connection:
            (found,) = (c for c in cards.cards_of(connection, CUSTOMER) if c.last4 == last4)
            return found

    def waiting(self) -> int:
        with self.database.read() as connection:
            return cards.writes_waiting(connection).customers
