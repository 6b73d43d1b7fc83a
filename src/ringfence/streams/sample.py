"""A message to try a target with."""

from __future__ import annotations

from ringfence.detectors.decisions import MatchedRule
from ringfence.events.reading import Entity
from ringfence.storage import OrderedIds, now
from ringfence.streams.messages import Composer, Content, Message, Origin

NAME = "orchestration-test"


def sample_message(origin: Origin) -> Message:
    """A message about an event that never was, in every part as one about a decision."""
    at = now()
    content = Content(
        event_type=NAME,
        event_id=NAME,
        at=at,
        entities=(Entity("customer", NAME),),
        variables={"amount": 12.5, "merchant": "sample"},
        detector_id=NAME,
        detector_version="1",
        decided_at=at,
        scores={},
        rules=(MatchedRule("sample", "1", ("review",)),),
    )
    return Composer(origin).message_without_models(OrderedIds().new(), content)
