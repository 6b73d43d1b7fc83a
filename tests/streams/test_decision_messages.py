from __future__ import annotations

import json
import threading
from uuid import UUID

import msgspec
import pytest
from decided import AT, PAYMENT, content, decision, event
from sqlalchemy import insert

from ringfence.detectors import tables as detector_tables
from ringfence.detectors.versions import DetectorStatus
from ringfence.events import EventType, put_event_type
from ringfence.models import ModelType, create_model
from ringfence.models.external import (
    Endpoint,
    ExternalInput,
    ExternalKind,
    ExternalModel,
    ExternalOutput,
    put_external_model,
)
from ringfence.storage import Database, OrderedIds, now
from ringfence.streams import Origin
from ringfence.streams.messages import Composer, Content, content_of

ORIGIN = Origin(region="eu-west-1", account="123456789012")
ARN = "arn:aws:frauddetector:eu-west-1:123456789012:"


def with_models(database: Database) -> None:
    """The detector of the decisions, with a model of ours and one that was made elsewhere."""
    with database.write() as connection:
        put_event_type(connection, PAYMENT)
        create_model(
            connection, "habits", PAYMENT.name, model_type=ModelType.TRANSACTION_FRAUD_INSIGHTS
        )
        put_external_model(
            connection,
            ExternalModel(
                name="remote",
                event_type=PAYMENT.name,
                kind=ExternalKind.HTTP,
                inputs=(ExternalInput(variable="amount"),),
                outputs=(ExternalOutput(variable="remote_score", key="score"),),
                endpoint=Endpoint(url="http://127.0.0.1:9/score"),
            ),
        )
        connection.execute(
            insert(detector_tables.detector_versions).values(
                detector_id="guard",
                version="1",
                status=DetectorStatus.ACTIVE,
                rules=[{"rule_id": "large", "version": "1"}],
                models=[{"model_id": "habits", "version": "2.01"}],
                external_models=["remote"],
                mode="FIRST_MATCHED",
                created_at=now(),
                updated_at=now(),
            )
        )


def test_a_message_is_an_event_as_eventbridge_delivers_them(database: Database) -> None:
    kept = content("e-1")
    with database.read() as connection:
        message = Composer(ORIGIN).message(connection, "the-id", kept)
    sent = json.loads(message.body)
    assert list(sent) == [
        "version",
        "id",
        "detail-type",
        "source",
        "account",
        "time",
        "region",
        "resources",
        "detail",
    ]
    assert (sent["version"], sent["id"]) == ("0", "the-id")
    assert sent["detail-type"] == "Event Prediction Result Returned"
    assert sent["source"] == "aws.frauddetector"
    assert (sent["account"], sent["region"]) == ("123456789012", "eu-west-1")
    assert sent["time"] == kept.decided_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert sent["resources"] == [
        f"{ARN}event-type/card_payment",
        f"{ARN}detector/guard",
        f"{ARN}detector-version/guard/1",
    ]
    assert json.loads(message.detail) == sent["detail"]


def test_the_detail_has_the_members_of_a_prediction_as_texts(database: Database) -> None:
    made = event("e-1", amount=7.0, known=True, note=None)
    with database.read() as connection:
        message = Composer(ORIGIN).message(connection, "x", content_of(made, decision("e-1")))
    detail = json.loads(message.detail)
    assert detail["eventId"] == "e-1"
    assert detail["eventTypeName"] == "card_payment"
    assert detail["eventTimestamp"] == "2026-03-04T05:06:07.089Z"
    assert detail["entities"][0] == {"entityType": "customer", "entityId": "c-1"}
    assert detail["eventVariables"] == {"amount": "7.0", "merchant": "m", "known": "true"}
    assert (detail["detectorId"], detail["detectorVersionId"]) == ("guard", "1")
    assert detail["ruleResults"] == [{"ruleId": "large", "outcomes": ["call", "review"]}]
    assert message.subject == "c-1"


def test_scores_are_told_with_the_model_version_that_gave_them(database: Database) -> None:
    with_models(database)
    with database.read() as connection:
        kept = content("e-1", {"habits_insightscore": 901.0, "remote_score": 0.25})
        message = Composer(ORIGIN).message(connection, "x", kept)
        word_for_word = msgspec.structs.replace(kept, external_texts={"remote_score": "0.250"})
        other = Composer(ORIGIN).message(connection, "x", word_for_word)
    (said,) = json.loads(other.detail)["externalModelOutputs"]
    assert said["outputs"] == {"remote_score": "0.250"}
    detail = json.loads(message.detail)
    assert detail["externalModelOutputs"] == [
        {
            "externalModel": {"modelEndpoint": "remote", "modelSource": "SAGEMAKER"},
            "outputs": {"remote_score": "0.25"},
        }
    ]
    assert detail["modelScores"] == [
        {
            "modelVersion": {
                "modelId": "habits",
                "modelType": "TRANSACTION_FRAUD_INSIGHTS",
                "modelVersionNumber": "2.01",
                "arn": f"{ARN}model-version/TRANSACTION_FRAUD_INSIGHTS/habits/2.01",
            },
            "scores": {"habits_insightscore": 901.0},
        }
    ]


def test_a_decision_of_a_version_that_is_gone_is_told_all_the_same(database: Database) -> None:
    with database.read() as connection:
        message = Composer(ORIGIN).message(connection, "x", content("e-1", {"gone": 5.0}))
    assert json.loads(message.detail)["ruleResults"]


def test_what_is_kept_comes_back_from_json_as_it_was() -> None:
    kept = content("e-1", {"habits_insightscore": 17.25})
    plain = msgspec.json.decode(msgspec.json.encode(kept))
    assert msgspec.convert(plain, Content) == kept
    assert kept.at == AT
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"event_id": "e-1"}, Content)


def test_ids_are_uuids_of_version_7_and_sort_as_they_were_made() -> None:
    ids = OrderedIds()
    made = [ids.new() for _ in range(20_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert {(UUID(one).version, UUID(one).variant) for one in made} == {
        (7, "specified in RFC 4122")
    }


def test_ids_keep_their_order_though_the_clock_stands_still_or_is_set_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    times = iter([5_000_000_000, 5_000_000_000, 4_000_000_000, 4_000_000_001, 6_000_000_000])
    monkeypatch.setattr("time.time_ns", lambda: next(times))
    ids = OrderedIds()
    made = [ids.new() for _ in range(5)]
    assert made == sorted(made)
    assert UUID(made[-1]).int >> 80 == 6_000


def test_ids_that_several_threads_make_are_all_different() -> None:
    ids = OrderedIds()
    made: list[list[str]] = [[] for _ in range(4)]
    threads = [
        threading.Thread(target=lambda mine=mine: mine.extend(ids.new() for _ in range(3_000)))
        for mine in made
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one for mine in made for one in mine}) == 12_000
    assert all(mine == sorted(mine) for mine in made)


def test_orchestration_is_off_until_an_event_type_asks_for_it() -> None:
    assert not EventType(name="x", variables=PAYMENT.variables).event_orchestration
