"""Whether a data set can be trained on: enough of everything, stable in time, no answers in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ringfence.events.variables import Variable
from ringfence.models.data import DataSet
from ringfence.models.leakage import leaks
from ringfence.models.messages import DataInvalid, Message, MessageKind
from ringfence.models.splitting import HELD_OUT

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MIN_CLASS = 50
# So many frauds are missing among the latest events only where their labels are.
_EXPECTED_LATEST = 10
_PERIODS = 10
_EXPECTED_FRAUDS = 20
_UNSTABLE = 4.0


def check(data: DataSet, used: Sequence[Variable], *, variables: int = 2) -> tuple[Message, ...]:
    """What there is to say about the data. Raises `DataInvalid` when it cannot be trained on.

    `variables` is how many are needed at least.
    """
    is_fraud = data.is_fraud()
    messages = [
        *_amounts(data, is_fraud, used, variables),
        *_stability(is_fraud),
        *leaks(data, used, is_fraud),
    ]
    if any(message.kind is MessageKind.ERROR for message in messages):
        raise DataInvalid([*data.messages, *messages])
    return tuple(messages)


def _amounts(
    data: DataSet,
    is_fraud: NDArray[np.bool_],
    used: Sequence[Variable],
    variables: int,
) -> list[Message]:
    messages: list[Message] = []
    names = (data.event_type.fraud_label or "fraud", data.event_type.legit_label or "legit")
    counts = (int(is_fraud.sum()), int((~is_fraud).sum()))
    for name, count in zip(names, counts, strict=True):
        if count >= _MIN_CLASS:
            continue
        text = f"{count:,} events are labelled {name}; at least {_MIN_CLASS} are needed"
        messages.append(Message(MessageKind.ERROR, "EVENT_LABEL", "Insufficient data", text))
    latest = is_fraud[-round(len(is_fraud) * HELD_OUT) or len(is_fraud) :]
    if is_fraud.sum() * HELD_OUT >= _EXPECTED_LATEST and not latest.any():
        text = (
            f"none of the last {HELD_OUT:.0%} of the events by time is labelled {names[0]}: their "
            "labels seem not to have come yet; leave out the events that are too young to have one"
        )
        messages.append(Message(MessageKind.ERROR, "EVENT_LABEL", "Insufficient data", text))
    if len(used) < variables:
        text = (
            f"{len(used)} variable of event type {data.event_type.name} is in the data; at least "
            f"{variables} are needed: " + ", ".join(v.name for v in data.event_type.variables)
        )
        messages.append(Message(MessageKind.ERROR, None, "Insufficient variables", text))
    return messages


def _stability(is_fraud: NDArray[np.bool_]) -> list[Message]:
    """An error when the labels of whole periods seem to be missing, a warning when the fraud share
    moves much."""
    import numpy as np

    share = float(is_fraud.mean()) if len(is_fraud) else 0.0
    size = len(is_fraud) / _PERIODS
    if share * size < _EXPECTED_FRAUDS or (1 - share) * size < _EXPECTED_FRAUDS:
        return []
    shares = [float(period.mean()) for period in np.array_split(is_fraud, _PERIODS)]
    title = "Unstable fraud rate in the given dataset"
    span = f"between {min(shares):.2%} and {max(shares):.2%} in tenths of the events by time"
    if min(shares) == 0.0 or max(shares) == 1.0:
        text = f"the share of fraud lies {span}: labels of a whole period seem to be missing"
        return [Message(MessageKind.ERROR, "EVENT_LABEL", title, text)]
    if max(shares) > _UNSTABLE * min(shares):
        text = f"the share of fraud lies {span}; scores may fit the latest events less well"
        return [Message(MessageKind.WARNING, "EVENT_LABEL", title, text)]
    return []
