"""Shadows by command: start, look, stop, clear."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator

import pytest
from commands import Shell

from ringfence.detectors import (
    DecisionEngine,
    ModelRef,
    Request,
    ShadowState,
    create_detector_version,
    get_detector_version,
    list_shadows,
)
from ringfence.events import SentEvent
from ringfence.storage import Database

DETECTOR = "card_fraud"


@pytest.fixture(scope="module")
def drafted(trained: Shell) -> Iterator[tuple[Shell, str]]:
    """A folder whose detector has a draft beside the active version, and the draft's version."""
    database = Database(f"sqlite:///{trained.folder / 'ringfence-data' / 'ringfence.db'}")
    with database.write() as connection:
        active = get_detector_version(connection, DETECTOR, "1")
        draft = create_detector_version(
            connection,
            DETECTOR,
            rules=active.rules[::-1],
            models=[ModelRef("card_fraud", "1.0")],
        )
    yield trained, draft.version
    database.dispose()


async def _decide(database: Database) -> None:
    engine = DecisionEngine(database)
    number = 0
    while number < 3 or not _ready(database):
        engine.catalog.look_again()
        await engine.decide(
            Request(
                event_type="card_payment",
                sent=SentEvent(event_id=f"s-{number}", variables={"transaction_amt": 9.0}),
            )
        )
        number += 1
        assert number < 2_000
        await asyncio.sleep(0.01)
    for last in range(5):
        engine.catalog.look_again()
        sent = SentEvent(event_id=f"t-{last}", variables={"transaction_amt": 9000.0})
        await engine.decide(Request(event_type="card_payment", sent=sent))
    await asyncio.to_thread(engine.close)


def _ready(database: Database) -> bool:
    with database.read() as connection:
        return all(
            of.state is ShadowState.SCORING for of in list_shadows(connection, running_only=True)
        )


def test_from_start_to_clear(drafted: tuple[Shell, str]) -> None:
    shell, version = drafted
    assert "No shadow" in shell.ringfence("shadows", "list").out
    said = shell.ringfence("shadows", "start", DETECTOR, version)
    assert said.code == 0, said
    assert "is a shadow from now on" in said.out
    assert re.search(r"warming up +20", shell.ringfence("shadows", "list", "--running").out)
    assert (
        "Nothing has been compared yet" in shell.ringfence("shadows", "show", DETECTOR, version).out
    )
    asyncio.run(_decide(Database(f"sqlite:///{shell.folder / 'ringfence-data/ringfence.db'}")))
    said = shell.ringfence("shadows", "show", DETECTOR, version, "--out", "shadow.json")
    assert said.code == 0, said
    report = json.loads((shell.folder / "shadow.json").read_text())
    assert report["events"] >= 5
    assert report["failed"] == 0
    assert f"{report['events']:,} events that both judged" in said.out
    assert report["words"][0] in said.out
    assert "too few to tell" in said.out
    assert "still runs" in shell.fails(1, "shadows", "clear", DETECTOR, version, "--yes")
    assert shell.ringfence("shadows", "stop", DETECTOR, version).code == 0
    assert "stopped" in shell.ringfence("shadows", "list", DETECTOR).out
    assert shell.ringfence("shadows", "clear", DETECTOR, version, given="n\n").code != 0
    said = shell.ringfence("shadows", "clear", DETECTOR, version, "--yes")
    assert f"of {report['events']:,} events" in said.out


def test_what_does_not_fit_is_named(trained: Shell) -> None:
    assert "decides already" in trained.fails(1, "shadows", "start", DETECTOR, "1")
    assert "'99'" in trained.fails(1, "shadows", "start", DETECTOR, "99")
    assert "nobody" in trained.fails(1, "shadows", "list", "nobody")
    assert "never ran" in trained.fails(1, "shadows", "show", DETECTOR, "1")
    assert "is no shadow" in trained.fails(1, "shadows", "stop", DETECTOR, "1")
    assert "from" in trained.fails(2, "shadows", "show", DETECTOR, "1", "--from", "yesterday")
    assert "'nope'" in trained.fails(2, "shadows", "show", DETECTOR, "1", "--alert-on", "nope")
