"""What the lines report of the calls of cases: on the timeline, and durable, before a call goes on.

Calls that report at the same time share one commit: each reports several times, and with many calls
in progress commits of their own would keep the next case from being opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from ringfence.cases.records import change_attempt
from ringfence.cases.timeline import EntryKind, note
from ringfence.lines import CallEvent, CallEventKind
from ringfence.storage import Database, GroupCommit

_ON_TIMELINE = {
    CallEventKind.RINGING: EntryKind.RINGING,
    CallEventKind.ANSWERED: EntryKind.ANSWERED,
    CallEventKind.SAID: EntryKind.SAID,
}


@dataclass(frozen=True, slots=True)
class _Reported:
    case_id: str
    attempt_id: str
    event: CallEvent


class CallReports:
    """Writes reports down; close it to finish what is queued."""

    def __init__(self, database: Database) -> None:
        self._commits: GroupCommit[_Reported, None] = GroupCommit(database, _write)

    async def add(self, case_id: str, attempt_id: str, event: CallEvent) -> None:
        """Write down what happened on the call of an attempt; it is durable when this returns."""
        if event.kind in _ON_TIMELINE:
            await self._commits.submit(_Reported(case_id, attempt_id, event))

    def close(self) -> None:
        """Finish what is queued, then stop."""
        self._commits.close()


def _write(connection: Connection, reports: Sequence[_Reported]) -> list[None]:
    for each in reports:
        event = each.event
        note(connection, each.case_id, event.at, _ON_TIMELINE[event.kind], event.text)
        if event.kind is CallEventKind.ANSWERED:
            change_attempt(connection, each.attempt_id, answered_at=event.at)
    return [None] * len(reports)
