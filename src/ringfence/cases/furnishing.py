"""What an empty database starts with, so that there is something to train, decide and call with."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from ringfence.cases.plans import ContactPlan, list_plans, put_plan
from ringfence.contacts.flows import import_flow
from ringfence.contacts.published_flows import list_flows
from ringfence.detectors import list_outcomes, put_outcome
from ringfence.events import EventType, list_event_types, put_event_type
from ringfence.examples import read_example
from ringfence.flows import shipped_flows

CALL_OUTCOME = "call_cardholder"

OUTCOMES = {
    "approve": "Let the payment pass.",
    "review": "Let it pass, and have an analyst look at it.",
    CALL_OUTCOME: "Hold the card and ring the cardholder.",
}


def furnish(connection: Connection) -> None:
    """Put in the shipped event type, outcomes, contact flows and contact plan.

    A flow is put in wherever it is missing, in another language only beside our own wording of it:
    a bank that asks in its own words would not want some cardholders to hear ours. The rest is put
    only into a database that has no event type yet, so that what an operator has removed or changed
    stays so.
    """
    known = list_flows(connection)
    for name, content in shipped_flows().items():
        if name not in known and known.get(name.partition(".")[0], 1) == 1:
            import_flow(connection, name, content)
    if list_event_types(connection):
        return
    put_event_type(connection, msgspec.json.decode(read_example("event_type.json"), type=EventType))
    if not list_outcomes(connection):
        for name, description in OUTCOMES.items():
            put_outcome(connection, name, description)
    if not list_plans(connection):
        put_plan(connection, ContactPlan(name="call-cardholder", outcomes=(CALL_OUTCOME,)))
