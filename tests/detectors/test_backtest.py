from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from past_payments import KNOWN, PRICED, Payment, at, furnish, store, write
from publishing import publish, rule, stored, trained_on_amounts

from ringfence.detectors import DecisionEngine, ModelRef, Request
from ringfence.detectors.backtest.history import FiledEvents, LoggedEvents, Window
from ringfence.detectors.backtest.judging import backtest, subject
from ringfence.detectors.backtest.report import BacktestReport, Counts, Tally
from ringfence.detectors.catalog import Catalog
from ringfence.errors import InvalidInput, NotFound
from ringfence.events import Entity, SentEvent
from ringfence.models import DataInvalid, create_model, store_version
from ringfence.storage import Database


@pytest.fixture
def history(database: Database) -> Database:
    """Two versions of a detector, and payments with known answers in the event log."""
    with database.write() as connection:
        furnish(connection)
        store(connection, KNOWN)
    return database


EVERYTHING = Window()


def of_log(
    database: Database, *versions: str, window: Window = EVERYTHING, **options: Any
) -> BacktestReport:
    with database.read() as connection:
        subjects = [subject(connection, Catalog(), "guard", version) for version in versions]
        past = LoggedEvents(connection, subjects[0].event_type, window)
        return backtest(past, subjects, **({"alert_outcomes": {"call"}} | options))


def of_file(database: Database, path: Path, *versions: str, **options: Any) -> BacktestReport:
    with database.read() as connection:
        subjects = [subject(connection, Catalog(), "guard", version) for version in versions]
    past = FiledEvents(path, PRICED, options.pop("window", Window()))
    return backtest(past, subjects, **({"alert_outcomes": {"call"}} | options))


def test_alerts_calls_money_and_people_of_a_known_history(history: Database) -> None:
    report = of_log(history, "1")
    (version,) = report.versions
    totals = version.totals
    assert (report.events, report.first_at, report.last_at) == (9, at(1, 9), at(2, 13))
    assert (totals.events, totals.frauds, totals.legits, totals.unlabelled) == (9, 4, 4, 1)
    assert (totals.alerts, totals.caught, totals.false_alerts) == (6, 2, 3)
    assert (totals.calls, totals.alerts_without_card, totals.customers_disturbed) == (4, 1, 2)
    assert (totals.precision, totals.recall) == (2 / 5, 2 / 4)
    assert (totals.false_positive_rate, totals.alert_rate) == (3 / 4, 6 / 9)
    assert (totals.fraud_amount, totals.caught_amount) == (800, 700)
    assert (totals.prevented_amount, totals.saved_amount, totals.missed_amount) == (40, 740, 60)
    assert totals.interrupted_amount == 150 + 300 + 800
    assert [(day.date.day, day.events, day.alerts, day.calls) for day in version.days] == [
        (1, 4, 3, 2),
        (2, 5, 3, 2),
    ]
    assert [(r.rule_id, r.matched, r.frauds, r.legits, r.unlabelled) for r in version.rules] == [
        ("large", 6, 2, 3, 1),
        ("any", 3, 2, 1, 0),
    ]
    assert [(o.outcome, o.events, o.alerting) for o in version.outcomes] == [
        ("call", 6, True),
        ("review", 6, False),
        ("approve", 3, False),
    ]


def test_a_longer_case_rings_less_and_prevents_more(history: Database) -> None:
    totals = of_log(history, "1", case_hours=48).versions[0].totals
    assert totals.calls == 3
    assert (totals.prevented_amount, totals.missed_amount) == (100, 0)
    totals = of_log(history, "1", case_hours=0.5).versions[0].totals
    assert totals.calls == 5
    assert totals.prevented_amount == 0


def test_a_fraud_is_prevented_only_after_a_call_and_while_its_case_lasts() -> None:
    tally = Tally("guard", "1", (rule("large"), rule("any")), frozenset({"call"}), 1.0)
    hour = 3_600_000_000
    for hours, amount, card in (
        (0, 1, "c1"),  # nobody has called yet
        (1, 500, "c1"),
        (1.5, 2, "c1"),  # prevented
        (1.5, 4, "c2"),  # another card
        (1.5, 8, None),  # no card
        (2, 16, "c1"),  # the case is over
    ):
        tally.add(round(hours * hour), (0,) if amount > 100 else (1,), True, amount, card, None)
    totals = tally.report().totals
    assert totals.prevented_amount == 2
    assert totals.missed_amount == 1 + 4 + 8 + 16


def test_a_file_gives_what_the_event_log_gives(history: Database, tmp_path: Path) -> None:
    path = write(tmp_path / "past.csv", tuple(reversed(KNOWN)))
    logged, filed = of_log(history, "1", "2"), of_file(history, path, "1", "2")
    assert filed.source == "past.csv"
    assert filed.versions == logged.versions
    assert filed.comparison == logged.comparison
    pl.read_csv(path, try_parse_dates=True).write_parquet(tmp_path / "past.parquet")
    assert of_file(history, tmp_path / "past.parquet", "1", "2").versions == logged.versions


def test_a_file_may_name_cards_as_amazon_fraud_detector_does(
    history: Database, tmp_path: Path
) -> None:
    frame = pl.read_csv(write(tmp_path / "past.csv", KNOWN))
    frame = frame.with_columns(pl.lit("card").alias("ENTITY_TYPE")).rename({"card_id": "ENTITY_ID"})
    frame.drop("customer_id").write_csv(tmp_path / "entities.csv")
    totals = of_file(history, tmp_path / "entities.csv", "1").versions[0].totals
    assert (totals.calls, totals.alerts_without_card, totals.customers_disturbed) == (4, 1, 1)


def test_a_window_includes_its_beginning_and_not_its_end(history: Database, tmp_path: Path) -> None:
    window = Window(at(1, 10), at(2, 13))
    report = of_log(history, "1", window=window)
    assert (report.events, report.first_at, report.last_at) == (7, at(1, 10), at(2, 12))
    filed = of_file(history, write(tmp_path / "past.csv", KNOWN), "1", window=window)
    assert filed.versions == report.versions


def test_an_empty_window_gives_an_empty_report(history: Database) -> None:
    report = of_log(history, "1", "2", window=Window(at(5)))
    assert (report.events, report.first_at, report.versions[0].days) == (0, None, ())
    assert report.versions[0].totals.precision is None


def test_two_versions_are_compared_event_by_event(database: Database) -> None:
    with database.write() as connection:
        furnish(connection)
        store(
            connection,
            [
                Payment(at(1), 150, "fraud", "c1"),
                Payment(at(1), 50, "fraud", "c2", merchant="odd"),
                Payment(at(1), 50, "legit", "c3", merchant="odd"),
                Payment(at(1), 50, "legit", "c4"),
            ],
        )
    report = of_log(database, "1", "2")
    assert report.comparison is not None
    assert report.comparison.differences["alerts"] == 2
    assert report.comparison.differences["caught_amount"] == 50
    assert report.comparison.differences["recall"] == 0.5
    assert report.comparison.both.events == 1
    assert report.comparison.only_first.events == 0
    only = report.comparison.only_second
    assert (only.events, only.frauds, only.legits) == (2, 1, 1)


def test_a_version_beside_itself_differs_in_nothing(history: Database) -> None:
    comparison = of_log(history, "1", "1").comparison
    assert comparison is not None
    assert set(comparison.differences.values()) == {0}
    assert (comparison.only_first.events, comparison.only_second.events) == (0, 0)


def test_nothing_is_stored(history: Database) -> None:
    before = stored(history)
    of_log(history, "1", "2")
    assert stored(history) == before


def test_the_active_version_is_tested_when_none_is_named(history: Database) -> None:
    with history.read() as connection:
        assert subject(connection, Catalog(), "guard").runtime.version.version == "2"
        for detector, version, field in (("nobody", None, "detector"), ("guard", "9", "version")):
            with pytest.raises(NotFound) as refused:
                subject(connection, Catalog(), detector, version)
            assert refused.value.field == field


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"alert_outcomes": ()}, "alert_outcomes"),
        ({"case_hours": 0}, "case_hours"),
        ({"case_hours": float("nan")}, "case_hours"),
        ({"case_hours": 1e6}, "case_hours"),
        ({"window": Window(at(2), at(1))}, "to"),
        ({"window": Window(at(2).replace(tzinfo=None))}, "from"),
    ],
)
def test_what_does_not_fit_is_named(history: Database, options: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        of_log(history, "1", **options)
    assert refused.value.field == field


def test_a_file_that_cannot_be_read_is_refused_by_column(history: Database, tmp_path: Path) -> None:
    frame = pl.read_csv(write(tmp_path / "past.csv", KNOWN))
    for column, broken in (
        ("EVENT_TIMESTAMP", frame.drop("EVENT_TIMESTAMP")),
        ("EVENT_LABEL", frame.drop("EVENT_LABEL")),
        ("EVENT_LABEL", frame.with_columns(pl.lit("maybe").alias("EVENT_LABEL"))),
        ("amount", frame.with_columns(pl.lit("a lot").alias("amount"))),
    ):
        broken.write_csv(tmp_path / "broken.csv")
        with pytest.raises(DataInvalid) as refused:
            of_file(history, tmp_path / "broken.csv", "1")
        assert column in {message.column for message in refused.value.messages}
    with pytest.raises(NotFound):
        of_file(history, tmp_path / "none.csv", "1")


async def test_a_backtest_says_of_stored_events_what_the_engine_decided(
    database: Database, tmp_path: Path
) -> None:
    trained = trained_on_amounts(tmp_path)
    with database.write() as connection:
        furnish(connection)
        create_model(connection, "amounts", PRICED.name)
        store_version(connection, "amounts", trained)
        publish(
            connection,
            msgspec.structs.replace(rule("large"), expression="$amounts_insightscore > 900"),
            msgspec.structs.replace(rule("odd"), expression="100 / ($amount - 7) > 3"),
            rule("any"),
            models=[ModelRef("amounts", "1.0")],
        )
    engine = DecisionEngine(database)
    decisions = await asyncio.gather(
        *(
            engine.decide(
                Request(
                    event_type=PRICED.name,
                    sent=SentEvent(
                        event_id=f"e{n}",
                        at=at(1 + n % 9, n % 24),
                        entities=(Entity("card", f"c{n % 11}"),),
                        variables={"amount": n * 7 % 900, "merchant": "abcd"[n % 4]},
                    ),
                )
            )
            for n in range(900)
        )
    )
    await asyncio.to_thread(engine.close)
    (version,) = of_log(database, "3").versions
    outcomes = Counter(name for decision in decisions for name in decision.outcomes)
    assert {o.outcome: o.events for o in version.outcomes} == outcomes
    rules = Counter(matched.rule_id for decision in decisions for matched in decision.rules)
    assert {r.rule_id: r.matched for r in version.rules} == rules
    assert version.totals.alerts == outcomes["call"] > 0
    assert version.rules[1].not_evaluated > 0
    assert version.trained_until == trained.facts.last_at


def test_processes_say_what_this_process_says(database: Database) -> None:
    payments = [
        Payment(at(1 + n // 600, n % 24), n * 37 % 211, ("fraud", "legit", "")[n % 3], f"c{n % 97}")
        for n in range(9_000)
    ]
    with database.write() as connection:
        furnish(connection)
        store(connection, payments)
    seen: list[float] = []
    here = of_log(database, "1", "2")
    there = of_log(database, "1", "2", database_url=database.url, processes=2, progress=seen.append)
    assert there == here
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


_payments = st.lists(
    st.tuples(
        st.integers(0, 200),
        st.sampled_from([10.0, 55.5, 101.0, 333.33]),
        st.sampled_from([True, False, None]),
        st.sampled_from(["c1", "c2", "c3", None]),
    ),
    max_size=60,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(_payments, st.sampled_from([None, 1.0, 30.0]))
def test_totals_are_the_sums_of_the_days_and_every_fraud_is_saved_or_missed(
    payments: list[tuple[int, float, bool | None, str | None]], case_hours: float | None
) -> None:
    rules = (rule("large"), rule("any"))
    tally = Tally("guard", "1", rules, frozenset({"call"}), case_hours)
    for hours, amount, fraud, card in sorted(payments, key=lambda payment: payment[0]):
        matched = (0,) if amount > 100 else (1,)
        assert tally.add(hours * 3_600_000_000, matched, fraud, amount, card, card) == (
            amount > 100
        )
    report = tally.report()
    for name in Counts.__struct_fields__:
        total = sum(getattr(day, name) for day in report.days)
        assert getattr(report.totals, name) == pytest.approx(total, abs=1e-6)
    totals = report.totals
    assert totals.events == len(payments) == totals.frauds + totals.legits + totals.unlabelled
    assert totals.calls + totals.alerts_without_card <= totals.alerts
    assert totals.fraud_amount == pytest.approx(totals.saved_amount + totals.missed_amount)
    assert totals.missed_amount >= 0
    assert totals.customers_disturbed <= totals.false_alerts
    cards = {card for _, amount, _, card in payments if card and amount > 100}
    assert totals.calls >= len(cards)
    assert all(a.date < b.date for a, b in itertools.pairwise(report.days))
