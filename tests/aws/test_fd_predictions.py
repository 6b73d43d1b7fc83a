"""Predictions through boto3: asked for, listed, explained."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from api_servers import Server
from aws_clients import ClientOf
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from fd_payments import CARD, define_payments, publish_rules, sent


@pytest.fixture(scope="module")
def client(frauddetector: ClientOf) -> ClientOf:
    """A client of a server with a detector for events that are not kept, and one for those that
    are."""
    for name, ingestion in (("ask", "DISABLED"), ("keep", "ENABLED")):
        define_payments(frauddetector, name, ingestion=ingestion)
        publish_rules(frauddetector, f"{name}_guard", name)
    return frauddetector


def asked(
    client: ClientOf, event_id: str, event_type: str = "ask", **members: Any
) -> dict[str, Any]:
    variables = members.pop("variables", {"amount": "5"})
    request = sent(event_id, event_type, **variables) | {"detectorId": f"{event_type}_guard"}
    answer = client.get_event_prediction(**request | members)
    answer.pop("ResponseMetadata")
    return dict(answer)


def refused(call: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call()
    told = error.value.response["Error"]
    return told["Code"], told["Message"]


def listed(client: ClientOf, **filters: Any) -> list[dict[str, Any]]:
    given = {k: {"value": v} if isinstance(v, str) else v for k, v in filters.items()}
    return list(client.list_event_predictions(**given)["eventPredictionSummaries"])


def metadata(client: ClientOf, event_id: str, event_type: str, which: int = -1) -> dict[str, Any]:
    found = listed(client, eventId=event_id, eventType=event_type)[which]
    answer = client.get_event_prediction_metadata(
        eventId=event_id,
        eventTypeName=event_type,
        detectorId=found["detectorId"],
        detectorVersionId=found["detectorVersionId"],
        predictionTimestamp=found["predictionTimestamp"],
    )
    answer.pop("ResponseMetadata")
    return dict(answer)


def test_an_answer_has_the_rules_that_matched(client: ClientOf) -> None:
    assert asked(client, "a-1", variables={"amount": "250.00", "merchant": "odd"}) == {
        "modelScores": [],
        "ruleResults": [{"ruleId": "large", "outcomes": ["block"]}],
        "externalModelOutputs": [],
    }
    answer = asked(client, "a-2", variables={"merchant": "odd"})
    assert answer["ruleResults"] == [{"ruleId": "odd", "outcomes": ["review"]}]


def test_nothing_that_matches_gives_an_empty_list(client: ClientOf) -> None:
    assert asked(client, "a-3", variables={"amount": "-1"})["ruleResults"] == []


def test_an_event_that_is_not_kept_leaves_only_its_prediction(client: ClientOf) -> None:
    asked(client, "b-1")
    asked(client, "b-1", variables={"amount": "500"})
    unknown = {"eventId": "b-1", "eventTypeName": "ask"}
    assert refused(lambda: client.get_event(**unknown))[0] == "ResourceNotFoundException"
    assert len(listed(client, eventId="b-1")) == 2


def test_an_event_that_is_kept_is_stored_and_answered_once(client: ClientOf) -> None:
    first = asked(client, "c-1", "keep", variables={"amount": "500"})
    assert client.get_event(eventId="c-1", eventTypeName="keep")["event"]["eventVariables"] == {
        "amount": "500.0",
        "merchant": "<unknown>",
    }
    assert asked(client, "c-1", "keep", variables={"amount": "500"}) == first
    assert len(listed(client, eventId="c-1")) == 1


def test_a_stored_event_may_be_asked_about_otherwise_and_stays_as_it_is(client: ClientOf) -> None:
    client.send_event(**sent("c-2", "keep", amount="5"))
    assert asked(client, "c-2", "keep", variables={"amount": "500"})["ruleResults"] == [
        {"ruleId": "large", "outcomes": ["block"]}
    ]
    assert asked(client, "c-2", "keep")["ruleResults"][0]["ruleId"] == "any"
    stored = client.get_event(eventId="c-2", eventTypeName="keep")["event"]
    assert stored["eventVariables"]["amount"] == "5.0"
    assert len(listed(client, eventId="c-2")) == 2


def test_any_version_can_be_asked_by_its_number(client: ClientOf) -> None:
    draft = publish_rules(
        client, "ask_guard", "ask", rules=[("never", "1 == 5", "block")], status=None
    )
    assert asked(client, "d-1", detectorVersionId=draft)["ruleResults"] == []
    assert asked(client, "d-1")["ruleResults"][0]["ruleId"] == "any"
    versions = {one["detectorVersionId"] for one in listed(client, eventId="d-1")}
    assert versions == {"1", draft}


def test_a_decision_of_another_version_is_no_answer(client: ClientOf) -> None:
    asked(client, "d-2", "keep")
    draft = publish_rules(
        client, "keep_guard", "keep", rules=[("never", "1 == 5", "block")], status=None
    )
    assert asked(client, "d-2", "keep", detectorVersionId=draft)["ruleResults"] == []


@pytest.mark.parametrize(
    ("members", "code", "named"),
    [
        ({"detectorId": "nobody"}, "ResourceNotFoundException", "nobody"),
        ({"detectorVersionId": "99"}, "ResourceNotFoundException", "99"),
        ({"eventTypeName": "keep"}, "ValidationException", "eventTypeName"),
        ({"eventTypeName": "keep", "detectorVersionId": "1"}, "ValidationException", "eventType"),
        ({"entities": []}, "ValidationException", "entities"),
        (
            {"entities": [{"entityType": "card", "entityId": "c1"}]},
            "ValidationException",
            "entities.entityType",
        ),
        ({"eventTimestamp": "01.03.2026 10:00"}, "ValidationException", "eventTimestamp"),
        ({"eventId": "a b"}, "ValidationException", "eventId"),
        ({"variables": {"amount": "many"}}, "ValidationException", "eventVariables.amount"),
        ({"variables": {"colour": "red"}}, "ValidationException", "eventVariables.colour"),
        ({"variables": {"merchant": CARD}}, "ValidationException", "eventVariables.merchant"),
        ({"variables": {"merchant": "x" * 9_000}}, "ValidationException", "eventVariables"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_its_member(
    client: ClientOf, members: dict[str, Any], code: str, named: str
) -> None:
    told, message = refused(lambda: asked(client, "refused", **members))
    assert told == code
    assert named in message
    assert CARD not in message


def test_too_many_inputs_are_refused(client: ClientOf) -> None:
    many = {f"v{number}": "1" for number in range(5_001)}
    assert "5,000" in refused(lambda: asked(client, "many", variables=many))[1]


def test_a_detector_without_an_active_version_is_not_found(client: ClientOf) -> None:
    publish_rules(client, "idle_guard", "ask", status=None)
    request = sent("e-1", "ask") | {"detectorId": "idle_guard"}
    code, message = refused(lambda: client.get_event_prediction(**request))
    assert code == "ResourceNotFoundException"
    assert "detectorId" in message


def test_the_reserved_entity_is_nobody(client: ClientOf) -> None:
    for reserved in ("unknown", "UNKNOWN"):
        entities = [{"entityType": "customer", "entityId": reserved}]
        assert asked(client, f"f-{reserved.lower()}", entities=entities)["ruleResults"]


def test_an_explicit_null_is_seen_by_rules(client: ClientOf, aws_server: Server) -> None:
    # boto3 refuses to send one; other clients of AWS do not.
    publish_rules(
        client,
        "null_guard",
        "ask",
        rules=[
            ("missing", "$merchant == null", "review"),
            ("default", '$merchant == "<unknown>"', "approve"),
        ],
    )

    def ask(variables: dict[str, str | None]) -> str:
        body = sent("g-1", "ask") | {"detectorId": "null_guard", "eventVariables": variables}
        request = AWSRequest(
            "POST",
            f"{aws_server.url}/",
            data=json.dumps(body).encode(),
            headers={
                "Content-Type": "application/x-amz-json-1.1",
                "X-Amz-Target": "AWSHawksNestServiceFacade.GetEventPrediction",
            },
        )
        SigV4Auth(
            Credentials("AKIATESTTESTTESTTEST", "any"), "frauddetector", "eu-west-1"
        ).add_auth(request)
        reply = httpx2.post(request.url, content=request.data, headers=dict(request.headers))
        assert reply.status_code == 200, reply.text
        return str(reply.json()["ruleResults"][0]["ruleId"])

    assert ask({"amount": "1", "merchant": None}) == "missing"
    assert ask({"amount": "1"}) == "default"


def test_predictions_are_listed_in_the_order_of_time_page_by_page(client: ClientOf) -> None:
    publish_rules(client, "pages_guard", "keep")
    for number in range(66):
        request = sent(f"p-{number}", "keep") | {"detectorId": "pages_guard"}
        if number % 3:  # known already: a prediction, not a decision
            client.send_event(**sent(f"p-{number}", "keep"))
        client.get_event_prediction(**request)
    found: list[dict[str, Any]] = []
    token = ""
    pages = 0
    while token or not pages:
        answer = client.list_event_predictions(
            detectorId={"value": "pages_guard"}, maxResults=50, nextToken=token
        )
        found += answer["eventPredictionSummaries"]
        token, pages = answer.get("nextToken", ""), pages + 1
    assert [one["eventId"] for one in found] == [f"p-{number}" for number in range(66)]
    assert pages == 2
    assert len(listed(client, detectorId="pages_guard")) == 10
    first, last = found[10]["predictionTimestamp"], found[20]["predictionTimestamp"]
    within = client.list_event_predictions(
        detectorId={"value": "pages_guard"},
        predictionTimeRange={"startTime": first, "endTime": last},
        maxResults=50,
    )["eventPredictionSummaries"]
    ids = [one["eventId"] for one in within]
    assert set(ids) >= {f"p-{number}" for number in range(10, 21)}
    assert set(ids) < {f"p-{number}" for number in range(66)}


def test_without_a_filter_there_is_the_last_prediction(client: ClientOf) -> None:
    for event_type in ("keep", "ask", "keep"):
        asked(client, f"last-{event_type}", event_type, variables={"amount": str(time.time())})
        (latest,) = listed(client)
        assert latest["eventId"] == f"last-{event_type}"
        time.sleep(0.002)


def test_a_token_of_somebody_else_is_refused(client: ClientOf) -> None:
    code, message = refused(lambda: client.list_event_predictions(nextToken="bm90IG91cnM="))
    assert code == "ValidationException"
    assert "nextToken" in message


@pytest.mark.parametrize("event_type", ["ask", "keep"])
def test_metadata_say_what_each_rule_did(client: ClientOf, event_type: str) -> None:
    rules = [
        ("zero", "$amount / 0 > 1", "review"),
        ("large", "$amount > 100", "block"),
        ("odd", '$merchant == "odd"', "review"),
    ]
    detector = f"{event_type}_rules"
    version = publish_rules(client, detector, event_type, rules=rules)
    request = sent("m-1", event_type, amount="250", merchant="odd") | {"detectorId": detector}
    client.get_event_prediction(**request)
    told = metadata(client, "m-1", event_type)
    assert [(r["ruleId"], r["evaluated"], r["matched"]) for r in told["rules"]] == [
        ("zero", False, False),
        ("large", True, True),
        ("odd", False, False),
    ]
    assert told["rules"][1] == {
        "ruleId": "large",
        "ruleVersion": "1",
        "expression": "$amount > 100",
        "expressionWithValues": "250.0 > 100",
        "outcomes": ["block"],
        "evaluated": True,
        "matched": True,
    }
    assert told["eventVariables"] == [
        {"name": "amount", "value": "250.0", "source": "EVENT"},
        {"name": "merchant", "value": "odd", "source": "EVENT"},
    ]
    assert (told["entityType"], told["entityId"]) == ("customer", "c1")
    assert (told["detectorId"], told["detectorVersionId"]) == (detector, version)
    assert (told["detectorVersionStatus"], told["ruleExecutionMode"]) == ("ACTIVE", "FIRST_MATCHED")
    assert told["outcomes"] == ["block"]
    assert told["eventTimestamp"] == "2026-03-01T10:00:00.000Z"
    assert told["evaluatedModelVersions"] == []


def test_all_rules_are_evaluated_in_the_other_mode(client: ClientOf) -> None:
    publish_rules(client, "all_guard", "ask", mode="ALL_MATCHED")
    request = sent("m-2", "ask", amount="250", merchant="odd") | {"detectorId": "all_guard"}
    matched = client.get_event_prediction(**request)["ruleResults"]
    assert [one["ruleId"] for one in matched] == ["large", "odd", "any"]
    told = metadata(client, "m-2", "ask")
    assert all(rule["matched"] and rule["evaluated"] for rule in told["rules"])
    assert told["outcomes"] == ["block", "review", "approve"]


def test_metadata_outlive_the_version_and_the_event(client: ClientOf) -> None:
    version = publish_rules(client, "keep_brief", "keep")
    request = sent("m-3", "keep", amount="250") | {"detectorId": "keep_brief"}
    client.get_event_prediction(**request)
    client.update_detector_version_status(
        detectorId="keep_brief", detectorVersionId=version, status="INACTIVE"
    )
    client.delete_detector_version(detectorId="keep_brief", detectorVersionId=version)
    told = metadata(client, "m-3", "keep")
    assert told["outcomes"] == ["block"]
    assert [(r["ruleId"], r["matched"]) for r in told["rules"]] == [("large", True)]
    assert "detectorVersionStatus" not in told
    client.delete_event(eventId="m-3", eventTypeName="keep")
    assert metadata(client, "m-3", "keep") == told
    client.delete_event(eventId="m-3", eventTypeName="keep", deleteAuditHistory=True)
    assert listed(client, eventId="m-3") == []


def test_there_are_no_metadata_of_what_was_never_said(client: ClientOf) -> None:
    asked(client, "m-4")
    members = {
        "eventId": "m-4",
        "eventTypeName": "ask",
        "detectorId": "ask_guard",
        "detectorVersionId": "1",
        "predictionTimestamp": "2026-01-01T00:00:00.000Z",
    }
    code, message = refused(lambda: client.get_event_prediction_metadata(**members))
    assert code == "ResourceNotFoundException"
    assert "predictionTimestamp" in message
