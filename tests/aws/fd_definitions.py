"""What a bank defines at Fraud Detector and stores there, each step with what it must see."""

from __future__ import annotations

from typing import Any

from aws_clients import ClientOf
from fd_account import ARN, EVENT_TYPE, Account, event, names_of, pages, waits
from training_banks import LABELS, ROLE, payments

KEY_ARN = "arn:aws:kms:eu-west-1:000000000000:key/01234567-89ab-cdef-0123-456789abcdef"
TAGS = [{"key": "team", "value": "fraud"}]


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
    assert names_of(found) >= {"amt", "email", "merchant", "v_24", "spare_24"}
    both = client.batch_get_variable(names=["amt", "nothing"])
    assert [one["name"] for one in both["variables"]] == ["amt"]
    assert [one["name"] for one in both["errors"]] == ["nothing"]


def define_names(account: Account) -> None:
    client = account.client
    wanted = [*LABELS["FRAUD"], *LABELS["LEGIT"], *(f"label_{number}" for number in range(10))]
    for name in wanted:
        client.put_label(name=name, description="What an event was.", tags=TAGS)
    assert names_of(pages(client.get_labels, "labels", maxResults=10)) >= set(wanted)
    for name in ("customer", *(f"entity_{number}" for number in range(5))):
        client.put_entity_type(name=name, description="Whom events are about.")
    assert names_of(pages(client.get_entity_types, "entityTypes", maxResults=5)) >= {"customer"}
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
    assert names_of(pages(client.get_event_types, "eventTypes", maxResults=5)) >= {EVENT_TYPE}
    for name in ("block", "approve", *(f"outcome_{number}" for number in range(49))):
        client.put_outcome(name=name, description="What a rule concludes.")
    assert names_of(pages(client.get_outcomes, "outcomes", maxResults=50)) >= {"block", "approve"}


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
