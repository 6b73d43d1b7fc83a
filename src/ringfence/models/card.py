"""The model card of a version: what it is for, what it was made of, how good it is, and where not.

Everything is computed from what is stored with the version, nothing is written by hand. The model
room knows nothing of service: what drift was seen since comes in as an argument. Cards follow
M. Mitchell et al., Model Cards for Model Reporting (2019), in their order of sections.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from ringfence.models.baseline import Baseline, Period
from ringfence.models.bins import score_labels
from ringfence.models.definitions import Model, ModelType, ModelVersion, output_variable
from ringfence.models.messages import Message, MessageKind
from ringfence.models.metrics import TakeoverRow, Threshold, suggest_thresholds
from ringfence.models.segments import Segment
from ringfence.models.stability import Bounds, State, compare

# Fewer held-out frauds leave every measure wide open; see `_uncertainty`.
_FEW_FRAUDS, _SOME_FRAUDS = 50, 200
_MOSTLY_MISSING = 0.5
_SHORT_DAYS = 60
_BAD_AUC = 0.7
_MOST_NAMED = 8
# What validation says of empty columns; all of them are named in one sentence here.
_MISSING_TITLE = "Missing variable values"


class CardData(msgspec.Struct, frozen=True, kw_only=True):
    """The data: whence, when, how much, and how its labels came about.

    `final_rows` is how many events the version itself learned from, None where those were the
    `training_rows`; `crossed` says that events were judged in turn, each by models that had not
    learned from it, rather than the latest held out.
    """

    source: str
    sha256: str
    sha256_of: str
    first_at: datetime
    last_at: datetime
    rows: int
    frauds: int
    training_rows: int
    held_out_rows: int
    final_rows: int | None
    crossed: bool
    label_sources: dict[str, int]
    label_delay_days: tuple[float, float] | None


class CardVariable(msgspec.Struct, frozen=True, kw_only=True):
    """A variable, or what is remembered of an entity: its importance (0 to 1), the share of events
    without it, and how far the held-out events had moved (None where nothing is known)."""

    name: str
    variable_type: str
    importance: float
    missing: float | None = None
    held_out_psi: float | None = None


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """One measure of the held-out events with its 95 % range, if it has one."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None


class CalibrationPoint(msgspec.Struct, frozen=True, kw_only=True):
    """Held-out events of one score bin, and the share of fraud among them with its 95 % range."""

    label: str
    events: int
    frauds: int
    low: float
    high: float


class Moved(msgspec.Struct, frozen=True):
    """A variable and the stability index of each period of training."""

    name: str
    by_period: tuple[float, ...]


class ModelCard(msgspec.Struct, frozen=True, kw_only=True):
    """Everything there is to say about a version. `uncertainty`, `intended_use`, `limits` and
    `drift` are sentences."""

    model_id: str
    version: str
    model_type: str
    event_type: str
    description: str
    created_at: datetime
    score_variable: str
    intended_use: tuple[str, ...]
    data: CardData
    variables: tuple[CardVariable, ...]
    measures: tuple[Measure, ...]
    uncertainty: str
    curve: tuple[tuple[float, float], ...]
    thresholds: tuple[Threshold, ...]
    challenges: tuple[TakeoverRow, ...]
    segments: tuple[Segment, ...]
    segment_threshold: float | None
    calibration: tuple[CalibrationPoint, ...]
    periods: tuple[Period, ...]
    moved: tuple[Moved, ...]
    limits: tuple[str, ...]
    drift: tuple[str, ...]
    messages: tuple[Message, ...]
    seed: int
    parameters: dict[str, str | float | int | bool]
    trees: int
    library_versions: dict[str, str]
    duration_seconds: float


def make_card(
    model: Model, version: ModelVersion, baseline: Baseline | None, drift: Sequence[str] = ()
) -> ModelCard:
    """The card of a version. `drift` says what has been seen since, in sentences; `baseline` is
    None for versions that were trained before it was kept, whose cards are shorter."""
    facts, metrics = version.facts, version.metrics
    takeover = metrics.takeover
    measures: tuple[Measure, ...]
    if takeover is None:
        measures = (
            Measure(name="AUC", value=metrics.auc, low=metrics.auc_low, high=metrics.auc_high),
            Measure(name="Average precision", value=metrics.average_precision),
        )
    else:
        measures = (
            Measure(
                name="Anomaly separation index",
                value=takeover.asi,
                low=takeover.asi_low,
                high=takeover.asi_high,
            ),
        )
    return ModelCard(
        model_id=version.model_id,
        version=version.version,
        model_type=str(model.model_type),
        event_type=model.event_type,
        description=model.description,
        created_at=version.created_at,
        score_variable=output_variable(version.model_id),
        intended_use=_intended_use(model),
        data=CardData(
            source=facts.source,
            sha256=facts.sha256,
            sha256_of=facts.sha256_of,
            first_at=facts.first_at,
            last_at=facts.last_at,
            rows=facts.rows,
            frauds=facts.frauds,
            training_rows=facts.training_rows,
            held_out_rows=facts.held_out_rows,
            final_rows=facts.final_rows or None,
            crossed=facts.crossed,
            label_sources={} if baseline is None else baseline.label_sources,
            label_delay_days=None if baseline is None else baseline.label_delay_days,
        ),
        variables=tuple(_variables(version, baseline)),
        measures=measures,
        uncertainty=_uncertainty(version),
        curve=tuple(sorted({(row.fpr, row.tpr) for row in metrics.rows} | {(0, 0), (1, 1)})),
        thresholds=() if takeover is not None else suggest_thresholds(metrics),
        challenges=() if takeover is None else tuple(_thinned(takeover.rows)),
        segments=() if baseline is None else baseline.segments,
        segment_threshold=None if baseline is None else baseline.threshold,
        calibration=() if baseline is None else _calibration(baseline),
        periods=() if baseline is None else baseline.periods,
        moved=() if baseline is None else _moved(baseline),
        limits=tuple(_limits(version, baseline, drift)),
        drift=tuple(drift),
        messages=version.messages,
        seed=facts.seed,
        parameters=facts.parameters,
        trees=facts.best_iteration,
        library_versions=facts.library_versions,
        duration_seconds=facts.duration_seconds,
    )


_USES = {
    ModelType.ONLINE_FRAUD_INSIGHTS: "It looks at each event alone and remembers nothing, so it "
    "fits where there is no history: registrations, guest orders, first payments.",
    ModelType.TRANSACTION_FRAUD_INSIGHTS: "It also looks at what the customer, the card, the "
    "merchant and the device did before, so it needs the events of the past: after a start "
    "without them its scores are those of newcomers.",
    ModelType.ACCOUNT_TAKEOVER_INSIGHTS: "It compares a login with what the account did before. It "
    "was trained to tell strangers from owners, mostly without labels: a high score says unusual "
    "for this account, not proven fraud.",
}


def _intended_use(model: Model) -> tuple[str, ...]:
    kind = ModelType(model.model_type)
    return (
        f"It scores events of type {model.event_type} from 0 to 1000, for rules that decide "
        "whether an event passes, is reviewed or leads to a call. A score stands for the share of "
        "legitimate events that score as high or higher.",
        _USES[kind],
        "It is not for deciding about people: on credit, employment or insurance, or on closing "
        "an account without a person looking at it.",
    )


def _variables(version: ModelVersion, baseline: Baseline | None) -> Iterator[CardVariable]:
    watched = (
        {}
        if baseline is None
        else {of.bins.name: of for of in baseline.watched if not of.bins.remembered}
    )
    for of in version.importance:
        known = watched.get(of.variable)
        missing = psi = None
        if known is not None:
            events = sum(known.training) + sum(known.held_out)
            missing = (known.training[0] + known.held_out[0]) / events if events else None
            # Texts of the held-out events grow out of those that training knew: no surprise.
            if not known.bins.classes:
                shift = compare(known.training, known.held_out, Bounds())
                psi = None if shift.state is State.TOO_FEW else round(shift.excess, 4)
        yield CardVariable(
            name=of.variable,
            variable_type=of.variable_type,
            importance=of.share,
            missing=missing,
            held_out_psi=psi,
        )


def _uncertainty(version: ModelVersion) -> str:
    metrics = version.metrics
    takeover = metrics.takeover
    if takeover is not None:
        return (
            f"Measured on {takeover.anomalies:,} made-up strangers in the held-out time, and on "
            f"{takeover.takeovers:,} labelled takeovers."
        )
    frauds = _measured_frauds(version)
    width = metrics.auc_high - metrics.auc_low
    facts = version.facts
    how = ", each judged by models that had not learned from it" if facts.crossed else ""
    said = f"Measured on {frauds:,} frauds among {facts.held_out_rows:,} held-out events{how}"
    if frauds < _FEW_FRAUDS:
        return (
            f"{said}: very few. The AUC may as well be {metrics.auc_low:.2f} as "
            f"{metrics.auc_high:.2f}; thresholds and shares are rough guides."
        )
    if frauds < _SOME_FRAUDS or width > 0.05:
        return f"{said}: enough for the order of magnitude, not for the second decimal."
    return f"{said}: enough to trust the measures within their ranges."


def _measured_frauds(version: ModelVersion) -> int:
    first = next(iter(version.metrics.rows), None)
    return 0 if first is None else first.true_positives + first.false_negatives


def _calibration(baseline: Baseline) -> tuple[CalibrationPoint, ...]:
    return tuple(
        CalibrationPoint(
            label=label,
            events=of.events,
            frauds=of.frauds,
            low=of.fraud_range[0],
            high=of.fraud_range[1],
        )
        for label, of in zip(score_labels(), baseline.calibration, strict=True)
    )


def _moved(baseline: Baseline) -> tuple[Moved, ...]:
    """The variables that moved most within training, the first one most."""
    known = [
        Moved(of.bins.name, of.by_period)
        for of in baseline.watched
        if of.by_period and not of.bins.remembered
    ]
    known.sort(key=lambda of: (-max(of.by_period), of.name))
    return tuple(known[:_MOST_NAMED])


def _thinned(rows: Sequence[TakeoverRow]) -> list[TakeoverRow]:
    """The row nearest to each challenge rate of 0.5 to 6 %."""
    found = []
    for rate in (0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06):
        nearest = min(rows, key=lambda row: abs(row.cr - rate), default=None)
        if nearest is not None and nearest not in found:
            found.append(nearest)
    return found


def _limits(
    version: ModelVersion, baseline: Baseline | None, drift: Sequence[str]
) -> Iterator[str]:
    facts, metrics = version.facts, version.metrics
    days = (facts.last_at - facts.first_at).days
    yield (
        f"It knows events from {facts.first_at:%Y-%m-%d} to {facts.last_at:%Y-%m-%d}. What became "
        "usual later, and fraud that is new, it has not seen."
    )
    if days < _SHORT_DAYS:
        yield f"That is {days} days: too short for what changes with the month or the season."
    frauds = _measured_frauds(version)
    if metrics.takeover is None:
        if frauds < _SOME_FRAUDS:
            yield f"It was measured on {frauds:,} frauds, so its measures are uncertain."
        if metrics.auc_low < _BAD_AUC:
            yield (
                f"Its AUC may be as low as {metrics.auc_low:.2f}: it may hardly do better than "
                "simple rules."
            )
    elif metrics.takeover.accounts_taken_over < _FEW_FRAUDS:
        yield (
            f"Takeovers are labelled for {metrics.takeover.accounts_taken_over:,} accounts: how "
            "many real ones it finds is not known, only how well it tells made-up strangers."
        )
    if baseline is None:
        yield (
            "It was trained by a release that kept neither segments nor what the data looked like, "
            "so nothing can be said of either."
        )
    else:
        yield from _limits_of_baseline(version, baseline)
    for message in version.messages:
        if message.kind is MessageKind.WARNING and message.title != _MISSING_TITLE:
            where = f" ({message.column})" if message.column else ""
            yield f"{message.title}{where}: {message.text}."
    if drift:
        yield "Events have changed since it was trained: see drift."


def _limits_of_baseline(version: ModelVersion, baseline: Baseline) -> Iterator[str]:
    for segment in (of for of in baseline.segments if of.worse):
        yield (
            f"It does significantly worse for {segment.by} {segment.value}: AUC "
            f"{segment.auc:.3f}, recall {segment.recall:.0%} at a threshold of "
            f"{baseline.threshold:.0f}."
        )
    few = [of for of in baseline.segments if of.too_few]
    if few:
        yield (
            f"{len(few)} of {len(baseline.segments)} segments have too few events to be measured."
        )
    variables = list(_variables(version, baseline))
    empty = [of.name for of in variables if (of.missing or 0) > _MOSTLY_MISSING]
    if empty:
        yield "More than half of the events have no " + ", ".join(empty[:_MOST_NAMED]) + "."
    moved = [of.name for of in variables if (of.held_out_psi or 0) >= Bounds().watch]
    if moved:
        yield (
            "Already between training and the held-out events these had moved: "
            + ", ".join(moved[:_MOST_NAMED])
            + "."
        )
    if baseline.label_delay_days is None:
        yield (
            "The data does not say when its labels became known; a delay of seven days is assumed."
        )
