"""The logins of a data set: whose they are, from where and with what, and which were takeovers.

Finds the variables by their types, and says what is missing. Between reading and making up
strangers; it knows nothing of features and trees.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ringfence.events.variables import DataType, Variable, VariableType
from ringfence.models.data import DataSet
from ringfence.models.messages import DataInvalid, Message, MessageKind
from ringfence.models.steps import TIME_INPUT

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Texts = NDArray[Any]

MIN_LOGINS = 2_000
_FEW_LOGINS = 10_000
_MIN_ACCOUNTS = 100
_MIN_KNOWN = 3
_MIN_DAYS = 2.0
_FEW_DAYS = 14.0
_DAY = 86_400.0
_PLACES = (("latitude", ("lat",)), ("longitude", ("lon", "lng")))


@dataclass(frozen=True, slots=True)
class LoginVariables:
    """What the variables of a login are called; None for one that the data does not have."""

    account: str
    address: str
    agent: str | None = None
    device: str | None = None
    credentials: str | None = None
    latitude: str | None = None
    longitude: str | None = None

    @property
    def of_visitor(self) -> tuple[str, ...]:
        """The variables that tell who is at the other end."""
        named = (self.address, self.agent, self.device, self.latitude, self.longitude)
        return tuple(name for name in named if name is not None)


@dataclass(frozen=True, slots=True)
class Logins:
    """Attempts to sign in, in order of time, as columns of one length.

    `at` is in seconds since 1970, `account` and the columns of `values` (by variable) hold Python
    values, None where something is missing. `takeover` says which are confirmed takeovers.
    """

    at: NDArray[np.float64]
    account: Texts
    values: Mapping[str, Texts]
    takeover: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.at)


def login_variables(data: DataSet) -> LoginVariables:
    """Which variable is which. Raises `DataInvalid` where there is no account or no address."""
    by_type: dict[VariableType, Variable] = {}
    for variable in data.variables:
        by_type.setdefault(variable.variable_type, variable)
    entities = [e for e in data.event_type.entity_types if f"entity:{e}" in data.past.columns]
    messages = []
    if not entities:
        expected = " or ".join(f"{entity}_id" for entity in data.event_type.entity_types)
        text = (
            "the data does not say whose the logins are: it has no column "
            f"{expected or 'of an entity type'}, nor ENTITY_TYPE and ENTITY_ID"
        )
        messages.append(Message(MessageKind.ERROR, "ENTITY_ID", "Missing account", text))
    address = by_type.get(VariableType.IP_ADDRESS)
    if address is None:
        text = "a login needs a variable of type IP_ADDRESS, and the data has none"
        messages.append(Message(MessageKind.ERROR, None, "Missing IP_ADDRESS", text))
    if not entities or address is None:
        raise DataInvalid([*data.messages, *messages])

    def named(kind: VariableType) -> str | None:
        found = by_type.get(kind)
        return None if found is None else found.name

    numeric = [v.name for v in data.variables if v.data_type in (DataType.FLOAT, DataType.INTEGER)]
    places = {
        name: next((n for n in numeric if n.lower().startswith(signs)), None)
        for name, signs in _PLACES
    }
    if None in places.values():
        places = dict.fromkeys(places)
    credentials = by_type.get(VariableType.ARE_CREDENTIALS_VALID)
    is_truth = credentials is not None and credentials.data_type is DataType.BOOLEAN
    return LoginVariables(
        account=entities[0],
        address=address.name,
        agent=named(VariableType.USERAGENT),
        device=named(VariableType.FINGERPRINT),
        credentials=credentials.name if credentials is not None and is_truth else None,
        **places,
    )


def logins_of(data: DataSet, of: LoginVariables) -> Logins:
    """All logins that say whose they are, labelled or not."""
    import numpy as np
    import polars as pl

    past = data.past.filter(pl.col(f"entity:{of.account}").is_not_null())
    names = [*of.of_visitor, *([of.credentials] if of.credentials else [])]
    return Logins(
        # Python's own arithmetic, as in serving, so that no time lies on the other side of an edge.
        at=np.array([at.timestamp() for at in past[TIME_INPUT].to_list()], dtype=np.float64),
        account=_objects(past[f"entity:{of.account}"]),
        values={name: _objects(past[name]) for name in names},
        takeover=past["EVENT_LABEL"].fill_null(value=False).to_numpy().astype(np.bool_),
    )


def check_logins(logins: Logins, of: LoginVariables, data: DataSet) -> list[Message]:
    """What there is to say about the logins. Raises `DataInvalid` when there are too few of them:
    what is ordinary for an account can only be told from a few logins of it, and a challenge rate
    of 1% only from some hundred that are held out."""
    import numpy as np

    # What is left out of other trainings is here what is learned from.
    messages = [m for m in data.messages if m.title != "Events without a label"]
    dropped = data.past.height - len(logins)
    if dropped:
        text = f"{dropped:,} of {data.past.height:,} rows do not say whose they are: left out"
        messages.append(Message(MessageKind.WARNING, "ENTITY_ID", "Logins of nobody", text))
    _, counts = np.unique(logins.account.astype(str), return_counts=True)
    known = int((counts >= _MIN_KNOWN).sum())
    days = (logins.at[-1] - logins.at[0]) / _DAY if len(logins) else 0.0
    for short, text in (
        (
            len(logins) < MIN_LOGINS,
            f"{len(logins):,} logins; at least {MIN_LOGINS:,} are needed, of which the latest 15% "
            "are held out: fewer do not tell a challenge rate of 1%",
        ),
        (
            known < _MIN_ACCOUNTS,
            f"{known:,} accounts have {_MIN_KNOWN} logins or more; at least {_MIN_ACCOUNTS} are "
            "needed to tell what is ordinary for an account",
        ),
        (
            days < _MIN_DAYS,
            f"the logins span {days:.1f} days; at least {_MIN_DAYS:.0f} are needed, better weeks",
        ),
    ):
        if short:
            messages.append(Message(MessageKind.ERROR, None, "Insufficient data", text))
    if any(message.kind is MessageKind.ERROR for message in messages):
        raise DataInvalid(messages)
    if len(logins) < _FEW_LOGINS:
        text = (
            f"{len(logins):,} logins: of those held out 1% are {len(logins) * 0.0015:.0f}, so "
            f"scores above 750 are uncertain; {_FEW_LOGINS:,} logins tell more"
        )
        messages.append(Message(MessageKind.WARNING, None, "Few logins", text))
    if days < _FEW_DAYS:
        text = f"the logins span {days:.0f} days: habits of weeks, such as travel, are not known"
        messages.append(Message(MessageKind.WARNING, None, "Short history", text))
    for name, what in (
        (of.device, "FINGERPRINT: a new device cannot be told from a known one"),
        (of.agent, "USERAGENT: browsers cannot be told apart"),
        (of.credentials, "ARE_CREDENTIALS_VALID (BOOLEAN): failed passwords cannot be counted"),
        (of.latitude, "NUMERIC called latitude and longitude: no travel can be impossible"),
    ):
        if name is None:
            text = f"the data has no variable of type {what}"
            messages.append(Message(MessageKind.INFO, None, "Less to tell strangers by", text))
    takeovers = int(logins.takeover.sum())
    text = (
        f"{takeovers:,} logins are labelled takeovers and are learned from as such; "
        f"{len(logins) - takeovers:,} count as ordinary, labelled or not"
    )
    messages.append(Message(MessageKind.INFO, "EVENT_LABEL", "What labels say", text))
    return messages


def _objects(series: Any) -> Texts:
    import numpy as np

    column = np.empty(len(series), dtype=object)
    column[:] = series.to_list()
    return column
