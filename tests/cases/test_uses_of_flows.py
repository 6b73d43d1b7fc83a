from __future__ import annotations

import pytest
from banks import add_customer, deciding, payment, set_up

from ringfence.cases import Verdict, record_answer
from ringfence.cases.flow_uses import require_unused
from ringfence.contacts.flows import find_flow
from ringfence.errors import Conflict
from ringfence.storage import Database, now


def require(database: Database, name: str) -> None:
    with database.read() as connection:
        require_unused(connection, find_flow(connection, name))


def test_a_flow_is_needed_by_plans_that_name_it_and_by_cases_until_they_are_closed(
    database: Database,
) -> None:
    set_up(database)
    with pytest.raises(Conflict, match="contact plan"):
        require(database, "verify-card-payment")
    require(database, "verify-card-payment.de")
    card_id = add_customer(database, "c2", "+41445550199", "5555555555554444", "de-CH")
    with deciding(database) as (decide, _):
        case_id = decide(payment("e1", card_id, customer_id="c2")).case_id
    with pytest.raises(Conflict, match=f"open case {case_id}"):
        require(database, "verify-card-payment.de")
    with database.write() as connection:
        record_answer(connection, case_id, Verdict.LEGIT, by="a", source="analyst", at=now())
    require(database, "verify-card-payment.de")
