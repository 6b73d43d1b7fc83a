"""The functions a flow may invoke, by name or by the ARN that some other instance gave them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from ringfence import cards
from ringfence.cases import tables
from ringfence.cases.timeline import EntryKind, note
from ringfence.flows import FunctionFailed
from ringfence.storage import Database, now

BUILT_IN_FUNCTIONS = ("block-credit-card",)


def function_name(arn: str) -> str:
    """`block-credit-card` of `arn:aws:lambda:REGION:ACCOUNT:function:block-credit-card:ALIAS`."""
    return arn.split(":")[6] if arn.startswith("arn:") and arn.count(":") >= 6 else arn


class CaseFunctions:
    """Built-in functions, bound to the case that a call is about."""

    def __init__(self, database: Database, case_id: str):
        self._database = database
        self._case_id = case_id
        self._by_name: dict[str, Callable[[], str]] = {"block-credit-card": self._block}

    async def invoke(
        self, arn: str, event: Mapping[str, Any], timeout_seconds: float
    ) -> Mapping[str, Any]:
        """The reply in the article's shape. Raises `FunctionFailed` for an unknown function."""
        function = self._by_name.get(function_name(arn))
        if function is None:
            raise FunctionFailed(f"there is no function {function_name(arn)!r}")
        return {"statusCode": 200, "body": await asyncio.to_thread(function)}

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
