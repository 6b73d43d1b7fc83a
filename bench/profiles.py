"""What remembering costs: replay of history, and one event in serving with 40 aggregates.

    python -m bench profiles
    python bench/profiles.py [events of replay] [long history]

The aggregates are those that are proposed for a payment with two entities, a merchant, a device, an
address and a mailbox; a fiftieth of the payments is fraud. `in memory` is from the event to its 40
values and the changed states as bytes; `durable` is inside a write transaction on SQLite, a batch
to a commit: reading and writing states and the commit with its fsync included.
"""

from __future__ import annotations

import gc
import random
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from ringfence.events import DataType, Entity, Event, EventType, Variable, VariableType
from ringfence.profiles import History, ProfilePlan, ProfileStore, propose, replay
from ringfence.profiles.advancing import Advancer, Arrival
from ringfence.profiles.inputs import EventInputs
from ringfence.profiles.plans import compile_plan
from ringfence.profiles.tables import profile_plans, profile_states
from ringfence.storage import Database, metadata, migrate

if __package__:
    from bench.tables import print_table
else:
    from tables import print_table

_KINDS = {
    "amount": VariableType.PRICE,
    "merchant_id": VariableType.CATEGORICAL,
    "device_id": VariableType.FINGERPRINT,
    "ip_address": VariableType.IP_ADDRESS,
    "email_address": VariableType.EMAIL_ADDRESS,
}
EVENT_TYPE = EventType(
    name="card_payment",
    variables=tuple(
        Variable(name, DataType.FLOAT if kind is VariableType.PRICE else DataType.STRING, kind)
        for name, kind in _KINDS.items()
    ),
    amount_variable="amount",
    merchant_variable="merchant_id",
)
_START = datetime(2026, 1, 1, tzinfo=UTC)
_MANY = 5_000
# So few that after 10,000 events, forty days, their windows are as full as they get.
_FEW = 200


def payments(count: int, customers: int) -> Iterator[Event]:
    """Payments in the order of their times, 1.2 a day of each customer whatever their number: a
    longer history is a longer time."""
    chance = random.Random(1)
    gap_seconds = 86_400 / (1.2 * customers)
    for number in range(count):
        customer = chance.randrange(customers)
        at = _START + timedelta(seconds=number * gap_seconds)
        yield Event(
            event_type=EVENT_TYPE.name,
            event_id=f"e-{number}",
            at=at,
            entities=(Entity("customer", f"c{customer}"), Entity("card", f"k{customer}")),
            variables={
                "amount": round(chance.lognormvariate(3.3, 1.0), 2),
                "merchant_id": f"m{int(chance.paretovariate(0.8)) % max(100, customers // 2)}",
                "device_id": f"d{customer}" if chance.random() < 0.9 else f"x{number}",
                "ip_address": f"10.{customer % 200}.{customer // 200}.{number % 250}",
                "email_address": f"u{customer}@d{int(chance.paretovariate(1)) % 300}.com",
            },
            content_hash=b"",
        )


def as_history(events: Sequence[Event]) -> History:
    """The payments as columns."""
    chance = random.Random(2)
    return History(
        at=[event.at.timestamp() for event in events],
        variables={name: [event.variables[name] for event in events] for name in _KINDS},
        entities={
            entity: [event.entities[place].entity_id for event in events]
            for place, entity in enumerate(("customer", "card"))
        },
        fraud=[chance.random() < 0.02 for _ in events],
    )


def replay_row(plan: ProfilePlan, events: Sequence[Event], processes: int) -> list[str]:
    """Replay all; the row of the table."""
    history = as_history(events)
    started = time.perf_counter()
    replay(plan, history, processes=processes)
    took = time.perf_counter() - started
    return [f"{len(events):,}", str(processes), f"{took:.1f} s", f"{len(events) / took:,.0f}"]


class Arithmetic:
    """Serving without a database: states in a dictionary, as bytes."""

    def __init__(self, plan: ProfilePlan):
        self._advancer = Advancer(plan)
        self._states: dict[bytes, bytes] = {}

    def advance(self, event: Event) -> Sequence[float]:
        """The 40 values, and the event added."""
        arrival = Arrival(event.at.timestamp(), event.entities, event.variables)
        advanced = self._advancer.advance([arrival], lambda keys: self._states)
        self._states.update(advanced.states)
        return advanced.values[0]


def step_cost(plan: ProfilePlan, events: Sequence[Event]) -> list[str]:
    """The cost of the 40 values alone, from the inputs and states at hand."""
    compiled = compile_plan(plan)
    inputs = EventInputs(compiled)
    states = [group.arithmetic.fresh() for group in compiled.groups]
    costs = []
    for event in events:
        _, numbers = inputs.read(event.entities, event.variables)
        at = event.at.timestamp()
        started = time.perf_counter_ns()
        found: tuple[float, ...] = ()
        for group, state in zip(compiled.groups, states, strict=True):
            found += group.arithmetic.step(state, at, numbers)
        compiled.order(found)
        costs.append(time.perf_counter_ns() - started)
    return ["the sums alone, every window full", *_percentiles(costs[len(costs) // 2 :])]


def serving_rows(plan: ProfilePlan, histories: Sequence[int], measured: int) -> list[list[str]]:
    """The cost of an event after histories of these lengths."""
    serving = Arithmetic(plan)
    rows: list[list[str]] = []
    costs: list[int] = []
    checkpoints = set(histories)
    for number, event in enumerate(payments(max(histories) + measured, _FEW)):
        if number in checkpoints:
            costs = []
        started = time.perf_counter_ns()
        serving.advance(event)
        costs.append(time.perf_counter_ns() - started)
        if number + 1 - measured in checkpoints:
            rows.append(
                [f"in memory, after {number + 1 - measured:,} events", *_percentiles(costs)]
            )
    return rows


def durable_row(plan: ProfilePlan, history: int, batch: int, batches: int) -> list[str]:
    """The cost of an event whose profiles are kept in a database, a batch to a commit."""
    with TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'bench.db'}")
        migrate(database)
        metadata.create_all(database.engine, tables=[profile_plans, profile_states])
        store = ProfileStore(plan)
        events = list(payments(history + batch * batches, _FEW))
        # A server does not hold all its past events for the collector to walk through.
        gc.freeze()
        for start in range(0, history, 1_000):
            with database.write() as connection:
                some = events[start : min(start + 1_000, history)]
                store.advance(connection, some, some[-1].at)
        costs = []
        for start in range(history, len(events), batch):
            some = events[start : start + batch]
            started = time.perf_counter_ns()
            with database.write() as connection:
                store.advance(connection, some, some[-1].at)
            costs.append((time.perf_counter_ns() - started) // batch)
        database.dispose()
    return [f"durable, {batch} to a commit, after {history:,} events", *_percentiles(costs)]


def _percentiles(nanoseconds: list[int]) -> list[str]:
    ordered = sorted(nanoseconds)
    return [f"{ordered[int(len(ordered) * part)] / 1000:.0f}" for part in (0.5, 0.99)]


def main() -> None:
    """Print the tables."""
    numbers = [int(argument) for argument in sys.argv[1:]]
    replayed, long = [*numbers, *(1_000_000, 1_000_000)[len(numbers) :]]
    plan = propose(EVENT_TYPE)
    events = list(payments(replayed, _MANY))
    print_table(
        f"Replay of history, {len(plan.names)} aggregates",
        ("events", "processes", "time", "events a second"),
        [replay_row(plan, events, 2)],
    )
    del events
    rows = [step_cost(plan, list(payments(10_000, _FEW)))]
    rows += serving_rows(plan, (10_000, long), 5_000)
    rows += [durable_row(plan, 10_000, batch, 5_000 // batch) for batch in (1, 64, 256)]
    print_table(
        f"One event in serving, {len(plan.names)} aggregates, microseconds",
        ("what", "p50", "p99"),
        rows,
    )


if __name__ == "__main__":
    main()
