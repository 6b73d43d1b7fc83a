"""Endpoints: what they are asked, and what becomes of a model that is slow, broken or gone."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from endpoints import Asked, Remote, asked_at, remote
from prometheus_client.parser import text_string_to_metric_families

from ringfence.errors import Unavailable
from ringfence.models.external import (
    Body,
    ExternalCalls,
    ExternalInput,
    ReplyFormat,
    RequestFormat,
)
from ringfence.web.telemetry import Telemetry

ROW = {"amount": 12.5, "merchant": "Corner Shop"}


@pytest.fixture
def calls() -> Iterator[ExternalCalls]:
    opened = ExternalCalls()
    yield opened
    opened.close()


@pytest.fixture
def endpoint() -> Iterator[Remote]:
    with remote() as running:
        yield running


def results(calls: ExternalCalls, name: str = "remote") -> dict[str, int]:
    return {result: n for result, n in calls.counts()[name].by_result.items() if n}


def test_the_inputs_go_as_json_and_the_score_comes_back(
    calls: ExternalCalls, endpoint: Remote
) -> None:
    answer = calls.ask_here(asked_at(endpoint.url), ROW)
    assert answer.values == {"remote_score": 800.0}
    assert answer.failure is None
    (asked,) = endpoint.asked
    assert json.loads(asked.body) == {"amount": 12.5, "shop": "Corner Shop"}
    assert (asked.path, asked.headers["Content-Type"]) == ("/score", "application/json")


def test_what_is_missing_goes_as_its_default_and_texts_as_their_codes(
    calls: ExternalCalls, endpoint: Remote
) -> None:
    inputs = (
        ExternalInput(variable="amount", default=1.0),
        ExternalInput(variable="merchant", codes={"odd": 1.0}, default=0.0),
    )
    calls.ask_here(asked_at(endpoint.url, inputs=inputs), {"amount": None, "merchant": "new"})
    assert json.loads(endpoint.asked[0].body) == {"amount": 1.0, "merchant": 0.0}


def test_a_template_of_csv_goes_and_csv_comes_back(calls: ExternalCalls, endpoint: Remote) -> None:
    endpoint.fails(200, b"0.07167139649391174\n")
    model = asked_at(
        endpoint.url,
        inputs=(),
        template="{{amount}}, {{merchant}}",
        request_format=RequestFormat.TEXT_CSV,
        reply_format=ReplyFormat.APPLICATION_JSONLINES,
    )
    assert calls.ask_here(model, ROW).failure == "the answer is neither an object nor a list"
    assert endpoint.asked[0].body == "12.5, Corner Shop"
    assert endpoint.asked[0].headers["Content-Type"] == "text/csv"


def test_a_body_that_the_client_made_goes_as_it_is(calls: ExternalCalls, endpoint: Remote) -> None:
    model = asked_at(endpoint.url, inputs=(), use_event_variables=False)
    body = Body(b"\x01\x02 raw", "application/x-own")
    assert calls.ask_here(model, {}, body).failure is None
    assert endpoint.asked[0].body == "\x01\x02 raw"
    assert endpoint.asked[0].headers["Content-Type"] == "application/x-own"
    assert calls.ask_here(model, {}).failure == "the client sent no body for it"


def test_a_secret_of_the_environment_goes_into_the_header_alone(
    calls: ExternalCalls, endpoint: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = {"Authorization": "Bearer ${RINGFENCE_SECRET_TEST}"}
    model = asked_at(endpoint.url, headers=headers)
    failure = calls.ask_here(model, ROW).failure
    assert failure == "RINGFENCE_SECRET_TEST is not in the server's environment"
    monkeypatch.setenv("RINGFENCE_SECRET_TEST", "tellnobody")
    assert calls.ask_here(model, ROW).failure is None
    assert endpoint.asked[0].headers["Authorization"] == "Bearer tellnobody"


def test_the_environment_holds_other_things_that_no_header_may_name(
    calls: ExternalCalls, endpoint: Remote
) -> None:
    calls.ask_here(asked_at(endpoint.url, headers={"X-Path": "${PATH}"}), ROW)
    assert endpoint.asked[0].headers["X-Path"] == "${PATH}"


@pytest.mark.parametrize(
    ("status", "body", "said", "counted"),
    [
        (500, b"oops", "it answered with status 500", "refused"),
        (302, b"", "it answered with status 302", "refused"),
        (200, b"<html>", "the answer is not JSON", "unreadable"),
        (200, b'{"other": 1}', "the answer has no score", "unreadable"),
        (200, b'{"score": 80}', "score is not a probability", "unreadable"),
        (200, b" " * 1_100_000, "its answer is too long", "unreadable"),
    ],
)
def test_a_bad_answer_gives_the_fallback_and_says_why(
    calls: ExternalCalls, endpoint: Remote, status: int, body: bytes, said: str, counted: str
) -> None:
    endpoint.fails(status, body)
    answer = calls.ask_here(asked_at(endpoint.url, fallback=650.0), ROW)
    assert (answer.values, answer.failure) == ({"remote_score": 650.0}, said)
    assert results(calls) == {counted: 1}


def test_no_answer_in_time_gives_nothing_without_a_fallback(
    calls: ExternalCalls, endpoint: Remote
) -> None:
    endpoint.waits()
    answer = calls.ask_here(asked_at(endpoint.url, timeout_seconds=0.05), ROW)
    assert (answer.values, answer.failure) == ({}, "no answer within 0.05 s")
    assert results(calls)["timeout"] >= 1


def test_an_answer_that_comes_drop_by_drop_is_not_waited_for(calls: ExternalCalls) -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def drip() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
            try:
                while not ended.wait(0.01):
                    connection.sendall(b" ")
            except OSError:
                return

    thread = threading.Thread(target=drip)
    thread.start()
    url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
    answer = calls.ask_here(asked_at(url, timeout_seconds=0.2), ROW)
    ended.set()
    thread.join()
    listening.close()
    assert answer.failure == "no answer within 0.2 s"


def test_nobody_there_is_unreachable(calls: ExternalCalls) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    answer = calls.ask_here(asked_at(f"http://127.0.0.1:{port}/"), ROW)
    assert answer.failure is not None
    assert answer.failure.startswith("it cannot be reached")
    assert results(calls) == {"unreachable": 1}


def test_what_keeps_failing_is_left_alone_and_asked_again_after_the_pause(
    calls: ExternalCalls, endpoint: Remote
) -> None:
    endpoint.fails()
    patient = asked_at(endpoint.url, failures_to_open=2, open_seconds=3600.0)
    answers = [calls.ask_here(patient, ROW) for _ in range(4)]
    assert [a.failure for a in answers[:2]] == ["it answered with status 500"] * 2
    assert [a.failure for a in answers[2:]] == ["it is left alone after repeated failures"] * 2
    assert len(endpoint.asked) == 2
    assert results(calls) == {"refused": 2, "skipped": 2}
    # Another definition is another endpoint; this one is tried again nearly at once.
    eager = asked_at(endpoint.url, failures_to_open=1, open_seconds=0.001)
    calls.ask_here(eager, ROW)
    endpoint.scores(0.3)
    recovered = [calls.ask_here(eager, ROW) for _ in range(200)]
    assert recovered[-1].values == {"remote_score": 300.0}
    assert calls.counts()["remote"].state == "closed"


def test_events_that_wait_together_are_sent_together_and_answered_in_order(
    calls: ExternalCalls, endpoint: Remote
) -> None:
    def echo(asked: Asked) -> tuple[int, bytes]:
        endpoint.go_on.wait(30)
        rows = json.loads(asked.body)
        return 200, json.dumps([{"score": row["amount"] / 1000} for row in rows]).encode()

    endpoint.answer = echo
    model = asked_at(endpoint.url, batch_size=16)
    with ThreadPoolExecutor(40) as threads:
        asking = [threads.submit(calls.ask_here, model, {"amount": float(n)}) for n in range(40)]
        assert endpoint.arrived.wait(10)
        endpoint.go_on.set()
        answers = [one.result() for one in asking]
    assert [a.values["remote_score"] for a in answers] == [pytest.approx(n) for n in range(40)]
    sizes = [len(json.loads(asked.body)) for asked in endpoint.asked]
    assert sum(sizes) == 40
    assert max(sizes) <= 16
    assert len(sizes) < 40


async def test_an_event_loop_goes_on_while_an_endpoint_is_slow(
    calls: ExternalCalls, endpoint: Remote
) -> None:
    endpoint.waits()
    asking = asyncio.create_task(calls.ask(asked_at(endpoint.url), ROW))
    assert await asyncio.to_thread(endpoint.arrived.wait, 10)
    assert not asking.done()
    endpoint.go_on.set()
    assert (await asking).values == {"remote_score": 800.0}


async def test_who_still_waits_when_the_process_ends_is_told_so(endpoint: Remote) -> None:
    calls = ExternalCalls()
    endpoint.waits()
    asking = asyncio.create_task(calls.ask(asked_at(endpoint.url, timeout_seconds=30.0), ROW))
    assert await asyncio.to_thread(endpoint.arrived.wait, 10)
    await asyncio.to_thread(calls.close)
    with pytest.raises(Unavailable, match="shutting down"):
        await asking
    with pytest.raises(Unavailable, match="shutting down"):
        await calls.ask(asked_at(endpoint.url), ROW)
    calls.close()


def test_connections_are_used_again(calls: ExternalCalls, endpoint: Remote) -> None:
    seen: set[int] = set()
    endpoint.answer = lambda asked: (
        seen.add(threading.get_ident()) or 200,  # type: ignore[func-returns-value]
        b'{"score": 0.5}',
    )
    for _ in range(10):
        calls.ask_here(asked_at(endpoint.url), ROW)
    assert len(seen) == 1  # the server has a thread for each connection


def test_metrics_say_how_endpoints_answer(calls: ExternalCalls, endpoint: Remote) -> None:
    telemetry = Telemetry()
    telemetry.watch_external(calls)
    calls.ask_here(asked_at(endpoint.url), ROW)
    endpoint.fails()
    calls.ask_here(asked_at(endpoint.url, failures_to_open=1), ROW)
    samples = {
        (sample.name, sample.labels.get("result")): sample.value
        for family in text_string_to_metric_families(telemetry.exposition().decode())
        for sample in family.samples
        if sample.labels.get("model") == "remote"
    }
    assert samples["ringfence_external_model_answers_total", "answered"] == 1
    assert samples["ringfence_external_model_answers_total", "refused"] == 1
    assert samples["ringfence_external_model_seconds_count", None] == 2
    assert samples["ringfence_external_model_left_alone", None] == 1
