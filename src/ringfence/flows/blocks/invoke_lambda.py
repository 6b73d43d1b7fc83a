"""Invoke AWS Lambda function: ask or tell the bank something."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ringfence.flows.block import ANY_ERROR, Block, Outcome
from ringfence.flows.call import Call
from ringfence.flows.events import FlowEventKind
from ringfence.flows.functions import (
    JSON,
    STRING_MAP,
    FunctionFailed,
    external_results,
    function_event,
)
from ringfence.flows.instance import ResourceKind, Wanted
from ringfence.flows.kinds import NEXT, BlockKind, LegacyForm
from ringfence.flows.modules import Entry, LegacyParameters, entries_of, pair_entries
from ringfence.flows.parameters import Parameters, Resource, WholeNumber
from ringfence.flows.participant import HungUp
from ringfence.flows.references import Template, scalar
from ringfence.flows.unbound import function_name

DEFAULT_SECONDS = 3
LONGEST_SECONDS = 60

_FAILED = "The Lambda Function Returned An Error."  # also where it took too long


@dataclass(frozen=True, slots=True)
class InvokeLambda:
    """The far end hears silence meanwhile. Every good answer replaces `$.External` as a whole.

    What the function says about itself (`statusCode`) is data: only a function that cannot be
    reached, raises, takes too long or answers something unusable takes the error branch.
    """

    function: Resource
    seconds: WholeNumber
    arguments: tuple[tuple[Template, Template], ...]
    response_type: str
    waits: bool

    async def run(self, call: Call, block: Block) -> Outcome:
        """Invoke it. The error branch finds `$.External` empty."""
        data = call.data()
        wanted, seconds = self.function.wanted(data), self.seconds.value(data)
        arguments = {name.fill(data): value.fill(data) for name, value in self.arguments}
        shown = {
            "FunctionArn": wanted.arn,
            "TimeLimit": str((seconds or 0) * 1000),
            "ResponseValidation": f"ResponseType={self.response_type}",
        }
        if not wanted.arn or seconds is None:
            call.external = {}
            detail = "there is no function or no time limit to be found"
            return Outcome(error=ANY_ERROR, result=_FAILED, parameters=shown, detail=detail)
        event = function_event(call.state, arguments)
        arn = await _meant(call, wanted)
        if not self.waits:
            call.start(asyncio.create_task(self._beside(call, block, arn, event, seconds, shown)))
            return Outcome(result="Success", parameters=shown)
        results, failure, detail = await self._invoke(call, arn, event, seconds)
        call.external = results
        texts = _texts(results)
        await call.report(
            FlowEventKind.FUNCTION,
            block,
            parameters=shown,
            result=failure or "Success",
            external_results=texts,
            detail=detail,
        )
        return Outcome(
            error=ANY_ERROR if failure else None,
            result=failure or "Success",
            parameters=shown,
            external_results=texts,
            detail=detail,
        )

    async def _invoke(
        self, call: Call, arn: str, event: Mapping[str, Any], seconds: int
    ) -> tuple[dict[str, Any], str, str]:
        """The results, or how it failed in the log's words and in an operator's."""
        try:
            async with asyncio.timeout(seconds):
                answer = await call.functions.invoke(arn, event, float(seconds))
            return external_results(answer, self.response_type), "", ""
        except TimeoutError:
            return {}, _FAILED, f"no answer within {seconds} s"
        except FunctionFailed as failure:
            return {}, _FAILED, str(failure)
        except HungUp:
            raise
        except Exception as error:  # a function's own failure is a branch of the flow
            return {}, _FAILED, type(error).__name__

    async def _beside(
        self,
        call: Call,
        block: Block,
        arn: str,
        event: Mapping[str, Any],
        seconds: int,
        shown: Mapping[str, str],
    ) -> None:
        _, failure, detail = await self._invoke(call, arn, event, seconds)
        await call.report(
            FlowEventKind.FUNCTION,
            block,
            parameters=shown,
            result=failure or "Success",
            detail=detail,
        )


async def _meant(call: Call, wanted: Wanted) -> str:
    """The ARN, or the name of the function that stands in for it here."""
    name = await call.instance.function_name(wanted)
    return wanted.arn if name == function_name(wanted.arn) else name


def _texts(results: Mapping[str, Any]) -> dict[str, str]:
    return {name: text for name, value in results.items() if (text := scalar(value)) is not None}


def _read(parameters: Parameters) -> InvokeLambda:
    validation = parameters.inside("ResponseValidation")
    return InvokeLambda(
        function=parameters.resource(ResourceKind.FUNCTION, "LambdaFunctionARN"),
        seconds=parameters.whole_number(
            "InvocationTimeLimitSeconds", low=1, high=LONGEST_SECONDS, default=DEFAULT_SECONDS
        ),
        arguments=parameters.texts("LambdaInvocationAttributes"),
        response_type=validation.choice("ResponseType", of=(STRING_MAP, JSON), default=STRING_MAP),
        waits=parameters.choice(
            "InvocationType", of=("SYNCHRONOUS", "ASYNCHRONOUS"), default="SYNCHRONOUS"
        )
        == "SYNCHRONOUS",
    )


def _from_legacy(given: LegacyParameters) -> dict[str, object]:
    return {
        **given.renamed(FunctionArn="LambdaFunctionARN", TimeLimit="InvocationTimeLimitSeconds"),
        "LambdaInvocationAttributes": given.pairs("Parameter"),
    }


def _to_legacy(parameters: Mapping[str, object]) -> list[Entry]:
    return [
        *entries_of(
            parameters, FunctionArn="LambdaFunctionARN", TimeLimit="InvocationTimeLimitSeconds"
        ),
        *pair_entries("Parameter", parameters.get("LambdaInvocationAttributes")),
    ]


BLOCK = BlockKind(
    type="InvokeLambdaFunction",
    log_type="InvokeExternalResource",
    read=_read,
    legacy=LegacyForm(
        "InvokeExternalResource", "Lambda", parameters=_from_legacy, entries=_to_legacy
    ),
    required=((NEXT,), (ANY_ERROR,)),
)
