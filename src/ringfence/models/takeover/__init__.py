"""Account takeovers: who signs in as somebody else, learned from logins that nobody labelled.

A kind of model beside those of payments: its versions score, explain and decide like all others.
`train_takeover` is for data sets of logins; what it needs and how it is measured stands there.
"""

from ringfence.models.takeover.plan import takeover_plan
from ringfence.models.takeover.training import train_takeover

__all__ = ["takeover_plan", "train_takeover"]
