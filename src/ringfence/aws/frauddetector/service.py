"""What the operations of Fraud Detector work on, and all of them by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from sqlalchemy import Connection

from ringfence.aws.jobs.runner import JobRunner
from ringfence.aws.wire.operations import Handler
from ringfence.cards import CustomerMaster, Vault
from ringfence.detectors import DecisionEngine
from ringfence.settings import Settings
from ringfence.storage import Database

TARGET_PREFIX = "AWSHawksNestServiceFacade"
_RESOURCES = (
    "batch_imports",
    "batch_predictions",
    "detector_versions",
    "detectors",
    "entity_types",
    "event_types",
    "events",
    "external_models",
    "kms",
    "labels",
    "lists",
    "model_versions",
    "models",
    "outcomes",
    "predictions",
    "rules",
    "tags",
    "variables",
)


@dataclass(frozen=True, slots=True)
class FraudDetector:
    """The open parts of a server that operations need."""

    settings: Settings
    database: Database
    vault: Vault
    engine: DecisionEngine
    jobs: JobRunner
    customers: CustomerMaster

    def read(self) -> AbstractContextManager[Connection]:
        """A connection to read with."""
        return self.database.read()

    def write(self) -> AbstractContextManager[Connection]:
        """A transaction."""
        return self.database.write()

    @contextmanager
    def redefine(self) -> Iterator[Connection]:
        """A transaction that changes definitions; this process decides by them once it is done."""
        with self.database.write() as connection:
            yield connection
        self.engine.catalog.look_again()


@cache
def operations() -> Mapping[str, Handler]:
    """Every operation by its name in the model. The files are loaded when this is first asked."""
    found: dict[str, Handler] = {}
    for resource in _RESOURCES:
        module = import_module(f"ringfence.aws.frauddetector.{resource}")
        found.update(module.operations.all)
    return found
