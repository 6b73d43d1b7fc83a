"""A contact in the terms of lines and of flows, and its end in those of Amazon Connect."""

from __future__ import annotations

from ringfence.contacts.records import StoredContact
from ringfence.flows import AnsweredBy, Contact, EndReason
from ringfence.lines import CallEnd, CallRequest, CallResult
from ringfence.lines.foretelling import Foretell

# Amazon Connect's words for a call that nobody answered, and for who picked up.
_UNANSWERED = {
    CallEnd.BUSY: "OUTBOUND_ATTEMPT_FAILED",
    CallEnd.NO_ANSWER: "OUTBOUND_ATTEMPT_FAILED",
    CallEnd.REJECTED: "OUTBOUND_ATTEMPT_FAILED",
    CallEnd.UNREACHABLE: "OUTBOUND_DESTINATION_ENDPOINT_ERROR",
    CallEnd.NUMBER_CHANGED: "OUTBOUND_DESTINATION_ENDPOINT_ERROR",
    CallEnd.REDIRECTED: "OUTBOUND_ATTEMPT_FAILED",
    CallEnd.UNAUTHORIZED: "TELECOM_PROBLEM",
    CallEnd.LINE_DOWN: "TELECOM_PROBLEM",
    CallEnd.FAILED: "TELECOM_PROBLEM",
}
ANSWERED_BY = {
    AnsweredBy.HUMAN: "HUMAN_ANSWERED",
    AnsweredBy.MACHINE_BEEP: "VOICEMAIL_BEEP",
    AnsweredBy.MACHINE_SILENT: "VOICEMAIL_NO_BEEP",
    AnsweredBy.UNKNOWN: "AMD_UNRESOLVED",
}


def call_request(contact: StoredContact, foretell: Foretell) -> CallRequest:
    """What its line is asked for; `foretell` finds out what will most likely be said first."""
    return CallRequest(
        call_id=contact.contact_id,
        to_number=contact.customer_number,
        from_number=contact.system_number,
        caller_name=contact.request.caller_name,
        ring_timeout_seconds=contact.request.ring_timeout_seconds,
        language=contact.language,
        attributes=contact.attributes,
        detect_machine=contact.request.detect_machine,
        foretell=foretell,
    )


def flow_contact(kept: StoredContact, instance_arn: str, sensitive: frozenset[str]) -> Contact:
    """What its flow knows of it when it begins."""
    return Contact(
        contact_id=kept.contact_id,
        attributes=kept.attributes,
        customer_number=kept.customer_number,
        system_number=kept.system_number,
        instance_arn=instance_arn,
        language=kept.language,
        initial_contact_id=kept.initial_contact_id,
        previous_contact_id=kept.previous_contact_id or "",
        related_contact_id=kept.related_contact_id or "",
        initiation_method=kept.initiation_method,
        name=kept.name,
        description=kept.description,
        customer_id=kept.customer_id,
        references=kept.references,
        tags=kept.tags,
        sensitive=sensitive,
    )


def disconnect_reason(result: CallResult, reason: list[EndReason]) -> str:
    """Why it is over, in Amazon Connect's words; `reason` is why its flow ended, if it began."""
    if result.end is CallEnd.HUNG_UP:
        return EndReason.CUSTOMER_DISCONNECT
    if result.end is CallEnd.COMPLETED:
        ended = reason[-1] if reason else EndReason.CONTACT_FLOW_DISCONNECT
        kept = (EndReason.AGENT_DISCONNECT, EndReason.THIRD_PARTY_DISCONNECT)
        return ended if ended in kept else EndReason.CONTACT_FLOW_DISCONNECT
    return _UNANSWERED[result.end]
