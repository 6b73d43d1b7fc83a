"""Payments for Fraud Detector's clients: an event type, a detector of rules, and events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aws_clients import ClientOf
from botocore.exceptions import ClientError

AT = "2026-03-01T10:00:00Z"
# Nobody's, but a valid one.
CARD = "4111111111111111"
VARIABLES = (
    ("amount", "FLOAT", "PRICE", "0.0"),
    ("merchant", "STRING", "CATEGORICAL", "<unknown>"),
)
RULES = (
    ("large", "$amount > 100", "block"),
    ("odd", '$merchant == "odd"', "review"),
    ("any", "$amount >= 0", "approve"),
)


def define_payments(client: ClientOf, name: str, ingestion: str) -> None:
    """An event type of payments, and all that it names."""
    for variable, data_type, variable_type, default in VARIABLES:
        try:
            client.get_variables(name=variable)
        except ClientError:
            client.create_variable(
                name=variable,
                dataType=data_type,
                dataSource="EVENT",
                defaultValue=default,
                variableType=variable_type,
            )
    for label in ("fraud", "legit"):
        client.put_label(name=label)
    client.put_entity_type(name="customer")
    client.put_event_type(
        name=name,
        eventVariables=[variable for variable, *_ in VARIABLES],
        entityTypes=["customer"],
        labels=["fraud", "legit"],
        eventIngestion=ingestion,
    )


def publish_rules(
    client: ClientOf,
    detector_id: str,
    event_type: str,
    *,
    rules: Sequence[tuple[str, str, str]] = RULES,
    mode: str = "FIRST_MATCHED",
    status: str | None = "ACTIVE",
    **members: Any,
) -> str:
    """The number of a detector version that decides by these rules."""
    client.put_detector(detectorId=detector_id, eventTypeName=event_type)
    named = []
    for rule_id, expression, outcome in rules:
        client.put_outcome(name=outcome)
        given = {
            "expression": expression,
            "language": "DETECTORPL",
            "outcomes": [outcome],
        }
        try:
            rule = client.create_rule(ruleId=rule_id, detectorId=detector_id, **given)["rule"]
        except ClientError:
            latest = client.get_rules(detectorId=detector_id, ruleId=rule_id)["ruleDetails"][-1]
            rule = {name: latest[name] for name in ("detectorId", "ruleId", "ruleVersion")}
            if latest["expression"] != expression:
                rule = client.update_rule_version(rule=rule, **given)["rule"]
        named.append(rule)
    version: str = client.create_detector_version(
        detectorId=detector_id, rules=named, ruleExecutionMode=mode, **members
    )["detectorVersionId"]
    if status is not None:
        client.update_detector_version_status(
            detectorId=detector_id, detectorVersionId=version, status=status
        )
    return version


def sent(event_id: str, event_type: str = "payment", **variables: str) -> dict[str, Any]:
    """The members of a request about a payment."""
    return {
        "eventId": event_id,
        "eventTypeName": event_type,
        "eventTimestamp": AT,
        "entities": [{"entityType": "customer", "entityId": "c1"}],
        "eventVariables": variables or {"amount": "5"},
    }
