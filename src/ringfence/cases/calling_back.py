"""Cardholders who call back: their open case is found, and the same question asked.

People are taught to hang up on such calls and to call their bank. The flow that our number leads
to finds the case with the function `find-open-case`, goes on in the case's own flow, and what is
answered there counts as in the call that we placed: the first answer wins.

Whose number a call shows is easily forged, and a reference can be overheard. Either is enough to
say that it was fraud, which can only make things safer; `ContactPlan.call_back` says what it takes
to say that it was not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection

from ringfence import cards
from ringfence.cases.answering import hear_key
from ringfence.cases.functions import CaseFunctions
from ringfence.cases.plans import OPT_OUT_KEY, CallBackCheck
from ringfence.cases.records import Case, answerable_cases, get_case
from ringfence.cases.timeline import EntryKind, note
from ringfence.cases.verdicts import Verdict, record_answer
from ringfence.contacts.flows import find_flow
from ringfence.contacts.records import StoredContact
from ringfence.contacts.talks import Talks, Watchers
from ringfence.flows import FlowEvent, FlowEventKind
from ringfence.lines import IncomingCall
from ringfence.storage import Database, now

# How long after its opening a case without an answer of a person can still be answered.
ANSWERABLE = timedelta(days=14)

# The keys of a telephone by their letters: ITU-T E.161.
_KEYS = {
    letter: key
    for key, letters in {
        "2": "ABC",
        "3": "DEF",
        "4": "GHI",
        "5": "JKL",
        "6": "MNO",
        "7": "PQRS",
        "8": "TUV",
        "9": "WXYZ",
    }.items()
    for letter in letters
}


class Found(StrEnum):
    """By what a case was found."""

    BOTH = "both"  # the caller's number and the reference
    CALLER = "caller"
    REFERENCE = "reference"
    NOTHING = "nothing"


def keys_of(reference: str) -> str:
    """The keys on which a reference is dialled: `KD7PX` is `53779`."""
    return "".join(_KEYS.get(sign, sign) for sign in reference.upper())


def find_open_case(
    connection: Connection, caller: str, keys: str, at: datetime
) -> tuple[Found, Case | None]:
    """The case that somebody calls about, by their number (E.164) and the keys of its reference.

    Both are looked for together first. A caller with several cases, and keys that fit the
    references of several, find nothing alone.
    """
    callers = {each.customer_id for each in cards.customers_with_number(connection, caller)}
    answerable = answerable_cases(connection, since=at - ANSWERABLE)
    of_caller = {each.case_id for each in answerable if each.customer_id in callers}
    of_keys = {each.case_id for each in answerable if keys and keys_of(each.reference) == keys}
    for found, case_ids in (
        (Found.BOTH, of_caller & of_keys),
        (Found.CALLER, of_caller if not keys else set()),
        (Found.REFERENCE, of_keys),
    ):
        if len(case_ids) == 1:
            return found, get_case(connection, case_ids.pop())
    return Found.NOTHING, None


def may_say_legit(check: CallBackCheck, found: Found, *, verified: bool) -> bool:
    """Whether what was found by is enough to say that the payment was the cardholder's own.

    `verified`: the network has signed for the caller's number.
    """
    if found is Found.BOTH:
        return True
    if found is Found.CALLER:
        return check is CallBackCheck.CALLER or (
            check is CallBackCheck.VERIFIED_CALLER and verified
        )
    return found is Found.REFERENCE and check is CallBackCheck.REFERENCE


class CallingBack:
    """Knows the cardholders among those who call, and watches what they answer."""

    def __init__(self, database: Database, talks: Talks):
        self._database = database
        self._talks = talks

    def language_of(self, connection: Connection, caller: str) -> str | None:
        """The language of the cardholder whose number (E.164) calls; None of nobody we know."""
        languages = {each.language for each in cards.customers_with_number(connection, caller)}
        return languages.pop() if len(languages) == 1 else None

    def watch(self, contact: StoredContact, call: IncomingCall) -> Watchers:
        """Who watches this call, and the functions that its flow finds the case with."""
        about = _About(self._database, self._talks, contact, call)
        return Watchers(
            observe=about.observe,
            built_ins={
                "find-open-case": about.find,
                "report-fraud": about.report_fraud,
                "find-verdict": about.find_verdict,
            },
        )


@dataclass(slots=True)
class _About:
    """One incoming call, and the case that it turns out to be about."""

    database: Database
    talks: Talks
    contact: StoredContact
    call: IncomingCall
    case: Case | None = None
    found: Found = Found.NOTHING

    async def find(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        """`Found` (both, caller, reference, nothing), and of a case that was found `FlowArn`,
        where to go on, and `MaySayLegit` (yes, no). The case's attributes become the contact's.
        """
        parameters: Mapping[str, Any] = event["Details"].get("Parameters") or {}
        keys = "".join(each for each in str(parameters.get("Reference", "")) if each.isdigit())
        self.found, self.case = await asyncio.to_thread(self._find, keys)
        if self.case is None:
            return {"Found": self.found, "FlowArn": "", "MaySayLegit": "no"}
        await self.talks.update_attributes(self.contact.contact_id, self.case.attributes)
        return {
            "Found": self.found,
            "FlowArn": await asyncio.to_thread(self._flow_id, self.case),
            "MaySayLegit": "yes" if self._trusted() else "no",
        }

    async def report_fraud(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        """The caller says that it was not them: `statusCode` 200, or 404 without a case."""
        if self.case is None:
            return {"statusCode": 404, "body": "no case was found"}
        await asyncio.to_thread(self._report_fraud, self.case)
        return {"statusCode": 200, "body": "the card is blocked"}

    async def find_verdict(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        """See `CaseFunctions.find_verdict`; empty without a case."""
        if self.case is None:
            return {"Verdict": ""}
        return await CaseFunctions(self.database, self.case.case_id).find_verdict(event)

    async def observe(self, event: FlowEvent) -> None:
        """A key in a menu of the case's own flow is its answer; a star stops calls in any."""
        case = self.case
        if case is None or event.kind is not FlowEventKind.INPUT:
            return
        if event.flow_name == case.flow_name or event.result == OPT_OUT_KEY:
            await asyncio.to_thread(self._hear, case, event)

    def _trusted(self) -> bool:
        case = self.case
        return case is not None and may_say_legit(
            case.plan.call_back, self.found, verified=self.call.verified
        )

    def _find(self, keys: str) -> tuple[Found, Case | None]:
        with self.database.write() as connection:
            at = now()
            found, case = find_open_case(connection, self.contact.customer_number, keys, at)
            if case is not None:
                text = f"the cardholder calls back: found by {_WORDS[found]}"
                note(connection, case.case_id, at, EntryKind.CALLED_BACK, text)
            return found, case

    def _flow_id(self, case: Case) -> str:
        with self.database.read() as connection:
            return find_flow(connection, case.flow_name).flow_id

    def _report_fraud(self, case: Case) -> None:
        with self.database.write() as connection:
            record_answer(
                connection,
                case.case_id,
                Verdict.FRAUD,
                by="cardholder",
                source="phone",
                at=now(),
                reason="reported by a caller",
            )

    def _hear(self, case: Case, event: FlowEvent) -> None:
        with self.database.write() as connection:
            hear_key(connection, case, event, trusted=self._trusted())


_WORDS = {
    Found.BOTH: "their number and the reference",
    Found.CALLER: "their number",
    Found.REFERENCE: "the reference",
}
