"""What flows make of a contact, as its record keeps it."""

from __future__ import annotations

from typing import Any

from call_centres import Centre, state_of

from ringfence.contacts.records import get_contact, keep
from ringfence.flows import Reference
from ringfence.flows.blocks.update_contact_data import LONGEST

COLUMNS = {
    "LanguageCode": "language",
    "Name": "name",
    "Description": "description",
    "CustomerId": "customer_id",
}


def test_a_record_keeps_what_flows_make_of_a_contact(any_centre: Centre) -> None:
    any_centre.contact("one")
    state = state_of("one")
    facts: dict[str, Any] = {
        "name": "Card ending 4071",
        "description": "a suspicion",
        "customer_id": "customer-7",
        "language": "de-DE",
        "references": {"case": Reference("https://bank.example/7", "URL")},
        "tags": {"Desk": "fraud"},
        "segment_attributes": {"desk": "fraud"},
        "attributes": {"CardNo": "4071"},
    }
    for name, value in facts.items():
        setattr(state, name, value)
    any_centre.write(keep, state)
    kept = any_centre.read(get_contact, "one")
    assert {name: getattr(kept, name) for name in facts} == facts


def test_what_is_longest_for_a_flow_can_be_kept(any_centre: Centre) -> None:
    any_centre.contact("one")
    state = state_of("one")
    for name, most in LONGEST.items():
        setattr(state, COLUMNS[name], "ä" * most)
    any_centre.write(keep, state)
    kept = any_centre.read(get_contact, "one")
    for name, most in LONGEST.items():
        assert len(getattr(kept, COLUMNS[name])) == most
