from __future__ import annotations

import math
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from synthetic_payments import (
    EVENT_TYPE,
    HABIT_TYPE,
    START,
    habitual_payments,
    payments,
    write,
)

from ringfence.errors import Conflict, InvalidInput
from ringfence.events import (
    Entity,
    Event,
    EventReader,
    SentEvent,
    label_event,
    put_event_type,
    stored_event,
)
from ringfence.events.log import append_events
from ringfence.models import (
    DataInvalid,
    DataSet,
    ModelType,
    Scorer,
    Trained,
    create_model,
    load_artifact,
    plan_for,
    read_data,
    store_version,
    train,
)
from ringfence.models.artifact import pack
from ringfence.models.explanations import BIAS
from ringfence.models.history import remembered
from ringfence.models.splitting import split, split_remembering
from ringfence.models.steps import TIME_INPUT
from ringfence.profiles import (
    Aggregate,
    Kind,
    LabelChange,
    ProfilePlan,
    ProfileStore,
    Source,
)
from ringfence.storage import Database, metadata, migrate


@pytest.fixture(scope="module")
def habits(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    path = write(habitual_payments(3_000), tmp_path_factory.mktemp("data") / "habits.csv")
    return read_data(path, HABIT_TYPE)


@pytest.fixture(scope="module")
def remembering(habits: DataSet) -> Trained:
    return train(habits, plan=plan_for(habits), seed=7)


@pytest.fixture(scope="module")
def values(habits: DataSet) -> list[list[float]]:
    found: list[list[float]] = remembered(habits, plan_for(habits), lambda _: None).tolist()
    return found


def test_what_is_learned_from_is_what_serving_remembers(tmp_path: Path) -> None:
    frame = habitual_payments(400, seed=3)
    data = read_data(write(frame, tmp_path / "habits.parquet"), HABIT_TYPE)
    plan = plan_for(data)
    learned = remembered(data, plan, lambda _: None)

    database = Database(f"sqlite:///{tmp_path / 'test.db'}")
    migrate(database)
    metadata.create_all(database.engine)
    reader, store = EventReader(HABIT_TYPE), ProfileStore(plan)
    coming: list[tuple[datetime, bool, Event]] = []
    for number, row in enumerate(frame.iter_rows(named=True)):
        at = datetime.fromisoformat(row["EVENT_TIMESTAMP"])
        entities = (Entity("customer", row["ENTITY_ID"]), Entity("card", row["card_id"]))
        sent = SentEvent(
            event_id=f"e-{number}",
            at=at,
            entities=entities,
            variables={"amount": str(row["amount"]), "shop": row["shop"]},
        )
        event = reader.read(sent, at)
        coming.append((at, False, event))
        if row["EVENT_LABEL"] == "fraud":
            coming.append((datetime.fromisoformat(row["LABEL_TIMESTAMP"]), True, event))
    served = []
    with database.write() as connection:
        put_event_type(connection, HABIT_TYPE)
        for at, is_label, event in sorted(coming, key=lambda known: known[:2]):
            if is_label:
                label_event(
                    connection, HABIT_TYPE.name, event.event_id, "fraud", source="import", at=at
                )
                told = stored_event(connection, HABIT_TYPE.name, event.event_id)
                store.label(connection, [LabelChange(told, was_fraud=False, is_fraud=True)])
            else:
                append_events(connection, [event], at)
                served += store.advance(connection, [event], at)
    database.dispose()
    assert np.isfinite(learned).mean() > 0.5
    assert np.array_equal(learned, np.array(served), equal_nan=True)


def test_habits_tell_what_an_event_alone_does_not(habits: DataSet, remembering: Trained) -> None:
    alone = train(habits, seed=7)
    assert remembering.metrics.average_precision > alone.metrics.average_precision + 0.2
    shares = {i.variable: (i.variable_type, i.share) for i in remembering.importance}
    assert shares["profile.card"][0] == "PROFILE"
    assert shares["profile.card"][1] > shares["amount"][1]
    assert sum(share for _, share in shares.values()) == pytest.approx(1.0)


def test_contributions_sum_to_the_raw_score_and_name_whose_habit_it_was(
    habits: DataSet, remembering: Trained, values: list[list[float]]
) -> None:
    scorer = Scorer(remembering.artifact)
    rows, ats = habits.frame.to_dicts(), habits.frame[TIME_INPUT].to_list()
    for place in range(0, habits.rows, 300):
        found = scorer.explain(rows[place], ats[place], values[place])
        raw = scorer.log_odds([rows[place]], [ats[place]], [values[place]])[0]
        assert math.fsum(c.log_odds for c in found) == pytest.approx(raw, abs=1e-9)
        names = {c.variable for c in found}
        assert {BIAS, "amount", "shop", TIME_INPUT, "profile.card", "profile.customer"} <= names
        assert all(
            name.startswith("profile.") for name in names - {BIAS, "amount", "shop", TIME_INPUT}
        )


def test_scores_of_many_are_those_of_each(
    habits: DataSet, remembering: Trained, values: list[list[float]]
) -> None:
    scorer = Scorer(remembering.artifact)
    rows, ats = habits.frame.to_dicts()[-50:], habits.frame[TIME_INPUT].to_list()[-50:]
    together = scorer.score(rows, ats, values[-50:])
    each = [
        scorer.score([row], [at], [profile])[0]
        for row, at, profile in zip(rows, ats, values[-50:], strict=True)
    ]
    assert together == each
    held_out = remembering.facts.held_out_rows
    assert remembering.measured is not None
    scores = Scorer(remembering.measured).score(
        habits.frame.to_dicts()[-held_out:],
        habits.frame[TIME_INPUT].to_list()[-held_out:],
        values[-held_out:],
    )
    row = next(row for row in remembering.metrics.rows if row.threshold == 900)
    assert sum(score >= 900 for score in scores) == row.true_positives + row.false_positives


def test_profile_values_go_with_a_plan_and_only_with_it(
    remembering: Trained, trained: Trained
) -> None:
    scorer, row = Scorer(remembering.artifact), {"amount": 5.0}
    assert scorer.plan == remembering.artifact.plan
    width = len(remembering.artifact.plan.aggregates) if remembering.artifact.plan else 0
    with pytest.raises(ValueError, match="go with a model that has a plan"):
        scorer.score([row], [START])
    with pytest.raises(ValueError, match="go with a model that has a plan"):
        scorer.explain(row, START)
    with pytest.raises(ValueError, match="profile values are not"):
        scorer.score([row] * 2, [START] * 2, [[1.0] * (width - 1), [1.0] * (width + 1)])
    alone = Scorer(trained.artifact)
    assert alone.plan is None
    with pytest.raises(ValueError, match="only with it"):
        alone.score([row], [START], [[1.0]])


def test_the_same_data_and_seed_make_the_same_bytes(habits: DataSet, remembering: Trained) -> None:
    assert pack(train(habits, plan=plan_for(habits), seed=7).artifact) == pack(remembering.artifact)


def test_a_version_keeps_its_plan_and_fits_only_models_of_its_type(
    tmp_path: Path, remembering: Trained
) -> None:
    database = Database(f"sqlite:///{tmp_path / 'test.db'}")
    metadata.create_all(database.engine)
    with database.write() as connection:
        put_event_type(connection, HABIT_TYPE)
        kind = ModelType.TRANSACTION_FRAUD_INSIGHTS
        create_model(connection, "habits", HABIT_TYPE.name, model_type=kind)
        create_model(connection, "alone", HABIT_TYPE.name)
        store_version(connection, "habits", remembering)
        assert load_artifact(connection, "habits", "1.0").plan == remembering.artifact.plan
        with pytest.raises(Conflict, match="ONLINE_FRAUD_INSIGHTS"):
            store_version(connection, "alone", remembering)
    database.dispose()


def test_events_without_a_label_are_remembered_and_not_learned_from(tmp_path: Path) -> None:
    frame = habitual_payments(300)
    unlabelled = pl.arange(0, 300, eager=True) % 3 == 0
    some = frame.with_columns(
        EVENT_LABEL=pl.when(~unlabelled & pl.lit(True)).then(frame["EVENT_LABEL"])
    )
    data = read_data(write(some, tmp_path / "some.csv"), HABIT_TYPE)
    plan = ProfilePlan(
        HABIT_TYPE.name,
        (Aggregate(name="n", kind=Kind.COUNT, by=(Source(entity="card"),)),),
    )
    counts = remembered(data, plan, lambda _: None)[:, 0]
    seen: dict[str, int] = {}
    expected = []
    for card, skipped in zip(frame["card_id"], unlabelled, strict=True):
        if not skipped:
            expected.append(seen.get(card, 0))
        seen[card] = seen.get(card, 0) + 1
    assert counts.tolist() == expected
    assert data.rows == 200


def test_events_before_the_given_time_are_remembered_and_not_learned_from(
    habits: DataSet, remembering: Trained
) -> None:
    since = habits.frame[TIME_INPUT][1_000]
    later = train(habits, plan=plan_for(habits), since=since, seed=7)
    assert later.facts.rows == 2_000
    assert later.facts.first_at == since
    # The earlier history is known from the first event on, so there is nothing to warm up.
    assert later.facts.training_rows > 0.7 * 2_000
    assert later.metrics.average_precision > 0.5


def test_a_plan_that_looks_at_what_the_data_has_not_is_refused(tmp_path: Path) -> None:
    frame = habitual_payments(300).drop("card_id")
    data = read_data(write(frame, tmp_path / "some.csv"), HABIT_TYPE)
    owners = {source.entity for a in plan_for(data).aggregates for source in a.by}
    assert "card" not in owners
    plan = ProfilePlan(
        HABIT_TYPE.name,
        (Aggregate(name="n", kind=Kind.COUNT, by=(Source(entity="card"),)),),
    )
    with pytest.raises(InvalidInput, match="looks at card, which the data does not have"):
        train(data, plan=plan)


def test_data_that_says_nothing_of_whose_the_events_are_cannot_be_remembered(
    tmp_path: Path,
) -> None:
    frame = habitual_payments(300).select("EVENT_TIMESTAMP", "EVENT_LABEL", "amount")
    data = read_data(write(frame, tmp_path / "some.csv"), HABIT_TYPE)
    with pytest.raises(DataInvalid, match="customer_id or card_id"):
        plan_for(data)


def test_a_label_time_may_be_missing_but_not_unreadable(tmp_path: Path) -> None:
    frame = habitual_payments(300)
    missing = frame.with_columns(LABEL_TIMESTAMP=pl.lit(""))
    data = read_data(write(missing, tmp_path / "missing.csv"), HABIT_TYPE)
    assert data.past["LABEL_TIMESTAMP"].null_count() == 300
    assert np.isfinite(remembered(data, plan_for(data), lambda _: None)).any()
    strange = frame.with_columns(LABEL_TIMESTAMP=pl.lit("soon"))
    with pytest.raises(DataInvalid, match="LABEL_TIMESTAMP"):
        read_data(write(strange, tmp_path / "strange.csv"), HABIT_TYPE)


def test_before_the_held_out_events_lies_a_gap_for_late_labels() -> None:
    times = [START + timedelta(hours=hour) for hour in range(24 * 100)]
    found = split_remembering(times, times[0])
    assert found.held_out == split(len(times)).held_out
    assert times[found.held_out] - times[found.stop] == timedelta(days=7)
    assert timedelta(days=9) < times[found.start] - times[0] <= timedelta(days=10)
    short = split_remembering(times[:240], times[0])
    assert timedelta(hours=22) < times[short.held_out] - times[short.stop] <= timedelta(hours=24)
    earlier = split_remembering(times, times[0] - timedelta(days=40))
    assert earlier.start == 0


def test_a_type_without_entities_in_the_data_still_remembers_what_is_touched(
    tmp_path: Path,
) -> None:
    data = read_data(write(payments(300), tmp_path / "p.csv"), EVENT_TYPE)
    owners = {str(source) for a in plan_for(data).aggregates for source in a.by}
    assert "merchant" in owners
    assert not owners & {"customer", "card"}
