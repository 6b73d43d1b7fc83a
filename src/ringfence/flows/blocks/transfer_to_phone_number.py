"""Transfer to phone number: put the far end through to a telephone outside."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ringfence.flows.block import ANY_ERROR, Block, Outcome
from ringfence.flows.call import Call
from ringfence.flows.events import EndReason
from ringfence.flows.kinds import BlockKind, LegacyForm
from ringfence.flows.modules import Entry, LegacyParameters, entries_of, entry
from ringfence.flows.parameters import Parameters, WholeNumber, written
from ringfence.flows.participant import Destination, NotConnected
from ringfence.flows.references import Template

CALL_FAILED = "CallFailed"
TIMED_OUT = "ConnectionTimeLimitExceeded"
DEFAULT_SECONDS = 30
LONGEST_SECONDS = 600

_E164 = re.compile(r"\+[1-9]\d{1,14}", re.ASCII)
_WRITTEN = re.compile(r"[\s().-]", re.ASCII)  # what people write between digits
_KEYS = re.compile(r"[0-9,*#]{0,50}", re.ASCII)


@dataclass(frozen=True, slots=True)
class TransferToPhoneNumber:
    """With `resumes` the flow goes on when the other telephone has hung up; else it is over then.

    When the far end hangs up, both calls are over.
    """

    number: Template | None
    seconds: WholeNumber
    resumes: bool
    keys: Template | None
    caller_number: Template | None
    caller_name: Template | None

    async def run(self, call: Call, block: Block) -> Outcome:
        """Dial, send the keys, and let them talk."""
        data = call.data()
        number = _WRITTEN.sub("", _filled(self.number, data))
        seconds = self.seconds.value(data)
        keys = _filled(self.keys, data)
        shown = {
            "PhoneNumber": number,
            "TimeLimit": str(seconds) if seconds is not None else "",
            "BlindTransfer": str(not self.resumes).lower(),
        }
        if seconds is None or not _KEYS.fullmatch(keys):
            detail = "the time limit is no number, or what is to be dialled after it no keys"
            return Outcome(error=ANY_ERROR, result="Error", parameters=shown, detail=detail)
        if not _E164.fullmatch(number):
            detail = f"{number[:50]!r} is no phone number in E.164, such as +4930901820"
            return Outcome(error=CALL_FAILED, result="CallFailure", parameters=shown, detail=detail)
        destination = Destination(
            number=number,
            caller_number=_filled(self.caller_number, data) or call.contact.system_number,
            caller_name=_filled(self.caller_name, data),
            ring_seconds=float(max(seconds, 1)),
            digits=keys,
        )
        call.steps_alone = 0
        try:
            await call.participant.connect(destination)
        except NotConnected as failure:
            error, result = (
                (TIMED_OUT, "Timeout") if failure.timed_out else (CALL_FAILED, "CallFailure")
            )
            return Outcome(error=error, result=result, parameters=shown, detail=str(failure))
        ends = None if self.resumes else EndReason.THIRD_PARTY_DISCONNECT
        return Outcome(ends=ends, result="Success", parameters=shown)


def _filled(text: Template | None, data: Mapping[str, object]) -> str:
    return text.fill(data).strip() if text is not None else ""


def _read(parameters: Parameters) -> TransferToPhoneNumber:
    caller = parameters.inside("CallerId")
    keys = parameters.optional("ThirdPartyDTMFDigits")
    if keys is not None and keys.literal is not None and not _KEYS.fullmatch(keys.literal.strip()):
        parameters.wrong(
            "the parameter ThirdPartyDTMFDigits is not at most 50 of 0-9, comma, * and #"
        )
    return TransferToPhoneNumber(
        number=parameters.optional("ThirdPartyPhoneNumber"),
        seconds=parameters.whole_number(
            "ThirdPartyConnectionTimeLimitSeconds",
            "ThirdPartyConnectionTimeoutSeconds",
            low=0,
            high=LONGEST_SECONDS,
            default=DEFAULT_SECONDS,
        ),
        resumes=parameters.flag("ContinueFlowExecution", default=True),
        keys=keys,
        caller_number=caller.optional("Number"),
        caller_name=caller.optional("Name"),
    )


def _from_legacy(given: LegacyParameters) -> dict[str, object]:
    parameters = given.renamed(
        PhoneNumber="ThirdPartyPhoneNumber",
        TimeLimit="ThirdPartyConnectionTimeLimitSeconds",
        DTMFDigits="ThirdPartyDTMFDigits",
    )
    blind = written(given.get("BlindTransfer"))
    if blind is not None:
        parameters["ContinueFlowExecution"] = str(blind.strip().lower() != "true")
    if caller := given.renamed(CallerIdNumber="Number", CallerIdName="Name"):
        parameters["CallerId"] = caller
    return parameters


def _to_legacy(parameters: Mapping[str, object]) -> list[Entry]:
    entries = entries_of(
        parameters,
        PhoneNumber="ThirdPartyPhoneNumber",
        TimeLimit="ThirdPartyConnectionTimeoutSeconds",
        DTMFDigits="ThirdPartyDTMFDigits",
    )
    if parameters.get("ThirdPartyConnectionTimeLimitSeconds") is not None:
        entries = [each for each in entries if each["name"] != "TimeLimit"]
        entries += entries_of(parameters, TimeLimit="ThirdPartyConnectionTimeLimitSeconds")
    resumes = written(parameters.get("ContinueFlowExecution"))
    if resumes is not None:
        entries.append(entry("BlindTransfer", resumes.strip().lower() == "false"))
    caller = parameters.get("CallerId")
    if isinstance(caller, Mapping):
        entries += entries_of(caller, CallerIdNumber="Number", CallerIdName="Name")
    return entries


BLOCK = BlockKind(
    type="TransferParticipantToThirdParty",
    log_type="Transfer",
    read=_read,
    legacy=LegacyForm(
        "Transfer",
        "PhoneNumber",
        parameters=_from_legacy,
        entries=_to_legacy,
        branches={"CallFailure": CALL_FAILED, "Timeout": TIMED_OUT},
    ),
)
