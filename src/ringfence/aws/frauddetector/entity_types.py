"""Entity types: who or what events are about."""

from __future__ import annotations

from typing import Any

from ringfence.aws.frauddetector.named import get_named, put_named
from ringfence.aws.frauddetector.operations import Call, Operations
from ringfence.aws.frauddetector.service import FraudDetector
from ringfence.aws.frauddetector.tags import forget_tags
from ringfence.events import usage
from ringfence.events.names import ENTITY_TYPES

operations = Operations()


@operations.add("PutEntityType")
def put_entity_type(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Create an entity type, or describe it anew."""
    put_named(service, call, ENTITY_TYPES, "entity-type")
    return {}


@operations.add("GetEntityTypes")
def get_entity_types(service: FraudDetector, call: Call) -> dict[str, Any]:
    """One entity type, or a page of all."""
    return get_named(service, call, ENTITY_TYPES, "entity-type", member="entityTypes", default=10)


@operations.add("DeleteEntityType")
def delete_entity_type(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Delete an entity type that no event type has; one that is not there is no error."""
    name = call.members["name"]
    with service.write() as connection:
        usage.delete_entity_type(connection, name)
        forget_tags(connection, f"entity-type/{name}")
    return {}
