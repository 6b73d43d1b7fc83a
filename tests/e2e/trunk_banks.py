"""A bank whose suspicious payments make telephones ring over a trunk: what it keeps, before its
server starts."""

from __future__ import annotations

from pathlib import Path

from cardholders import FLOW

from ringfence import cards
from ringfence.cases import ContactPlan, furnish, put_plan
from ringfence.contacts.flows import import_flow
from ringfence.detectors import (
    Detector,
    RuleRef,
    activate_detector_version,
    create_detector_version,
    put_detector,
    put_rule,
)
from ringfence.rules import Rule
from ringfence.settings import Settings
from ringfence.storage import Database, migrate, now

SUSPICIOUS = {"transaction_amt": 4155.0, "currency": "eur"}


def set_up(data_dir: Path, plan: ContactPlan, customers: int) -> Database:
    """A database with so many customers, whose flow and plan are `kills` and `plan`."""
    database = Database(Settings(data_dir=data_dir).url)
    migrate(database)
    vault = cards.open_vault(data_dir, None, database)
    with database.write() as connection:
        furnish(connection)
        import_flow(connection, "kills", FLOW)
        put_plan(connection, plan)
        put_detector(connection, Detector(detector_id="bank", event_type="card_payment"))
        put_rule(
            connection,
            "bank",
            Rule(
                rule_id="large",
                version="1",
                expression="$transaction_amt > 1000",
                outcomes=("call_cardholder",),
            ),
        )
        create_detector_version(connection, "bank", rules=[RuleRef("large", "1")], models=[])
        activate_detector_version(connection, "bank", "1")
        for customer in range(customers):
            cards.put_customer(
                connection,
                cards.CustomerDetails(
                    customer_id=f"c{customer}",
                    phone_number=phone_number(customer),
                    last_name="Winter",
                ),
                by="test",
                at=now(),
            )
            cards.add_card(
                connection, vault, f"c{customer}", card_number(customer), by="test", at=now()
            )
    return database


def phone_number(customer: int) -> str:
    """A customer's telephone."""
    return f"+49301{customer:06d}"


def card_number(customer: int) -> str:
    """A customer's card."""
    digits = f"400000{customer:09d}"
    doubled = [int(d) * (2 if i % 2 == 0 else 1) for i, d in enumerate(digits)]
    return digits + str(-sum(n - 9 if n > 9 else n for n in doubled) % 10)
