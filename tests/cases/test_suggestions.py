"""Rules suggested by what a model version was measured to do."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ringfence.cases import put_suggested_rules, suggested_rules
from ringfence.detectors import Detector, list_outcomes, put_detector, put_outcome
from ringfence.errors import InvalidInput
from ringfence.events import DataType, EventType, Variable, VariableType, put_event_type
from ringfence.models import (
    Facts,
    MetricRow,
    Metrics,
    ModelVersion,
    TakeoverMetrics,
    TakeoverRow,
    create_model,
)
from ringfence.models.takeover.calibration import challenge_rate
from ringfence.storage import Database

LOGIN = EventType(
    name="login",
    variables=(Variable("ip_address", DataType.STRING, VariableType.IP_ADDRESS, default=None),),
)
AT = datetime(2026, 3, 1, tzinfo=UTC)


def of_frauds(*fprs: float) -> Metrics:
    """A version whose score of 1000 less 1000 times the rate flags that share of payments."""
    rows = tuple(
        MetricRow(
            threshold=1000 - 1000 * fpr,
            fpr=fpr,
            tpr=0.8,
            precision=0.5,
            true_positives=0,
            false_positives=0,
            true_negatives=0,
            false_negatives=0,
        )
        for fpr in fprs
    )
    return Metrics(auc=0.9, auc_low=0.8, auc_high=0.95, average_precision=0.6, rows=rows)


def of_logins(*thresholds: float) -> Metrics:
    """A version that challenges as many as its scores promise."""
    rows = tuple(
        TakeoverRow(threshold=threshold, cr=challenge_rate(threshold), adr=0.9, atodr=None)
        for threshold in thresholds or [float(score) for score in range(0, 1001, 5)]
    )
    takeover = TakeoverMetrics(
        asi=0.99,
        asi_low=0.98,
        asi_high=1.0,
        rows=rows,
        groups=(),
        anomalies=900,
        takeovers=0,
        accounts_taken_over=0,
    )
    return Metrics(
        auc=0.99, auc_low=0.98, auc_high=1.0, average_precision=0.9, rows=(), takeover=takeover
    )


def version(metrics: Metrics, held_out: int = 900) -> ModelVersion:
    return ModelVersion(
        model_id="known",
        version="1.0",
        facts=Facts(
            source="file.csv",
            sha256="",
            sha256_of="rows",
            rows=10 * held_out,
            frauds=0,
            first_at=AT,
            last_at=AT,
            training_rows=9 * held_out,
            held_out_rows=held_out,
            variables=(),
            seed=0,
            parameters={},
            best_iteration=1,
            library_versions={},
            duration_seconds=1.0,
        ),
        metrics=metrics,
        importance=(),
        messages=(),
        created_at=AT,
    )


def spelled(metrics: Metrics, held_out: int = 900) -> list[tuple[str, tuple[str, ...]]]:
    return [(of.expression, of.outcomes) for of in suggested_rules(version(metrics, held_out))]


def test_a_suspicious_payment_has_its_cardholder_rung() -> None:
    assert spelled(of_frauds(0.01, 0.02, 0.04)) == [
        ("$known_insightscore > 990", ("call_cardholder",)),
        ("$known_insightscore > 960", ("review",)),
        ("$known_insightscore <= 960", ("approve",)),
    ]


def test_a_strange_login_is_challenged_and_nobody_is_rung() -> None:
    assert spelled(of_logins()) == [
        ("$known_insightscore >= 750", ("challenge",)),
        ("$known_insightscore < 750", ("approve",)),
    ]


def test_logins_are_blocked_only_where_enough_of_them_tell_whom() -> None:
    assert spelled(of_logins(), 9_999) == spelled(of_logins())
    assert spelled(of_logins(), 10_000) == [
        ("$known_insightscore >= 900", ("block",)),
        *spelled(of_logins()),
    ]
    assert spelled(of_logins(0, 750, 800), 10_000) == spelled(of_logins())


def test_measures_without_such_a_threshold_suggest_nothing() -> None:
    for metrics in (of_frauds(0.2), of_logins(0.0, 300.0)):
        with pytest.raises(InvalidInput, match="no threshold at") as error:
            suggested_rules(version(metrics))
        assert error.value.field == "rules"


def test_an_outcome_is_made_where_it_is_missing_and_left_where_it_is_not(
    database: Database,
) -> None:
    with database.write() as connection:
        put_event_type(connection, LOGIN)
        create_model(connection, "known", "login")
        put_detector(connection, Detector(detector_id="sign_in", event_type="login"))
        put_outcome(connection, "approve", "As we say it.")
        for held_out, numbers in ((10_000, ["1", "1", "1"]), (900, ["1", "1"])):
            stored = put_suggested_rules(connection, "sign_in", version(of_logins(), held_out))
            assert [rule.version for rule in stored] == numbers
        assert list_outcomes(connection)["approve"] == "As we say it."
        assert {"block", "challenge"} < set(list_outcomes(connection))
        [changed, *_] = put_suggested_rules(connection, "sign_in", version(of_logins(0, 740)))
        assert (changed.rule_id, changed.version) == ("challenge", "2")
