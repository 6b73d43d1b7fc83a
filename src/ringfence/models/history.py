"""The past events of a data set, as profiles remember them: whose they are, and what was known.

Between reading and training. Every row counts here, labelled or not: a card that paid has paid. It
knows the columns of a file, not how aggregates are computed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

import msgspec

from ringfence.errors import InvalidInput
from ringfence.events.definitions import EventType
from ringfence.models.messages import DataInvalid, Message, MessageKind
from ringfence.models.steps import TIME_INPUT
from ringfence.profiles import Aggregate, History, ProfilePlan, Source, propose, replay

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from ringfence.models.data import DataSet

LABEL_AT = "LABEL_TIMESTAMP"
LABEL_DELAY_SECONDS = 7 * 86_400.0
_ENTITY = "entity:"
_OWN_TYPE, _OWN_ID = "ENTITY_TYPE", "ENTITY_ID"
_ITERATED_ROWS = 20_000


def entity_columns(raw: pl.DataFrame | pl.LazyFrame, event_type: EventType) -> Iterator[pl.Series]:
    """The ids of each entity type that the data names, as texts, null where there is none.

    They are taken from a column `<entity>_id`, else from one named like the entity type, else from
    ENTITY_ID where ENTITY_TYPE says so.
    """
    import polars as pl

    present = raw.lazy().collect_schema().names()
    for entity in event_type.entity_types:
        names = [name for name in (f"{entity}_id", entity) if name in present]
        ways = [pl.col(name).cast(pl.String) for name in names[:1]]
        if _OWN_TYPE in present and _OWN_ID in present:
            is_own = pl.col(_OWN_TYPE).cast(pl.String).str.strip_chars() == entity
            ways.append(pl.when(is_own).then(pl.col(_OWN_ID).cast(pl.String)))
        if not ways:
            continue
        wanted = raw.lazy().select(pl.coalesce(ways).alias(_ENTITY + entity))
        ids = wanted.collect().to_series()
        if ids.null_count() < len(ids):
            yield ids


def named_entities(columns: Collection[str], event_type: EventType) -> frozenset[str]:
    """The columns of a file that say whose an event is."""
    names = (name for entity in event_type.entity_types for name in (f"{entity}_id", entity))
    return frozenset(name for name in names if name in columns)


def plan_for(data: DataSet) -> ProfilePlan:
    """A proposed plan that looks only at what the data has.

    Raises `DataInvalid` when there is nothing to remember: no entity, merchant, device or the like.
    """
    event_type, names = data.event_type, [variable.name for variable in data.variables]
    merchant, amount = event_type.merchant_variable, event_type.amount_variable
    narrowed = msgspec.structs.replace(
        event_type,
        variables=data.variables,
        entity_types=_entities(data),
        merchant_variable=merchant if merchant in names else None,
        amount_variable=amount if amount in names else None,
        currency_variable=None,
    )
    plan = propose(narrowed)
    if not plan.aggregates:
        expected = " or ".join(f"{entity}_id" for entity in event_type.entity_types)
        text = f"the data does not say whose the events are: it has no column {expected}"
        raise DataInvalid([Message(MessageKind.ERROR, None, "Nothing to remember", text)])
    return plan


def check_plan(plan: ProfilePlan, data: DataSet) -> None:
    """Raise `InvalidInput` for a plan that does not fit the event type, or that looks at something
    which the data does not have: it would be learned as missing and served as known."""
    plan.check(data.event_type)
    if not plan.aggregates:
        raise InvalidInput("nothing is remembered", field="aggregates", expected="at least one")
    variables, entities = {v.name for v in data.variables}, _entities(data)
    for position, aggregate in enumerate(plan.aggregates):
        for source in _sources(aggregate):
            if source.entity is not None and source.entity not in entities:
                missing, column = source.entity, f"{source.entity}_id"
            elif source.variable is not None and source.variable not in variables:
                missing = column = source.variable
            else:
                continue
            raise InvalidInput(
                f"{aggregate.name} looks at {missing}, which the data does not have",
                field=f"aggregates[{position}]",
                expected=f"a column {column} in the data",
            )


def remembered(
    data: DataSet, plan: ProfilePlan, progress: Callable[[float], None]
) -> NDArray[np.float64]:
    """The values of the plan's aggregates for every event of the data set's frame, as serving would
    have had them, shape `(n_events, n_aggregates)`."""
    values, places = replayed(data, plan, progress)
    of_frame: NDArray[np.float64] = values[places]
    return of_frame


def replayed(
    data: DataSet, plan: ProfilePlan, progress: Callable[[float], None]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The same for all past events, shape `(n_past_events, n_aggregates)`, and at which of its rows
    each event of the frame stands: nothing is copied."""
    import numpy as np

    past, labels = data.past, data.past["EVENT_LABEL"]
    used = {source.variable for a in plan.aggregates for source in _sources(a)}
    history = History(
        at=_seconds(past[TIME_INPUT]),
        variables={v.name: _Column(past[v.name]) for v in data.variables if v.name in used},
        entities={entity: _Column(past[_ENTITY + entity]) for entity in _entities(data)},
        fraud=_Column(labels),
        label_at=_seconds(past[LABEL_AT]) if LABEL_AT in past.columns else None,
        label_delay_seconds=LABEL_DELAY_SECONDS,
    )
    # The rows of the frame are the last of the labelled ones.
    learned = np.flatnonzero(labels.is_not_null().to_numpy())[-data.rows :]
    return replay(plan, history, progress=progress), learned


class _Column(Sequence[Any]):
    """The values of a column, made when they are read: five million objects take half a gigabyte
    a column."""

    def __init__(self, series: pl.Series):
        self._series = series

    def __len__(self) -> int:
        return len(self._series)

    def __iter__(self) -> Iterator[Any]:
        for start in range(0, len(self._series), _ITERATED_ROWS):
            yield from self._series.slice(start, _ITERATED_ROWS).to_list()

    def __getitem__(self, place: Any) -> Any:
        found = self._series[place]
        return found.to_list() if isinstance(place, slice) else found


def _entities(data: DataSet) -> tuple[str, ...]:
    columns = data.past.columns
    return tuple(name for name in data.event_type.entity_types if _ENTITY + name in columns)


def _sources(aggregate: Aggregate) -> list[Source]:
    named = [Source(variable=name) for name in (aggregate.latitude, aggregate.longitude) if name]
    others = [source for source in (aggregate.value, aggregate.place) if source is not None]
    return [*aggregate.by, *others, *named]


def _seconds(times: pl.Series) -> Sequence[float]:
    # Whole microseconds, divided once, as `datetime.timestamp` does in serving, so that no time
    # lies on the other side of an edge. NaN where there is none.
    seconds = times.dt.epoch("us").cast(float).to_numpy() / 1e6
    return cast("Sequence[float]", seconds)
