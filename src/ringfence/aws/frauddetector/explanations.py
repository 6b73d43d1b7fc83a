"""Why a model scored an event as it did, in Fraud Detector's words.

How its ratings from 0 to 5 come about is not published; what is known is written down in
docs/decisions/0010. The choices that could not be confirmed are in this file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ringfence.events.variables import Value
from ringfence.models import Scorer
from ringfence.models.habits import Remembered
from ringfence.models.steps import TIME_INPUT
from ringfence.models.takeover.plan import looked_at

EVENT_SOURCE = "EVENT"
"""`source` of a variable that came with the event."""
# An impact of so much log-odds is told as 1; of five times as much, or more, as 5. Of the ratings
# that were seen, 2.1 was told as 5 and 0.15 as 0.
_LOG_ODDS_OF_ONE = 0.4
_HIGHEST = 5


def relative_impact(log_odds: float) -> str:
    """The rating of an impact: `0` to `5`, with a minus sign where it lowers the risk."""
    size = min(_HIGHEST, math.floor(abs(log_odds) / _LOG_ODDS_OF_ONE + 0.5))
    return f"-{size}" if log_odds < 0 and size else str(size)


def explanations(
    scorer: Scorer,
    variables: Mapping[str, Value],
    at: datetime,
    profile_values: Sequence[float] | None,
) -> dict[str, Any]:
    """`predictionExplanations` of one score: what the event's own variables did to it, and what is
    remembered of some of them together, the largest impact first. Takes some milliseconds."""
    single: dict[str, float] = {}
    together: dict[tuple[str, ...], float] = {}
    for feature, added in scorer.attributions(variables, at, profile_values):
        if isinstance(feature, Remembered):
            group = looked_at(feature.aggregate)
            together[group] = together.get(group, 0.0) + added
        else:
            single[feature.owner] = single.get(feature.owner, 0.0) + added
    # The time of an event is no variable of it.
    single.pop(TIME_INPUT, None)
    return {
        "variableImpactExplanations": [
            {"eventVariableName": name, **_impact(added)} for name, added in _ordered(single)
        ],
        "aggregatedVariablesImpactExplanations": [
            {"eventVariableNames": list(names), **_impact(added)}
            for names, added in _ordered(together)
        ],
    }


def _impact(log_odds: float) -> dict[str, Any]:
    return {"relativeImpact": relative_impact(log_odds), "logOddsImpact": log_odds}


def _ordered(impacts: Mapping[Any, float]) -> list[tuple[Any, float]]:
    return sorted(impacts.items(), key=lambda pair: (-abs(pair[1]), pair[0]))
