"""Store customer input: several keys, kept as `$.StoredCustomerInput`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from ringfence.flows.block import ANY_ERROR, Block, Outcome
from ringfence.flows.call import Call
from ringfence.flows.encryption import KeyUnusable, check_key, encrypted
from ringfence.flows.kinds import NEXT, BlockKind, LegacyForm
from ringfence.flows.modules import Entry, LegacyParameters, entries_of, entry, message_entries
from ringfence.flows.parameters import Parameters, WholeNumber, written
from ringfence.flows.participant import PromptFailed
from ringfence.flows.prompts import Message, read_message
from ringfence.flows.references import Template, template

INVALID_NUMBER = "InvalidPhoneNumber"
NO_INPUT = "Timeout"  # what Amazon Connect stores when nothing was entered
LONGEST_SECONDS = 180
_LONGEST_NUMBER = 20  # keys of a phone number, with the prefix for abroad
_CANCEL = "*"


@dataclass(frozen=True, slots=True)
class PhoneNumbers:
    """What is entered is a phone number: of `country` (ISO code), or with its country code."""

    country: Template | None

    def e164(self, digits: str, data: Mapping[str, object]) -> str | None:
        """The number in E.164, None when it cannot be one."""
        import phonenumbers

        try:
            if self.country is None:
                number = phonenumbers.parse(f"+{digits.removeprefix('00')}")
            else:
                number = phonenumbers.parse(digits, self.country.fill(data).strip().upper())
        except phonenumbers.NumberParseException:
            return None
        if not phonenumbers.is_possible_number(number):
            return None
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@dataclass(frozen=True, slots=True)
class Encryption:
    """Whom the input is encrypted for: the name of a key, and its certificate or public key."""

    key_id: Template
    pem: Template


@dataclass(frozen=True, slots=True)
class StoreUserInput:
    """Keys end at the longest length, at the terminator, or when none comes for a while.

    What was entered is in no event. Input that is to be encrypted is stored as nothing but the
    encrypted message, and is not asked for where the key is of no use.
    """

    message: Message
    first_key: WholeNumber
    between_keys: WholeNumber
    longest: WholeNumber
    terminator: Template
    cancels: bool
    phone_numbers: PhoneNumbers | None
    encryption: Encryption | None

    async def run(self, call: Call, block: Block) -> Outcome:
        """Ask, collect and store. No input at all is a success with the value `Timeout`."""
        shown = self.message.shown(call)
        data = call.data()
        first, between = self.first_key.value(data), self.between_keys.value(data)
        longest = self.longest.value(data)
        pem = ""
        if self.encryption is not None:
            pem = self.encryption.pem.fill(data)
            try:
                await asyncio.to_thread(check_key, pem)
            except KeyUnusable as unusable:
                return _failed(shown, f"{unusable}; nothing was asked")
        if first is None or between is None or longest is None:
            return _failed(shown, "a timeout or the length is no number")
        call.participant.clear_digits()
        try:
            await self.message.say(call, interruptible=True)
        except PromptFailed as failure:
            return _failed(shown, str(failure))
        first = min(first, LONGEST_SECONDS)
        entered = await self._collect(call, first, between, longest)
        if not entered:
            call.store_input(NO_INPUT, typed=False)
            return Outcome(result=NO_INPUT, parameters=shown)
        if self.phone_numbers is not None:
            number = self.phone_numbers.e164(entered, data)
            if number is None:
                return Outcome(error=INVALID_NUMBER, result="InvalidPhoneNumber", parameters=shown)
            entered = number
        stored = entered
        if self.encryption is not None:
            key_id = self.encryption.key_id.fill(data)
            stored = await asyncio.to_thread(encrypted, entered, key_id, pem)
            call.keep_secret(entered)
        call.store_input(stored, typed=True)
        return Outcome(result=f"{len(entered)} characters were entered", parameters=shown)

    async def _collect(self, call: Call, first: int, between: int, longest: int) -> str:
        terminator = self.terminator.fill(call.data())
        cancels = self.cancels and _CANCEL not in terminator
        entered = ""
        while len(entered) < longest + len(terminator):
            key = await call.digit(between if entered else first)
            if key is None:
                break
            if cancels and key == _CANCEL:
                entered = ""
                continue
            entered += key
            if terminator and entered.endswith(terminator):
                return entered.removesuffix(terminator)
            # A terminator of several keys may have begun within the longest length.
            if len(entered) >= longest and not _begins(entered[longest:], terminator):
                break
        return entered[:longest]


def _begins(keys: str, terminator: str) -> bool:
    return bool(keys) and len(keys) < len(terminator) and terminator.startswith(keys)


def _failed(shown: dict[str, str], detail: str) -> Outcome:
    return Outcome(error=ANY_ERROR, result="Error", parameters=shown, detail=detail)


def _read(parameters: Parameters) -> StoreUserInput:
    validation = parameters.inside("InputValidation")
    keys = parameters.inside("DTMFConfiguration")
    phone_numbers = None
    if validation.given("PhoneNumberValidation"):
        inner = validation.inside("PhoneNumberValidation")
        form = inner.choice("NumberFormat", of=("Local", "E164", "International"), default="E164")
        phone_numbers = PhoneNumbers(inner.text("CountryCode") if form == "Local" else None)
        longest = WholeNumber(template(str(_LONGEST_NUMBER)), 1, _LONGEST_NUMBER)
    else:
        longest = validation.inside("CustomValidation").whole_number(
            "MaximumLength", low=1, high=200, default=20
        )
    return StoreUserInput(
        message=read_message(parameters),
        first_key=parameters.whole_number(
            "InputTimeLimitSeconds", "InputTimeoutSeconds", low=1, high=604_800
        ),
        between_keys=keys.whole_number("InterdigitTimeLimitSeconds", low=1, high=20, default=5),
        longest=longest,
        terminator=keys.optional("InputTerminationSequence") or template("#"),
        cancels=not keys.flag("DisableCancelKey"),
        phone_numbers=phone_numbers,
        encryption=_read_encryption(parameters),
    )


def _read_encryption(parameters: Parameters) -> Encryption | None:
    if not parameters.given("InputEncryption"):
        return None
    inner = parameters.inside("InputEncryption")
    # A key that is missing is as good as one that cannot be used: the block fails when it runs.
    nothing = Template(())
    return Encryption(
        inner.optional("EncryptionKeyId") or nothing, inner.optional("Key") or nothing
    )


def store_input_from_legacy(given: LegacyParameters) -> dict[str, object]:
    """The parameters of the newer format."""
    validation: dict[str, object]
    if str(given.get("CustomerInputType") or "Custom").lower() == "phonenumber":
        form = str(given.get("PhoneNumberFormat") or "International").lower()
        validation = {
            "PhoneNumberValidation": {
                "NumberFormat": "Local" if form == "local" else "E164",
                **given.renamed(CountryCode="CountryCode"),
            }
        }
    else:
        validation = {"CustomValidation": given.renamed(MaxDigits="MaximumLength")}
    parameters = {
        **given.message(),
        **given.renamed(Timeout="InputTimeLimitSeconds"),
        "StoreInput": "True",
        "InputValidation": validation,
        "DTMFConfiguration": given.renamed(
            TerminatorDigits="InputTerminationSequence", DisableCancel="DisableCancelKey"
        ),
    }
    if str(given.get("EncryptEntry") or "false").strip().lower() == "true":
        parameters["InputEncryption"] = given.renamed(
            EncryptionKeyId="EncryptionKeyId", EncryptionKey="Key"
        )
    return parameters


def _to_legacy(parameters: Mapping[str, object]) -> list[Entry]:
    validation = _inside(parameters, "InputValidation")
    keys, encryption = _inside(parameters, "DTMFConfiguration"), parameters.get("InputEncryption")
    made = message_entries(parameters)
    if "PhoneNumberValidation" in validation:
        number = _inside(validation, "PhoneNumberValidation")
        local = str(number.get("NumberFormat")).lower() == "local"
        made += [
            entry("CustomerInputType", "PhoneNumber"),
            entry("PhoneNumberFormat", "Local" if local else "International"),
            *entries_of(number, CountryCode="CountryCode"),
        ]
    else:
        custom = _inside(validation, "CustomValidation")
        made += [
            entry("CustomerInputType", "Custom"),
            *entries_of(custom, MaxDigits="MaximumLength"),
        ]
    timeout = parameters.get("InputTimeLimitSeconds", parameters.get("InputTimeoutSeconds"))
    made += [
        entry("Timeout", timeout),
        *entries_of(
            keys, TerminatorDigits="InputTerminationSequence", DisableCancel="DisableCancelKey"
        ),
    ]
    if isinstance(encryption, Mapping):
        made += [
            entry("EncryptEntry", True),
            *entries_of(encryption, EncryptionKeyId="EncryptionKeyId", EncryptionKey="Key"),
        ]
    return made


def _inside(parameters: Mapping[str, object], name: str) -> Mapping[str, object]:
    inner = parameters.get(name)
    return inner if isinstance(inner, Mapping) else {}


def _stores(parameters: Mapping[str, object]) -> bool:
    return (written(parameters.get("StoreInput")) or "").strip().lower() == "true"


BLOCK = BlockKind(
    type="GetParticipantInput",
    log_type="StoreUserInput",
    read=_read,
    legacy=LegacyForm(
        "StoreUserInput",
        parameters=store_input_from_legacy,
        entries=_to_legacy,
        branches={"InvalidNumber": INVALID_NUMBER},
    ),
    required=((NEXT,), (ANY_ERROR,)),
    chosen_by=_stores,
)
