"""Opening a case, inside the transaction that commits the decision."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import Connection, bindparam, insert, select

from ringfence import cards
from ringfence.cases import tables
from ringfence.cases.plans import ContactPlan, list_plans
from ringfence.cases.records import payment_of
from ringfence.cases.timeline import EntryKind, note
from ringfence.contacts.flows import StoredFlow, find_flow, flow_in_language
from ringfence.contacts.published_flows import flow_to_run, version_to_run
from ringfence.detectors import Suspicion
from ringfence.errors import NotFound
from ringfence.events import Event
from ringfence.events.revisions import current_revision

# Without letters and digits that are mistaken for each other on the telephone.
_REFERENCE_ALPHABET = "ACDEFHJKLMNPRTUVWXY34679"

# Run for each case while no other decision can be stored, so they are built once.
_OPEN_CASE = select(tables.cases.c.case_id, tables.cases.c.reference).where(
    tables.cases.c.card_id == bindparam("of_card"), tables.cases.c.open
)
_REFERENCE = (
    select(tables.cases.c.case_id).where(tables.cases.c.reference == bindparam("taken")).limit(1)
)
_OPEN = insert(tables.cases)
_JOIN = insert(tables.case_events)


class CaseOpening:
    """Opens cases for the decision engine. `announce` hears of each one after the commit."""

    def __init__(self, bank_name: str, announce: Callable[[str], None]):
        self._bank_name = bank_name
        self._announce = announce
        self._plans: dict[str, ContactPlan] = {}
        self._revision = -1

    def watched_outcomes(self, connection: Connection) -> frozenset[str]:
        """The outcomes that have a contact plan."""
        revision = current_revision(connection)
        if revision != self._revision:
            self._plans = {
                outcome: plan for plan in list_plans(connection) for outcome in plan.outcomes
            }
            self._revision = revision
        return frozenset(self._plans)

    def open_case(self, connection: Connection, suspicion: Suspicion) -> tuple[str | None, str]:
        """A new case, or the open case of the same card, which it joins."""
        plan = next(self._plans[name] for name in suspicion.outcomes if name in self._plans)
        event, at = suspicion.event, suspicion.decided_at
        try:
            card = _card_of(connection, event)
            customer = cards.get_customer(connection, card.customer_id)
        except NotFound as error:
            return None, f"no case: {error.message}"
        card_id = card.card_id
        open_case = connection.execute(_OPEN_CASE, {"of_card": card_id}).first()
        if open_case is not None:
            self._join(connection, open_case.case_id, suspicion)
            note(
                connection,
                open_case.case_id,
                at,
                EntryKind.JOINED,
                f"event {event.event_id} joins this case",
            )
            return open_case.case_id, f"joined the open case {open_case.reference}"
        if card.state is cards.CardState.BLOCKED:
            return None, "no case: the card is blocked already"
        case_id = f"case_{secrets.token_hex(12)}"
        reference = _new_reference(connection)
        payment = payment_of(suspicion.event_type, event.variables)
        flow = _flow_in_language(connection, plan, customer.language)
        attributes = {
            "Salutation": customer.salutation,
            "Name": customer.last_name,
            "Customer": customer.customer_id,
            "CardNo": card.last4,
            "Bank": self._bank_name,
            "Reference": reference,
            "ReferenceSpelled": ", ".join(reference),
            **payment,
        }
        connection.execute(
            _OPEN,
            {
                "case_id": case_id,
                "reference": reference,
                "event_type": event.event_type,
                "event_id": event.event_id,
                "customer_id": customer.customer_id,
                "card_id": card_id,
                "outcomes": suspicion.outcomes,
                "plan": plan,
                "flow_name": flow.name,
                "flow_version": version_to_run(flow),
                "attributes": attributes,
                "open": True,
                "for_analyst": False,
                "opened_at": at,
            },
        )
        self._join(connection, case_id, suspicion)
        note(
            connection,
            case_id,
            at,
            EntryKind.OPENED,
            f"{', '.join(suspicion.outcomes)} on event {event.event_id}; plan {plan.name}",
        )
        if plan.hold:
            change = cards.hold(
                connection,
                card_id,
                case_id,
                by="ringfence",
                reason=f"case {reference}: waiting for the cardholder",
                case_id=case_id,
                at=at,
                expires_at=at + timedelta(seconds=plan.hold_seconds),
            )
            if change.changed:
                note(connection, case_id, at, EntryKind.HELD, "the card is held while we ask")
        return case_id, ""

    def opened(self, case_id: str) -> None:
        """Told after the commit."""
        self._announce(case_id)

    @staticmethod
    def _join(connection: Connection, case_id: str, suspicion: Suspicion) -> None:
        connection.execute(
            _JOIN,
            {
                "case_id": case_id,
                "event_type": suspicion.event.event_type,
                "event_id": suspicion.event.event_id,
                "joined_at": suspicion.decided_at,
            },
        )


def _card_of(connection: Connection, event: Event) -> cards.Card:
    """The card that an event names, or the only card of the customer whom it names, as events of
    Amazon Fraud Detector's clients do. Raises `NotFound`."""
    named = {entity.entity_type: entity.entity_id for entity in event.entities}
    if "card" in named:
        return cards.get_card(connection, named["card"])
    if "customer" not in named:
        raise NotFound("the event names neither a card nor a customer")
    of_customer = cards.cards_of(connection, named["customer"])
    if len(of_customer) != 1:
        raise NotFound(f"the event names no card, and the customer has {len(of_customer)}")
    return of_customer[0]


def _flow_in_language(connection: Connection, plan: ContactPlan, language: str) -> StoredFlow:
    """The plan's flow in the cardholder's language, unless that lacks one of the plan's questions:
    a key that is pressed elsewhere would be no verdict."""
    flow = flow_in_language(connection, plan.flow, language)
    if flow.name != plan.flow and plan.questions:
        asks = flow_to_run(connection, flow).blocks.keys()
        if not asks >= set(plan.questions):
            return find_flow(connection, plan.flow)
    return flow


def _new_reference(connection: Connection) -> str:
    while True:
        reference = "".join(secrets.choice(_REFERENCE_ALPHABET) for _ in range(5))
        if connection.execute(_REFERENCE, {"taken": reference}).first() is None:
            return reference
