"""How a bank comes to decide by Fraud Detector, and how it leaves, each step with what it must
see."""

from __future__ import annotations

import re
from typing import Any

from aws_clients import ClientOf
from fd_account import (
    DRAFT,
    EVENT_TYPE,
    GUARD,
    MODEL,
    VERSION,
    Account,
    all_of,
    event,
    names_of,
    pages,
    waits,
)
from training_banks import OFI, ROLE, csv_of, external, ingested, payments

LANGUAGE = {"language": "DETECTORPL"}
SCORE = "cards_insightscore"
_IMPORTED = {
    "modelSource": "SAGEMAKER",
    "invokeModelEndpointRoleArn": ROLE,
    "modelEndpointStatus": "ASSOCIATED",
}


def train_a_model(account: Account) -> None:
    client = account.client
    for model_id in ("cards", "other"):
        client.create_model(
            modelId=model_id, modelType=OFI, eventTypeName=EVENT_TYPE, description="A model."
        )
    client.update_model(**MODEL, description="Scores payments.")
    assert len(pages(client.get_models, "models", maxResults=1)) == 2
    # Most are paid to nobody who is known, which the result warns of.
    rows = re.sub(r",m(?!5|7|9)\d+\n", ",\n", csv_of(payments(1_000)))
    location = account.store.put("training.csv", rows)
    asked = external(location)
    asked["trainingDataSchema"]["labelSchema"]["unlabeledEventsTreatment"] = "IGNORE"
    begun = client.create_model_version(**MODEL, **asked)
    assert (begun["modelVersionNumber"], begun["status"]) == ("1.0", "TRAINING_IN_PROGRESS")
    assert _trained(client, "1.0") == "TRAINING_COMPLETE"
    client.update_model_version_status(**VERSION, status="ACTIVE")
    assert _trained(client, "1.0") == "ACTIVE"
    again = client.update_model_version(**MODEL, majorVersionNumber="1")
    number = {"modelVersionNumber": again["modelVersionNumber"]}
    client.update_model_version_status(**MODEL, **number, status="TRAINING_CANCELLED")
    other = {**MODEL, "modelId": "other"}
    client.create_model_version(**other, **ingested())
    waits(
        lambda: client.get_model_version(**other, modelVersionNumber="1.0")["status"],
        "TRAINING_COMPLETE",
        "ERROR",
    )
    told = pages(client.describe_model_versions, "modelVersionDetails", maxResults=1)
    assert len(told) == 3
    for model in (other, MODEL):
        versions = {"1.0"} if model is other else {again["modelVersionNumber"]}
        for version in versions:
            client.delete_model_version(**model, modelVersionNumber=version)


def _trained(client: ClientOf, number: str) -> str:
    told = {**MODEL, "modelVersionNumber": number}
    return waits(
        lambda: client.get_model_version(**told)["status"], "TRAINING_COMPLETE", "ACTIVE", "ERROR"
    )


def ask_models_elsewhere(account: Account) -> None:
    client = account.client
    for name in ("xgb", *(f"spare-{number}" for number in range(4))):
        client.put_external_model(
            modelEndpoint=name,
            inputConfiguration={
                "useEventVariables": True,
                "eventTypeName": EVENT_TYPE,
                "format": "TEXT_CSV",
                "csvInputTemplate": "{{amt}}",
            },
            outputConfiguration={
                "format": "TEXT_CSV",
                "csvIndexToVariableMap": {"0": name.replace("-", "_model_")},
            },
            **_IMPORTED,
        )
    client.put_external_model(
        modelEndpoint="json",
        inputConfiguration={
            "useEventVariables": True,
            "eventTypeName": EVENT_TYPE,
            "format": "APPLICATION_JSON",
            "jsonInputTemplate": '{"amt": "{{amt}}"}',
        },
        outputConfiguration={
            "format": "APPLICATION_JSONLINES",
            "jsonKeyToVariableMap": {"score": "json_score"},
        },
        **_IMPORTED,
    )
    assert len(pages(client.get_external_models, "externalModels", maxResults=5)) == 6


def write_rules(account: Account) -> None:
    client = account.client
    for number in range(6):
        client.put_detector(
            detectorId="guard" if number == 0 else f"detector-{number}",
            eventTypeName=EVENT_TYPE,
            description="Decides about payments.",
        )
    assert len(pages(client.get_detectors, "detectors", maxResults=5)) == 6
    rules = {
        "risky": (f"${SCORE} > 500 or $xgb > 0.9", "block"),
        "calm": ("$amt >= 0", "approve"),
        **{f"spare_{number}": ("1 == 5", "approve") for number in range(49)},
    }
    for rule_id, (expression, outcome) in rules.items():
        made = client.create_rule(
            ruleId=rule_id,
            **GUARD,
            **LANGUAGE,
            expression=expression,
            outcomes=[outcome],
            description="A rule.",
        )
        assert made["rule"] == _rule(rule_id)
    assert len(pages(client.get_rules, "ruleDetails", **GUARD, maxResults=50)) == 51
    changed = client.update_rule_version(
        rule=_rule("spare_0"),
        **LANGUAGE,
        expression="2 == 5",
        outcomes=["approve"],
        description="Another rule.",
    )
    assert changed["rule"] == _rule("spare_0", "2")
    client.update_rule_metadata(rule=_rule("spare_0", "2"), description="Never.")
    (told,) = client.get_rules(**GUARD, ruleId="spare_0", ruleVersion="2")["ruleDetails"]
    assert (told["expression"], told["description"]) == ("2 == 5", "Never.")


def _rule(rule_id: str, version: str = "1") -> dict[str, str]:
    return {**GUARD, "ruleId": rule_id, "ruleVersion": version}


def deploy_a_detector(account: Account) -> None:
    client = account.client
    parts = {
        "rules": [_rule("risky"), _rule("calm")],
        "modelVersions": [VERSION],
        "externalModelEndpoints": ["xgb"],
        "description": "By score.",
    }
    for number in ("1", "2"):
        made = client.create_detector_version(**GUARD, **parts)
        assert (made["detectorVersionId"], made["status"]) == (number, "DRAFT")
    client.update_detector_version(**DRAFT, **parts, ruleExecutionMode="ALL_MATCHED")
    client.update_detector_version_metadata(**DRAFT, description="By score, with all rules.")
    first = {**GUARD, "detectorVersionId": "1"}
    for version in (first, DRAFT):
        client.update_detector_version_status(**version, status="ACTIVE")
    told = client.get_detector_version(**DRAFT)
    assert (told["status"], told["ruleExecutionMode"]) == ("ACTIVE", "ALL_MATCHED")
    assert told["description"] == "By score, with all rules."
    summaries = client.describe_detector(**GUARD)["detectorVersionSummaries"]
    assert [one["status"] for one in summaries] == ["INACTIVE", "ACTIVE"]
    client.delete_detector_version(**first)


def predict(account: Account) -> None:
    client = account.client
    answer = client.get_event_prediction(**GUARD, **event("asked-1", email="a@mailinator.com"))
    assert list(answer["modelScores"][0]["scores"]) == [SCORE]
    assert answer["externalModelOutputs"][0]["outputs"] == {"xgb": "0.95\n"}
    assert [one["ruleId"] for one in answer["ruleResults"]] == ["risky", "calm"]
    for number in range(50):
        client.get_event_prediction(**GUARD, **event(f"more-{number}"))
    listed = pages(
        client.list_event_predictions,
        "eventPredictionSummaries",
        detectorId={"value": "guard"},
        maxResults=50,
    )
    assert len(listed) == 51
    told = client.get_event_prediction_metadata(
        eventId="asked-1",
        eventTypeName=EVENT_TYPE,
        **DRAFT,
        predictionTimestamp=listed[0]["predictionTimestamp"],
    )
    assert told["outcomes"] == ["block", "approve"]


def predict_in_batches(account: Account) -> None:
    client = account.client
    lines = ["EVENT_ID,EVENT_TIMESTAMP,ENTITY_TYPE,ENTITY_ID,amt,email,merchant"]
    lines += [f"b-{n},2026-03-01T10:00:00Z,customer,c-1,{n},a@web.de,m1" for n in range(20)]
    account.store.put("asked.csv", "\n".join(lines))
    asked = {
        "outputPath": "s3://bank/predicted",
        "eventTypeName": EVENT_TYPE,
        "detectorName": "guard",
        "iamRoleArn": ROLE,
    }
    for job, path in (("scored", "asked.csv"), ("waiting", "asked.csv"), ("lost", "none.csv")):
        client.create_batch_prediction_job(jobId=job, inputPath=f"s3://bank/{path}", **asked)
    client.cancel_batch_prediction_job(jobId="waiting")
    client.delete_batch_prediction_job(jobId="waiting")
    for job, end in (("scored", "COMPLETE"), ("lost", "FAILED")):
        told = waits(lambda job=job: _prediction(client, job)["status"], "COMPLETE", "FAILED")
        assert told == end
    assert len(pages(client.get_batch_prediction_jobs, "batchPredictions", maxResults=1)) == 2
    (key,) = account.store.keys("predicted/")
    assert account.store.get(key).count("Success") == 20


def _prediction(client: ClientOf, job: str) -> dict[str, Any]:
    (found,) = client.get_batch_prediction_jobs(jobId=job)["batchPredictions"]
    return dict(found)


def delete_everything(account: Account) -> None:
    """In the order in which nothing that is deleted is still used."""
    client = account.client
    for job in ("stored", "lost"):
        client.delete_batch_import_job(jobId=job)
    for job in ("scored", "lost"):
        client.delete_batch_prediction_job(jobId=job)
    client.update_detector_version_status(**DRAFT, status="INACTIVE")
    client.delete_detector_version(**DRAFT)
    for rule in all_of(client.get_rules, "ruleDetails", **GUARD):
        named = {key: rule[key] for key in ("detectorId", "ruleId", "ruleVersion")}
        client.delete_rule(rule=named)
    for detector in all_of(client.get_detectors, "detectors"):
        client.delete_detector(detectorId=detector["detectorId"])
    client.update_model_version_status(**VERSION, status="INACTIVE")
    client.delete_model_version(**VERSION)
    for model_id in ("cards", "other"):
        client.delete_model(modelId=model_id, modelType=OFI)
    for model in all_of(client.get_external_models, "externalModels"):
        client.delete_external_model(modelEndpoint=model["modelEndpoint"])
    started = client.delete_events_by_event_type(eventTypeName=EVENT_TYPE)
    assert started["eventsDeletionStatus"] == "IN_PROGRESS_INITIALIZING"
    waits(
        lambda: client.get_delete_events_by_event_type_status(eventTypeName=EVENT_TYPE)[
            "eventsDeletionStatus"
        ],
        "COMPLETE",
    )
    for get, member, delete in (
        (client.get_event_types, "eventTypes", client.delete_event_type),
        (client.get_entity_types, "entityTypes", client.delete_entity_type),
        (client.get_labels, "labels", client.delete_label),
        (client.get_outcomes, "outcomes", client.delete_outcome),
        (client.get_lists_metadata, "lists", client.delete_list),
        (client.get_variables, "variables", client.delete_variable),
    ):
        for name in names_of(all_of(get, member)) - account.shipped:
            delete(name=name)
        assert names_of(all_of(get, member)) <= account.shipped
