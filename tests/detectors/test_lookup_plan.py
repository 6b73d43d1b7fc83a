from __future__ import annotations

import asyncio
from typing import Any

from publishing import payment, prepare, publish, rule
from sqlalchemy import event

from ringfence.detectors import DecisionEngine
from ringfence.storage import Database


async def test_no_query_of_a_decision_reads_a_whole_table(database: Database) -> None:
    with database.write() as connection:
        prepare(connection)
        publish(connection, rule("any"))
    asked: list[tuple[str, Any]] = []

    @event.listens_for(database.engine, "before_cursor_execute")
    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT") and "decisions" in statement:
            asked.append((statement, parameters))

    engine = DecisionEngine(database)
    await asyncio.gather(*(engine.decide(payment(f"e-{number}")) for number in range(20)))
    await asyncio.to_thread(engine.close)
    event.remove(database.engine, "before_cursor_execute", note)
    assert asked
    with database.read() as connection:
        for statement, parameters in asked:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            assert not [row.detail for row in plan if row.detail.startswith("SCAN")]
