from __future__ import annotations

from ringfence.aws.frauddetector.training_results import (
    first_result,
    second_result,
    validation,
)
from ringfence.models import (
    Facts,
    GroupImportance,
    Importance,
    Message,
    MessageKind,
    MetricRow,
    Metrics,
    ModelType,
    ModelVersion,
    TakeoverMetrics,
    TakeoverRow,
)
from ringfence.storage import now

ROW = MetricRow(
    threshold=0.0,
    fpr=1.0,
    tpr=1.0,
    precision=0.5,
    true_positives=5,
    false_positives=5,
    true_negatives=0,
    false_negatives=0,
)
FACTS = Facts(
    source="event log",
    sha256="",
    sha256_of="rows",
    rows=10,
    frauds=5,
    first_at=now(),
    last_at=now(),
    training_rows=8,
    held_out_rows=2,
    variables=(),
    seed=0,
    parameters={},
    best_iteration=1,
    library_versions={},
    duration_seconds=1.0,
)


def version(takeover: TakeoverMetrics | None) -> ModelVersion:
    return ModelVersion(
        model_id="logins",
        version="1.0",
        facts=FACTS,
        metrics=Metrics(
            auc=0.9,
            auc_low=0.8,
            auc_high=1.0,
            average_precision=0.5,
            rows=(ROW,),
            takeover=takeover,
        ),
        importance=(
            Importance("ip", "IP_ADDRESS", 0.25),
            Importance("profile.user~ip", "PROFILE", 0.75),
        ),
        messages=(Message(MessageKind.WARNING, None, "Few logins", "few"),),
        created_at=now(),
    )


def test_a_model_of_takeovers_has_challenge_rates_instead_of_frauds() -> None:
    made = version(
        TakeoverMetrics(
            asi=0.93,
            asi_low=0.9,
            asi_high=0.95,
            rows=(
                TakeoverRow(threshold=0.0, cr=1.0, adr=1.0, atodr=None),
                TakeoverRow(threshold=5.0, cr=0.9, adr=1.0, atodr=0.5),
            ),
            groups=(
                GroupImportance(("ip", "user"), 2.1),
                GroupImportance(("user",), 0.1),
            ),
            anomalies=10,
            takeovers=0,
            accounts_taken_over=0,
        )
    )
    assert first_result(made)["trainingMetrics"] is None
    second = second_result(made, ModelType.ACCOUNT_TAKEOVER_INSIGHTS, None)
    assert second["trainingMetricsV2"] == {
        "ati": {
            "metricDataPoints": [
                {"cr": 1.0, "adr": 1.0, "atodr": None, "threshold": 0.0},
                {"cr": 0.9, "adr": 1.0, "atodr": 0.5, "threshold": 5.0},
            ],
            "modelPerformance": {"asi": 0.93},
        }
    }
    assert second["aggregatedVariablesImportanceMetrics"] == {
        "logOddsMetrics": [
            {"variableNames": ["ip", "user"], "aggregatedVariablesImportance": 2.1},
            {"variableNames": ["user"], "aggregatedVariablesImportance": 0.1},
        ]
    }


def test_a_model_of_single_events_has_one_measure_and_no_aggregates() -> None:
    second = second_result(version(None), ModelType.ONLINE_FRAUD_INSIGHTS, None)
    assert set(second["trainingMetricsV2"]) == {"ofi"}
    assert second["aggregatedVariablesImportanceMetrics"] is None
    assert second["variableImportanceMetrics"] == {
        "logOddsMetrics": [
            {"variableName": "ip", "variableType": "IP_ADDRESS", "variableImportance": 0.25}
        ]
    }


def test_messages_are_about_the_file_or_a_variable_by_titles_that_clients_know() -> None:
    told = validation(
        (
            Message(MessageKind.ERROR, "EVENT_LABEL", "Unknown label values", "such as 'x'"),
            Message(MessageKind.ERROR, None, "Insufficient data", "3 events"),
            Message(MessageKind.WARNING, "amt", "Insufficient unique values", "always 1"),
        )
    )
    assert told == {
        "fileLevelMessages": [
            {
                "title": "Missing or different EVENT_LABEL values",
                "content": "such as 'x'",
                "type": "Error",
            },
            {"title": "Insufficient data", "content": "3 events", "type": "Error"},
        ],
        "fieldLevelMessages": [
            {
                "fieldName": "amt",
                "identifier": "amt",
                "title": "Insufficient unique variable values",
                "content": "always 1",
                "type": "Warning",
            }
        ],
    }
