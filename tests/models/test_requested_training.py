from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import polars as pl
import pytest
from synthetic_payments import EVENT_TYPE, HABIT_TYPE, habitual_payments, payments, write

from ringfence.errors import NotFound
from ringfence.events import Entity, Event, label_event, put_event_type
from ringfence.events.log import append_events
from ringfence.models import DataInvalid, Model, ModelType, Trained, create_model
from ringfence.models.requested import train_requested
from ringfence.models.trainings import DataSource, TrainingRequest
from ringfence.models.weights import UnlabelledTreatment
from ringfence.storage import Database, now

AT = datetime(2026, 6, 1, tzinfo=UTC)
REQUEST = TrainingRequest(
    source=DataSource.EXTERNAL_EVENTS,
    variables=("settled_amount", "amount", "email"),
    fraud_labels=("0", "abuse"),
    legit_labels=("1",),
)
LABELS = ("0", "abuse", "1", "open")


@pytest.fixture
def model(database: Database) -> Model:
    with database.write() as connection:
        put_event_type(
            connection,
            msgspec.structs.replace(EVENT_TYPE, labels=LABELS, fraud_label="0", legit_label="1"),
        )
        return create_model(connection, "cards", EVENT_TYPE.name)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("requested")


def relabelled(count: int = 1_500) -> pl.DataFrame:
    """Payments whose frauds are called `0` or `abuse`, and some of which nobody has labelled."""
    frame = payments(count).with_row_index("row")
    is_fraud, row = pl.col("EVENT_LABEL") == "fraud", pl.col("row")
    label = (
        pl.when(row % 20 == 0)
        .then(None)
        .when(row % 20 == 1)
        .then(pl.lit("open"))
        .when(is_fraud & (row % 2 == 0))
        .then(pl.lit("abuse"))
        .when(is_fraud)
        .then(pl.lit("0"))
        .otherwise(pl.lit("1"))
    )
    return frame.with_columns(label.alias("EVENT_LABEL")).drop("row")


def trained(database: Database, model: Model, request: TrainingRequest) -> Trained:
    return train_requested(database, model, request, at=AT, progress=lambda share, what: None)


def test_a_version_learns_from_the_labels_and_the_variables_that_are_asked_for(
    database: Database, model: Model, folder: Path
) -> None:
    frame = relabelled()
    location = str(write(frame, folder / "labels.csv"))
    request = msgspec.structs.replace(REQUEST, location=location)
    told: list[float] = []
    made = train_requested(
        database, model, request, at=AT, progress=lambda share, what: told.append(share)
    )
    assert {v.name for v in made.facts.variables} == set(REQUEST.variables)
    assert made.facts.rows == frame["EVENT_LABEL"].is_in(["0", "abuse", "1"]).sum()
    assert made.facts.frauds == frame["EVENT_LABEL"].is_in(["0", "abuse"]).sum()
    assert told == sorted(told)
    assert told[-1] == 1.0
    columns = {message.column for message in made.messages if message.title == "Column not used"}
    assert columns.isdisjoint(variable.name for variable in EVENT_TYPE.variables)


@pytest.mark.parametrize(
    ("treatment", "frauds", "legits"),
    [
        (UnlabelledTreatment.IGNORE, 0, 0),
        (UnlabelledTreatment.LEGIT, 0, 1),
        (UnlabelledTreatment.FRAUD, 1, 0),
        (UnlabelledTreatment.AUTO, 0, 0),
    ],
)
def test_events_without_a_label_are_what_the_request_makes_of_them(
    database: Database,
    model: Model,
    folder: Path,
    treatment: UnlabelledTreatment,
    frauds: int,
    legits: int,
) -> None:
    frame = relabelled(1_200)
    location = str(write(frame, folder / f"{treatment}.csv"))
    request = msgspec.structs.replace(REQUEST, location=location, unlabelled=treatment)
    facts = trained(database, model, request).facts
    # Those with a label that means neither are like those without one.
    unlabelled = int((~frame["EVENT_LABEL"].is_in(["0", "abuse", "1"]).fill_null(False)).sum())
    labelled = frame["EVENT_LABEL"].is_in(["0", "abuse"]).sum()
    assert facts.frauds == labelled + frauds * unlabelled
    assert facts.rows == 1_200 - unlabelled + (frauds + legits) * unlabelled


def test_what_the_data_lacks_is_named(database: Database, model: Model, folder: Path) -> None:
    location = str(write(relabelled(200).drop("email"), folder / "without.csv"))
    with pytest.raises(DataInvalid) as refused:
        trained(database, model, msgspec.structs.replace(REQUEST, location=location))
    titles = {(message.title, message.column) for message in refused.value.messages}
    assert ("Missing variable", "email") in titles


def test_a_label_that_nobody_knows_is_an_error(
    database: Database, model: Model, folder: Path
) -> None:
    frame = relabelled(200).with_columns(pl.lit("theft").alias("EVENT_LABEL"))
    request = msgspec.structs.replace(REQUEST, location=str(write(frame, folder / "theft.csv")))
    with pytest.raises(DataInvalid, match="theft"):
        trained(database, model, request)


def test_a_file_that_is_not_there_is_not_found(database: Database, model: Model) -> None:
    request = msgspec.structs.replace(REQUEST, location="nowhere.csv")
    with pytest.raises(NotFound, match=r"nowhere\.csv"):
        trained(database, model, request)


def test_stored_events_are_learned_from_within_their_window_and_remembered_from_before(
    database: Database,
) -> None:
    frame = habitual_payments(2_000)
    with database.write() as connection:
        put_event_type(connection, HABIT_TYPE)
        model = create_model(
            connection, "habits", "habit", model_type=ModelType.TRANSACTION_FRAUD_INSIGHTS
        )
        times = []
        for number, row in enumerate(frame.iter_rows(named=True)):
            at = datetime.fromisoformat(row["EVENT_TIMESTAMP"])
            times.append(at)
            event = Event(
                event_type="habit",
                event_id=f"e{number}",
                at=at,
                entities=(Entity("customer", row["ENTITY_ID"]), Entity("card", row["card_id"])),
                variables={"amount": row["amount"], "shop": row["shop"]},
                content_hash=b"",
            )
            append_events(connection, [event], now())
            label_event(
                connection, "habit", f"e{number}", row["EVENT_LABEL"], source="import", at=at
            )
    request = TrainingRequest(
        source=DataSource.INGESTED_EVENTS,
        variables=("amount", "shop"),
        fraud_labels=("fraud",),
        legit_labels=("legit",),
        since=times[200],
        until=times[-100],
    )
    made = trained(database, model, request)
    assert made.artifact.plan is not None
    assert (made.facts.rows, made.facts.first_at) == (1_701, times[200])
    assert made.facts.last_at == times[-100]

    nobody = msgspec.structs.replace(request, since=AT, until=datetime(2027, 1, 1, tzinfo=UTC))
    before = msgspec.structs.replace(nobody, since=None, until=times[0])
    with pytest.raises(DataInvalid):
        trained(database, model, nobody)
    with database.write() as connection:
        put_event_type(connection, msgspec.structs.replace(HABIT_TYPE, name="empty"))
        model = create_model(connection, "empty", "empty")
    with pytest.raises(DataInvalid, match="Data not ingested"):
        trained(database, model, before)


def test_what_progress_raises_ends_the_training(
    database: Database, model: Model, folder: Path
) -> None:
    class Enough(BaseException):
        pass

    def tell(share: float, what: str) -> None:
        if share > 0.5:
            raise Enough

    location = str(write(relabelled(), folder / "enough.csv"))
    request = msgspec.structs.replace(REQUEST, location=location)
    with pytest.raises(Enough):
        train_requested(database, model, request, at=AT, progress=tell)
