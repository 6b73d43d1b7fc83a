"""Ways out to and in from others' systems: decisions as they are made, to a webhook, a file or a
broker.

Knows what a decision is and nothing of cases or of who asked.
"""

from ringfence.streams.configuration import origin_of, publisher_of, target_of
from ringfence.streams.messages import Origin
from ringfence.streams.outbox import Standing, seconds_waiting, standing_of
from ringfence.streams.publisher import DecisionPublisher
from ringfence.streams.targets import NotTaken, Target, open_target

__all__ = [
    "DecisionPublisher",
    "NotTaken",
    "Origin",
    "Standing",
    "Target",
    "open_target",
    "origin_of",
    "publisher_of",
    "seconds_waiting",
    "standing_of",
    "target_of",
]
