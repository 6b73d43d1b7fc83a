"""Batch predictions with an external model that is asked over HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import polars as pl
import pytest

from ringfence.aws.batches import judging
from ringfence.aws.batches.parts import header_of, parts_of
from ringfence.aws.batches.sources import LocalSource, Source
from ringfence.aws.batches.worker import Beginning, PartJudge
from ringfence.detectors import (
    Detector,
    RuleRef,
    create_detector_version,
    put_detector,
    put_outcome,
    put_rule,
)
from ringfence.detectors.external import define_external_model
from ringfence.events import DataType, EventType, Variable, VariableType, put_event_type
from ringfence.models.external import (
    Endpoint,
    ExternalInput,
    ExternalKind,
    ExternalModel,
    ExternalOutput,
    OnFailure,
)
from ringfence.rules import Rule
from ringfence.storage import Database

EVENT_TYPE = EventType(
    name="payment", variables=(Variable("amount", DataType.FLOAT, VariableType.PRICE, 0.0),)
)
HEADER = "EVENT_ID,EVENT_TIMESTAMP,ENTITY_TYPE,ENTITY_ID,amount"
RULES = (("high", "$remote_score > 500", "block"), ("low", "$remote_score <= 500", "approve"))


class _Endpoint(BaseHTTPRequestHandler):
    """Answers with a probability of a thousandth of the amount; with 13 it fails."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        amount = asked["amount"]
        content = json.dumps({"score": amount / 1_000}).encode()
        self.send_response(500 if amount == 13 else 200)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is said."""


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # so many ask at once


@pytest.fixture
def url() -> Iterator[str]:
    server = _Server(("127.0.0.1", 0), _Endpoint)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/score"
    server.shutdown()
    thread.join()
    server.server_close()


def judged(
    database: Database, folder: Path, endpoint: Endpoint, amounts: Sequence[int]
) -> list[tuple[str | None, ...]]:
    """The lines of the output, of a detector that asks this endpoint about events of these
    amounts."""
    model = ExternalModel(
        name="remote",
        kind=ExternalKind.HTTP,
        event_type="payment",
        inputs=(ExternalInput(variable="amount"),),
        outputs=(ExternalOutput(variable="remote_score", key="score"),),
        on_failure=OnFailure.REFUSE,
        endpoint=endpoint,
    )
    with database.write() as connection:
        put_event_type(connection, EVENT_TYPE)
        define_external_model(connection, model)
        put_detector(connection, Detector(detector_id="guard", event_type="payment"))
        for rule_id, expression, outcome in RULES:
            put_outcome(connection, outcome)
            rule = Rule(rule_id=rule_id, version="1", expression=expression, outcomes=(outcome,))
            put_rule(connection, "guard", rule)
        create_detector_version(
            connection,
            "guard",
            rules=[RuleRef(rule_id, "1") for rule_id, _, _ in RULES],
            models=[],
            external_models=["remote"],
        )
    path = folder / "asked.csv"
    rows = [f"e{n},2026-03-01 10:00:00,card,k,{amount}" for n, amount in enumerate(amounts)]
    path.write_text("\n".join([HEADER, *rows]))
    sources: list[Source] = [LocalSource.find(path)]
    headers = [header_of(source) for source in sources]
    judge = PartJudge(Beginning(database.url, "guard", "1", tuple(headers[0].fields), str(folder)))
    (part,) = parts_of(sources, headers)
    written = judge.write(part, {})
    judge.close()
    lines = pl.read_csv(written.path, has_header=False, infer_schema=False).rows()
    assert written.records == len(lines) == len(amounts)
    assert written.failed == sum(line[7] != "Success" for line in lines)
    return lines


def test_an_event_whose_model_fails_is_told_and_the_others_are_judged(
    database: Database, url: str, tmp_path: Path
) -> None:
    lines = judged(database, tmp_path, Endpoint(url=url, timeout_seconds=10), (900, 13, 100))
    assert [line[6] for line in lines] == ["block", None, "approve"]
    assert [line[7] for line in lines][::2] == ["Success", "Success"]
    assert "remote" in (lines[1][7] or "")
    assert lines[1][5] is None


def test_events_that_an_endpoint_was_left_alone_with_are_asked_about_later(
    database: Database, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "_PAUSES", (0.3, 0.3))
    # So many are asked at once, and after them it is left alone.
    endpoint = Endpoint(url=url, failures_to_open=32, open_seconds=0.2, timeout_seconds=10)
    lines = judged(database, tmp_path, endpoint, (*[13] * 32, *range(100, 130)))
    assert [line[7] == "Success" for line in lines] == [*[False] * 32, *[True] * 30]
