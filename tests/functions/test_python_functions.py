"""Python handlers in processes of their own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest
from workbench import Workbench, is_gone, written

from ringfence.flows import FunctionFailed
from ringfence.functions import Answer, PythonFunction

ARTICLE = """
    import json

    def lambda_handler(event, context):
        try:
            customer = event["Details"]["ContactData"]["Attributes"]["Customer"]
        except KeyError:
            return {"statusCode": 400, "body": "who?"}
        return {"statusCode": 200, "body": json.dumps("blocked for " + customer)}
"""
ARN = "arn:aws:lambda:us-east-1:123456789012:function:block-credit-card:LIVE"


def error_of(answer: Answer) -> str:
    assert answer.error is not None
    assert json.loads(answer.payload)["requestId"] == answer.request_id
    return answer.error.error_type


async def test_a_handler_of_the_articles_shape_answers_by_name_and_by_arn(
    bench: Workbench,
) -> None:
    bench.python("block-credit-card", ARTICLE)
    expected = {"statusCode": 200, "body": '"blocked for customer-7"'}
    assert await bench.invoke("block-credit-card") == expected
    assert await bench.invoke(ARN) == expected
    assert await bench.invoke(ARN, Details={}) == {"statusCode": 400, "body": "who?"}


async def test_the_context_is_that_of_aws_lambda(bench: Workbench) -> None:
    bench.python(
        "facts",
        """
        import os

        def lambda_handler(event, context):
            return {
                "id": context.aws_request_id,
                "name": context.function_name,
                "version": context.function_version,
                "arn": context.invoked_function_arn,
                "memory": context.memory_limit_in_mb,
                "stream": context.log_stream_name == os.environ["AWS_LAMBDA_LOG_STREAM_NAME"],
                "group": context.log_group_name,
                "left": context.get_remaining_time_in_millis(),
            }
        """,
        memory_mb=128,
        timeout_seconds=20,
    )
    answer = await bench.runner.run("facts", b"{}")
    facts = json.loads(answer.payload)
    assert 0 < facts.pop("left") <= 20_000
    assert facts == {
        "id": answer.request_id,
        "name": "facts",
        "version": "$LATEST",
        "arn": "arn:aws:lambda:eu-central-1:000000000000:function:facts",
        "memory": "128",
        "stream": True,
        "group": "/aws/lambda/facts",
    }
    arn = "arn:aws:lambda:us-east-1:123456789012:function:facts:LIVE"
    assert (await bench.invoke(arn))["arn"] == arn


async def test_code_is_loaded_once_and_again_when_the_function_is_put_again(
    bench: Workbench,
) -> None:
    code = """
        count = 0

        def lambda_handler(event, context):
            global count
            count += 1
            return {"count": count, "by": "NAME"}
    """
    bench.python("counter", code.replace("NAME", "one"), processes=1)
    assert await bench.invoke("counter") == {"count": 1, "by": "one"}
    assert await bench.invoke("counter") == {"count": 2, "by": "one"}
    bench.python("counter", code.replace("NAME", "two"), processes=1)
    assert await bench.invoke("counter") == {"count": 1, "by": "two"}


async def test_as_many_events_run_at_once_as_there_are_processes(bench: Workbench) -> None:
    bench.python(
        "meeting",
        """
        import os, pathlib, time

        def lambda_handler(event, context):
            here = pathlib.Path(event["at"])
            (here / str(os.getpid())).touch()
            while len(list(here.iterdir())) < 2:
                time.sleep(0.01)
            return {"pid": os.getpid()}
        """,
        processes=2,
    )
    place = bench.folder / "place"
    place.mkdir()
    answers = await asyncio.gather(*(bench.invoke("meeting", at=str(place)) for _ in range(4)))
    assert len({answer["pid"] for answer in answers}) == 2


@pytest.mark.parametrize(
    ("handler", "folder"),
    [
        ("inner/block.lambda_handler", "."),
        ("inner.block.lambda_handler", "."),
        ("block.main", "inner"),
    ],
)
async def test_a_module_is_named_as_aws_lambda_names_it(
    bench: Workbench, handler: str, folder: str
) -> None:
    inner = bench.folder / "inner"
    inner.mkdir()
    (inner / "block.py").write_text(
        "import os, neighbour\n"
        "def lambda_handler(event, context):\n"
        "    return {'at': os.getcwd(), 'n': neighbour.N}\n"
        "main = lambda_handler\n"
    )
    at = (bench.folder / folder).resolve()
    (at / "neighbour.py").write_text("N = 5\n")
    bench.put("block", PythonFunction(handler=handler, folder=str(at)))
    assert await bench.invoke("block") == {"at": str(at), "n": 5}


async def test_an_environment_has_what_is_declared_and_nothing_of_the_server(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RINGFENCE_VAULT_KEY", "very secret")
    monkeypatch.setenv("SOME_TOKEN", "not for you")
    monkeypatch.setenv("ORDERS_TABLE", "orders")
    bench.python(
        "env",
        "import os\ndef lambda_handler(event, context): return dict(os.environ)",
        environment={"STAGE": "test", "AWS_REGION": "eu-west-3"},
        pass_environment=("ORDERS_TABLE", "MISSING"),
    )
    seen = await bench.invoke("env")
    assert (seen["STAGE"], seen["ORDERS_TABLE"]) == ("test", "orders")
    assert (seen["AWS_REGION"], seen["AWS_LAMBDA_FUNCTION_NAME"]) == ("eu-west-3", "env")
    assert seen["LAMBDA_TASK_ROOT"] == str(bench.folder)
    assert not {"SOME_TOKEN", "MISSING", "HOME"}.intersection(seen)
    assert not [name for name in seen if name.startswith("RINGFENCE")]


async def test_an_exception_is_told_as_aws_lambda_tells_it(bench: Workbench) -> None:
    bench.python(
        "raises",
        """
        class CardMissing(Exception):
            pass

        def find():
            raise CardMissing("no card 4111 1111 1111 1111")

        def lambda_handler(event, context):
            find()
        """,
    )
    answer = await bench.runner.run("raises", b"{}")
    told = json.loads(answer.payload)
    assert told["errorType"] == "CardMissing"
    assert told["errorMessage"] == "no card ************1111"
    assert [frame.split(", in ")[1].split("\n")[0] for frame in told["stackTrace"]] == [
        "lambda_handler",
        "find",
    ]
    assert "[ERROR] CardMissing: no card ************1111" in bench.log("raises")
    with pytest.raises(FunctionFailed, match="CardMissing: no card"):
        await bench.invoke("raises")


async def test_a_failure_is_tried_again_three_times_and_no_more(bench: Workbench) -> None:
    bench.python(
        "flaky",
        """
        count = 0

        def lambda_handler(event, context):
            global count
            count += 1
            if count % event["good"]:
                raise RuntimeError(f"attempt {count}")
            return {"count": count}
        """,
        processes=1,
    )
    assert await bench.invoke("flaky", good=4) == {"count": 4}
    with pytest.raises(FunctionFailed, match="attempt 8"):
        await bench.invoke("flaky", good=100)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("return {1, 2}", "Runtime.MarshalError"),
        ("return float('nan')", "Runtime.MarshalError"),
        ("return '\\ud800'", "Runtime.MarshalError"),
        ("return 'x' * 7_000_000", "Function.ResponseSizeTooLarge"),
        ("import sys; sys.exit(3)", "Runtime.ExitError"),
        ("import sys; sys.exit('bye')", "Runtime.ExitError"),
        ("import os; os._exit(0)", "Runtime.ExitError"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "Runtime.ExitError"),
        ("import os; os.closerange(0, 64)", "Runtime.ExitError"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("x = []; x.append(x); return x", "Runtime.MarshalError"),
        ("return [lambda_handler(event, context)]", "RecursionError"),
    ],
)
async def test_what_cannot_be_answered_is_a_failure_and_the_next_event_is_answered(
    bench: Workbench, body: str, error: str
) -> None:
    bench.python(
        "bad",
        f"def lambda_handler(event, context):\n    if event: return event\n    {body}",
        processes=1,
    )
    answer = await bench.runner.run("bad", b"{}")
    assert error_of(answer) == error
    assert (await bench.runner.run("bad", b'{"ok": 1}')).payload == b'{"ok": 1}'


@pytest.mark.parametrize("payload", [b'"text"', b"null", b"[1]", b"5"])
async def test_an_answer_that_is_no_object_is_one_for_programs_but_not_for_a_flow(
    bench: Workbench, payload: bytes
) -> None:
    code = f"def lambda_handler(event, context): return {json.loads(payload)!r}"
    bench.python("bare", code)
    assert json.loads((await bench.runner.run("bare", b"{}")).payload) == json.loads(payload)
    with pytest.raises(FunctionFailed, match="not an object"):
        await bench.invoke("bare")


async def test_an_endless_loop_is_killed_in_time_with_what_it_has_started(
    bench: Workbench,
) -> None:
    bench.python(
        "endless",
        """
        import subprocess, sys

        def lambda_handler(event, context):
            if "pid" not in event:
                return {}
            child = subprocess.Popen(["sleep", "600"])
            open(event["pid"], "w").write(str(child.pid))
            while True:
                pass
        """,
        timeout_seconds=1.0,
        processes=1,
    )
    note = bench.folder / "pid"
    payload = json.dumps({"pid": str(note)}).encode()
    answer = await bench.runner.run("endless", payload)
    assert error_of(answer) == "Sandbox.Timedout"
    assert answer.error is not None
    assert answer.error.error_message.endswith("Task timed out after 1.00 seconds")
    assert await is_gone(int(await written(note)))
    assert (await bench.runner.run("endless", b"{}")).error is None


async def test_a_process_that_is_killed_meanwhile_fails_its_event_alone(bench: Workbench) -> None:
    bench.python(
        "slow",
        """
        import os, time

        def lambda_handler(event, context):
            if "pid" in event:
                open(event["pid"], "w").write(str(os.getpid()))
                time.sleep(600)
            return {"ok": True}
        """,
        timeout_seconds=300,
        processes=2,
    )
    note = bench.folder / "pid"
    payload = json.dumps({"pid": str(note)}).encode()
    waiting = asyncio.create_task(bench.runner.run("slow", payload))
    pid = int(await written(note))
    assert await bench.invoke("slow") == {"ok": True}
    os.kill(pid, signal.SIGKILL)
    answer = await waiting
    assert error_of(answer) == "Runtime.ExitError"
    assert answer.error is not None
    assert "SIGKILL" in answer.error.error_message
    assert await bench.invoke("slow") == {"ok": True}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells what is mapped")
async def test_a_function_gets_no_more_memory_than_it_may_have(bench: Workbench) -> None:
    bench.python(
        "hog",
        """
        import os

        def lambda_handler(event, context):
            return {"size": len(bytearray(event["mb"] * 1024 * 1024)), "pid": os.getpid()}
        """,
        memory_mb=128,
        processes=1,
    )
    before = json.loads((await bench.runner.run("hog", b'{"mb": 80}')).payload)
    assert before["size"] == 80 * 1024 * 1024
    assert error_of(await bench.runner.run("hog", b'{"mb": 400}')) == "MemoryError"
    after = json.loads((await bench.runner.run("hog", b'{"mb": 80}')).payload)
    assert after["pid"] != before["pid"]


async def test_large_and_foreign_texts_come_back_as_they_went(bench: Workbench) -> None:
    bench.python("echo", "def lambda_handler(event, context): return {'text': event['text']}")
    text = 'Grüße, 世界 \U0001f4b3 \n\0" ' * 60_000
    assert len(text.encode()) > 1_000_000
    assert (await bench.invoke("echo", text=text))["text"] == text


async def test_decimals_are_numbers(bench: Workbench) -> None:
    bench.python(
        "decimals",
        """
        from decimal import Decimal

        def lambda_handler(event, context):
            return {"whole": Decimal("5"), "part": Decimal("5.25")}
        """,
    )
    answer = await bench.runner.run("decimals", b"{}")
    assert answer.payload == b'{"whole": 5, "part": 5.25}'


async def test_threads_of_a_handler_neither_keep_nor_lose_its_answer(bench: Workbench) -> None:
    bench.python(
        "threads",
        """
        import threading, time, sys

        def lambda_handler(event, context):
            found = []
            threads = [threading.Thread(target=found.append, args=(n,)) for n in range(20)]
            [thread.start() for thread in threads]
            [thread.join() for thread in threads]
            threading.Thread(target=time.sleep, args=(600,)).start()
            if "leave" in event:
                sys.exit(1)
            return {"sum": sum(found)}
        """,
        processes=1,
    )
    assert await bench.invoke("threads") == {"sum": 190}
    assert error_of(await bench.runner.run("threads", b'{"leave": 1}')) == "Runtime.ExitError"


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("import no_such_module", "Runtime.ImportModuleError"),
        ("def lambda_handler(:", "Runtime.UserCodeSyntaxError"),
        ("def other(event, context): return {}", "Runtime.HandlerNotFound"),
        ("lambda_handler = 5", "Runtime.HandlerNotFound"),
        ("1 / 0", "ZeroDivisionError"),
        ("import sys; sys.exit(7)", "Runtime.ExitError"),
    ],
)
async def test_code_that_cannot_be_loaded_is_a_failure(
    bench: Workbench, code: str, error: str
) -> None:
    bench.python("broken", code)
    assert error_of(await bench.runner.run("broken", b"{}")) == error


async def test_a_python_or_a_folder_that_is_not_there_is_a_failure(bench: Workbench) -> None:
    bench.python("away", ARTICLE, python="/nowhere/python")
    assert error_of(await bench.runner.run("away", b"{}")) == "Runtime.InvalidEntrypoint"
    bench.put("away", PythonFunction(handler="a.b", folder="/nowhere"))
    assert error_of(await bench.runner.run("away", b"{}")) == "Runtime.InvalidEntrypoint"


async def test_a_handler_that_has_begun_goes_on_when_its_caller_hangs_up(
    bench: Workbench,
) -> None:
    bench.python(
        "block",
        """
        import pathlib, time

        def lambda_handler(event, context):
            pathlib.Path(event["begun"]).write_text("yes")
            time.sleep(0.5)
            pathlib.Path(event["done"]).write_text("yes")
            return {}
        """,
    )
    begun, done = bench.folder / "begun", bench.folder / "done"
    call = asyncio.create_task(bench.invoke("block", begun=str(begun), done=str(done)))
    await written(begun)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await written(done)


async def test_a_flow_is_told_in_time_and_why(bench: Workbench) -> None:
    bench.python("slow", "import time\ndef lambda_handler(e, c): time.sleep(2)")
    with pytest.raises(FunctionFailed, match=r"no answer within 0\.3 s"):
        await bench.invoke("slow", seconds=0.3)


async def test_a_function_that_does_not_exist_is_told_by_its_name(bench: Workbench) -> None:
    with pytest.raises(FunctionFailed, match="there is no function 'block-credit-card'"):
        await bench.invoke(ARN)


async def test_processes_end_with_the_server_that_started_them(
    bench: Workbench, tmp_path: Path
) -> None:
    bench.python(
        "hanging",
        """
        import os, re

        def lambda_handler(event, context):
            open(event["pid"], "w").write(str(os.getpid()))
            re.match("(a+)+$", "a" * 64 + "b")
        """,
        timeout_seconds=600,
    )
    note = tmp_path / "pid"
    server = tmp_path / "server.py"
    server.write_text(
        "import asyncio, sys\n"
        "from ringfence.cards import Vault\n"
        "from ringfence.functions import FunctionRunner\n"
        "from ringfence.storage import Database\n"
        "runner = FunctionRunner(Database(sys.argv[1]), Vault(bytes(32)))\n"
        "asyncio.run(runner.invoke('hanging', {'pid': sys.argv[2]}, 600))\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(server), bench.database.url, str(note)
    )
    pid = int(await written(note))
    process.kill()
    await process.wait()
    assert await is_gone(pid)


async def test_closing_leaves_no_process(bench: Workbench) -> None:
    bench.python(
        "pid", "import os\ndef lambda_handler(event, context): return {'pid': os.getpid()}"
    )
    await bench.runner.start()
    pid = (await bench.invoke("pid"))["pid"]
    await bench.runner.close()
    assert await is_gone(pid)
