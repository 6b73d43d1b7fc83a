"""Cases, contact plans and contact flows."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from ringfence.access import Scope
from ringfence.carddata import mask_card_numbers
from ringfence.cases import (
    Attempt,
    Case,
    ContactPlan,
    Entry,
    Verdict,
    attempts_of,
    get_case,
    get_plan,
    list_cases,
    list_plans,
    put_plan,
    record_answer,
    timeline_of,
)
from ringfence.contacts.flows import import_flow
from ringfence.contacts.published_flows import flow_content, list_flows, published_version
from ringfence.errors import InvalidInput
from ringfence.storage import now
from ringfence.web.api import Call, Operations
from ringfence.web.services import Services

operations = Operations("cases")


class CaseQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which cases: those still open, those waiting for an analyst, those of one card."""

    open: bool = False
    for_analyst: bool = False
    card_id: str | None = None
    limit: int = 50

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= 500:
            raise InvalidInput("out of range", field="limit", expected="1 to 500")


class CaseView(msgspec.Struct, frozen=True):
    """A case with everything that happened."""

    case: Case
    attempts: tuple[Attempt, ...]
    timeline: tuple[Entry, ...]


class VerdictBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An analyst's decision, and why."""

    verdict: Verdict
    reason: str


class FlowBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A contact flow as it was exported: the text of the file."""

    content: str


class FlowVersion(msgspec.Struct, frozen=True):
    """One version of a contact flow."""

    name: str
    version: int
    content: str


@operations.add("GET", "/v1/cases", scope=Scope.CASES_READ, query=CaseQuery, reply=list[Case])
def get_cases(services: Services, call: Call) -> list[Case]:
    """Cases, newest first."""
    query: CaseQuery = call.query
    with services.database.read() as connection:
        return list_cases(
            connection,
            open_only=query.open,
            for_analyst=query.for_analyst,
            card_id=query.card_id,
            limit=query.limit,
        )


@operations.add("GET", "/v1/cases/{case_id}", scope=Scope.CASES_READ, reply=CaseView)
def get_one_case(services: Services, call: Call) -> CaseView:
    """A case by its id or its spoken reference, with attempts and timeline."""
    with services.database.read() as connection:
        return _view(connection, call.path["case_id"])


@operations.add(
    "POST",
    "/v1/cases/{case_id}/verdict",
    scope=Scope.CASES_WRITE,
    body=VerdictBody,
    reply=CaseView,
)
def post_verdict(services: Services, call: Call) -> CaseView:
    """Settle a case as an analyst: `fraud` blocks the card, `legit` lifts the case's hold."""
    body: VerdictBody = call.body
    if body.verdict not in (Verdict.FRAUD, Verdict.LEGIT):
        raise InvalidInput("not a decision", field="verdict", expected="fraud or legit")
    if not body.reason.strip():
        raise InvalidInput("empty", field="reason", expected="why, in a few words")
    with services.database.write() as connection:
        case = get_case(connection, call.path["case_id"])
        record_answer(
            connection,
            case.case_id,
            body.verdict,
            by=call.principal.name,
            source="analyst",
            at=now(),
            reason=mask_card_numbers(body.reason),
        )
        return _view(connection, case.case_id)


@operations.add("GET", "/v1/contact-plans", scope=Scope.CASES_READ, reply=list[ContactPlan])
def get_contact_plans(services: Services, call: Call) -> list[ContactPlan]:
    """All contact plans."""
    with services.database.read() as connection:
        return list_plans(connection)


@operations.add("GET", "/v1/contact-plans/{name}", scope=Scope.CASES_READ, reply=ContactPlan)
def get_contact_plan(services: Services, call: Call) -> ContactPlan:
    """One contact plan."""
    with services.database.read() as connection:
        return get_plan(connection, call.path["name"])


@operations.add(
    "PUT",
    "/v1/contact-plans/{name}",
    scope=Scope.RULES_WRITE,
    body=ContactPlan,
    reply=ContactPlan,
)
def put_contact_plan(services: Services, call: Call) -> ContactPlan:
    """Create or replace a contact plan."""
    plan: ContactPlan = call.body
    if plan.name != call.path["name"]:
        raise InvalidInput("differs from the path", field="name", expected=call.path["name"])
    with services.database.write() as connection:
        put_plan(connection, plan)
    return plan


@operations.add("GET", "/v1/flows", scope=Scope.CASES_READ, reply=dict[str, int])
def get_flows(services: Services, call: Call) -> dict[str, int]:
    """The latest version of every contact flow."""
    with services.database.read() as connection:
        return list_flows(connection)


@operations.add("GET", "/v1/flows/{name}", scope=Scope.CASES_READ, reply=FlowVersion)
def get_flow(services: Services, call: Call) -> FlowVersion:
    """The latest version of a contact flow, as it was imported."""
    name = call.path["name"]
    with services.database.read() as connection:
        version = published_version(connection, name)
        return FlowVersion(name, version, flow_content(connection, name, version))


@operations.add(
    "PUT", "/v1/flows/{name}", scope=Scope.RULES_WRITE, body=FlowBody, reply=FlowVersion
)
def put_flow(services: Services, call: Call) -> FlowVersion:
    """Import a contact flow; every problem in it is named, and nothing is kept if there is one."""
    name = call.path["name"]
    with services.database.write() as connection:
        version = import_flow(connection, name, call.body.content)
    return FlowVersion(name, version, call.body.content)


def _view(connection: Connection, case_id: str) -> CaseView:
    case = get_case(connection, case_id)
    return CaseView(
        case,
        tuple(attempts_of(connection, case.case_id)),
        tuple(timeline_of(connection, case.case_id)),
    )
