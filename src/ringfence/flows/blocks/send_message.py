"""Send message: an SMS, beside the call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ringfence.flows.block import ANY_ERROR, Block, Outcome
from ringfence.flows.call import Call
from ringfence.flows.instance import Channel, Message, MessageFailed
from ringfence.flows.kinds import NEXT, BlockKind
from ringfence.flows.parameters import Parameters
from ringfence.flows.references import Template

SMS = "connect:SMS"


@dataclass(frozen=True, slots=True)
class SendMessage:
    """To the customer's number, unless another one is given.

    The sender of the export, an ARN of another instance, means nothing here: the provider that is
    set up here sends. Its own number is taken where the flow gives one.
    """

    to: Template | None
    sender: Template | None
    text: Template | None
    kind: Template | None

    async def run(self, call: Call, block: Block) -> Outcome:
        """Hand it over; whether it arrives does not hold up the call."""
        data = call.data()
        to = _filled(self.to, data) or call.contact.customer_number
        shown = {"Channel": "SMS", "To": to}
        kind, text = _filled(self.kind, data) or SMS, _filled(self.text, data)
        if kind.lower() != SMS.lower():
            return _failed(shown, f"{kind} is not sent from here, only {SMS}")
        if not text:
            return _failed(shown, "the message has no text; templates of messages are not here")
        sender = _filled(self.sender, data)
        message = Message(Channel.SMS, to, text, sender=sender if sender.startswith("+") else "")
        return await send(call, message, shown)


async def send(call: Call, message: Message, shown: Mapping[str, str]) -> Outcome:
    """Hand a message over to whoever sends it here."""
    try:
        message_id = await call.instance.send(message, call.state)
    except MessageFailed as failure:
        return _failed(shown, str(failure))
    return Outcome(result="Success", parameters=shown, detail=f"the message is {message_id}")


def _failed(shown: Mapping[str, str], detail: str) -> Outcome:
    return Outcome(error=ANY_ERROR, result="Error", parameters=shown, detail=detail)


def _filled(text: Template | None, data: Mapping[str, object]) -> str:
    return text.fill(data).strip() if text is not None else ""


def _read(parameters: Parameters) -> SendMessage:
    content = parameters.inside("InitialSystemMessage")
    return SendMessage(
        to=parameters.inside("DestinationEndpoint").optional("Address"),
        sender=parameters.inside("SourceEndpoint").optional("Address"),
        text=content.optional("Content"),
        kind=parameters.optional("ContactSubtype"),
    )


BLOCK = BlockKind(
    type="StartOutboundChatContact", log_type="SendMessage", read=_read, required=((NEXT,),)
)
