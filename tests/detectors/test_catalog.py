from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from publishing import payment, prepare, publish, rule
from sqlalchemy import Connection

from ringfence.detectors import DecisionEngine, activate_detector_version
from ringfence.detectors import catalog as catalog_module
from ringfence.detectors.catalog import Catalog
from ringfence.errors import Conflict, InvalidInput
from ringfence.events.lists import put_list
from ringfence.storage import Database, now


@pytest.fixture
def prepared(database: Database) -> Database:
    with database.write() as connection:
        prepare(connection)
    return database


def active(catalog: Catalog, database: Database, detector_id: str | None = None) -> str:
    with database.read() as connection:
        return catalog.active(connection, "card_payment", detector_id).version.version


def test_without_an_active_version_there_is_a_conflict_until_there_is_one(
    prepared: Database,
) -> None:
    catalog = Catalog()
    with pytest.raises(Conflict, match="no detector version is active"):
        active(catalog, prepared)
    with prepared.write() as connection:
        publish(connection, rule("large"))
    assert active(catalog, prepared) == "1"


def test_of_several_active_detectors_one_must_be_named(prepared: Database) -> None:
    catalog = Catalog()
    with prepared.write() as connection:
        publish(connection, rule("large"))
        prepare(connection, "other")
        publish(connection, rule("large"), detector_id="other")
    with pytest.raises(InvalidInput) as refused:
        active(catalog, prepared)
    assert refused.value.expected == "one of guard, other"
    assert active(catalog, prepared, "other") == "1"


def test_a_version_that_is_not_active_can_be_had_by_name(prepared: Database) -> None:
    catalog = Catalog()
    with prepared.write() as connection:
        publish(connection, rule("large"))
        publish(connection, rule("any"))
    with prepared.read() as connection:
        old = catalog.version(connection, "guard", "1")
        assert list(old.rules) == ["large"]
        assert catalog.version(connection, "guard", "1") is old


def test_a_runtime_is_loaded_once(prepared: Database) -> None:
    catalog = Catalog()
    with prepared.write() as connection:
        publish(connection, rule("large"))
    assert catalog.cached("card_payment", None) is None
    with prepared.read() as connection:
        first = catalog.active(connection, "card_payment", None)
    assert catalog.cached("card_payment", None) is first


def test_whoever_publishes_can_have_it_noticed_at_the_next_request(prepared: Database) -> None:
    catalog = Catalog()
    with prepared.write() as connection:
        publish(connection, rule("large"))
    assert active(catalog, prepared) == "1"
    with prepared.write() as connection:
        publish(connection, rule("any"))
    catalog.look_again()
    assert catalog.cached("card_payment", None) is None
    assert active(catalog, prepared) == "2"


_PUBLISH = """
import sys
sys.path.insert(0, sys.argv[2])
from publishing import publish, rule
from ringfence.storage import Database
with Database(sys.argv[1]).write() as connection:
    publish(connection, rule("any"))
"""


async def test_what_another_process_publishes_is_noticed(prepared: Database) -> None:
    with prepared.write() as connection:
        publish(connection, rule("large"))
    engine = DecisionEngine(prepared)
    assert (await engine.decide(payment("e-first"))).detector_version == "1"
    command = [sys.executable, "-c", _PUBLISH, prepared.url, str(Path(__file__).parent)]
    await asyncio.to_thread(subprocess.run, command, check=True)
    for n in range(200):
        decision = await engine.decide(payment(f"e-{n}"))
        if decision.detector_version == "2":
            break
        await asyncio.sleep(0.05)
    await asyncio.to_thread(engine.close)
    assert decision.detector_version == "2"
    assert decision.outcomes == ("approve",)


def test_a_changed_list_changes_what_a_rule_matches(prepared: Database) -> None:
    catalog = Catalog()
    with prepared.write() as connection:
        put_list(connection, "shops", ["a"])
        publish(connection, rule("odd", "$merchant in @shops"))

    def matches(merchant: str) -> bool:
        with prepared.read() as connection:
            runtime = catalog.active(connection, "card_payment", None)
        sent = payment("e-1", merchant=merchant).sent
        [(_, [result])] = runtime.decide([runtime.reader.read(sent, now())])
        return result.matched

    assert (matches("a"), matches("b")) == (True, False)
    with prepared.write() as connection:
        put_list(connection, "shops", ["b"])
    catalog.look_again()
    assert (matches("a"), matches("b")) == (False, True)


def test_a_slow_reader_of_an_older_moment_does_not_bring_it_back(
    prepared: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = Catalog()
    with prepared.write() as connection:
        publish(connection, rule("large"))
        publish(connection, rule("any"))
        activate_detector_version(connection, "guard", "1")
    found, go_on = threading.Event(), threading.Event()
    find = catalog_module.find_active

    def find_slowly(connection: Connection, *names: str | None) -> tuple[str, str]:
        chosen = find(connection, *names)  # type: ignore[arg-type]
        if threading.current_thread() is slow:
            found.set()
            assert go_on.wait(10)
        return chosen

    monkeypatch.setattr(catalog_module, "find_active", find_slowly)
    slow = threading.Thread(target=lambda: active(catalog, prepared))
    slow.start()
    assert found.wait(10)
    with prepared.write() as connection:
        activate_detector_version(connection, "guard", "2")
    catalog.look_again()
    assert active(catalog, prepared) == "2"
    go_on.set()
    slow.join()
    catalog.look_again()
    assert active(catalog, prepared) == "2"
    assert catalog.cached("card_payment", None).version.version == "2"  # type: ignore[union-attr]


def test_a_reader_of_an_older_moment_gets_what_was_active_then_for_itself_alone(
    prepared: Database,
) -> None:
    catalog = Catalog()
    with prepared.write() as connection:
        publish(connection, rule("large"))
    with prepared.read() as older:
        assert catalog.active(older, "card_payment", None).version.version == "1"
        with prepared.write() as connection:
            publish(connection, rule("any"))
        catalog.look_again()
        assert active(catalog, prepared) == "2"
        catalog.look_again()
        assert catalog.active(older, "card_payment", None).version.version == "1"
    assert active(catalog, prepared) == "2"
