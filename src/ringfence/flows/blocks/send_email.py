"""Send message: an e-mail, beside the call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ringfence.flows.block import ANY_ERROR, Block, Outcome
from ringfence.flows.blocks.send_message import send
from ringfence.flows.call import Call
from ringfence.flows.instance import Channel, Message
from ringfence.flows.kinds import NEXT, BlockKind
from ringfence.flows.parameters import Parameters
from ringfence.flows.references import Template


@dataclass(frozen=True, slots=True)
class SendEmail:
    """Parameters as Amazon Connect's operation of the same name has them."""

    to: Template | None
    sender: Template | None
    subject: Template | None
    text: Template | None

    async def run(self, call: Call, block: Block) -> Outcome:
        """Hand it over; whether it arrives does not hold up the call."""
        data = call.data()
        to, text = _filled(self.to, data), _filled(self.text, data)
        subject = " ".join(_filled(self.subject, data).split())
        shown = {"Channel": "EMAIL", "To": to, "Subject": subject}
        if "@" not in to or len(to.split()) != 1:
            detail = f"{to[:50]!r} is no e-mail address"
            return Outcome(error=ANY_ERROR, result="Error", parameters=shown, detail=detail)
        if not text:
            detail = "the message has no text; templates of messages are not here"
            return Outcome(error=ANY_ERROR, result="Error", parameters=shown, detail=detail)
        sender = _filled(self.sender, data)
        message = Message(
            Channel.EMAIL, to, text, subject=subject, sender=sender if "@" in sender else ""
        )
        return await send(call, message, shown)


def _filled(text: Template | None, data: Mapping[str, object]) -> str:
    return text.fill(data).strip() if text is not None else ""


def _read(parameters: Parameters) -> SendEmail:
    content = parameters.inside("EmailMessage")
    raw = content.inside("RawMessage")
    return SendEmail(
        to=parameters.inside("DestinationEndpoint").optional("Address"),
        sender=parameters.inside("FromEmailAddress").optional("EmailAddress"),
        subject=raw.optional("Subject"),
        text=raw.optional("Body"),
    )


BLOCK = BlockKind(
    type="StartOutboundEmailContact", log_type="SendMessage", read=_read, required=((NEXT,),)
)
