"""The functions that are built in, bound to the case that a call is about."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from ringfence import cards
from ringfence.cases.records import get_case
from ringfence.cases.timeline import EntryKind, note
from ringfence.cases.verdicts import Verdict
from ringfence.contacts.talks import BuiltIn
from ringfence.flows import FunctionFailed
from ringfence.flows.unbound import function_name
from ringfence.storage import Database, now

# What a test call answers in place of the functions that a case's call has.
TRIAL_ANSWERS: Mapping[str, Mapping[str, Any]] = {
    "block-credit-card": {"statusCode": 200, "body": "a test call: nothing was blocked"},
    "find-verdict": {"Verdict": Verdict.LEGIT},
}


class CaseFunctions:
    """What the flow of a case's call can have done to the case's card."""

    def __init__(self, database: Database, case_id: str):
        self._database = database
        self._case_id = case_id

    def built_ins(self) -> Mapping[str, BuiltIn]:
        """The functions by name; `block-credit-card` answers in the article's shape."""
        return {
            "block-credit-card": self._block_credit_card,
            "find-verdict": self.find_verdict,
        }

    async def find_verdict(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        """`Verdict`: what the answer has made of the case, empty where it has none.

        Nothing of the answer that does not count says why: whoever is on the telephone may not be
        the cardholder.
        """
        return {"Verdict": await asyncio.to_thread(self._verdict)}

    async def _block_credit_card(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"statusCode": 200, "body": await asyncio.to_thread(self._block)}

    def _verdict(self) -> str:
        with self._database.read() as connection:
            return get_case(connection, self._case_id).verdict or ""

    def _block(self) -> str:
        at = now()
        with self._database.write() as connection:
            case = get_case(connection, self._case_id)
            change = cards.block(
                connection,
                case.card_id,
                by="block-credit-card",
                reason=f"case {case.reference}: the flow asked for it",
                case_id=self._case_id,
                at=at,
            )
            text = "the card is blocked" if change.changed else "the card was blocked already"
            note(connection, self._case_id, at, EntryKind.FUNCTION, f"block-credit-card: {text}")
            if change.changed:
                note(connection, self._case_id, at, EntryKind.CARD, "blocked")
        return text


class TestCallFunctions:
    """The same functions on a test call: they answer as usual and act on nothing."""

    async def invoke(
        self, arn: str, event: Mapping[str, Any], timeout_seconds: float
    ) -> Mapping[str, Any]:
        """The reply of a call that went well. Raises `FunctionFailed` for an unknown function."""
        name = function_name(arn)
        if name not in TRIAL_ANSWERS:
            raise FunctionFailed(f"there is no function {name!r}")
        return TRIAL_ANSWERS[name]
