"""What Amazon Connect itself knows of a contact: the system attributes, as names below `$`."""

from __future__ import annotations

from ringfence.flows.contact import ContactState, InitiationMethod

TELEPHONE = "TELEPHONE_NUMBER"

_OUTBOUND = (InitiationMethod.API, InitiationMethod.OUTBOUND, InitiationMethod.CALLBACK)


def system_attributes(state: ContactState) -> dict[str, object]:
    """The attributes that do not depend on a flow. What there is not is None, or missing."""
    contact = state.contact
    arn = contact.instance_arn.split(":")
    first_id = contact.initial_contact_id or contact.contact_id
    queue = state.queue
    data: dict[str, object] = {
        "CustomerEndpoint": endpoint(contact.customer_number),
        "SystemEndpoint": endpoint(contact.system_number),
        "CustomerId": state.customer_id or None,
        "CustomerCallbackNumber": state.callback_number or None,
        "ContactId": contact.contact_id,
        "InitialContactId": first_id,
        "PreviousContactId": contact.previous_contact_id or contact.contact_id,
        "RelatedContactId": contact.related_contact_id or None,
        "Channel": "VOICE",
        "InstanceARN": contact.instance_arn,
        "InitiationMethod": str(contact.initiation_method),
        "LanguageCode": state.language,
        "Name": state.name or None,
        "Description": state.description or None,
        "AwsRegion": arn[3] if len(arn) > 3 else None,
        "References": {
            key: {"Value": reference.value, "Type": reference.type}
            for key, reference in state.references.items()
        },
        "Tags": state.tags,
        "SegmentAttributes": {
            "connect:Subtype": "connect:Telephony",
            "connect:Direction": "OUTBOUND"
            if contact.initiation_method in _OUTBOUND
            else "INBOUND",
            **state.segment_attributes,
        },
    }
    if queue is not None:
        caller = endpoint(queue.caller_number) if queue.caller_number else None
        data["Queue"] = {"Name": queue.name, "ARN": queue.arn, "OutboundCallerId": caller}
    return data


def endpoint(number: str) -> dict[str, str]:
    """A telephone as Amazon Connect writes it."""
    return {"Address": number, "Type": TELEPHONE}
