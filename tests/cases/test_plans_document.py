"""What the document about contact plans shows and says is so."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from ringfence.cases import ContactPlan
from ringfence.cases.follow_ups import DEFAULTS, MOST_LINE_FAULTS, WAYS, Step

DOCUMENT = (Path(__file__).parents[2] / "docs" / "contact-plans.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (`.*) \| (.*) \|$", DOCUMENT, re.MULTILINE)


def test_its_example_is_a_plan() -> None:
    [example] = re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL)
    plan = msgspec.json.decode(example, type=ContactPlan)
    plan.check()
    sent = msgspec.json.decode(example)
    assert set(sent) <= set(ContactPlan.__struct_fields__)


def test_it_tells_what_follows_every_way_an_attempt_can_end() -> None:
    told = {way: text for ways, text in ROWS for way in re.findall(r"`([a-z_]+)`", ways)}
    assert set(told) == set(WAYS)
    for way, text in told.items():
        follow = DEFAULTS[way]
        assert text.startswith(
            {Step.GIVE_UP: "give up", Step.NEXT_LINE: "the next line", Step.RETRY: "call "}[
                follow.step
            ]
        ), way
        assert ("once more" in text) == (follow.most == 1), way
        if follow.seconds is not None:
            assert f"{follow.seconds:.0f} seconds" in text, way


def test_the_defaults_that_it_names_are_the_defaults() -> None:
    plan = ContactPlan(name="call", outcomes=("call",))
    for field in ("messages", "messages_days", "attempts_per_day", "jitter", "trusted_number_days"):
        assert f"`{field}` ({getattr(plan, field):g})" in DOCUMENT.replace("\n", " "), field
    assert f"after {MOST_LINE_FAULTS} of those" in DOCUMENT
