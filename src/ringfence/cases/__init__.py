"""What happens after a suspicion: the contact plan, the attempts, the verdict, the card, the label.

Everything here survives a crash at any line: the case is opened with the decision, an attempt is
written down before it is dialled, and an answer is on disk before the call goes on.
"""

from ringfence.cases.follow_ups import FollowUp, Step
from ringfence.cases.furnishing import CALL_OUTCOME, furnish
from ringfence.cases.intake import find_card
from ringfence.cases.plans import (
    CardAction,
    ContactPlan,
    OnMachine,
    called_outcomes,
    get_plan,
    list_plans,
    put_plan,
)
from ringfence.cases.quiet_hours import QuietHours
from ringfence.cases.records import (
    Attempt,
    Case,
    attempts_of,
    counts_of_attempts,
    counts_of_cases,
    get_case,
    list_cases,
)
from ringfence.cases.suggestions import put_suggested_rules, suggested_rules
from ringfence.cases.timeline import Entry, EntryKind, timeline_of
from ringfence.cases.verdicts import Verdict, record_answer

__all__ = [
    "CALL_OUTCOME",
    "Attempt",
    "CardAction",
    "Case",
    "ContactPlan",
    "Entry",
    "EntryKind",
    "FollowUp",
    "OnMachine",
    "QuietHours",
    "Step",
    "Verdict",
    "attempts_of",
    "called_outcomes",
    "counts_of_attempts",
    "counts_of_cases",
    "find_card",
    "furnish",
    "get_case",
    "get_plan",
    "list_cases",
    "list_plans",
    "put_plan",
    "put_suggested_rules",
    "record_answer",
    "suggested_rules",
    "timeline_of",
]
