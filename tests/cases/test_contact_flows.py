"""Contact flows as they are kept, what a flow may invoke, and what a database starts with."""

from __future__ import annotations

import json

import pytest
from banks import PHONE, Bank, Telephone, set_up
from msgspec.structs import replace

from ringfence import cards
from ringfence.cases import EntryKind, furnish, list_plans
from ringfence.cases.functions import CaseFunctions
from ringfence.cases.opening import CaseOpening
from ringfence.cases.plans import put_plan
from ringfence.cases.trial_calls import place_test_call
from ringfence.contacts.flows import delete_flow, find_flow, import_flow
from ringfence.contacts.published_flows import (
    flow_content,
    list_flows,
    published_version,
    stored_flow,
)
from ringfence.detectors import Suspicion, list_outcomes
from ringfence.errors import InvalidInput, NotFound
from ringfence.events import Entity, Event, get_event_type, list_event_types
from ringfence.events.log import append_events
from ringfence.flows import FlowInvalid, FunctionFailed, shipped_flows
from ringfence.flows.unbound import function_name
from ringfence.functions import FunctionRunner
from ringfence.lines import CallEnd
from ringfence.storage import Database, now

ARN = "arn:aws:lambda:eu-central-1:013349204568:function:block-credit-card"
VERIFY = shipped_flows()["verify-card-payment"]


def test_the_same_content_is_the_same_version_and_other_content_the_next(
    database: Database,
) -> None:
    article = shipped_flows()["credit-card-fraud"]
    with database.write() as connection:
        assert import_flow(connection, "Alert", VERIFY) == 1
        assert import_flow(connection, "Alert", VERIFY) == 1
        assert import_flow(connection, "Alert", article) == 2
        assert import_flow(connection, "Alert", VERIFY) == 3
        assert published_version(connection, "Alert") == 3
        assert flow_content(connection, "Alert", 2) == article
        assert stored_flow(connection, "Alert", 1).blocks
        assert list_flows(connection) == {"Alert": 3}


def test_a_flow_that_cannot_run_is_not_kept(database: Database) -> None:
    broken = json.loads(VERIFY)
    broken["StartAction"] = "Nowhere"
    with database.write() as connection:
        with pytest.raises(FlowInvalid):
            import_flow(connection, "Alert", json.dumps(broken))
        assert list_flows(connection) == {}


@pytest.mark.parametrize("name", ["", " alert", "a\nb", "x" * 128])
def test_a_flows_name_is_readable(database: Database, name: str) -> None:
    with database.write() as connection, pytest.raises(InvalidInput) as refused:
        import_flow(connection, name, VERIFY)
    assert refused.value.field == "name"


def test_a_flow_or_version_that_is_not_there_is_not_found(database: Database) -> None:
    with database.write() as connection:
        import_flow(connection, "Alert", VERIFY)
        with pytest.raises(NotFound):
            flow_content(connection, "Alert", 2)
        with pytest.raises(NotFound):
            published_version(connection, "Other")


@pytest.mark.parametrize(
    "arn", ["block-credit-card", ARN, f"{ARN}:live", ARN.replace("aws:lambda", "aws-cn:lambda")]
)
async def test_a_flow_blocks_the_card_by_name_or_by_the_arn_of_any_account(
    database: Database, arn: str
) -> None:
    bank, case_id = _opened(database)
    built_ins = CaseFunctions(database, case_id).built_ins()
    runner = FunctionRunner(database, cards.Vault(bytes(32)))
    reply = await runner.invoke(arn, {}, 3.0, built_ins=built_ins)
    assert reply == {"statusCode": 200, "body": "the card is blocked"}
    assert bank.card().state is cards.CardState.BLOCKED
    again = await runner.invoke(arn, {}, 3.0, built_ins=built_ins)
    assert again["body"] == "the card was blocked already"
    assert len(bank.told(case_id, EntryKind.FUNCTION)) == 2
    assert bank.told(case_id, EntryKind.CARD) == ["blocked"]
    assert bank.case(case_id).open  # a block is no answer


async def test_an_unknown_function_fails_and_changes_nothing(database: Database) -> None:
    bank, case_id = _opened(database)
    with pytest.raises(FunctionFailed, match="empty-the-account"):
        await FunctionRunner(database, cards.Vault(bytes(32))).invoke(
            "empty-the-account",
            {},
            3.0,
            built_ins=CaseFunctions(database, case_id).built_ins(),
        )
    assert bank.card().state is cards.CardState.HELD


def test_a_name_that_is_no_arn_is_a_name() -> None:
    assert function_name("block-credit-card") == "block-credit-card"
    assert function_name(ARN) == "block-credit-card"
    assert function_name("arn:aws:lambda") == "arn:aws:lambda"


async def test_a_test_call_says_everything_and_acts_on_nothing(database: Database) -> None:
    card_id = set_up(database)
    with database.read() as connection:
        flow = stored_flow(connection, "verify-card-payment", 1)
    telephone = Telephone("2")
    call = await place_test_call(
        telephone,
        flow,
        PHONE,
        from_number="+15550100000",
        caller_name="Example Bank",
        attributes={"Merchant": "Harbour Books"},
    )
    assert call.result.end is CallEnd.COMPLETED
    assert "Harbour Books" in telephone.heard[0]
    assert "blocked" in telephone.heard[-1]
    assert Bank(database, card_id).card().state is cards.CardState.ACTIVE
    assert [event.kind.value for event in call.events][-1] == "ended"


def test_an_empty_database_is_furnished_once(database: Database) -> None:
    with database.write() as connection:
        furnish(connection)
        found = list_flows(connection), list_plans(connection), list_outcomes(connection)
        assert set(found[0]) == set(shipped_flows())
        assert [plan.name for plan in found[1]] == ["call-cardholder"]
        assert [event_type.name for event_type in list_event_types(connection)] == ["card_payment"]
        furnish(connection)
        assert (
            list_flows(connection),
            list_plans(connection),
            list_outcomes(connection),
        ) == found


def test_languages_come_only_beside_our_own_wording(database: Database) -> None:
    with database.write() as connection:
        import_flow(connection, "verify-card-payment", VERIFY)
        furnish(connection)
        assert set(list_flows(connection)) == set(shipped_flows())
        german = find_flow(connection, "verify-card-payment.de")
        delete_flow(connection, german.flow_id)
        own_wording = VERIFY.replace("Goodbye.", "Take care.")
        import_flow(connection, "verify-card-payment", own_wording)
        furnish(connection)
        assert "verify-card-payment.de" not in list_flows(connection)


def test_furnishing_leaves_what_an_operator_has_changed(database: Database) -> None:
    with database.write() as connection:
        furnish(connection)
        [plan] = list_plans(connection)
        put_plan(connection, replace(plan, attempts=7))
        import_flow(connection, "verify-card-payment", shipped_flows()["credit-card-fraud"])
        furnish(connection)
        assert list_plans(connection)[0].attempts == 7
        assert published_version(connection, "verify-card-payment") == 2


def _opened(database: Database) -> tuple[Bank, str]:
    bank = Bank(database, set_up(database))
    event = Event(
        event_type="card_payment",
        event_id="e1",
        at=now(),
        entities=(Entity("card", bank.card_id),),
        variables={},
        content_hash=b"",
    )
    opening = CaseOpening("Example Bank", lambda _case_id: None)
    with database.write() as connection:
        append_events(connection, [event], now())
        opening.watched_outcomes(connection)
        case_id, _ = opening.open_case(
            connection,
            Suspicion(
                event_type=get_event_type(connection, event.event_type),
                event=event,
                outcomes=("call_cardholder",),
                decided_at=now(),
            ),
        )
    assert case_id is not None
    return bank, case_id
