"""Functions that answer as the scenario says, and remember what they were asked."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ringfence.flows.functions import FunctionFailed
from ringfence.flows.laboratory.scenario import FunctionAnswer, Scenario
from ringfence.flows.laboratory.tracing import Trace
from ringfence.flows.unbound import function_name


@dataclass(frozen=True, slots=True)
class Invocation:
    """One function call: its name, the event it got, and what came of it."""

    name: str
    event: Mapping[str, Any]
    answer: FunctionAnswer

    @property
    def parameters(self) -> Mapping[str, str]:
        """What the block passes."""
        found: Mapping[str, str] = self.event["Details"]["Parameters"]
        return found

    @property
    def attributes(self) -> Mapping[str, str]:
        """The contact's attributes at that time."""
        found: Mapping[str, str] = self.event["Details"]["ContactData"]["Attributes"]
        return found


class ScriptedFunctions:
    """All functions of a scenario. One that it says nothing about answers an empty object."""

    def __init__(self, scenario: Scenario, trace: Trace, bound: dict[str, str]):
        self.invocations: list[Invocation] = []
        self._scenario = scenario
        self._trace = trace
        self._bound = bound
        self._asked: dict[str, int] = {}

    async def invoke(
        self, arn: str, event: Mapping[str, Any], timeout_seconds: float
    ) -> Mapping[str, Any]:
        """See `Functions.invoke`."""
        name = function_name(arn)
        answer = self._next(arn, name)
        self.invocations.append(Invocation(name, event, answer))
        self._trace.note("function", name, {"event": event})
        await asyncio.sleep(min(answer.seconds, timeout_seconds + 1.0))
        if answer.error is not None:
            self._trace.note("function failed", f"{name}: {answer.error}")
            raise FunctionFailed(answer.error)
        self._trace.note("function answered", name, {"answer": answer.answer})
        return answer.answer

    def _next(self, arn: str, name: str) -> FunctionAnswer:
        for each in (name, arn):
            if each in self._scenario.unbound:
                return FunctionAnswer(error="there is no such function")
        for each in (name, arn):
            if answers := self._scenario.answers_of(each):
                position = self._asked.get(each, 0)
                self._asked[each] = position + 1
                return answers[min(position, len(answers) - 1)]
        self._bound[f"function {name}"] = "answers {}"
        return FunctionAnswer()
