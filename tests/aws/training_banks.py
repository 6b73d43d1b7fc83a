"""A bank that trains models: a server, S3 beside it, and what its clients do again and again."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from api_servers import Server, running
from aws_clients import ClientOf, client_of
from s3_stores import Store, running_store
from sqlalchemy import Connection

from ringfence.events import Entity, Event
from ringfence.events.log import append_events, label_event
from ringfence.storage import Database, migrate, now

ROLE = "arn:aws:iam::123456789012:role/AnyRole"
OFI, TFI, ATI = (
    "ONLINE_FRAUD_INSIGHTS",
    "TRANSACTION_FRAUD_INSIGHTS",
    "ACCOUNT_TAKEOVER_INSIGHTS",
)
VARIABLES = {
    "amt": ("FLOAT", "PRICE", "0.0"),
    "email": ("STRING", "EMAIL_ADDRESS", "<unknown>"),
    "merchant": ("STRING", "CATEGORICAL", "<unknown>"),
    "untyped": ("STRING", None, ""),
}
LABELS = {"FRAUD": ["1", "abuse"], "LEGIT": ["0"]}
START = datetime(2026, 1, 5, tzinfo=UTC)
_PATIENCE_SECONDS = 120.0


@dataclass(frozen=True)
class Bank:
    """A server, and its client and S3."""

    server: Server
    client: ClientOf
    store: Store

    def asks(self, model_id: str, model_type: str = OFI, **given: Any) -> str:
        """The number of a new version, of the model that is made if there is none."""
        known = [model["modelId"] for model in self.client.get_models()["models"]]
        if model_id not in known:
            self.client.create_model(
                modelId=model_id, modelType=model_type, eventTypeName="payments"
            )
        answer = self.client.create_model_version(
            **{"modelId": model_id, "modelType": model_type, **given}
        )
        assert answer["status"] == "TRAINING_IN_PROGRESS"
        return str(answer["modelVersionNumber"])

    def told(self, model_id: str, version: str, model_type: str = OFI) -> dict[str, Any]:
        """What GetModelVersion says."""
        return dict(
            self.client.get_model_version(
                modelId=model_id, modelType=model_type, modelVersionNumber=version
            )
        )

    def described(self, model_id: str, version: str, model_type: str = OFI) -> dict[str, Any]:
        """What DescribeModelVersions says."""
        (found,) = self.client.describe_model_versions(
            modelId=model_id, modelType=model_type, modelVersionNumber=version
        )["modelVersionDetails"]
        return dict(found)

    def sets(self, model_id: str, version: str, status: str, model_type: str = OFI) -> None:
        """Ask for a status."""
        self.client.update_model_version_status(
            modelId=model_id, modelType=model_type, modelVersionNumber=version, status=status
        )

    def waits(self, model_id: str, version: str, *statuses: str, model_type: str = OFI) -> str:
        """The first of these statuses that the version is in."""
        until = time.monotonic() + _PATIENCE_SECONDS
        status = ""
        while time.monotonic() < until:
            status = self.told(model_id, version, model_type)["status"]
            if status in statuses:
                return status
            time.sleep(0.2)
        raise AssertionError(f"version {version} of {model_id} is {status}")


def external(location: str, *variables: str, **schema: Any) -> dict[str, Any]:
    """The members that ask for a training on a file."""
    return {
        "trainingDataSource": "EXTERNAL_EVENTS",
        "trainingDataSchema": {
            "modelVariables": list(variables or ("amt", "email", "merchant")),
            "labelSchema": {"labelMapper": LABELS},
            **schema,
        },
        "externalEventsDetail": {"dataLocation": location, "dataAccessRoleArn": ROLE},
    }


def ingested(
    *variables: str, since: datetime = START, until: datetime = START + timedelta(days=300)
) -> dict[str, Any]:
    """The members that ask for a training on stored events."""
    window = {"startTime": f"{since:%Y-%m-%dT%H:%M:%SZ}", "endTime": f"{until:%Y-%m-%dT%H:%M:%SZ}"}
    return {
        "trainingDataSource": "INGESTED_EVENTS",
        "trainingDataSchema": {
            "modelVariables": list(variables or ("amt", "email", "merchant")),
            "labelSchema": {"labelMapper": LABELS},
        },
        "ingestedEventsDetail": {"ingestedEventsTimeWindow": window},
    }


@dataclass(frozen=True)
class Payment:
    """One row of what the bank knows."""

    at: datetime
    label: str
    customer: str
    amt: float
    email: str
    merchant: str


def payments(count: int, seed: int = 1) -> list[Payment]:
    """Payments, of which every twelfth is a fraud that shows."""
    chance = Random(seed)
    made = []
    for number in range(count):
        fraud = chance.random() < 1 / 12
        odd = fraud and chance.random() < 0.7
        amt = round(chance.uniform(300, 900) if odd else chance.uniform(1, 400), 2)
        domain = "mailinator.com" if odd else chance.choice(("gmail.com", "web.de"))
        made.append(
            Payment(
                at=START + timedelta(hours=number),
                label=chance.choice(LABELS["FRAUD"]) if fraud else "0",
                customer=f"c{chance.randint(0, 90)}",
                amt=amt,
                email=f"{chance.choice('abcd')}{number % 70}@{domain}",
                merchant=f"m{chance.randint(0, 20)}",
            )
        )
    return made


def keep(connection: Connection, rows: Sequence[Payment], *variables: str) -> None:
    """Put the rows into the event log, labelled a day later."""
    for number, row in enumerate(rows):
        event = Event(
            event_type="payments",
            event_id=f"e{number}",
            at=row.at,
            entities=(Entity("customer", row.customer),),
            variables={name: getattr(row, name) for name in variables},
            content_hash=b"",
        )
        append_events(connection, [event], now() - timedelta(hours=1))
        day_after = row.at + timedelta(days=1)
        label_event(
            connection, "payments", event.event_id, row.label, source="import", at=day_after
        )


def csv_of(rows: Sequence[Payment]) -> str:
    """The rows as a file, with times as Fraud Detector's samples have them."""
    lines = ["EVENT_TIMESTAMP,EVENT_LABEL,amt,email,merchant"]
    lines += [
        f"{row.at:%m/%d/%Y %H:%M},{row.label},{row.amt},{row.email},{row.merchant}" for row in rows
    ]
    return "\n".join(lines) + "\n"


@contextmanager
def open_bank(data_dir: Path) -> Iterator[Bank]:
    """A bank with the event type `payments` of the variables and labels above."""
    data_dir.mkdir(parents=True)
    database = Database(f"sqlite:///{data_dir / 'ringfence.db'}")
    migrate(database)
    database.dispose()
    with (
        running_store() as store,
        running(data_dir, **store.environment, RINGFENCE_AWS_ACCEPT_ANY_KEY="1") as server,
    ):
        client = client_of(server.url)
        for name, (data_type, variable_type, default) in VARIABLES.items():
            typed = {} if variable_type is None else {"variableType": variable_type}
            client.create_variable(
                name=name, dataType=data_type, dataSource="EVENT", defaultValue=default, **typed
            )
        for label in (*LABELS["FRAUD"], *LABELS["LEGIT"], "open"):
            client.put_label(name=label)
        client.put_entity_type(name="customer")
        client.put_event_type(
            name="payments",
            eventVariables=list(VARIABLES),
            labels=[*LABELS["FRAUD"], *LABELS["LEGIT"], "open"],
            entityTypes=["customer"],
            eventIngestion="ENABLED",
        )
        yield Bank(server, client, store)
