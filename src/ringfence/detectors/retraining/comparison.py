"""A champion and a challenger on the same past events, which neither of them has learned from.

Both score every event of a window of the log as in service, with what profiles remembered at that
moment. Nothing is stored. It knows nothing of how the two came about, nor of what follows from the
comparison.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Connection

from ringfence.detectors.backtest.history import LoggedEvents, Window
from ringfence.errors import InvalidInput
from ringfence.events import EventType
from ringfence.models import Artifact, Scorer
from ringfence.models.calibration import MAX_SCORE, score_of
from ringfence.models.metrics import Z95, auc_range, average_precision
from ringfence.models.stability import stability_index

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Progress = Callable[[float], None]
LEAST_ALERT_SHARE = 0.01
VOLUMES = (0.001, 0.005, 0.01, 0.02, 0.05)
# With fewer frauds than this the range of a difference says more about chance than about models.
ENOUGH_FRAUDS = 30
_SCORED_AT_ONCE = 512
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SCORE_BINS = 20


class Measures(msgspec.Struct, frozen=True, kw_only=True):
    """How well one version ranks the events of the window.

    `auc` (with its 95 % range) and `average_precision` are of the labelled events. `caught` are the
    frauds among the alerts: the highest scores, as many as `Evaluation.alerts` says. `recall` and
    `precision` go with them; of precision only labelled alerts count, None when there are none.
    """

    auc: float
    auc_low: float
    auc_high: float
    average_precision: float
    caught: int
    recall: float
    precision: float | None


class Volume(msgspec.Struct, frozen=True, kw_only=True):
    """Frauds that each version catches with the same number of alerts, `share` of all events."""

    share: float
    alerts: int
    champion_caught: int
    challenger_caught: int


class Challenges(msgspec.Struct, frozen=True, kw_only=True):
    """The share of all logins of the window that each version challenges, 0 to 1, at the threshold
    that its own measures suggest. It needs no label."""

    champion_threshold: float
    champion_rate: float
    challenger_threshold: float
    challenger_rate: float


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """Champion and challenger on the events of the log from `since` on and before `until`.

    `events` are all of them, `labelled` those that count for AUC and average precision (`assumed`
    of them because nobody complained). The gains are the challenger's measure less the champion's;
    the range of `auc_gain` is DeLong's for paired scores, 95 %. All measures are None when frauds
    or legitimate events are missing. `score_psi` is the population stability index between the two
    versions' scores (0 to 1000 in 20 bins). `remarks` say in words what to bear in mind.
    `challenges` are there for models of account takeovers: see `retraining.logins`.
    """

    since: datetime
    until: datetime
    evaluated_at: datetime
    events: int
    labelled: int
    assumed: int
    frauds: int
    legits: int
    alert_share: float
    alerts: int
    champion: Measures | None
    challenger: Measures | None
    auc_gain: float | None
    auc_gain_low: float | None
    auc_gain_high: float | None
    average_precision_gain: float | None
    recall_gain: float | None
    volumes: tuple[Volume, ...]
    score_psi: float
    remarks: tuple[str, ...]
    challenges: Challenges | None = None

    @property
    def is_enough(self) -> bool:
        """Whether there are enough frauds to tell the two apart."""
        return self.frauds >= ENOUGH_FRAUDS and self.legits >= ENOUGH_FRAUDS


def evaluate(
    connection: Connection,
    event_type: EventType,
    champion: Artifact,
    challenger: Artifact,
    window: Window,
    *,
    at: datetime,
    unlabelled_are_legit: bool = False,
    alert_share: float | None = None,
    challenge_at: tuple[float, float] | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Score a closed window of the log with both, and compare.

    `challenge_at` are the scores from which on champion and challenger challenge a login.

    Alerts are a share of all events: by default as many as there are frauds, and at least 1 %.
    Takes about 20 µs an event and model, and with profiles the time and memory of a backtest.
    Raises `InvalidInput` for a share that is not above 0 and at most 1.
    """
    import numpy as np

    if alert_share is not None and not 0 < alert_share <= 1:
        raise InvalidInput("out of range", field="alert_share", expected="above 0, at most 1")
    if window.since is None or window.until is None:
        raise ValueError("a window with both ends")
    tell = progress or _silent
    past = LoggedEvents(connection, event_type, window)
    artifacts = (champion, challenger)
    scorers = [Scorer(artifact) for artifact in artifacts]
    plans = {s.plan.plan_id: s.plan for s in scorers if s.plan is not None}
    values: dict[str, NDArray[np.float64]] = {}
    for number, (plan_id, plan) in enumerate(plans.items()):
        before = number / len(plans)
        values[plan_id] = past.remembered(
            plan,
            lambda share, before=before: tell(0.5 * (before + share / len(plans))),  # type: ignore[misc]
        )
    total = max(1, past.count())
    raw: list[list[float]] = [[], []]
    fraud: list[bool | None] = []
    for events in past.batches():
        rows = [msgspec.json.decode(of_event) for of_event in events.variables]
        ats = [_EPOCH + timedelta(microseconds=moment) for moment in events.ats]
        for start in range(0, len(rows), _SCORED_AT_ONCE):
            part = slice(start, start + _SCORED_AT_ONCE)
            here = slice(len(fraud) + start, len(fraud) + start + len(rows[part]))
            for scorer, into in zip(scorers, raw, strict=True):
                remembered = None
                if scorer.plan is not None:
                    remembered = values[scorer.plan.plan_id][here].tolist()
                into += scorer.log_odds(rows[part], ats[part], remembered)
        fraud += events.fraud
        tell(0.5 + 0.5 * min(1.0, len(fraud) / total))
    assumed = 0
    if unlabelled_are_legit:
        assumed = sum(label is None for label in fraud)
        fraud = [bool(label) for label in fraud]
    of_both = [np.array(of_one, dtype=np.float64) for of_one in raw]
    psi = stability_index(
        *(_score_bins(of_one, a.bounds) for of_one, a in zip(raw, artifacts, strict=True))
    )
    found = _compared(
        fraud, of_both[0], of_both[1], window.since, window.until, at, assumed, alert_share, psi
    )
    if challenge_at is None:
        return found
    rates = [
        sum(score_of(log_odds, artifact.bounds) >= least for log_odds in of_one)
        / max(1, len(of_one))
        for of_one, artifact, least in zip(raw, artifacts, challenge_at, strict=True)
    ]
    challenges = Challenges(
        champion_threshold=challenge_at[0],
        champion_rate=rates[0],
        challenger_threshold=challenge_at[1],
        challenger_rate=rates[1],
    )
    return msgspec.structs.replace(found, challenges=challenges)


def in_words(of: Evaluation) -> str:
    """What a comparison comes to, in a sentence or two."""
    first, second = of.champion, of.challenger
    if first is None or second is None:
        if of.challenges is None:
            return "Nothing can be measured yet."
        return (
            "Which of them finds more takeovers cannot be told. The challenger challenges "
            f"{of.challenges.challenger_rate:.1%} of logins, the champion "
            f"{of.challenges.champion_rate:.1%}."
        )
    said = (
        f"With the same {of.alerts:,} alerts the challenger catches {second.caught:,} of "
        f"{of.frauds:,} {'frauds' if of.challenges is None else 'takeovers'}, the champion "
        f"{first.caught:,}."
    )
    if not of.is_enough:
        return f"{said} These are too few to tell."
    if of.auc_gain_low is not None and of.auc_gain_low > 0:
        return f"{said} It ranks better, beyond what chance explains."
    if of.auc_gain_high is not None and of.auc_gain_high < 0:
        return f"{said} It ranks worse, beyond what chance explains."
    return f"{said} Whether it ranks better cannot be told: the difference may be chance."


def auc_difference(
    is_fraud: NDArray[np.bool_], first: NDArray[np.float64], second: NDArray[np.float64]
) -> tuple[float, float, float]:
    """How much larger the second AUC is than the first, and the 95 % range of that.

    Both score the same events, shape `(n_events,)`, which the range takes into account (DeLong,
    DeLong and Clarke-Pearson 1988). With a single fraud or legitimate event the range is all there
    can be, -1 to 1.
    """
    m, n = int(is_fraud.sum()), int((~is_fraud).sum())
    parts = [_placements(is_fraud, scores) for scores in (first, second)]
    gain = float(parts[1][0].mean() - parts[0][0].mean())
    if m < 2 or n < 2:
        return gain, -1.0, 1.0
    of_frauds, of_legits = (parts[1][side] - parts[0][side] for side in (0, 1))
    variance = float(of_frauds.var(ddof=1) / m + of_legits.var(ddof=1) / n)
    margin = Z95 * math.sqrt(max(0.0, variance))
    return gain, max(-1.0, gain - margin), min(1.0, gain + margin)


def _placements(
    is_fraud: NDArray[np.bool_], scores: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For each fraud the share of legitimate events below it, for each legitimate event the share
    of frauds above it; ties count half."""
    import numpy as np

    frauds, legits = scores[is_fraud], scores[~is_fraud]
    in_order, of_frauds = np.sort(legits), np.sort(frauds)
    below = np.searchsorted(in_order, frauds, "left") + np.searchsorted(in_order, frauds, "right")
    above = np.searchsorted(of_frauds, legits, "left") + np.searchsorted(of_frauds, legits, "right")
    return below / (2 * len(legits)), 1 - above / (2 * len(frauds))


def _compared(
    fraud: Sequence[bool | None],
    champion: NDArray[np.float64],
    challenger: NDArray[np.float64],
    since: datetime,
    until: datetime,
    at: datetime,
    assumed: int,
    asked_share: float | None,
    psi: float,
) -> Evaluation:
    import numpy as np

    known = np.array([label is not None for label in fraud], dtype=np.bool_)
    is_fraud = np.array([label is True for label in fraud], dtype=np.bool_)
    frauds, labelled = int(is_fraud.sum()), int(known.sum())
    legits = labelled - frauds
    measures: tuple[Measures | None, Measures | None] = (None, None)
    gains: tuple[float | None, float | None, float | None] = (None, None, None)
    alert_share = asked_share
    if alert_share is None:
        alert_share = max(LEAST_ALERT_SHARE, frauds / max(1, len(fraud)))
    alerts = max(1, round(alert_share * len(fraud))) if fraud else 0
    if frauds and legits:
        measures = (
            _measured(is_fraud, known, champion, alerts),
            _measured(is_fraud, known, challenger, alerts),
        )
        gains = auc_difference(is_fraud[known], champion[known], challenger[known])
    first, second = measures
    return Evaluation(
        since=since,
        until=until,
        evaluated_at=at,
        events=len(fraud),
        labelled=labelled,
        assumed=assumed,
        frauds=frauds,
        legits=legits,
        alert_share=alert_share,
        alerts=alerts,
        champion=first,
        challenger=second,
        auc_gain=gains[0],
        auc_gain_low=gains[1],
        auc_gain_high=gains[2],
        average_precision_gain=(
            second.average_precision - first.average_precision if first and second else None
        ),
        recall_gain=second.recall - first.recall if first and second else None,
        volumes=tuple(
            Volume(
                share=share,
                alerts=count,
                champion_caught=_caught(is_fraud, champion, count),
                challenger_caught=_caught(is_fraud, challenger, count),
            )
            for share in VOLUMES
            if (count := round(share * len(fraud))) > 0
        ),
        score_psi=psi,
        remarks=_remarks(len(fraud), labelled, assumed, frauds, legits),
    )


def _measured(
    is_fraud: NDArray[np.bool_],
    known: NDArray[np.bool_],
    raw: NDArray[np.float64],
    alerts: int,
) -> Measures:
    auc, low, high = auc_range(is_fraud[known], raw[known])
    caught = _caught(is_fraud, raw, alerts)
    judged = int(known[_highest(raw, alerts)].sum())
    return Measures(
        auc=auc,
        auc_low=low,
        auc_high=high,
        average_precision=average_precision(is_fraud[known], raw[known]),
        caught=caught,
        recall=caught / int(is_fraud.sum()),
        precision=caught / judged if judged else None,
    )


def _caught(is_fraud: NDArray[np.bool_], raw: NDArray[np.float64], alerts: int) -> int:
    return int(is_fraud[_highest(raw, alerts)].sum())


def _highest(raw: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    import numpy as np

    return np.argsort(-raw, kind="stable")[:count]  # of equal scores the earlier event


def _score_bins(raw: Sequence[float], bounds: Sequence[float]) -> list[int]:
    counts = [0] * _SCORE_BINS
    for log_odds in raw:
        counts[min(_SCORE_BINS - 1, int(score_of(log_odds, bounds) * _SCORE_BINS / MAX_SCORE))] += 1
    return counts


def _remarks(events: int, labelled: int, assumed: int, frauds: int, legits: int) -> tuple[str, ...]:
    said = []
    if not frauds or not legits:
        lacking = "fraud" if not frauds else "legitimate event"
        said.append(f"Nothing can be measured: no {lacking} of the window is labelled.")
    elif frauds < ENOUGH_FRAUDS or legits < ENOUGH_FRAUDS:
        fewer = f"{frauds} frauds" if frauds < ENOUGH_FRAUDS else f"{legits} legitimate events"
        said.append(f"Too few to tell: {fewer}, where {ENOUGH_FRAUDS} are the least.")
    if assumed:
        said.append(
            f"{assumed:,} of {labelled:,} labels are assumed, because nobody complained; frauds "
            "that nobody noticed count as legitimate for both."
        )
    elif labelled * 2 < events:
        said.append(
            f"Only {labelled:,} of {events:,} events have a label. If these are the ones that the "
            "champion found suspicious, they show what it did not notice least of all, which "
            "flatters it."
        )
    return tuple(said)


def _silent(share: float) -> None:
    """No progress is shown."""
