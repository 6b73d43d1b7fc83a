"""Ways out to and in from others' systems: decisions as they are made and contacts as they go, to a
webhook, a file or a broker.

Knows what a decision and a contact are, and nothing of cases or of who asked.
"""

from ringfence.streams.configuration import contact_publisher_of, origin_of, publisher_of, target_of
from ringfence.streams.messages import Origin
from ringfence.streams.outbox import CONTACTS, DECISIONS, Standing, seconds_waiting
from ringfence.streams.publisher import DecisionPublisher, Publisher
from ringfence.streams.targets import NotTaken, Target, open_target

__all__ = [
    "CONTACTS",
    "DECISIONS",
    "DecisionPublisher",
    "NotTaken",
    "Origin",
    "Publisher",
    "Standing",
    "Target",
    "contact_publisher_of",
    "open_target",
    "origin_of",
    "publisher_of",
    "seconds_waiting",
    "target_of",
]
