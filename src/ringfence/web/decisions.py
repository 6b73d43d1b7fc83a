"""Events in over HTTP, decisions out.

The two POST operations are the hot path and are answered ahead of the framework (`front.py`).
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from ringfence.access import Scope
from ringfence.cards import Refreshed
from ringfence.cases import find_card, get_case
from ringfence.detectors import (
    Decision,
    MatchedRule,
    Request,
    Resolved,
    VersionGone,
    stored_decision,
)
from ringfence.errors import InvalidInput, NotFound
from ringfence.events import Entity, SentEvent
from ringfence.models import Contribution
from ringfence.web.api import Call, Operations
from ringfence.web.services import Services

operations = Operations("decisions")

RawValue = str | int | float | bool | None


class EventBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An event to decide about. Values may be strings, as Amazon Fraud Detector's clients send.

    `detector` is needed only when several detectors are active for the event type; `explain` asks
    for the reasons, at the cost of some milliseconds.
    """

    event_id: str
    variables: dict[str, RawValue]
    event_timestamp: datetime | None = None
    entities: tuple[Entity, ...] = ()
    detector: str | None = None
    explain: bool = False


class TransactionBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The article's event as it stands: `customer`, `card_number` and `transaction`.

    With an `event_id` the request may be repeated safely; without one, each request is a new
    event.
    """

    customer: str
    transaction: dict[str, RawValue]
    card_number: str | None = None
    event_id: str | None = None
    event_timestamp: datetime | None = None
    detector: str | None = None
    explain: bool = False


class OpenedCase(msgspec.Struct, frozen=True):
    """The case that a suspicion opened or joined."""

    case_id: str
    reference: str


class DecisionReply(msgspec.Struct, frozen=True, kw_only=True):
    """The decision. `scores` are 0-1000; `repeated` says that the event was known already."""

    event_id: str
    event_type: str
    detector: str
    detector_version: str
    decided_at: datetime
    scores: Mapping[str, float]
    rules: tuple[MatchedRule, ...]
    outcomes: tuple[str, ...]
    case: OpenedCase | None = None
    note: str | None = None
    repeated: bool = False
    reasons: Mapping[str, tuple[Contribution, ...]] | None = None


class ExplainQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`explain=true` asks for the reasons."""

    explain: bool = False


@operations.add(
    "POST",
    "/v1/event-types/{name}/decisions",
    scope=Scope.DECISIONS,
    body=EventBody,
    reply=DecisionReply,
)
async def post_decision(services: Services, call: Call) -> DecisionReply:
    """Decide about an event; the same event id with the same content gets the same decision."""
    return await _decide_event(services, call.path["name"], call.body)


@operations.add(
    "POST",
    "/v1/transactions",
    scope=Scope.DECISIONS,
    body=TransactionBody,
    reply=DecisionReply,
)
async def post_transaction(services: Services, call: Call) -> DecisionReply:
    """Decide about a payment of a customer of ours, and call them when it looks like fraud."""
    return await _decide_transaction(services, call.body)


@operations.add(
    "GET",
    "/v1/event-types/{name}/decisions/{event_id}",
    scope=Scope.DECISIONS,
    query=ExplainQuery,
    reply=DecisionReply,
)
async def get_decision(services: Services, call: Call) -> DecisionReply:
    """A stored decision, with its reasons when asked for."""

    def read() -> Decision:
        with services.database.read() as connection:
            return stored_decision(connection, call.path["name"], call.path["event_id"])

    return await _reply(services, await asyncio.to_thread(read), explain=call.query.explain)


async def _decide_event(services: Services, event_type: str, body: EventBody) -> DecisionReply:
    for entity in body.entities:
        if entity.entity_type == "customer":
            await services.customers.refresh(entity.entity_id)
    decision = await services.engine.decide(
        Request(
            event_type=event_type,
            sent=SentEvent(
                event_id=body.event_id,
                at=body.event_timestamp,
                entities=body.entities,
                variables=body.variables,
            ),
            detector_id=body.detector,
        )
    )
    return await _reply(services, decision, explain=body.explain)


async def _decide_transaction(services: Services, body: TransactionBody) -> DecisionReply:
    if not body.customer:
        raise InvalidInput("empty", field="customer", expected="a customer id")
    refreshed = await services.customers.refresh(body.customer, body.card_number)

    def resolve(connection: Connection, fresh: bool) -> Resolved:
        try:
            found = find_card(
                connection, services.vault, body.customer, body.card_number, fresh=fresh
            )
        except NotFound as error:
            raise refreshed.error or error from None
        return _with_note(found, refreshed)

    decision = await services.engine.decide(
        Request(
            event_type=services.settings.transactions_event_type,
            sent=SentEvent(
                event_id=body.event_id or uuid.uuid4().hex,
                at=body.event_timestamp,
                variables=body.transaction,
            ),
            detector_id=body.detector,
            resolve=resolve,
            variables_field="transaction",
        )
    )
    return await _reply(services, decision, explain=body.explain)


def _with_note(found: Resolved, refreshed: Refreshed) -> Resolved:
    notes = [note for note in (found.note, refreshed.note) if note]
    return Resolved(found.entities, "; ".join(notes) or None)


async def _reply(services: Services, decision: Decision, *, explain: bool) -> DecisionReply:
    reasons: Any = None
    case = None
    if decision.case_id is not None:
        case = await asyncio.to_thread(_opened_case, services, decision.case_id)
    note = decision.note
    if explain or decision.case_id is not None:
        try:
            reasons = await services.engine.explain(decision)
        except VersionGone as gone:
            # The decision stands, and is told, though nobody can say any more why.
            note = "; ".join(filter(None, (note, f"no reasons: {gone.message}")))
    return DecisionReply(
        event_id=decision.event_id,
        event_type=decision.event_type,
        detector=decision.detector_id,
        detector_version=decision.detector_version,
        decided_at=decision.decided_at,
        scores=decision.scores,
        rules=decision.rules,
        outcomes=decision.outcomes,
        case=case,
        note=note,
        repeated=decision.repeated,
        reasons=reasons,
    )


def _opened_case(services: Services, case_id: str) -> OpenedCase:
    with services.database.read() as connection:
        case = get_case(connection, case_id)
    return OpenedCase(case.case_id, case.reference)
