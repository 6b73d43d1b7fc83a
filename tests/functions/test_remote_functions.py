"""Functions behind an address, and those of AWS Lambda."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import pytest
from lambda_stand_in import Asked, Reply, StandIn, stand_in
from workbench import EVENT, Workbench

from ringfence.errors import NotFound
from ringfence.flows import FunctionFailed
from ringfence.functions import HttpFunction, LambdaFunction

OK = Reply(200, b'{"statusCode": 200, "body": "blocked"}')
ANSWER = {"statusCode": 200, "body": "blocked"}


@pytest.fixture
def there() -> Iterator[StandIn]:
    with stand_in() as made:
        yield made


@pytest.fixture
def http(bench: Workbench, there: StandIn) -> StandIn:
    bench.put("f", HttpFunction(url=f"{there.url}/hooks/block"))
    return there


@pytest.fixture
def aws(bench: Workbench, there: StandIn, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    bench.put("f", LambdaFunction(function="theirs", region="eu-west-1", endpoint_url=there.url))
    return there


async def test_an_endpoint_gets_the_event_as_json(bench: Workbench, http: StandIn) -> None:
    http.answers(OK)
    assert await bench.invoke("f") == ANSWER
    [asked] = http.asked
    assert asked.path == "/hooks/block"
    assert json.loads(asked.body) == EVENT
    assert asked.headers["content-type"] == "application/json"
    assert "webhook-signature" not in asked.headers


async def test_a_signature_is_that_of_standard_webhooks(bench: Workbench, there: StandIn) -> None:
    key = b"0123456789abcdef01234567"
    secret = "whsec_" + base64.b64encode(key).decode()
    bench.put("f", HttpFunction(url=there.url, secret=secret, headers={"X-Api-Key": "k"}))
    there.answers(Reply(503, b""), OK)
    assert await bench.invoke("f") == ANSWER
    first, second = there.asked
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert second.headers["x-api-key"] == "k"
    signed = f"{second.headers['webhook-id']}.{second.headers['webhook-timestamp']}.".encode()
    digest = hmac.new(key, signed + second.body, hashlib.sha256).digest()
    assert second.headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"


@pytest.mark.parametrize(
    ("reply", "failure", "attempts"),
    [
        (Reply(500, b"{}"), "status 500", 4),
        (Reply(429, b"{}"), "status 429", 4),
        (Reply(404, b"{}"), "status 404", 1),
        (Reply(302, b"", {"location": "http://127.0.0.1:9"}), "status 302", 1),
        (Reply(200, b"oops"), "not JSON", 1),
        (Reply(200, b"[1]"), "not an object", 1),
        (Reply(200, b"\xff"), "not JSON", 1),
        (Reply(204, b""), "not JSON", 1),
        (Reply(200, b'"' + b"x" * 7_000_000 + b'"'), "too long", 1),
    ],
)
async def test_what_an_endpoint_answers_else_is_a_failure(
    bench: Workbench, http: StandIn, reply: Reply, failure: str, attempts: int
) -> None:
    http.answers(reply)
    with pytest.raises(FunctionFailed, match=failure):
        await bench.invoke("f")
    assert len(http.asked) == attempts


async def test_nobody_there_is_a_failure(bench: Workbench) -> None:
    bench.put("f", HttpFunction(url="http://127.0.0.1:9/"))
    with pytest.raises(FunctionFailed, match="cannot be reached"):
        await bench.invoke("f")
    assert "[ERROR]" in bench.log("f")[0]


async def test_an_endpoint_that_does_not_answer_is_given_up_in_its_time(
    bench: Workbench, there: StandIn
) -> None:
    def late(_: Asked) -> Reply:
        there.go_on.wait(20)
        return OK

    there.answer = late
    bench.put("f", HttpFunction(url=there.url, timeout_seconds=0.2))
    answer = await bench.runner.run("f", b"{}")
    assert answer.error is not None
    assert answer.error.error_message == "no answer within 0.2 s"
    with pytest.raises(FunctionFailed, match=r"no answer within 0.4 s; before that: .*0.2 s"):
        await bench.invoke("f", seconds=0.4)


async def test_an_endpoint_is_heard_out_when_the_caller_hangs_up(
    bench: Workbench, http: StandIn
) -> None:
    def late(_: Asked) -> Reply:
        http.go_on.wait(20)
        return OK

    http.answer = late
    call = asyncio.create_task(bench.invoke("f"))
    while not http.asked:  # noqa: ASYNC110 - another thread answers
        await asyncio.sleep(0.01)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    http.go_on.set()
    http.answers(OK)
    # A connection is used again when its answer was read to the end.
    while len({asked.port for asked in http.asked}) == len(http.asked):
        assert await bench.invoke("f") == ANSWER
        assert len(http.asked) < 50
    assert http.asked[0].port in {asked.port for asked in http.asked[1:]}


async def test_a_function_of_aws_lambda_answers(bench: Workbench, aws: StandIn) -> None:
    log = base64.b64encode(b"START RequestId: 1\ncard 4111111111111111\n").decode()
    aws.answers(Reply(200, OK.body, {"X-Amz-Log-Result": log}))
    assert await bench.invoke("f") == ANSWER
    [asked] = aws.asked
    assert asked.path == "/2015-03-31/functions/theirs/invocations"
    assert json.loads(asked.body) == EVENT
    assert "/eu-west-1/lambda/aws4_request" in asked.headers["authorization"]
    assert bench.log("f") == ["START RequestId: 1", "card ************1111"]


@pytest.mark.parametrize(
    ("reply", "failure", "attempts"),
    [
        (
            Reply(
                200,
                b'{"errorMessage": "no card", "errorType": "KeyError"}',
                {"X-Amz-Function-Error": "Unhandled"},
            ),
            "KeyError: no card",
            4,
        ),
        (
            Reply(429, b'{"Message": "slower"}', {"x-amzn-errortype": "TooManyRequestsException"}),
            "Status Code: 429; Error Code: TooManyRequestsException",
            4,
        ),
        (
            Reply(403, b'{"Message": "no"}', {"x-amzn-errortype": "AccessDeniedException"}),
            "Status Code: 403; Error Code: AccessDeniedException",
            1,
        ),
        (Reply(500, b"{}", {"x-amzn-errortype": "ServiceException"}), "ServiceException", 4),
        (Reply(200, b'"text"'), "not an object", 1),
    ],
)
async def test_what_aws_lambda_answers_else_is_a_failure(
    bench: Workbench, aws: StandIn, reply: Reply, failure: str, attempts: int
) -> None:
    aws.answers(reply)
    with pytest.raises(FunctionFailed, match=failure):
        await bench.invoke("f")
    assert len(aws.asked) == attempts


async def test_an_error_of_aws_lambda_is_handed_on_as_it_is(bench: Workbench, aws: StandIn) -> None:
    body = b'{"errorMessage": "m", "errorType": "E", "stackTrace": [["f", 1]], "cause": {}}'
    aws.answers(Reply(200, body, {"X-Amz-Function-Error": "Unhandled"}))
    answer = await bench.runner.run("f", b"{}")
    assert answer.payload == body
    assert answer.error is not None


async def test_without_credentials_aws_lambda_cannot_be_asked(
    bench: Workbench, there: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:theirs"
    bench.put("f", LambdaFunction(function=arn, endpoint_url=there.url))
    with pytest.raises(FunctionFailed, match="NoCredentialsError"):
        await bench.invoke("f")
    assert not there.asked


async def test_a_built_in_is_invoked_unless_a_function_of_its_name_is_registered(
    bench: Workbench, http: StandIn
) -> None:
    http.answers(OK)

    async def block(event: Any) -> dict[str, str]:
        return {"by": "built-in", "for": event["Name"]}

    async def broken(event: Any) -> dict[str, str]:
        raise NotFound("there is no card", field="card")

    built_ins = {"f": block, "g": block, "h": broken}
    arn = "arn:aws:lambda:us-east-1:123456789012:function:g"
    answers = [
        await bench.runner.invoke(name, EVENT, 5, built_ins=built_ins) for name in ("f", "g", arn)
    ]
    theirs = {"by": "built-in", "for": "ContactFlowEvent"}
    assert answers == [ANSWER, theirs, theirs]
    with pytest.raises(FunctionFailed, match="there is no card"):
        await bench.runner.invoke("h", EVENT, 5, built_ins=built_ins)
