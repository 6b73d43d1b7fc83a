"""What functions print and log."""

from __future__ import annotations

import asyncio

import pytest
from workbench import Workbench

from ringfence.functions.logs import LONGEST_LINE, MOST_BYTES, MOST_LINES, FunctionLogs


async def test_prints_and_logs_of_an_invocation_are_kept_in_order_with_its_request(
    bench: Workbench,
) -> None:
    bench.python(
        "talks",
        """
        import logging, subprocess, sys

        print("loaded")

        def lambda_handler(event, context):
            print("one", "two")
            sys.stderr.write("three\\n")
            logging.getLogger("deep").warning("four")
            logging.getLogger().info("not said")
            subprocess.run(["echo", "fünf"])
            print("six", end="")
            return {}
        """,
    )
    answer = await bench.runner.run("talks", b"{}")
    request = f"RequestId: {answer.request_id}"
    *lines, report = bench.log("talks")
    assert lines[4].startswith("[WARNING]\t")
    assert lines[4].endswith(f"Z\t{answer.request_id}\tfour")
    del lines[4]
    start = f"START {request} Version: $LATEST"
    assert lines == ["loaded", start, "one two", "three", "fünf", "six", f"END {request}"]
    assert report.startswith(f"REPORT {request}\tDuration: ")
    assert {line.request_id for line in bench.runner.logs("talks")} == {answer.request_id}
    assert answer.log.splitlines() == bench.log("talks")


async def test_lines_of_events_that_run_at_once_do_not_mix(bench: Workbench) -> None:
    bench.python(
        "mixed",
        """
        import time

        def lambda_handler(event, context):
            for number in range(20):
                print(event["n"], number)
                time.sleep(0.005)
            return {}
        """,
    )
    payloads = [b'{"n": "a"}', b'{"n": "b"}']
    answers = await asyncio.gather(*(bench.runner.run("mixed", each) for each in payloads))
    for answer, name in zip(answers, "ab", strict=True):
        said = [
            line.text
            for line in bench.runner.logs("mixed")
            if line.request_id == answer.request_id and line.text[0] in "ab"
        ]
        assert said == [f"{name} {number}" for number in range(20)]


async def test_card_numbers_are_masked_and_long_lines_cut(bench: Workbench) -> None:
    bench.python(
        "leaks",
        """
        def lambda_handler(event, context):
            print("card 4111111111111111")
            print("x" * 100_000)
            print("after")
            return {}
        """,
    )
    answer = await bench.runner.run("leaks", b"{}")
    _, card, long, after, _, _ = bench.log("leaks")
    assert (card, after) == ("card ************1111", "after")
    assert long == "x" * (LONGEST_LINE - 3) + "..."
    assert "4111111111111111" not in answer.log


async def test_printing_without_an_end_fills_neither_memory_nor_the_pipe(
    bench: Workbench,
) -> None:
    bench.python(
        "chatty",
        """
        def lambda_handler(event, context):
            for number in range(200_000):
                print("line", number, "of many")
            return {"done": True}
        """,
        timeout_seconds=60,
    )
    assert await bench.invoke("chatty") == {"done": True}
    lines = bench.log("chatty")
    assert len(lines) == MOST_LINES
    assert lines[-3] == "... what follows is not kept"


@pytest.mark.parametrize("text", ["", "\n", "a\r", "\0", "\0x\0"])
async def test_any_output_is_no_trouble(bench: Workbench, text: str) -> None:
    bench.python(
        "odd",
        """
        import os

        def lambda_handler(event, context):
            print(event["text"])
            os.write(1, b"\\xff\\xfe\\n")
            return {}
        """,
    )
    assert await bench.invoke("odd", text=text) == {}
    assert "\ufffd\ufffd" in bench.log("odd")


def test_the_end_of_a_log_is_4_kb_at_the_most() -> None:
    log = FunctionLogs().open("f", "r")
    for number in range(2000):
        log.print(f"{number:04} " + "ü" * 20)
    assert len(log.tail().encode()) <= 4096
    kept = sum(len(f"{number:04} ".encode()) + 40 for number in range(2000))
    assert kept > MOST_BYTES
