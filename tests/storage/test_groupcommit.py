from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from ringfence.errors import InvalidInput, Unavailable
from ringfence.storage import Database, GroupCommit

Apply = Callable[[Connection, Sequence[int]], Sequence[int | BaseException]]


@pytest.fixture(params=["sqlite", "postgresql"])
def numbers(request: pytest.FixtureRequest, empty_database: Callable[[str], Database]) -> Database:
    """A database with one table: numbers in the order in which they were stored."""
    opened = empty_database(request.param)
    serial = "INTEGER PRIMARY KEY" if opened.is_sqlite else "SERIAL PRIMARY KEY"
    with opened.write() as connection:
        connection.execute(text(f"CREATE TABLE numbers (place {serial}, number INTEGER)"))
    return opened


def store(connection: Connection, items: Sequence[int]) -> list[int | BaseException]:
    connection.execute(
        text("INSERT INTO numbers (number) VALUES (:number)"), [{"number": n} for n in items]
    )
    return [n * 10 for n in items]


def stored(database: Database) -> list[int]:
    with database.read() as connection:
        rows = connection.execute(text("SELECT number FROM numbers ORDER BY place"))
        return list(rows.scalars())


class Gate:
    """An `apply` that waits, so that a test can let the queue fill behind it."""

    def __init__(self, apply: Apply = store):
        self.entered = threading.Event()
        self.open = threading.Event()
        self.batches: list[list[int]] = []
        self._apply = apply

    def __call__(
        self, connection: Connection, items: Sequence[int]
    ) -> Sequence[int | BaseException]:
        self.entered.set()
        assert self.open.wait(10)
        self.batches.append(list(items))
        return self._apply(connection, items)


async def test_results_belong_to_their_items_and_are_stored_in_the_order_of_arrival(
    numbers: Database,
) -> None:
    commit: GroupCommit[int, int] = GroupCommit(numbers, store)
    results = await asyncio.gather(*(commit.submit(n) for n in range(500)))
    commit.close()
    assert results == [n * 10 for n in range(500)]
    assert stored(numbers) == list(range(500))


async def test_what_gathers_during_a_commit_shares_the_next_one(numbers: Database) -> None:
    gate = Gate()
    commit: GroupCommit[int, int] = GroupCommit(numbers, gate, max_batch=8)
    first = asyncio.ensure_future(commit.submit(0))
    await asyncio.to_thread(gate.entered.wait)
    rest = [asyncio.ensure_future(commit.submit(n)) for n in range(1, 20)]
    await asyncio.sleep(0)
    gate.open.set()
    await asyncio.gather(first, *rest)
    commit.close()
    assert gate.batches == [[0], [*range(1, 9)], [*range(9, 17)], [*range(17, 20)]]


async def test_an_item_answered_with_an_error_does_not_fail_its_neighbours(
    numbers: Database,
) -> None:
    def refuse_odd(connection: Connection, items: Sequence[int]) -> list[int | BaseException]:
        good = [n for n in items if n % 2 == 0]
        if good:
            store(connection, good)
        return [InvalidInput("odd") if n % 2 else n for n in items]

    commit: GroupCommit[int, int] = GroupCommit(numbers, refuse_odd)
    results = await asyncio.gather(*(commit.submit(n) for n in range(50)), return_exceptions=True)
    commit.close()
    assert [type(r) for r in results] == [int, InvalidInput] * 25
    assert stored(numbers) == list(range(0, 50, 2))


@pytest.mark.parametrize("error", [ValueError("13"), StopIteration(), SystemExit(3)])
async def test_an_item_that_breaks_its_batch_is_the_only_one_to_fail(
    numbers: Database, error: BaseException
) -> None:
    def break_at_13(connection: Connection, items: Sequence[int]) -> list[int | BaseException]:
        results = store(connection, items)
        if 13 in items:
            raise error
        return results

    gate = Gate(break_at_13)
    commit: GroupCommit[int, int] = GroupCommit(numbers, gate)
    waiting = [asyncio.ensure_future(asyncio.to_thread(_outcome, commit, n)) for n in range(4)]
    await asyncio.to_thread(gate.entered.wait)
    submitted = [asyncio.ensure_future(_answer(commit, n)) for n in range(4, 20)]
    await asyncio.sleep(0)
    gate.open.set()
    results = await asyncio.gather(*waiting, *submitted)
    assert await commit.submit(99) == 990
    commit.close()
    assert [n for n, result in enumerate(results) if isinstance(result, BaseException)] == [13]
    assert sorted(stored(numbers)) == sorted({*range(20), 99} - {13})


async def _answer(commit: GroupCommit[int, int], item: int) -> int | BaseException:
    try:
        return await commit.submit(item)
    except BaseException as error:
        return error


def _outcome(commit: GroupCommit[int, int], item: int) -> int | BaseException:
    try:
        return commit.run(item)
    except BaseException as error:
        return error


async def test_a_wrong_number_of_results_stores_nothing_and_fails_its_items(
    numbers: Database,
) -> None:
    commit: GroupCommit[int, int] = GroupCommit(numbers, lambda c, items: [*store(c, items), 1])
    with pytest.raises(RuntimeError, match="2 results for 1 items"):
        await commit.submit(1)
    commit.close()
    assert stored(numbers) == []


async def test_nothing_is_answered_before_another_connection_can_see_it(
    numbers: Database,
) -> None:
    other = Database(numbers.url)
    commit: GroupCommit[int, int] = GroupCommit(numbers, store)

    async def check(n: int) -> bool:
        await commit.submit(n)
        return n in stored(other)

    assert all(await asyncio.gather(*(check(n) for n in range(100))))
    commit.close()
    other.dispose()


async def test_an_item_is_not_answered_while_its_commit_has_not_ended(
    numbers: Database,
) -> None:
    gate = Gate()
    commit: GroupCommit[int, int] = GroupCommit(numbers, gate)
    waiting = asyncio.ensure_future(commit.submit(1))
    await asyncio.to_thread(gate.entered.wait)
    done, _ = await asyncio.wait([waiting], timeout=0.05)
    assert not done
    assert stored(numbers) == []
    gate.open.set()
    assert await waiting == 10
    commit.close()


async def test_closing_finishes_what_is_queued_and_refuses_what_comes_later(
    numbers: Database,
) -> None:
    commit: GroupCommit[int, int] = GroupCommit(numbers, store, max_batch=7)
    waiting = [asyncio.ensure_future(commit.submit(n)) for n in range(100)]
    await asyncio.sleep(0)
    await asyncio.to_thread(commit.close)
    assert await asyncio.gather(*waiting) == [n * 10 for n in range(100)]
    assert stored(numbers) == list(range(100))
    with pytest.raises(Unavailable, match="shutting down"):
        await commit.submit(100)
    commit.close()


def test_closing_during_a_rush_leaves_nobody_waiting(numbers: Database) -> None:
    commit: GroupCommit[int, int] = GroupCommit(numbers, store)
    outcomes: list[int | BaseException] = []

    def rush(start: int) -> None:
        for n in range(start, start + 1000):
            outcomes.append(_outcome(commit, n))
            if isinstance(outcomes[-1], Unavailable):
                return

    threads = [threading.Thread(target=rush, args=(n * 1000,), daemon=True) for n in range(8)]
    for thread in threads:
        thread.start()
    commit.close()
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)
    answered = [outcome // 10 for outcome in outcomes if isinstance(outcome, int)]
    assert sorted(answered) == sorted(stored(numbers))


async def test_an_overloaded_queue_refuses_instead_of_growing(numbers: Database) -> None:
    gate = Gate()
    commit: GroupCommit[int, int] = GroupCommit(numbers, gate, max_queue=5)
    accepted = [asyncio.ensure_future(commit.submit(0))]
    await asyncio.to_thread(gate.entered.wait)
    accepted += [asyncio.ensure_future(commit.submit(n)) for n in range(1, 6)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="too many requests"):
        await commit.submit(6)
    gate.open.set()
    assert await asyncio.gather(*accepted) == [0, 10, 20, 30, 40, 50]
    assert await commit.submit(7) == 70
    commit.close()


async def test_a_caller_that_gave_up_does_not_disturb_the_others(numbers: Database) -> None:
    gate = Gate()
    commit: GroupCommit[int, int] = GroupCommit(numbers, gate)
    waiting = [asyncio.ensure_future(commit.submit(n)) for n in range(3)]
    await asyncio.to_thread(gate.entered.wait)
    waiting[1].cancel()
    gate.open.set()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert results[0] == 0
    assert isinstance(results[1], asyncio.CancelledError)
    assert results[2] == 20
    commit.close()


def test_a_loop_that_is_gone_does_not_stop_the_thread(numbers: Database) -> None:
    gate = Gate()
    commit: GroupCommit[int, int] = GroupCommit(numbers, gate)

    async def leave() -> None:
        asyncio.ensure_future(commit.submit(1))  # noqa: RUF006 - nobody is meant to wait for it
        await asyncio.to_thread(gate.entered.wait)

    asyncio.run(leave())
    gate.open.set()
    assert commit.run(2) == 20
    commit.close()
    assert stored(numbers) == [1, 2]


async def test_a_database_that_cannot_be_used_fails_the_whole_batch_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringfence.storage.database._BUSY_TIMEOUT_MS", 50)
    holder = Database(f"sqlite:///{tmp_path / 'held.db'}")
    database = Database(holder.url)
    applied: list[int] = []

    def apply(connection: Connection, items: Sequence[int]) -> Sequence[int]:
        applied.append(len(items))
        return items

    commit: GroupCommit[int, int] = GroupCommit(database, apply)
    with holder.write():
        outcomes = await asyncio.gather(*(_answer(commit, n) for n in range(30)))
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 30
    # The items of a batch share one error: they were not made to wait for the lock one by one.
    assert len({id(outcome) for outcome in outcomes}) < 30
    assert applied == []
    assert await commit.submit(1) == 1
    commit.close()
    database.dispose()
    holder.dispose()


_ACKNOWLEDGE = """
import asyncio, os, sys
from sqlalchemy import text
from ringfence.storage import Database, GroupCommit

def store(connection, items):
    connection.execute(text("INSERT INTO numbers (number) VALUES (:n)"), [{"n": n} for n in items])
    return items

async def work(first):
    commit = GroupCommit(Database(sys.argv[1]), store, max_batch=16)
    async def one(n):
        await commit.submit(n)
        os.write(1, f"{n}\\n".encode())
    while True:
        await asyncio.gather(*(one(n) for n in range(first, first + 40)))
        first += 40

asyncio.run(work(int(sys.argv[2])))
"""


def test_what_was_acknowledged_is_there_after_a_kill(numbers: Database) -> None:
    pause = random.Random(7)
    acknowledged: set[int] = set()
    children = 2
    for round_number in range(10):
        running = [
            subprocess.Popen(
                [
                    sys.executable,
                    "-c",
                    _ACKNOWLEDGE,
                    numbers.url,
                    str((round_number * children + child) * 1_000_000),
                ],
                stdout=subprocess.PIPE,
            )
            for child in range(children)
        ]
        for process in running:
            assert process.stdout is not None
            process.stdout.readline()
            heard = b""
            for _ in range(pause.randrange(1, 120)):
                heard += process.stdout.readline()
            process.send_signal(signal.SIGKILL)
            heard += process.stdout.read()
            assert process.wait() == -signal.SIGKILL
            lines = heard.decode().split("\n")
            acknowledged |= {int(line) for line in lines[:-1]}
    assert len(acknowledged) > 10 * children
    assert acknowledged <= set(stored(numbers))
