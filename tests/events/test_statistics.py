from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from payments import PAYMENT, READER, RECEIVED_AT, sent

from ringfence.events import put_event_type
from ringfence.events.log import append_events
from ringfence.events.statistics import EventStatistics, event_statistics
from ringfence.events.usage import has_events
from ringfence.storage import Database


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_stored_events_are_counted_and_their_size_is_estimated(
    kind: str, new_database: Callable[[str], Database]
) -> None:
    database = new_database(kind)
    late = RECEIVED_AT + timedelta(hours=1)
    with database.write() as connection:
        put_event_type(connection, PAYMENT)
        assert event_statistics(connection, PAYMENT.name) == EventStatistics(events=0, size_bytes=0)
        assert not has_events(connection)
        events = [
            READER.read(sent(f"e-{n}", at=RECEIVED_AT + timedelta(days=n)), RECEIVED_AT)
            for n in range(1_200)
        ]
        append_events(connection, events[:-1], RECEIVED_AT)
        append_events(connection, events[-1:], late)
        found = event_statistics(connection, PAYMENT.name)
        assert has_events(connection, PAYMENT.name)
        assert not has_events(connection, "another")
    assert (found.events, found.first_at, found.last_at, found.last_received_at) == (
        1_200,
        RECEIVED_AT,
        RECEIVED_AT + timedelta(days=1_199),
        late,
    )
    assert 100 < found.size_bytes / found.events < 300
