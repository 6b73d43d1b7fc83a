"""Deleting all events of a type: a job, in parts, so that nobody waits long for the database."""

from __future__ import annotations

from ringfence.aws.jobs.context import JobContext
from ringfence.detectors.forgetting import count_received, forget_events, ids_received

_PART_EVENTS = 1_000


def work_on_deletion(context: JobContext) -> None:
    """Do what `DeleteEventsByEventType` asks for.

    Deletes the events that were in the log when it was asked for; those that a case is about stay,
    and count as failed. A part is deleted in one transaction with the place where the next begins.
    """
    event_type, until = context.job.payload["event_type"], context.job.created_at
    after = str((context.job.place or {}).get("after", ""))
    processed, failed, total = context.job.processed, context.job.failed, context.job.total
    if total is None:
        with context.database.read() as connection:
            total = count_received(connection, event_type, until)
    while True:
        with context.database.write() as connection:
            ids = ids_received(connection, event_type, until, after=after, limit=_PART_EVENTS)
            if not ids:
                context.complete(connection)
                return
            forgotten = forget_events(connection, event_type, ids)
            after = ids[-1]
            processed += len(ids)
            failed += forgotten.kept
            context.save(
                connection, {"after": after}, processed=processed, failed=failed, total=total
            )
        context.tell(min(processed / max(total, 1), 1.0), "deleting events")
