"""Get customer input with a bot: a question that is answered with words, or with a key.

No Lex bot runs here. What stands in for one knows which words mean which intent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ringfence.flows.block import ANY_ERROR, NO_CONDITION, Block, Outcome
from ringfence.flows.call import Call
from ringfence.flows.instance import NotBound, ResourceKind
from ringfence.flows.intents import intent_of
from ringfence.flows.kinds import NEXT, TIMEOUT, BlockKind, LegacyForm
from ringfence.flows.modules import Entry, LegacyParameters, entries_of, message_entries
from ringfence.flows.parameters import Parameters, Resource, WholeNumber
from ringfence.flows.participant import PromptFailed
from ringfence.flows.prompts import Message, Source, read_message
from ringfence.flows.references import Template

ANSWER_SECONDS = 4  # Amazon Lex's own, from the end of the prompt to the first word
LONGEST_SECONDS = 180
_PROMPTS = ("Text", "SSML", "PromptId", "Media")
_START_TIMEOUT = "x-amz-lex:audio:start-timeout-ms:"


@dataclass(frozen=True, slots=True)
class GetUserInputLex:
    """A key, or words, interrupt the prompt and are the answer; what was said is in no event."""

    message: Message
    bot: Resource
    session_attributes: tuple[tuple[Template, Template], ...]
    timeout: WholeNumber | None

    async def run(self, call: Call, block: Block) -> Outcome:
        """Ask, and find what the answer means: `$.Lex.IntentName`."""
        data = call.data()
        wanted = self.bot.wanted(data)
        shown = self.message.shown(call) | {"BotName": wanted.label or wanted.arn}
        session = {name.fill(data): value.fill(data) for name, value in self.session_attributes}
        call.participant.clear_digits()
        try:
            bot = await call.instance.bot(wanted)
            await self.message.say(call, interruptible=True)
        except (NotBound, PromptFailed) as failure:
            return Outcome(error=ANY_ERROR, result="Error", parameters=shown, detail=str(failure))
        ways = block.transitions.errors
        reply = await call.reply(self._seconds(session, data))
        if reply is None:
            error = TIMEOUT if TIMEOUT in ways or NO_CONDITION not in ways else NO_CONDITION
            return Outcome(error=error, result="Timeout", parameters=shown)
        key = reply.key or None
        intent = intent_of(bot, reply.key or reply.words)
        call.lex = _understood(intent, session)
        # A flow may look at the intent later: then every answer is one without a condition.
        unmatched = block.transitions.matching(intent, call.data()) is None
        return Outcome(
            value=intent,
            error=NO_CONDITION if unmatched and NO_CONDITION in ways else None,
            key=key,
            result=intent or "NoMatch",
            parameters=shown,
        )

    def _seconds(self, session: Mapping[str, str], data: Mapping[str, object]) -> float:
        if self.timeout is not None and (seconds := self.timeout.value(data)) is not None:
            return min(seconds, LONGEST_SECONDS)
        for name, value in session.items():
            if name.startswith(_START_TIMEOUT) and value.isascii() and value.isdecimal():
                return min(int(value[:9]) / 1000, LONGEST_SECONDS)
        return ANSWER_SECONDS


def _understood(intent: str | None, session: Mapping[str, str]) -> dict[str, object]:
    return {
        "IntentName": intent or "",
        "DialogState": "ReadyForFulfillment" if intent else "Failed",
        "IntentConfidence": {"Score": "1.0" if intent else "0.0"},
        "Slots": {},
        "SessionAttributes": dict(session),
    }


def _read(parameters: Parameters) -> GetUserInputLex:
    if parameters.given("LexV2Bot"):
        bot = parameters.inside("LexV2Bot").resource(ResourceKind.BOT, "AliasArn")
    else:
        bot = parameters.inside("LexBot").resource(ResourceKind.BOT, "Name")
    # A bot may be left to say the first words itself; here it has none.
    asks = any(parameters.given(name) for name in _PROMPTS)
    timeout = None
    if parameters.given("LexTimeoutSeconds"):
        inner = parameters.inside("LexTimeoutSeconds")
        if inner.given("Text"):
            timeout = inner.whole_number("Text", low=1, high=604_800)
    return GetUserInputLex(
        message=read_message(parameters) if asks else Message(Source.TEXT),
        bot=bot,
        session_attributes=parameters.texts("LexSessionAttributes"),
        timeout=timeout,
    )


def _from_legacy(given: LegacyParameters) -> dict[str, object]:
    return {
        **given.message(),
        "LexBot": given.renamed(BotName="Name", BotAlias="Alias", BotRegion="Region"),
    }


def _to_legacy(parameters: Mapping[str, object]) -> list[Entry]:
    bot = parameters.get("LexBot")
    made = message_entries(parameters)
    if isinstance(bot, Mapping):
        made += entries_of(bot, BotName="Name", BotAlias="Alias", BotRegion="Region")
    return made


BLOCK = BlockKind(
    type="ConnectParticipantWithLexBot",
    log_type="GetUserInput",
    read=_read,
    legacy=LegacyForm("GetUserInput", "Lex", parameters=_from_legacy, entries=_to_legacy),
    required=((NO_CONDITION, NEXT),),
)
