"""What comes of comparing a shadow with the version that decided."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shadowed_payments import BEGIN, RULES, Judged, furnish, store
from sqlalchemy import delete

from ringfence.detectors import tables
from ringfence.detectors.backtest.report import Split
from ringfence.detectors.shadows.report import ShadowReport, shadow_report
from ringfence.detectors.shadows.words import Conclusion
from ringfence.errors import InvalidInput, NotFound
from ringfence.events import tables as event_tables
from ringfence.storage import Database

ALERTS = frozenset({"call"})


@pytest.fixture
def version(published: Database) -> str:
    """The version of a shadow."""
    with published.write() as connection:
        return furnish(connection)


def report(database: Database, version: str, payments: Sequence[Judged]) -> ShadowReport:
    with database.write() as connection:
        store(connection, version, payments)
    with database.read() as connection:
        return shadow_report(connection, "guard", version, alert_outcomes=ALERTS)


KNOWN = (
    Judged(1, "large", "large", label="fraud", amount=100, card="c1"),
    Judged(2, "large", "any", label="legit", amount=50, card="c2"),
    Judged(3, "any", "large", label="fraud", amount=300, card="c3"),
    Judged(4, "odd", "any", label="legit", card="c4"),
    Judged(5, "any", "any", card="c5"),
    Judged(30, "large", "any", amount=70, card="c6"),
    Judged(31, "any", "large", amount=70, card="c7"),
    Judged(32, "any", "any", label="fraud", amount=20, card="c8"),
    Judged(33, "any", "any", failure="ValueError: no"),
    Judged(34, "any", "any", failure="ValueError: no"),
    Judged(35, "any", "any", failure="KeyError: 'x'"),
)


def test_known_payments_give_the_counts_that_one_finds_by_hand(
    published: Database, version: str
) -> None:
    found = report(published, version, KNOWN)
    assert (found.events, found.failed, found.decided) == (8, 3, 11)
    assert found.labels == Split(events=8, frauds=3, legits=2, unlabelled=3)
    assert found.label_sources == {"phone": 5}
    assert [(of.version, of.events) for of in found.champions] == [("1", 8)]
    champion, challenger = found.champion, found.challenger
    assert (champion.alerts, champion.calls, champion.caught, champion.missed) == (3, 3, 1, 2)
    assert (champion.false_alerts, champion.unjudged, champion.customers_disturbed) == (1, 1, 1)
    assert (champion.precision, champion.recall) == (1 / 2, 1 / 3)
    assert (champion.saved_amount, champion.missed_amount) == (100, 320)
    assert champion.interrupted_amount == 50
    assert (challenger.alerts, challenger.caught, challenger.false_alerts) == (3, 2, 0)
    assert (challenger.precision, challenger.saved_amount) == (1.0, 400)
    assert found.both == Split(events=1, frauds=1, legits=0, unlabelled=0)
    assert found.only_champion == Split(events=2, frauds=0, legits=1, unlabelled=1)
    assert found.only_challenger == Split(events=2, frauds=1, legits=0, unlabelled=1)
    assert [(day.date.day, day.events, day.champion_alerts, day.challenger_alerts)
            for day in found.days] == [(1, 5, 2, 2), (2, 3, 1, 1)]  # fmt: skip
    assert [(of.reason, of.events) for of in found.failures] == [
        ("ValueError: no", 2),
        ("KeyError: 'x'", 1),
    ]
    assert found.ranking is None
    assert found.conclusion is Conclusion.TOO_FEW


def test_outcomes_stand_against_each_other_with_examples_where_they_differ(
    published: Database, version: str
) -> None:
    found = report(published, version, KNOWN)
    cells = {(of.champion, of.challenger): of for of in found.agreements}
    call, approve = RULES["large"].outcomes, RULES["any"].outcomes
    assert {pair: of.split.events for pair, of in cells.items()} == {
        (call, call): 1,
        (call, approve): 2,
        (approve, call): 2,
        (("review",), approve): 1,
        (approve, approve): 2,
    }
    only = cells[approve, call]
    assert (only.champion_alerts, only.challenger_alerts) == (False, True)
    assert [example.event_id for example in only.examples] == ["e-000006", "e-000002"]
    assert [example.label for example in only.examples] == [None, "fraud"]
    assert cells[approve, approve].examples == ()


def test_a_window_takes_what_was_decided_from_its_beginning_until_before_its_end(
    published: Database, version: str
) -> None:
    report(published, version, KNOWN)
    with published.read() as connection:
        found = shadow_report(
            connection,
            "guard",
            version,
            BEGIN + timedelta(hours=2),
            BEGIN + timedelta(hours=31),
            alert_outcomes=ALERTS,
        )
        assert (found.events, found.champion.alerts, found.challenger.alerts) == (5, 2, 1)
        assert found.first_at == BEGIN + timedelta(hours=2)
        assert found.last_at == BEGIN + timedelta(hours=30)
        with pytest.raises(InvalidInput) as refused:
            shadow_report(connection, "guard", version, BEGIN, BEGIN, alert_outcomes=ALERTS)
        assert refused.value.field == "to"
        with pytest.raises(NotFound):
            shadow_report(connection, "guard", "1", alert_outcomes=ALERTS)


def test_before_anything_is_compared_it_says_so(published: Database, version: str) -> None:
    found = report(published, version, ())
    assert found.words == ("Nothing has been compared yet.",)
    assert (found.events, found.first_at, found.days, found.agreements) == (0, None, (), ())
    assert found.conclusion is Conclusion.TOO_FEW


def test_the_words_say_what_the_challenger_would_have_done_instead(
    published: Database, version: str
) -> None:
    chance = random.Random(4)
    payments = [
        Judged(
            number / 25 * 24,
            "large" if number % 25 < 18 else "any",
            "large" if number % 25 < 12 else "any",
            (chance.uniform(0, 1000), chance.uniform(0, 1000)),
            label="legit",
            card=f"c{number}",
        )
        for number in range(250)
    ]
    payments += [
        Judged(120, "any", "large" if n < 3 else "any", (500, 900), "fraud", card=f"f{n}")
        for n in range(41)
    ]
    words = report(published, version, payments).words
    assert words[0] == (
        "The challenger would have rung 12 cardholders a day instead of 18 and caught 3 more of "
        "41 frauds (3 instead of 0)."
    )
    assert words[1].startswith("It would have saved 30.00 more")
    assert words[2].startswith("It ranks frauds better: AUC 0.8")


def test_alerts_that_nobody_could_judge_are_pointed_out(published: Database, version: str) -> None:
    payments = [Judged(n, "any", "large", card=f"c{n}") for n in range(4)]
    payments.append(Judged(9, "large", "large", label="fraud"))
    found = report(published, version, payments)
    assert "Of 4 alerts that only the challenger raised, 4 have no label" in found.words[-1]


_RULE = st.sampled_from(sorted(RULES))
_SCORE = st.integers(0, 20).map(lambda score: score * 50.0)
_JUDGED = st.builds(
    Judged,
    hour=st.integers(0, 70),
    champion=_RULE,
    challenger=_RULE,
    scores=st.none() | st.tuples(_SCORE, _SCORE),
    label=st.sampled_from([None, "fraud", "legit"]),
    amount=st.integers(0, 100).map(float),
    card=st.sampled_from([None, "c1", "c2", "c3"]),
    failure=st.sampled_from([None, None, None, "broken"]),
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(payments=st.lists(_JUDGED, max_size=30, unique_by=lambda of: of.hour))
def test_whatever_was_said_the_report_counts_it_as_a_loop_does(
    published: Database,
    version: str,
    payments: list[Judged],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ringfence.detectors.shadows.reading._COUNTED_AT_ONCE", 7)
    with published.write() as connection:
        for table in (tables.shadow_decisions, tables.decisions, event_tables.events):
            connection.execute(delete(table))
    found = report(published, version, payments)
    both = [of for of in payments if of.failure is None]
    assert found.events == len(both)
    assert found.failed == len(payments) - len(both)
    assert found.labels.frauds == sum(of.label == "fraud" for of in both)
    for side, name in ((found.champion, "champion"), (found.challenger, "challenger")):
        alerts = [of for of in both if getattr(of, name) == "large"]
        assert side.alerts == len(alerts)
        assert side.caught == sum(of.label == "fraud" for of in alerts)
        assert side.false_alerts == sum(of.label == "legit" for of in alerts)
        assert side.calls == len({(of.card, of.at.date()) for of in alerts if of.card})
        frauds = sum(of.amount for of in both if of.label == "fraud")
        assert side.saved_amount + side.missed_amount == pytest.approx(frauds)
    expected = Counter((RULES[of.champion].outcomes, RULES[of.challenger].outcomes) for of in both)
    assert {(of.champion, of.challenger): of.split.events for of in found.agreements} == expected
    assert {day.date: day.events for day in found.days} == Counter(of.at.date() for of in both)
    scored = [of for of in both if of.scores is not None]
    assert (found.ranking is None) == (not scored)
    if found.ranking is not None:
        shapes = (found.ranking.champion, found.ranking.challenger)
        for side_number, shape in enumerate(shapes):
            bins = Counter(min(19, int(of.scores[side_number] // 50)) for of in scored if of.scores)
            together = zip(shape.frauds, shape.legits, shape.unlabelled, strict=True)
            assert [sum(parts) for parts in together] == [bins[n] for n in range(20)]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(payments=st.lists(_JUDGED, min_size=1, max_size=20, unique_by=lambda of: of.hour))
def test_a_challenger_that_says_what_the_champion_says_differs_in_nothing(
    published: Database, version: str, payments: list[Judged]
) -> None:
    with published.write() as connection:
        for table in (tables.shadow_decisions, tables.decisions, event_tables.events):
            connection.execute(delete(table))
    same = [
        Judged(of.hour, of.champion, of.champion, of.scores and (of.scores[0],) * 2, of.label,
               of.amount, of.card)
        for of in payments
    ]  # fmt: skip
    found = report(published, version, same)
    assert found.champion == found.challenger
    assert found.only_champion.events == found.only_challenger.events == 0
    assert all(of.champion == of.challenger for of in found.agreements)
    if found.ranking is not None:
        assert found.ranking.psi == 0
        assert found.ranking.champion == found.ranking.challenger
