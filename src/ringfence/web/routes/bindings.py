"""The resource map: what the ARNs and names in flows of other instances mean here."""

from __future__ import annotations

import msgspec

from ringfence.access import Scope
from ringfence.contacts.bindings import Binding, delete_binding, list_bindings, put_binding
from ringfence.contacts.instances import default_instance
from ringfence.contacts.resource_maps import load_resource_map
from ringfence.web.api import Call, Operations
from ringfence.web.services import Services

operations = Operations("flows")


class BindingBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """In flows of others `reference` (an ARN, an id or a name) means `target` here.

    The kind is `function`, `contact flow`, `flow module`, `queue`, `hours of operation`, `prompt`,
    `bot`, or `instance`.
    """

    kind: str
    reference: str
    target: str


class BindingQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which binding."""

    kind: str
    reference: str


class MapBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """By kind, what each reference means."""

    map: dict[str, dict[str, str]]


@operations.add("GET", "/v1/bindings", scope=Scope.RULES_READ, reply=list[Binding])
def get_bindings(services: Services, call: Call) -> list[Binding]:
    """What ARNs and names of other instances mean here, by kind and reference."""
    with services.database.read() as connection:
        return list_bindings(connection, default_instance(connection).instance_id)


@operations.add("PUT", "/v1/bindings", scope=Scope.RULES_WRITE, body=BindingBody, reply=Binding)
def put_one_binding(services: Services, call: Call) -> Binding:
    """Say what an ARN or a name means here; what it meant before is forgotten."""
    body: BindingBody = call.body
    with services.database.write() as connection:
        instance_id = default_instance(connection).instance_id
        return put_binding(connection, instance_id, body.kind, body.reference, body.target)


@operations.add("POST", "/v1/bindings", scope=Scope.RULES_WRITE, body=MapBody, reply=list[Binding])
def post_resource_map(services: Services, call: Call) -> list[Binding]:
    """Bind everything that a resource map says, all of it or nothing; what else is bound stays."""
    with services.database.write() as connection:
        instance_id = default_instance(connection).instance_id
        text = msgspec.json.encode(call.body.map).decode()
        return load_resource_map(connection, instance_id, text)


@operations.add("DELETE", "/v1/bindings", scope=Scope.RULES_WRITE, query=BindingQuery, status=204)
def delete_one_binding(services: Services, call: Call) -> None:
    """Forget what an ARN or a name means here."""
    with services.database.write() as connection:
        instance_id = default_instance(connection).instance_id
        delete_binding(connection, instance_id, call.query.kind, call.query.reference)
