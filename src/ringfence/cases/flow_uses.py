"""What would miss a contact flow that is taken away."""

from __future__ import annotations

from sqlalchemy import Connection, select

from ringfence.cases import tables
from ringfence.cases.plans import list_plans
from ringfence.contacts.flows import StoredFlow
from ringfence.contacts.instances import default_instance
from ringfence.contacts.phone_numbers import numbers_of_flow
from ringfence.errors import Conflict


def require_unused(connection: Connection, flow: StoredFlow, field: str = "flow") -> None:
    """Raise `Conflict` where a contact plan, an open case or a phone number has this flow."""
    if flow.instance_id == default_instance(connection).instance_id:
        for plan in list_plans(connection):
            if flow.name == plan.flow or (plan.leaves_message and flow.name == plan.message_flow):
                raise Conflict(f"the contact plan {plan.name!r} uses this flow", field=field)
        cases = tables.cases
        case_id = connection.execute(
            select(cases.c.case_id).where(cases.c.open, cases.c.flow_name == flow.name).limit(1)
        ).scalar()
        if case_id is not None:
            raise Conflict(f"the open case {case_id} rings with this flow", field=field)
    for number in numbers_of_flow(connection, flow.flow_id):
        raise Conflict(f"{number} leads to this flow", field=field)
