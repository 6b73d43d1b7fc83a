"""A bank's life with Fraud Detector, from its first variable to the last thing that it deletes.

Together the steps call every operation with success, in the order in which users come to them.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from aws_clients import ClientOf
from banks import LABELS, OFI, ROLE, csv_of, external, ingested, payments
from s3_stores import Store

KEY_ARN = "arn:aws:kms:eu-west-1:000000000000:key/01234567-89ab-cdef-0123-456789abcdef"
ARN = "arn:aws:frauddetector:eu-west-1:000000000000"
TAGS = [{"key": "team", "value": "fraud"}]
EVENT_TYPE = "payments"
MODEL = {"modelId": "cards", "modelType": OFI}
VERSION = {**MODEL, "modelVersionNumber": "1.0"}
GUARD = {"detectorId": "guard"}
DRAFT = {**GUARD, "detectorVersionId": "2"}
LANGUAGE = {"language": "DETECTORPL"}
SCORE = "cards_insightscore"
_PATIENCE_SECONDS = 120.0
_IMPORTED = {
    "modelSource": "SAGEMAKER",
    "invokeModelEndpointRoleArn": ROLE,
    "modelEndpointStatus": "ASSOCIATED",
}


@dataclass(frozen=True)
class Account:
    """What the bank works with."""

    client: ClientOf
    store: Store
    shipped: frozenset[str]


def opened(client: ClientOf, store: Store) -> Account:
    """The account on a new server, which has something in it already."""
    shipped: set[str] = set()
    for get, member in (
        (client.get_event_types, "eventTypes"),
        (client.get_entity_types, "entityTypes"),
        (client.get_labels, "labels"),
        (client.get_outcomes, "outcomes"),
        (client.get_variables, "variables"),
    ):
        shipped |= _names(_all_of(get, member))
    return Account(client, store, frozenset(shipped))


def live(account: Account) -> None:
    """Take every step."""
    for step in (
        define_variables,
        define_names,
        keep_lists,
        tag_what_there_is,
        choose_a_key,
        store_events,
        train_a_model,
        ask_models_elsewhere,
        write_rules,
        deploy_a_detector,
        predict,
        predict_in_batches,
        delete_everything,
    ):
        step(account)


def pages(call: Callable[..., dict[str, Any]], member: str, **given: Any) -> list[Any]:
    """All items of a list that has more than one page."""
    assert "nextToken" in call(**given)
    return _all_of(call, member, **given)


def waits(told: Callable[[], str], *statuses: str) -> str:
    """The first of these statuses that is told."""
    until = time.monotonic() + _PATIENCE_SECONDS
    status = ""
    while time.monotonic() < until:
        status = told()
        if status in statuses:
            return status
        time.sleep(0.2)
    raise AssertionError(f"it is {status}, not one of {statuses}")


def _names(items: Iterable[dict[str, Any]]) -> set[str]:
    return {item["name"] for item in items}


def define_variables(account: Account) -> None:
    client = account.client
    typed = {"amt": ("FLOAT", "PRICE", "0.0"), "email": ("STRING", "EMAIL_ADDRESS", "<unknown>")}
    for name, (data_type, variable_type, default) in typed.items():
        client.create_variable(
            name=name,
            dataType=data_type,
            dataSource="EVENT",
            defaultValue=default,
            variableType=variable_type,
            description=f"The {name} of a payment.",
            tags=TAGS,
        )
    for names in (["merchant"], [f"spare_{n}" for n in range(25)], [f"v_{n}" for n in range(25)]):
        entries = [
            {
                "name": name,
                "dataType": "STRING",
                "dataSource": "EVENT",
                "defaultValue": "<unknown>",
                "variableType": "CATEGORICAL",
                "description": "A word.",
            }
            for name in names
        ]
        assert client.batch_create_variable(variableEntries=entries)["errors"] == []
    again = client.batch_create_variable(variableEntries=entries[:1])["errors"]
    assert [one["name"] for one in again] == ["v_0"]
    client.update_variable(name="merchant", description="Who is paid.", defaultValue="<null>")
    (merchant,) = client.get_variables(name="merchant")["variables"]
    assert (merchant["description"], merchant["defaultValue"]) == ("Who is paid.", "<null>")
    found = pages(client.get_variables, "variables", maxResults=50)
    assert _names(found) >= {"amt", "email", "merchant", "v_24", "spare_24"}
    both = client.batch_get_variable(names=["amt", "nothing"])
    assert [one["name"] for one in both["variables"]] == ["amt"]
    assert [one["name"] for one in both["errors"]] == ["nothing"]


def define_names(account: Account) -> None:
    client = account.client
    wanted = [*LABELS["FRAUD"], *LABELS["LEGIT"], *(f"label_{number}" for number in range(10))]
    for name in wanted:
        client.put_label(name=name, description="What an event was.", tags=TAGS)
    assert _names(pages(client.get_labels, "labels", maxResults=10)) >= set(wanted)
    for name in ("customer", *(f"entity_{number}" for number in range(5))):
        client.put_entity_type(name=name, description="Whom events are about.")
    assert _names(pages(client.get_entity_types, "entityTypes", maxResults=5)) >= {"customer"}
    for name in (EVENT_TYPE, *(f"type_{number}" for number in range(5))):
        client.put_event_type(
            name=name,
            description="Payments by card.",
            eventVariables=["amt", "email", "merchant"],
            labels=[*LABELS["FRAUD"], *LABELS["LEGIT"]],
            entityTypes=["customer"],
            eventIngestion="ENABLED",
            eventOrchestration={"eventBridgeEnabled": False},
        )
    assert _names(pages(client.get_event_types, "eventTypes", maxResults=5)) >= {EVENT_TYPE}
    for name in ("block", "approve", *(f"outcome_{number}" for number in range(49))):
        client.put_outcome(name=name, description="What a rule concludes.")
    assert _names(pages(client.get_outcomes, "outcomes", maxResults=50)) >= {"block", "approve"}


def keep_lists(account: Account) -> None:
    client = account.client
    domains = [f"{number:03d}.example" for number in range(501)]
    client.create_list(
        name="domains",
        elements=domains[:-1],
        variableType="EMAIL_ADDRESS",
        description="Mail domains that are blocked.",
    )
    client.update_list(name="domains", elements=domains[-1:], updateMode="APPEND")
    assert pages(client.get_list_elements, "elements", name="domains", maxResults=500) == domains
    for number in range(5):
        client.create_list(name=f"list_{number}", variableType="CATEGORICAL", description="A list.")
    assert len(pages(client.get_lists_metadata, "lists", maxResults=5)) == 6


def tag_what_there_is(account: Account) -> None:
    client, arn = account.client, f"{ARN}:label/abuse"
    client.tag_resource(
        resourceARN=arn, tags=[{"key": f"key-{number:02d}", "value": ""} for number in range(51)]
    )
    client.untag_resource(resourceARN=arn, tagKeys=["key-00"])
    tags = pages(client.list_tags_for_resource, "tags", resourceARN=arn)
    assert {tag["key"] for tag in tags} == {"team", *(f"key-{n:02d}" for n in range(1, 51))}


def choose_a_key(account: Account) -> None:
    account.client.put_kms_encryption_key(kmsEncryptionKeyArn=KEY_ARN)
    told = account.client.get_kms_encryption_key()["kmsKey"]
    assert told == {"kmsEncryptionKeyArn": KEY_ARN}


def event(event_id: str, **variables: str) -> dict[str, Any]:
    """The members that say what an event is."""
    return {
        "eventId": event_id,
        "eventTypeName": EVENT_TYPE,
        "eventTimestamp": "2026-03-01T10:00:00Z",
        "entities": [{"entityType": "customer", "entityId": "c-1"}],
        "eventVariables": {"amt": "5", "email": "a@web.de", "merchant": "m1", **variables},
    }


def store_events(account: Account) -> None:
    client = account.client
    known = {"eventId": "sent-1", "eventTypeName": EVENT_TYPE}
    client.send_event(**event("sent-1"))
    assert "currentLabel" not in client.get_event(**known)["event"]
    client.update_event_label(**known, assignedLabel="abuse", labelTimestamp="2026-03-05T00:00:00Z")
    assert client.get_event(**known)["event"]["currentLabel"] == "abuse"
    client.send_event(**event("sent-2"))
    client.delete_event(eventId="sent-2", eventTypeName=EVENT_TYPE, deleteAuditHistory=True)
    rows = payments(200)
    lines = ["EVENT_ID,EVENT_TIMESTAMP,ENTITY_TYPE,ENTITY_ID,EVENT_LABEL,amt,email,merchant"]
    lines += [
        f"import-{number},{row.at:%Y-%m-%dT%H:%M:%SZ},customer,{row.customer},{row.label},"
        f"{row.amt},{row.email},{row.merchant}"
        for number, row in enumerate(rows)
    ]
    account.store.put("import.csv", "\n".join(lines))
    asked = {"outputPath": "s3://bank/out", "eventTypeName": EVENT_TYPE, "iamRoleArn": ROLE}
    # The second waits for the first, and is cancelled while it does.
    for job, path in (("stored", "import.csv"), ("waiting", "import.csv"), ("lost", "none.csv")):
        client.create_batch_import_job(jobId=job, inputPath=f"s3://bank/{path}", **asked)
    client.cancel_batch_import_job(jobId="waiting")
    client.delete_batch_import_job(jobId="waiting")
    ends = {"stored": "COMPLETE", "lost": "FAILED"}
    for job, end in ends.items():
        assert waits(lambda job=job: _import(client, job)["status"], "COMPLETE", "FAILED") == end
    assert _import(client, "stored")["processedRecordsCount"] == 200
    assert len(pages(client.get_batch_import_jobs, "batchImports", maxResults=1)) == 2
    (described,) = client.get_event_types(name=EVENT_TYPE)["eventTypes"]
    assert described["ingestedEventStatistics"]["numberOfEvents"] == 201


def _import(client: ClientOf, job: str) -> dict[str, Any]:
    (found,) = client.get_batch_import_jobs(jobId=job)["batchImports"]
    return dict(found)


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
    for rule in _all_of(client.get_rules, "ruleDetails", **GUARD):
        named = {key: rule[key] for key in ("detectorId", "ruleId", "ruleVersion")}
        client.delete_rule(rule=named)
    for detector in _all_of(client.get_detectors, "detectors"):
        client.delete_detector(detectorId=detector["detectorId"])
    client.update_model_version_status(**VERSION, status="INACTIVE")
    client.delete_model_version(**VERSION)
    for model_id in ("cards", "other"):
        client.delete_model(modelId=model_id, modelType=OFI)
    for model in _all_of(client.get_external_models, "externalModels"):
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
        for name in _names(_all_of(get, member)) - account.shipped:
            delete(name=name)
        assert _names(_all_of(get, member)) <= account.shipped


def _all_of(call: Callable[..., dict[str, Any]], member: str, **given: Any) -> list[Any]:
    """All items of a list of any length."""
    page = call(**given)
    items = list(page[member])
    while "nextToken" in page:
        page = call(**given, nextToken=page["nextToken"])
        items += page[member]
    return items
