"""The functions that are built in, bound to the case that a call is about."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from ringfence import cards
from ringfence.cases import tables
from ringfence.cases.timeline import EntryKind, note
from ringfence.contacts.talks import BuiltIn
from ringfence.flows import FunctionFailed
from ringfence.flows.unbound import function_name
from ringfence.storage import Database, now

BUILT_IN_FUNCTIONS = ("block-credit-card",)


class CaseFunctions:
    """What the flow of a case's call can have done to the case's card."""

    def __init__(self, database: Database, case_id: str):
        self._database = database
        self._case_id = case_id

    def built_ins(self) -> Mapping[str, BuiltIn]:
        """The functions by name; they answer in the article's shape."""
        return {"block-credit-card": self._block_credit_card}

    async def _block_credit_card(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"statusCode": 200, "body": await asyncio.to_thread(self._block)}

    def _block(self) -> str:
        at = now()
        with self._database.write() as connection:
            case = connection.execute(
                tables.cases.select().where(tables.cases.c.case_id == self._case_id)
            ).one()
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
        """The reply in the article's shape. Raises `FunctionFailed` for an unknown function."""
        name = function_name(arn)
        if name not in BUILT_IN_FUNCTIONS:
            raise FunctionFailed(f"there is no function {name!r}")
        return {"statusCode": 200, "body": f"a test call: {name} did nothing"}
