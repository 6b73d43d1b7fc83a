"""A data set straight from the event log is the one that its export would give."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringfence.cli.events import export
from ringfence.errors import InvalidInput
from ringfence.events import (
    DataType,
    Entity,
    EventReader,
    EventType,
    SentEvent,
    Variable,
    VariableType,
    label_event,
    put_event_type,
)
from ringfence.events.log import append_events
from ringfence.models import logged, read_data
from ringfence.models.logged import data_from_log
from ringfence.storage import Database, migrate

START = datetime(2026, 3, 1, tzinfo=UTC)
PAYMENT = EventType(
    name="card_payment",
    variables=(
        Variable("amount", DataType.FLOAT, VariableType.PRICE, default=0.0),
        Variable("shop", DataType.STRING, VariableType.CATEGORICAL, default="unknown"),
        Variable("visits", DataType.INTEGER, VariableType.NUMERIC),
        Variable("known", DataType.BOOLEAN, VariableType.ARE_CREDENTIALS_VALID),
        Variable("opened", DataType.DATETIME, VariableType.NUMERIC),
    ),
    amount_variable="amount",
    merchant_variable="shop",
)


def sent(number: int, chance: random.Random) -> SentEvent:
    variables: dict[str, object] = {
        "amount": round(chance.lognormvariate(3, 1), 2),
        "shop": f"shop {chance.randrange(5)}, {chance.choice(('north', 'south'))}",
        "visits": chance.randrange(9),
        "known": chance.random() < 0.5,
        "opened": (START - timedelta(days=chance.randrange(90))).isoformat(),
    }
    for name in tuple(variables):
        if chance.random() < 0.1:
            del variables[name]
    entities = [Entity("customer", f"u{number % 7}"), Entity("card", f"c{number % 11}")]
    return SentEvent(
        event_id=f"e{number:05}",
        at=START + timedelta(seconds=chance.randrange(30 * 86_400), microseconds=number),
        entities=tuple(entities[: chance.randrange(3)]),
        variables=variables,
    )


def fill(database: Database, count: int, seed: int = 1) -> None:
    """Events of a month, half of them labelled by three sources, some with a label taken away."""
    chance = random.Random(seed)
    reader = EventReader(PAYMENT)
    events = [reader.read(sent(number, chance), START) for number in range(count)]
    with database.write() as connection:
        put_event_type(connection, PAYMENT)
        append_events(connection, events, START + timedelta(days=40))
        for event in events:
            if chance.random() < 0.5:
                label_event(
                    connection,
                    PAYMENT.name,
                    event.event_id,
                    chance.choice(("fraud", "legit", "legit", "legit", None)),
                    source=chance.choice(("phone", "analyst", "import")),
                    at=event.at + timedelta(hours=chance.randrange(300)),
                )


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RINGFENCE_DATABASE_URL", raising=False)
    return tmp_path / "data"


@pytest.fixture
def filled(data_dir: Path) -> Database:
    data_dir.mkdir()
    database = Database(f"sqlite:///{data_dir / 'ringfence.db'}")
    migrate(database)
    fill(database, 400)
    return database


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_the_log_and_its_export_give_the_same_data_set(
    filled: Database, data_dir: Path, suffix: str
) -> None:
    path = data_dir / f"export.{suffix}"
    export(path, PAYMENT.name, None, None, False, data_dir)
    of_file = read_data(path, PAYMENT)
    of_log = data_from_log(filled, PAYMENT)
    assert of_log.frame.equals(of_file.frame)
    assert of_log.past.equals(of_file.past)
    assert of_log.variables == of_file.variables
    assert of_log.frame.height > 100
    assert of_log.past.height == 400


def test_the_parts_in_which_the_log_is_read_do_not_show(
    filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = data_from_log(filled, PAYMENT)
    shares: list[float] = []
    monkeypatch.setattr(logged, "_PART", 7)
    parted = data_from_log(filled, PAYMENT, progress=shares.append)
    assert parted.past.equals(whole.past)
    assert parted.sha256 == whole.sha256
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert len(shares) == 58


def test_what_is_remembered_goes_further_back_than_what_is_learned_from(filled: Database) -> None:
    since, until = START + timedelta(days=10), START + timedelta(days=20)
    data = data_from_log(filled, PAYMENT, since=since, until=until)
    times = data.frame["EVENT_TIMESTAMP"]
    assert since <= times.min() <= times.max() < until  # type: ignore[operator]
    assert data.past["EVENT_TIMESTAMP"].min() < since  # type: ignore[operator]
    assert data.past["EVENT_TIMESTAMP"].max() < until  # type: ignore[operator]
    assert data.source == "event log from 2026-03-11T00:00:00Z to 2026-03-21T00:00:00Z"


def test_a_label_that_was_taken_away_is_none(filled: Database) -> None:
    with filled.write() as connection:
        label_event(connection, PAYMENT.name, "e00001", "fraud", source="phone")
        label_event(connection, PAYMENT.name, "e00001", None, source="analyst")
    past = data_from_log(filled, PAYMENT).past
    without = past.filter(pl.col("EVENT_LABEL").is_null())
    assert without["LABEL_TIMESTAMP"].null_count() == without.height
    assert without["LABEL_SOURCE"].null_count() == without.height


def test_a_window_that_ends_before_it_begins_is_refused(filled: Database) -> None:
    with pytest.raises(InvalidInput, match="later time"):
        data_from_log(filled, PAYMENT, since=START, until=START)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_file_from_before_the_log_is_learned_from_too(
    filled: Database, data_dir: Path, suffix: str
) -> None:
    """Of events that are in both, such as the second half of the file, the log's are taken."""
    earlier = START - timedelta(days=20)
    table = pl.DataFrame(
        {
            "EVENT_ID": [f"b{number}" for number in range(50)] + ["e00001", "late"],
            "EVENT_TIMESTAMP": [earlier + timedelta(hours=number) for number in range(51)]
            + [START + timedelta(days=25)],
            "EVENT_LABEL": ["fraud", "legit"] * 26,
            "amount": [float(number) for number in range(52)],
            "card": [f"c{number % 11}" for number in range(52)],
        }
    )
    path = data_dir / f"base.{suffix}"
    if suffix == "parquet":
        table.write_parquet(path)
    else:
        table.write_csv(path)
    until = START + timedelta(days=20)
    alone = data_from_log(filled, PAYMENT, until=until)
    both = data_from_log(filled, PAYMENT, until=until, base=str(path))
    assert both.past.height == alone.past.height + 50
    assert both.rows == alone.rows + 50
    assert both.frame["amount"].to_list()[:50] == [float(number) for number in range(50)]
    assert both.frame["shop"].to_list()[0] == "unknown"
    assert both.past["entity:card"].to_list()[:2] == ["c0", "c1"]
    assert both.source == f"base.{suffix} and event log to 2026-03-21T00:00:00Z"


@given(seed=st.integers(0, 2**32))
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_was_sent_the_export_says_the_same(
    seed: int, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_dir = tmp_path_factory.mktemp("log")
    monkeypatch.chdir(data_dir)
    database = Database(f"sqlite:///{data_dir / 'ringfence.db'}")
    migrate(database)
    fill(database, 25, seed)
    path = data_dir / "export.csv"
    export(path, PAYMENT.name, None, None, False, data_dir)
    assert data_from_log(database, PAYMENT).past.equals(read_data(path, PAYMENT).past)
    database.dispose()
