"""What follows an attempt that brought no answer: by how it ended, when, and on which line.

Knows nothing of cases and of the clock: attempts in, the next attempt out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from ringfence.flows import AnsweredBy
from ringfence.lines import CallEnd

INTERRUPTED = "interrupted"  # an attempt that a crash cut off
SETTLED = "settled"  # one that still rang while somebody else settled the case
MACHINE = "machine"  # one that an answering machine took
MACHINES = frozenset({AnsweredBy.MACHINE_BEEP, AnsweredBy.MACHINE_SILENT})

# The line is at fault and no telephone has rung: no attempt in the cardholder's eyes.
LINE_FAULTS = frozenset({CallEnd.UNAUTHORIZED, CallEnd.LINE_DOWN})
MOST_LINE_FAULTS = 12
_LONGEST_WAIT_FOR_A_LINE_SECONDS = 3600.0

WAYS = (*(end.value for end in CallEnd), MACHINE, INTERRUPTED)


class Step(StrEnum):
    """What follows an attempt."""

    RETRY = "retry"  # call again on the same line
    NEXT_LINE = "next_line"  # call on the plan's next line at once; after the last one, later
    GIVE_UP = "give_up"  # conclude the case


class FollowUp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What follows attempts that end in one way.

    `seconds` lie between the end of one and the next; None stands for the plan's spacing. After
    `most` of them the case is concluded.
    """

    step: Step = Step.RETRY
    seconds: float | None = None
    most: int | None = None


# A line that is busy is soon free; who does not want to talk now is asked once more; a telephone
# that is switched off may be on the next time, a number that is not in use will not be.
DEFAULTS: Mapping[str, FollowUp] = {
    CallEnd.COMPLETED: FollowUp(),
    CallEnd.HUNG_UP: FollowUp(),
    CallEnd.BUSY: FollowUp(seconds=60.0),
    CallEnd.NO_ANSWER: FollowUp(),
    CallEnd.REJECTED: FollowUp(most=1),
    CallEnd.UNREACHABLE: FollowUp(most=1),
    CallEnd.NUMBER_CHANGED: FollowUp(Step.GIVE_UP),
    CallEnd.REDIRECTED: FollowUp(Step.GIVE_UP),
    CallEnd.UNAUTHORIZED: FollowUp(Step.NEXT_LINE, 60.0),
    CallEnd.LINE_DOWN: FollowUp(Step.NEXT_LINE, 60.0),
    CallEnd.FAILED: FollowUp(Step.NEXT_LINE),
    MACHINE: FollowUp(),
    INTERRUPTED: FollowUp(seconds=2.0),
}


@dataclass(frozen=True, slots=True)
class Made:
    """An attempt that is over: on which line, and how it ended (one of `WAYS`)."""

    line: str
    way: str


@dataclass(frozen=True, slots=True)
class NextAttempt:
    """The attempt that follows: on which line, and how long after the one before."""

    line: str
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class NoAttempt:
    """None follows. `because` says why, for the timeline; empty when all were made."""

    because: str = ""


def way_of(end: str, answered_by: str | None) -> str:
    """How an attempt ended, in the words of `WAYS`, by its `CallEnd` and who picked up."""
    return MACHINE if answered_by in MACHINES else end


def next_attempt(
    made: Sequence[Made],
    *,
    lines: Sequence[str],
    attempts: int,
    spacing_seconds: float,
    after: Mapping[str, FollowUp],
) -> NextAttempt | NoAttempt:
    """What follows the attempts made so far, of which none brought an answer.

    `lines` are the plan's in their order, `after` what it has in place of `DEFAULTS`. Attempts
    that only a line's fault ended are not counted, and wait twice as long each time; after
    `MOST_LINE_FAULTS` of them there are no more.
    """
    if not made:
        return NextAttempt(lines[0])
    last = made[-1]
    faults = sum(each.way in LINE_FAULTS for each in made)
    if len(made) - faults >= attempts:
        return NoAttempt()
    if faults >= MOST_LINE_FAULTS:
        return NoAttempt(f"the lines took no call {faults} times")
    follow = after.get(last.way) or DEFAULTS.get(last.way, FollowUp())
    same = sum(each.way == last.way for each in made)
    if follow.step is Step.GIVE_UP or (follow.most is not None and same > follow.most):
        return NoAttempt(f"none follows after: {last.way.replace('_', ' ')}")
    at = lines.index(last.line) if last.line in lines else -1
    if follow.step is Step.NEXT_LINE:
        if at + 1 < len(lines):
            return NextAttempt(lines[at + 1])
        at = 0
    seconds = spacing_seconds if follow.seconds is None else follow.seconds
    if last.way in LINE_FAULTS:
        seconds = min(seconds * 2 ** ((faults - 1) // len(lines)), _LONGEST_WAIT_FOR_A_LINE_SECONDS)
    elif last.way == CallEnd.BUSY and last.way not in after:
        seconds = min(seconds, spacing_seconds)
    return NextAttempt(lines[max(at, 0)], seconds)
