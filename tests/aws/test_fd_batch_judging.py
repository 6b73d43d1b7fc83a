"""A batch prediction says of every event what a prediction of that event alone says."""

from __future__ import annotations

import ast
import asyncio
import csv
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from ringfence.aws.batches.columns import read_header
from ringfence.aws.batches.importing import ImportedPart, import_events
from ringfence.aws.batches.parts import header_of, parts_of
from ringfence.aws.batches.remembering import remember
from ringfence.aws.batches.sources import LocalSource
from ringfence.aws.batches.sources import Source as CsvSource
from ringfence.aws.batches.worker import Beginning, PartJudge, done_parts, part_process
from ringfence.detectors import (
    DecisionEngine,
    Detector,
    ModelRef,
    Request,
    RuleRef,
    create_detector_version,
    put_detector,
    put_outcome,
    put_rule,
)
from ringfence.detectors.plans import build_plan, plans_of
from ringfence.detectors.predictions import Prediction
from ringfence.events import (
    DataType,
    Entity,
    EventType,
    SentEvent,
    Variable,
    VariableType,
    put_event_type,
)
from ringfence.models import ModelType, create_model, plan_for, read_data, store_version, train
from ringfence.profiles import Aggregate, Kind, ProfilePlan, Source
from ringfence.rules import ExecutionMode, Rule
from ringfence.storage import Database, migrate

EVENT_TYPE = EventType(
    name="payment",
    variables=(
        Variable("amount", DataType.FLOAT, VariableType.PRICE, 1.0),
        Variable("shop", DataType.STRING, VariableType.CATEGORICAL, "none"),
        Variable("email", DataType.STRING, VariableType.EMAIL_ADDRESS),
        Variable("is_new", DataType.BOOLEAN, VariableType.CATEGORICAL),
    ),
    entity_types=("card",),
    amount_variable="amount",
    merchant_variable="shop",
)
RULES = {
    "risky": ("$plain_insightscore > 900 or $habits_insightscore > 950", ("block", "review")),
    "odd": ('$amount > 400 and $shop != "s1"', ("review",)),
    "late": ('isafter(getcurrentdatetime(), "2026-03-20T00:00:00Z")', ("approve",)),
}
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
COLUMNS = ("EVENT_ID", "EVENT_TIMESTAMP", "ENTITY_TYPE", "ENTITY_ID", "amount", "shop", "email",
           "is_new")  # fmt: skip


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Database, Path, str]]:
    """A log of 1,500 payments, a detector with two models that learned from them, one of which
    looks at profiles, and the version that uses them."""
    folder = tmp_path_factory.mktemp("bank")
    history = _write(folder / "history.csv", 1_500, BEGIN, labelled=True)
    database = Database(f"sqlite:///{folder / 'ringfence.db'}")
    migrate(database)
    with database.write() as connection:
        put_event_type(connection, EVENT_TYPE)
        for outcome in ("block", "review", "approve"):
            put_outcome(connection, outcome)
        put_detector(connection, Detector(detector_id="guard", event_type="payment"))
    _import(database, history)
    data = read_data(history, EVENT_TYPE)
    models = []
    with database.write() as connection:
        for name, kind in (
            ("plain", ModelType.ONLINE_FRAUD_INSIGHTS),
            ("habits", ModelType.TRANSACTION_FRAUD_INSIGHTS),
        ):
            create_model(connection, name, "payment", model_type=kind)
            plan = plan_for(data) if name == "habits" else None
            stored = store_version(connection, name, train(data, plan=plan, seed=1))
            models.append(ModelRef(name, stored.version))
        for rule_id, (expression, outcomes) in RULES.items():
            put_rule(
                connection,
                "guard",
                Rule(rule_id=rule_id, version="1", expression=expression, outcomes=outcomes),
            )
        version = create_detector_version(
            connection,
            "guard",
            rules=[RuleRef(rule_id, "1") for rule_id in RULES],
            models=models,
            mode=ExecutionMode.ALL_MATCHED,
        )
    yield database, folder, version.version
    database.dispose()


def test_a_batch_says_what_single_predictions_say(
    bank: tuple[Database, Path, str], tmp_path: Path
) -> None:
    database, _, version = bank
    asked = _write(tmp_path / "asked.csv", 300, BEGIN + timedelta(days=75), seed=9)
    lines = _judged(database, version, asked, tmp_path)
    with asked.open() as file:
        rows = list(csv.DictReader(file))
    predictions = asyncio.run(_predictions(database, version, rows))
    assert len(lines) == len(rows) == len(predictions)
    scores = set()
    for row, line, prediction in zip(rows, lines, predictions, strict=True):
        assert [line[name] for name in COLUMNS[2:]] == [row[name] or None for name in COLUMNS[2:]]
        found = ast.literal_eval(line["MODEL_SCORES"])
        assert {f"{model}_insightscore": score for model, score in found.items()} == (
            prediction.scores
        )
        scores.add(found["habits"])
        assert (line["OUTCOMES"] or "") == ",".join(prediction.outcomes)
        assert ast.literal_eval(line["RULE_RESULTS"]) == [
            {"ruleId": result.rule_id, "outcomes": list(result.outcomes)}
            for result in prediction.rules
            if result.matched
        ]
        assert line["STATUS"] == "Success"
    assert len(scores) > 10
    assert len({line["OUTCOMES"] for line in lines}) > 2


def test_events_that_differ_by_their_time_alone_are_told_apart(
    bank: tuple[Database, Path, str], tmp_path: Path
) -> None:
    database, _, _ = bank
    expression, outcomes = RULES["late"]
    with database.write() as connection:
        put_detector(connection, Detector(detector_id="clock", event_type="payment"))
        rule = Rule(rule_id="late", version="1", expression=expression, outcomes=outcomes)
        put_rule(connection, "clock", rule)
        create_detector_version(connection, "clock", rules=[RuleRef("late", "1")], models=[])
    path = tmp_path / "asked.csv"
    times = ("2026-03-19 10:00:00", "2026-03-21 10:00:00", "2026-03-18 10:00:00")
    rows = [f"e{n},{at},card,k1,5,s1,," for n, at in enumerate(times)]
    path.write_text("\n".join([",".join(COLUMNS), *rows]))
    sources: list[CsvSource] = [LocalSource.find(path)]
    judge = PartJudge(Beginning(database.url, "clock", "1", COLUMNS, str(tmp_path)))
    (part,) = parts_of(sources, [header_of(source) for source in sources])
    judge.write(part, {})
    judge.close()
    assert [line["OUTCOMES"] for line in _lines(tmp_path)] == [None, "approve", None]


def test_an_event_of_the_log_sees_what_was_before_it_and_not_itself(
    bank: tuple[Database, Path, str], tmp_path: Path
) -> None:
    database, folder, _ = bank
    counting = Aggregate(name="count", kind=Kind.COUNT, by=(Source(entity="card"),))
    plans = {"counting": ProfilePlan("payment", (counting,))}
    sources: list[CsvSource] = [LocalSource.find(folder / "history.csv")]
    headers = [header_of(source) for source in sources]
    columns = read_header(headers[0].fields, EVENT_TYPE)
    found = []
    for asked in (plans, {}):  # after a crash what was replayed is found again
        remembered = remember(
            database, EVENT_TYPE, asked, sources, headers, columns, tmp_path, lambda *_: None
        )
        (part,) = parts_of(sources, headers)
        found.append(remembered.of(part.place)["counting"].tolist())
    cards: dict[str, int] = {}
    expected = []
    with (folder / "history.csv").open() as file:
        for row in csv.DictReader(file):
            seen = cards.get(row["ENTITY_ID"], 0)
            expected.append([float(seen)])
            cards[row["ENTITY_ID"]] = seen + 1
    assert found == [expected, expected]


def test_a_process_of_its_own_writes_the_same(
    bank: tuple[Database, Path, str], tmp_path: Path
) -> None:
    database, _, version = bank
    asked = _write(tmp_path / "asked.csv", 50, BEGIN + timedelta(days=75), seed=5)
    lines = _judged(database, version, asked, tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    sources: list[CsvSource] = [LocalSource.find(asked)]
    headers = [header_of(source) for source in sources]
    with database.read() as connection:
        plans = plans_of(connection, [("habits", "1.0")])
    columns = read_header(COLUMNS, EVENT_TYPE)
    remembered = remember(
        database, EVENT_TYPE, plans, sources, headers, columns, other, lambda *_: None
    )
    (part,) = parts_of(sources, headers)
    with part_process(Beginning(database.url, "guard", version, COLUMNS, str(other))) as process:
        assert process.write(part, remembered.of(part.place)) == (50, 0)
    assert _lines(other) == lines


def _judged(
    database: Database, version: str, asked: Path, folder: Path
) -> list[dict[str, str | None]]:
    sources: list[CsvSource] = [LocalSource.find(asked)]
    headers = [header_of(source) for source in sources]
    columns = read_header(headers[0].fields, EVENT_TYPE)
    with database.read() as connection:
        plans = plans_of(connection, [("habits", "1.0")])
    remembered = remember(
        database, EVENT_TYPE, plans, sources, headers, columns, folder, lambda *_: None
    )
    judge = PartJudge(Beginning(database.url, "guard", version, columns.names, str(folder)))
    for part in parts_of(sources, headers):
        judge.write(part, remembered.of(part.place))
    judge.close()
    return _lines(folder)


def _lines(folder: Path) -> list[dict[str, str | None]]:
    added = ["MODEL_SCORES", "OUTCOMES", "STATUS", "RULE_RESULTS"]
    return [
        row
        for file in done_parts(folder).values()
        for row in pl.read_csv(
            file.path, has_header=False, new_columns=[*COLUMNS, *added], infer_schema=False
        ).to_dicts()
    ]


async def _predictions(
    database: Database, version: str, rows: list[dict[str, str]]
) -> list[Prediction]:
    with database.read() as connection:
        (plan,) = plans_of(connection, [("habits", "1.0")]).values()
    build_plan(database, plan)
    engine = DecisionEngine(database)
    try:
        return await asyncio.gather(
            *(
                engine.predict(
                    Request(
                        event_type="payment",
                        detector_id="guard",
                        detector_version=version,
                        sent=SentEvent(
                            event_id=row["EVENT_ID"],
                            at=datetime.fromisoformat(row["EVENT_TIMESTAMP"]).replace(tzinfo=UTC),
                            entities=(Entity("card", row["ENTITY_ID"]),),
                            variables={
                                v.name: row[v.name] for v in EVENT_TYPE.variables if row[v.name]
                            },
                        ),
                    )
                )
                for row in rows
            )
        )
    finally:
        engine.close()


def _import(database: Database, path: Path) -> ImportedPart:
    (*_, last) = import_events(database, EVENT_TYPE, [LocalSource.find(path)])
    assert last.place.failed == 0
    return last


def _write(
    path: Path, count: int, begin: datetime, *, seed: int = 1, labelled: bool = False
) -> Path:
    chance = random.Random(seed)
    with path.open("w", newline="") as file:
        write = csv.writer(file).writerow
        write([*COLUMNS, *(["EVENT_LABEL", "LABEL_TIMESTAMP"] if labelled else [])])
        for number in range(count):
            at = begin + timedelta(hours=number)
            fraud = chance.random() < 0.15
            usual = chance.randrange(1, 40)
            row = [
                f"{path.stem}-{number}",
                at.strftime("%Y-%m-%d %H:%M:%S"),
                "card",
                f"k{usual}",
                round(usual * (chance.uniform(4, 9) if fraud else chance.uniform(0.8, 1.2)), 2),
                chance.choice(("s1", "s2", "Lopez, Inc.")),
                f"u{usual}@{'mailinator.com' if fraud and usual % 2 else 'gmail.com'}",
                chance.choice(("true", "0", "")),
            ]
            known = at + timedelta(days=1)
            label = ["fraud" if fraud else "legit", known.strftime("%Y-%m-%dT%H:%M:%SZ")]
            write([*row, *(label if labelled else [])])
    return path
