"""What a flow is tried out with: what the cardholder does, and what is around the flow."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, TypeAlias

import msgspec

from ringfence.flows.participant import AnsweredBy

Scalar: TypeAlias = str | int | float | bool
Seconds: TypeAlias = Annotated[float, msgspec.Meta(ge=0)]
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]
Percent: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=100)]

_STARTED_AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)  # a Monday


class FunctionAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a function comes out: it answers, or it fails with `error`, after `seconds`."""

    answer: dict[str, Any] = {}
    error: str | None = None
    seconds: Seconds = 0.1


class Telephone(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A telephone that the cardholder, or an agent, can be put through to.

    It is picked up after `rings` seconds and hangs up after `talks` seconds more; `busy` and
    `answers: false` say that it does not come to that.
    """

    answers: bool = True
    busy: bool = False
    rings: Seconds = 3.0
    talks: Seconds = 30.0


class QueueNow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A queue as it stands. `agent_after` is how long one waits for an agent, null: for ever.

    `agent` is the telephone of the agent.
    """

    waiting: Count = 0
    oldest_seconds: Seconds = 0.0
    agents_available: Count = 1
    agents_staffed: Count = 1
    agents_online: Count = 1
    agent_after: Seconds | None = 5.0
    agent: Telephone = Telephone(rings=2.0, talks=60.0)
    full: bool = False
    hours: str = ""


class PromptSound(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A recorded prompt: what is heard in it, and how long it is. `fails`: it cannot be had."""

    says: str = ""
    seconds: Seconds = 2.0
    fails: bool = False


class BotWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands in for a Lex bot: the words of each intent."""

    intents: dict[str, tuple[str, ...]] = {}
    fallback: str = ""


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One call to be tried out. Everything has a default; functions, queues, hours, prompts, bots
    and flows are by name or by ARN.

    `script` is one text, or a list of its steps. A function with a list of answers gives them one
    after another, the last one from then on. `faults` makes blocks come out with an error: by
    block id, the type of the error. `unbound` are names that lead nowhere; `unspeakable` are texts
    that a prompt cannot be spoken with. `roll` is from 1 to 100; a list is gone through in turn.
    """

    script: str | int | tuple[str | int, ...] = ""
    attributes: dict[str, Scalar] = {}
    sensitive: tuple[str, ...] = ()
    functions: dict[str, FunctionAnswer | tuple[FunctionAnswer, ...]] = {}
    queues: dict[str, QueueNow] = {}
    hours: dict[str, bool] = {}
    prompts: dict[str, PromptSound] = {}
    bots: dict[str, BotWords] = {}
    flows: dict[str, str] = {}
    telephones: dict[str, Telephone] = {}
    unbound: tuple[str, ...] = ()
    unspeakable: tuple[str, ...] = ()
    faults: dict[str, str] = {}
    roll: Percent | tuple[Percent, ...] = 50
    at: datetime = _STARTED_AT
    language: str = "en-US"
    customer_number: str = "+15550100001"
    system_number: str = "+15550100000"
    customer_id: str = ""
    name: str = ""
    answered_by: AnsweredBy = AnsweredBy.HUMAN

    @property
    def steps_text(self) -> str:
        """The script as one text."""
        steps = self.script if isinstance(self.script, tuple) else (self.script,)
        return "\n".join(str(step) for step in steps)

    @property
    def starts_at(self) -> datetime:
        """When the call is answered; a time without a zone is UTC."""
        return self.at if self.at.tzinfo is not None else self.at.replace(tzinfo=UTC)

    @property
    def attribute_texts(self) -> dict[str, str]:
        """The attributes as a contact has them."""
        return {name: text_of(value) for name, value in self.attributes.items()}

    def answers_of(self, function: str) -> tuple[FunctionAnswer, ...] | None:
        """What this function answers, time after time; None when nothing is said about it."""
        found = self.functions.get(function)
        return (found,) if isinstance(found, FunctionAnswer) else found


# What a test adds to rather than replaces.
_MERGED = (
    *("attributes", "functions", "queues", "hours", "prompts", "bots", "flows"),
    *("telephones", "faults"),
)


def over(defaults: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """`given` on top of `defaults`, both as they were read: objects are merged name by name."""
    merged = {**defaults, **given}
    for name in _MERGED:
        below, above = defaults.get(name), given.get(name)
        if isinstance(below, Mapping) and isinstance(above, Mapping):
            merged[name] = {**below, **above}
    return merged


def text_of(value: Scalar) -> str:
    """A value as a flow has it: `true` for True."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
