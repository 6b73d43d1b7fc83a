"""What trees learn from: logins, and beside them strangers, with what was remembered of both.

Between making up strangers and growing trees: rows get their profile values, as serving would have
them, their part of the time, and their features.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ringfence.errors import InvalidInput
from ringfence.events.variables import Variable
from ringfence.models.artifact import Encoding, Levels
from ringfence.models.habits import Remembered, remembered_features
from ringfence.models.splitting import Split
from ringfence.models.steps import (
    TIME_INPUT,
    Encoder,
    Feature,
    Input,
    features_of,
    steps_for,
)
from ringfence.models.takeover.logins import Logins, LoginVariables
from ringfence.models.takeover.plan import known_for
from ringfence.models.takeover.strangers import MadeUp, campaigns, strangers
from ringfence.profiles import History, ProfilePlan, replay

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LOGIN, STRANGER, CAMPAIGN, TAKEOVER = 0, 1, 2, 3
"""What a row is."""
_MOST_STRANGERS = 200_000
# The last part of what is learned from tells when to stop.
_STOPPING = 0.15


@dataclass(frozen=True, slots=True)
class Contrast:
    """Logins first, then strangers, then campaigns, one row each: the time in seconds since 1970,
    whether the password was right (None where nobody says), what was remembered, shape
    `(n_rows, n_aggregates)`, and the kind."""

    at: NDArray[np.float64]
    valid: NDArray[Any] | None
    values: NDArray[np.float64]
    kind: NDArray[np.int8]

    @property
    def is_made_up(self) -> NDArray[np.bool_]:
        """Which rows are strangers' or campaigns', shape `(n_rows,)`."""
        made_up: NDArray[np.bool_] = (self.kind == STRANGER) | (self.kind == CAMPAIGN)
        return made_up


def contrast_of(
    logins: Logins,
    of: LoginVariables,
    plan: ProfilePlan,
    parts: Split,
    seed: int,
    tell: Callable[[float, str], None],
) -> Contrast:
    """Logins, strangers and campaigns with what was remembered at their moments."""
    import numpy as np

    random = np.random.default_rng((seed, 0))
    shadowed = np.arange(parts.start, len(logins))
    if len(shadowed) > _MOST_STRANGERS:
        shadowed = np.sort(random.choice(shadowed, _MOST_STRANGERS, replace=False))
    visitors = strangers(logins, of, shadowed, seed)
    attempts = campaigns(logins, of, seed)
    # Strangers only look; campaigns are remembered, which no login may see: hence a second history.
    told = "replaying logins and strangers into profiles"
    seen = _replayed(logins, visitors, of, plan, True, lambda done: tell(0.5 * done, told))
    told = "replaying campaigns into profiles"
    met = _replayed(logins, attempts, of, plan, False, lambda done: tell(0.5 + 0.5 * done, told))
    kind = np.where(logins.takeover, TAKEOVER, LOGIN)
    columns = [logins.values, visitors.values, attempts.values]
    rows = Contrast(
        at=np.concatenate([logins.at, visitors.at, attempts.at]),
        valid=None
        if of.credentials is None
        else np.concatenate([values[of.credentials] for values in columns]),
        values=np.vstack([seen, met[len(logins) :]]),
        kind=np.concatenate(
            [kind, np.full(len(visitors), STRANGER), np.full(len(attempts), CAMPAIGN)]
        ).astype(np.int8),
    )
    return _without_newcomers(rows, of, plan)


def _replayed(
    logins: Logins,
    made_up: MadeUp,
    of: LoginVariables,
    plan: ProfilePlan,
    looks: bool,
    tell: Callable[[float], None],
) -> NDArray[np.float64]:
    """What was remembered at the moments of logins and made-up attempts, in this order."""
    import numpy as np

    # A stranger comes at the moment of a login and must not see it: of rows that tie the first
    # comes first.
    history = History(
        at=np.concatenate([made_up.at, logins.at]).tolist(),
        variables={
            name: [*made_up.values[name], *column] for name, column in logins.values.items()
        },
        entities={of.account: [*made_up.account, *logins.account]},
        looks=[looks] * len(made_up) + [False] * len(logins),
    )
    values = replay(plan, history, progress=tell)
    return np.vstack([values[len(made_up) :], values[: len(made_up)]])


def _without_newcomers(rows: Contrast, of: LoginVariables, plan: ProfilePlan) -> Contrast:
    """Nothing can be strange about an account of which nothing is known: made-up visits to such
    are left out, so that a first login is ordinary unless its network or device is not."""
    import numpy as np

    counts = [
        place for place, a in enumerate(plan.aggregates)
        if (a.kind, a.by, a.horizon_seconds, a.half_life_seconds)
        == (known_for(of.account).kind, known_for(of.account).by, None, None)
    ]  # fmt: skip
    if not counts:
        raise InvalidInput(
            "the plan does not know how often an account was seen",
            field="plan",
            expected=f"a count by {of.account} without a horizon",
        )
    kept = np.flatnonzero(~rows.is_made_up | (rows.values[:, counts[0]] > 0))
    return Contrast(
        rows.at[kept],
        None if rows.valid is None else rows.valid[kept],
        rows.values[kept],
        rows.kind[kept],
    )


def parts_of(
    logins: Logins, rows: Contrast, parts: Split
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The rows that are learned from, those that tell when to stop, and those that are held out."""
    import numpy as np

    from_at, held_out_at = logins.at[parts.start], logins.at[parts.held_out]
    stop = parts.held_out - round((parts.held_out - parts.start) * _STOPPING)
    stop_at = logins.at[stop]
    at = rows.at
    return (
        np.flatnonzero((at >= from_at) & (at < stop_at)),
        np.flatnonzero((at >= stop_at) & (at < held_out_at)),
        np.flatnonzero(at >= held_out_at),
    )


def matrix_of(
    rows: Contrast, used: list[Variable], plan: ProfilePlan, learned: NDArray[np.int64]
) -> tuple[NDArray[np.float64], dict[str, Encoding], tuple[Feature | Remembered, ...]]:
    """The matrix of all rows. Levels of the login itself (whether the password was right) are in
    the order of their share of strangers among what is learned from."""
    import numpy as np

    columns: dict[str, Sequence[Input]] = {}
    if rows.valid is not None:
        columns |= {variable.name: rows.valid.tolist() for variable in used}
    strange = rows.kind != LOGIN
    encodings: dict[str, Encoding] = {}
    blocks = []
    steps = steps_for(used)
    for step in steps:
        if step.inputs == (TIME_INPUT,):
            # Strangers come when owners do: the hour says nothing of them, and trees get nothing.
            blocks.append(np.zeros((len(rows.at), len(step.enrichment.numbers))))
            continue
        column = columns[step.inputs[0]]
        for key in step.enrichment.keys:
            encodings[step.key_stem(key)] = _levels(column, strange, learned)
        encode = Encoder(step, encodings).of_one
        blocks.append(np.array([encode(value) for value in column], dtype=np.float64))
    return (
        np.hstack([*blocks, rows.values]),
        encodings,
        (*features_of(steps, encodings), *remembered_features(plan, used)),
    )


def _levels(
    column: Sequence[Input], strange: NDArray[np.bool_], learned: NDArray[np.int64]
) -> Levels:
    counts: dict[str, tuple[int, int]] = {"true": (0, 0), "false": (0, 0)}
    for row in learned.tolist():
        value = column[row]
        if isinstance(value, bool):
            level = str(value).lower()
            seen, hits = counts[level]
            counts[level] = seen + 1, hits + int(strange[row])
    shares = {level: hits / max(1, seen) for level, (seen, hits) in counts.items()}
    ordered = sorted(shares, key=lambda level: (shares[level], level))
    return Levels({level: float(code) for code, level in enumerate(ordered)})
