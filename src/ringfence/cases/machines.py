"""What is said to an answering machine: nothing, or the plan's message, once for a case."""

from __future__ import annotations

from functools import cache

from sqlalchemy import Connection

from ringfence import cards
from ringfence.cases.follow_ups import MACHINES
from ringfence.cases.records import Case, attempts_of
from ringfence.contacts.flows import flow_in_language
from ringfence.contacts.published_flows import flow_to_run
from ringfence.flows import Flow, load_flow

_HANG_UP = """{
  "Version": "2019-10-30",
  "StartAction": "Hang up",
  "Metadata": {},
  "Actions": [
    {"Identifier": "Hang up", "Type": "DisconnectParticipant", "Parameters": {}, "Transitions": {}}
  ]
}"""


def flow_for_machine(connection: Connection, case: Case) -> Flow | None:
    """What runs when a machine picks up; None when nobody listens for one.

    The message is in the cardholder's language where there is one in it.
    """
    plan = case.plan
    if not plan.detect_machine:
        return None
    left = any(each.answered_by in MACHINES for each in attempts_of(connection, case.case_id))
    if not plan.leaves_message or left:
        return _hang_up()
    language = cards.get_customer(connection, case.customer_id).language
    return flow_to_run(connection, flow_in_language(connection, plan.message_flow, language))


@cache
def _hang_up() -> Flow:
    return load_flow(_HANG_UP)
