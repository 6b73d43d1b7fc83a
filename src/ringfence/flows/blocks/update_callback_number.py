"""Set callback number: where the customer wants to be called back."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ringfence.flows.block import Block, Outcome
from ringfence.flows.call import Call
from ringfence.flows.kinds import NEXT, BlockKind, LegacyForm
from ringfence.flows.modules import entries_of
from ringfence.flows.parameters import Parameters
from ringfence.flows.references import Template

INVALID = "InvalidCallbackNumber"
NOT_DIALABLE = "CallbackNumberNotDialable"

_WRITTEN = re.compile(r"[\s().-]", re.ASCII)  # what people write between digits
_NUMBER = re.compile(r"\+?\d{3,15}", re.ASCII)


@dataclass(frozen=True, slots=True)
class UpdateCallbackNumber:
    """A number that was keyed in has no plus sign; that of the customer says which country it is
    of, where it begins alike or is a number within that country."""

    number: Template

    async def run(self, call: Call, block: Block) -> Outcome:
        """Keep it for a call-back, in E.164."""
        given = _WRITTEN.sub("", self.number.fill(call.data()))
        shown = {"CallBackNumber": given}
        if not _NUMBER.fullmatch(given):
            detail = f"{given[:50]!r} is no phone number"
            return Outcome(error=INVALID, result="InvalidNumber", parameters=shown, detail=detail)
        number = dialable(given, call.state.contact.customer_number)
        if number is None:
            detail = f"{given} is no number that can be dialled, such as +4930901820"
            return Outcome(
                error=NOT_DIALABLE, result="NonDialableNumber", parameters=shown, detail=detail
            )
        call.state.callback_number = number
        await call.changed()
        return Outcome(result="Success", parameters=shown)


def dialable(given: str, customer_number: str) -> str | None:
    """A number as it was keyed, in E.164: `030901820` for a customer in Germany is `+4930901820`.

    None for one that its country's numbering plan does not have.
    """
    import phonenumbers  # it takes a tenth of a second to load, and few flows need it

    try:
        region = phonenumbers.region_code_for_number(phonenumbers.parse(customer_number))
    except phonenumbers.NumberParseException:
        region = None
    for text, country in ((given, region), (f"+{given.lstrip('+')}", None)):
        try:
            number = phonenumbers.parse(text, country)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_possible_number(number):
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return None


def _read(parameters: Parameters) -> UpdateCallbackNumber:
    return UpdateCallbackNumber(parameters.text("CallbackNumber", "CallBackNumber"))


BLOCK = BlockKind(
    type="UpdateContactCallbackNumber",
    log_type="SetCallBackNumber",
    read=_read,
    legacy=LegacyForm(
        "SetCallBackNumber",
        parameters=lambda given: given.renamed(CallBackNumber="CallbackNumber"),
        entries=lambda parameters: entries_of(parameters, CallBackNumber="CallbackNumber"),
        branches={"InvalidPhoneNumber": INVALID, "NonDialableNumber": NOT_DIALABLE},
    ),
    required=((NEXT,),),
)
