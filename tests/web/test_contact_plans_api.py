"""Contact plans over our own API."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from api_servers import Server, refused

PATH = "/v1/contact-plans/call-cardholder"
PLAN: dict[str, Any] = {
    "name": "call-cardholder",
    "outcomes": ["call_cardholder"],
    "lines": ["spare"],
    "after": {"busy": {"step": "next_line", "seconds": 5.0, "most": 2}},
    "detect_machine": True,
    "on_machine": "leave_message",
    "consent": "explicit",
    "quiet_hours": None,
    "quiet_hours_override_amount": 5000.0,
    "caller_numbers": {"+49": "+4930123456"},
    "answer_attribute": "Answer",
    "priority": 3,
}


def test_a_plan_is_stored_as_it_was_sent(api: httpx2.Client) -> None:
    before = api.get(PATH).json()
    stored = api.put(PATH, json=PLAN)
    assert stored.status_code == 200, stored.text
    assert PLAN.items() <= api.get(PATH).json().items()
    assert api.put(PATH, json=before).status_code == 200
    assert api.get(PATH).json() == before


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"after": {"busy": {"step": "pray"}}}, "after.busy.step"),
        ({"after": {"busy": {"wait": 3}}}, "after.busy.wait"),
        ({"after": {"engaged": {}}}, "after"),
        ({"after": {"busy": {"seconds": -1}}}, "after.busy.seconds"),
        ({"on_machine": "sing"}, "on_machine"),
        ({"detect_machine": False}, "on_machine"),
        ({"consent": "maybe"}, "consent"),
        ({"caller_numbers": {"+49": "12"}}, "caller_numbers.+49"),
        ({"answers": {"*": "fraud"}}, "answers"),
        ({"priority": 1.5}, "priority"),
        ({"lines": ["browser"]}, "lines"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_field(
    server: Server, change: dict[str, Any], field: str
) -> None:
    refused(server, "PUT", PATH, 422, field, body=PLAN | change)


def test_a_message_flow_that_is_not_there_is_not_found(server: Server) -> None:
    refused(server, "PUT", PATH, 404, "message_flow", body=PLAN | {"message_flow": "nothing"})
