"""How uncertain a version's measures are, in words: for what data is too small to say.

Amazon Fraud Detector calls a model's performance uncertain when the range of its AUC is wider than
0.1 (`uncertaintyRange`). It knows the metrics, not the data behind them.
"""

from __future__ import annotations

import math

from ringfence.models.messages import Message, MessageKind
from ringfence.models.metrics import Metrics, suggest_thresholds
from ringfence.models.stability import share_range

HIGH_UNCERTAINTY = 0.1
_WIDE_RECALL = 0.2


def uncertainty(metrics: Metrics, *, crossed: bool) -> list[Message]:
    """What to tell about the ranges: a warning where they are wide, and what would narrow them.

    `crossed`: events were judged by models that learned from what came after, too.
    """
    messages = []
    frauds = metrics.rows[0].true_positives
    if crossed:
        text = (
            f"there are too few frauds among the latest events to measure on them alone: every "
            f"event was judged by models that learned from other stretches of time, later ones "
            f"too. The measures rest on all {frauds:,} frauds; what changes with time they show "
            "less than measures on the latest events would"
        )
        messages.append(Message(MessageKind.INFO, None, "Measured crosswise", text))
    parts = []
    width = metrics.auc_high - metrics.auc_low
    if width > HIGH_UNCERTAINTY:
        parts.append(
            f"the AUC of {metrics.auc:.3f} may as well be {metrics.auc_low:.3f} or "
            f"{metrics.auc_high:.3f} (95 % range, high uncertainty above {HIGH_UNCERTAINTY})"
        )
    more = frauds * ((width / HIGH_UNCERTAINTY) ** 2 - 1)
    suggested = suggest_thresholds(metrics)
    if suggested:
        rows = {row.threshold: row for row in metrics.rows}
        row = rows[suggested[0].threshold]
        low, high = share_range(row.true_positives, frauds)
        alarms = row.true_positives + row.false_positives
        if high - low > _WIDE_RECALL:
            sure_low, sure_high = share_range(row.true_positives, alarms)
            parts.append(
                f"at threshold {row.threshold:.0f} it finds {row.tpr:.0%} of the frauds (may as "
                f"well be {low:.0%} or {high:.0%}), and {row.precision:.0%} of what it flags is "
                f"fraud ({sure_low:.0%} to {sure_high:.0%})"
            )
            # A range narrows with the root of the number; the widest is that of a half.
            more = max(more, frauds * (((high - low) / _WIDE_RECALL) ** 2 - 1))
    if parts:
        parts.append(f"about {_rounded(more)} more frauds to measure on would narrow that down")
        text = f"measured on {frauds:,} frauds only, " + "; ".join(parts)
        messages.append(Message(MessageKind.WARNING, None, "High uncertainty", text))
    return messages


def _rounded(number: float) -> str:
    if number <= 10:
        return "10"
    size = 10 ** int(math.log10(number))
    return f"{math.ceil(number / size) * size:,}"
