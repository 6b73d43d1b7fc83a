"""Where decisions are published: one file for each kind of target, found by the scheme of its URL.

A target knows nothing of the database. What it needs that is not part of the default installation
is named by the error that its URL then raises.
"""

from ringfence.streams.targets.kinds import open_target
from ringfence.streams.targets.target import NotTaken, Target

__all__ = ["NotTaken", "Target", "open_target"]
