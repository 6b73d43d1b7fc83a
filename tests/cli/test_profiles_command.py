"""What is remembered, rebuilt and shown by commands."""

from __future__ import annotations

import asyncio
import csv
from datetime import timedelta

import pytest
from commands import Shell

from ringfence.detectors import DecisionEngine, Request
from ringfence.events import Entity, SentEvent
from ringfence.storage import Database, now


@pytest.fixture(scope="module")
def remembering(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A folder with a published model that looks at profiles, and 30 decided payments."""
    shell = Shell(tmp_path_factory.mktemp("remembering"))
    kind = "TRANSACTION_FRAUD_INSIGHTS"
    for arguments in (
        ("simulate", "payments.csv", "--transactions", "4000", "--days", "60", "--seed", "3"),
        ("train", "payments.csv", "--model", "habits", "--type", kind),
        ("detectors", "publish", "--model", "habits"),
    ):
        said = shell.ringfence(*arguments)
        assert said.code == 0, said
    with (shell.folder / "payments.csv").open() as file:
        rows = [row for row, _ in zip(csv.DictReader(file), range(30), strict=False)]
    engine = DecisionEngine(Database(f"sqlite:///{shell.folder}/ringfence-data/ringfence.db"))
    names = {"amount", "merchant_name", "email_address"}

    async def decide() -> None:
        for number, row in enumerate(rows):
            sent = SentEvent(
                event_id=f"e-{number}",
                at=now() - timedelta(minutes=60 - number),
                entities=(Entity("card", "card_1"), Entity("customer", row["customer_id"])),
                variables={name: value for name, value in row.items() if name in names and value},
            )
            await engine.decide(Request(event_type="card_payment", sent=sent))

    asyncio.run(decide())
    engine.close()
    return shell


def test_profiles_are_rebuilt_from_the_event_log(remembering: Shell) -> None:
    said = remembering.ringfence("profiles", "rebuild")
    assert said.code == 0, said
    assert "card_payment: 30 events in" in said.out
    again = remembering.ringfence("profiles", "rebuild", "--event-type", "card_payment")
    assert again.out == said.out


def test_what_is_remembered_of_a_card_is_shown(remembering: Shell) -> None:
    remembering.ringfence("profiles", "rebuild")
    said = remembering.ringfence("profiles", "show", "card", "card_1")
    assert said.code == 0, said
    counts = [line.split() for line in said.out.splitlines() if " count " in line]
    assert counts
    assert max(float(line[-1]) for line in counts) == 30.0
    nobody = remembering.ringfence("profiles", "show", "card", "nobody")
    counts = [line.split() for line in nobody.out.splitlines() if " count " in line]
    assert {float(line[-1]) for line in counts} == {0.0}


def test_what_nobody_remembers_is_not_found(remembering: Shell) -> None:
    assert "no profile in use is about" in remembering.fails(
        1, "profiles", "show", "spaceship", "s-1"
    )
    assert "spaceship" in remembering.fails(1, "profiles", "rebuild", "--event-type", "spaceship")


def test_without_profiles_there_is_nothing_to_rebuild(trained: Shell) -> None:
    said = trained.ringfence("profiles", "rebuild")
    assert said.code == 0, said
    assert "nothing to rebuild" in said.out
