"""Logins of invented accounts, some of them by strangers: from options to a table.

The columns are those of the event type `login`. Who signs in is seldom known for sure: a takeover
is labelled only where the owner noticed and reported it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
import numpy as np
import polars as pl

from ringfence.errors import InvalidInput
from ringfence.simulation import networks
from ringfence.simulation.chance import (
    Flags,
    Floats,
    Integers,
    Random,
    Texts,
    choose,
    happens,
    log_normal,
)
from ringfence.simulation.identifiers import opaque_ids
from ringfence.simulation.logins_accounts import (
    Accounts,
    SharedNetworks,
    local_seconds,
    located,
    open_accounts,
    open_networks,
    own_logins,
)
from ringfence.simulation.logins_takeovers import TAKEOVER_NAMES, Attempts, all_takeovers
from ringfence.simulation.options import DAY_SECONDS

LOGIN_VARIABLES = (
    "ip_address",
    "user_agent",
    "device_id",
    "are_credentials_valid",
    "session_id",
    "latitude",
    "longitude",
)
LOGIN_COLUMNS = (
    "EVENT_ID",
    "EVENT_TIMESTAMP",
    "ENTITY_TYPE",
    "ENTITY_ID",
    "EVENT_LABEL",
    "LABEL_TIMESTAMP",
    *LOGIN_VARIABLES,
)
TAKEOVER_COLUMN = "takeover_pattern"
# Logins by strangers that come of one takeover, about.
_LOGINS_A_TAKEOVER = 2.3
_REPORT_DAYS = 4.0
_MOST_SLIPS = 5


class LoginOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What to generate.

    `logins` are attempts to sign in, failed ones included; `accounts` follow from them where they
    are left out, about 20 logins an account. `takeover_share` is the share of logins by strangers
    who are let in, about; `labelled` the share of takeovers that someone noticed and reported, all
    else having no label. The period is `days` from `start`, an aware time.
    """

    logins: int = 50_000
    accounts: int | None = None
    start: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    days: int = 90
    takeover_share: float = 0.005
    labelled: float = 0.1
    seed: int = 0

    @property
    def account_count(self) -> int:
        """The accounts of this world."""
        return self.accounts or max(50, self.logins // 20)

    def check(self) -> None:
        """Raise `InvalidInput` naming the first option that cannot be met."""
        for field, low, high in (
            ("logins", 100, 10_000_000),
            ("accounts", 10, 5_000_000),
            ("days", 2, 3_650),
            ("seed", 0, 2**63 - 1),
        ):
            value = getattr(self, field)
            if value is not None and not low <= value <= high:
                raise InvalidInput("out of range", field=field, expected=f"{low:,} to {high:,}")
        for field, most in (("takeover_share", 0.5), ("labelled", 1.0)):
            if not 0 <= getattr(self, field) <= most:
                raise InvalidInput("out of range", field=field, expected=f"0 to {most:g}")
        if self.start.tzinfo is None:
            raise InvalidInput(
                "no time zone", field="start", expected="a time with its offset from UTC"
            )
        if not 1971 <= self.start.year <= 9900 - self.days // 365:
            raise InvalidInput("out of range", field="start", expected="1971 or later")


def generate_logins(
    options: LoginOptions | None = None,
    *,
    with_pattern: bool = False,
    progress: Callable[[float], None] | None = None,
) -> pl.DataFrame:
    """Logins in the order of time, with `LOGIN_COLUMNS`; the same options give the same table.

    `with_pattern` adds the column `takeover_pattern`, one of `TAKEOVER_NAMES` or null, for
    analysis: it tells of every takeover, reported or not, and of the attempts that failed too (of
    which none is labelled). `progress` is told how much is done, 0 to 1. Raises `InvalidInput` for
    options out of range.
    """
    options = options or LoginOptions()
    options.check()
    tell = progress or _tell_nobody
    tell(0.0)
    seeds = np.random.SeedSequence(options.seed).spawn(4)
    of_world, of_owners, of_thieves, of_table = map(np.random.default_rng, seeds)
    accounts = open_accounts(of_world, options.account_count, options.days)
    shared = open_networks(of_world)
    tell(0.2)
    takeovers = round(options.logins * options.takeover_share / _LOGINS_A_TAKEOVER)
    thefts, ways = all_takeovers(of_thieves, accounts, options.days, takeovers)
    if len(thefts) > options.logins // 2:
        # A campaign is larger than a tiny world: some of its attempts are enough.
        some = np.sort(of_thieves.choice(len(thefts), options.logins // 2, replace=False))
        thefts, ways = thefts.take(some), ways[some]
    own = _owners_attempts(
        of_owners, accounts, shared, options.days, max(0, options.logins - len(thefts))
    )
    tell(0.6)
    frame = _table(options, accounts, own, thefts, ways, of_table)
    tell(1.0)
    return frame if with_pattern else frame.drop(TAKEOVER_COLUMN)


def _owners_attempts(
    random: Random, accounts: Accounts, shared: SharedNetworks, days: int, count: int
) -> Attempts:
    """`count` attempts by the owners themselves: visits, with the slips that came before."""
    account = choose(random, accounts.activity, count)
    day = accounts.opened[account] + random.random(count) * (days - accounts.opened[account])
    day = np.floor(day)
    day = np.maximum(day, np.ceil(accounts.opened[account]) % days)
    at = np.clip(
        day.astype(np.int64) * DAY_SECONDS + local_seconds(random, accounts, account),
        0,
        days * DAY_SECONDS - 1,
    )
    seen = own_logins(random, accounts, shared, account, at / DAY_SECONDS)
    slips = _slips(random, accounts, account)
    each = np.cumsum(slips + 1)
    kept = int(np.searchsorted(each, count, side="left")) + 1 if count else 0
    visit = np.repeat(np.arange(kept), (slips + 1)[:kept])[:count]
    step = np.arange(count) - (each - slips - 1)[visit]
    gave_up = happens(random, 0.04, kept) & (slips[:kept] > 0)
    wait = np.cumsum(log_normal(random, 14.0, 0.6, count)).astype(np.int64)
    first = np.flatnonzero(step == 0)
    wait -= wait[first][visit]
    return Attempts(
        at=np.minimum(at[visit] + wait, days * DAY_SECONDS - 1),
        account=account[visit],
        address=seen.address[visit],
        place=seen.place[visit],
        device=seen.device[visit],
        agent=seen.agent[visit],
        valid=(step == slips[visit]) & ~gave_up[visit],
        visit=visit,
        incident=np.full(count, -1, dtype=np.int64),
    )


def _slips(random: Random, accounts: Accounts, account: Integers) -> Integers:
    """How many attempts of each visit fail before one succeeds."""
    count = len(account)
    slipped = happens(random, accounts.slips[account], count)
    forgot = happens(random, 0.004, count)
    slips = np.where(slipped, random.geometric(0.7, count), 0)
    slips = np.where(forgot, 2 + random.integers(0, 4, count), slips)
    fewest: Integers = np.minimum(slips, _MOST_SLIPS)
    return fewest


def _table(
    options: LoginOptions,
    accounts: Accounts,
    own: Attempts,
    thefts: Attempts,
    ways: Texts,
    random: Random,
) -> pl.DataFrame:
    def both(name: str) -> np.ndarray:
        return np.concatenate([getattr(own, name), getattr(thefts, name)])[order]

    at = np.concatenate([own.at, thefts.at])
    order = np.argsort(at, kind="stable")
    at, count = at[order], len(order)
    account, valid, incident = both("account"), both("valid"), both("incident")
    visit = np.concatenate([own.visit, thefts.visit + int(own.visit.max(initial=-1)) + 1])[order]
    latitude, longitude = located(random, both("address"), both("place"))
    reported = _reported(random, options, incident, valid)
    delay = log_normal(random, _REPORT_DAYS, 0.7, int(incident.max(initial=-1)) + 2)
    known_at = at + np.minimum(delay[incident] * DAY_SECONDS, 60 * DAY_SECONDS).astype(np.int64)
    pattern = np.concatenate([np.full(len(own), None, dtype=object), ways])[order]
    ids = opaque_ids(random, "ses_", int(visit.max(initial=-1)) + 1)
    known = pl.Series(reported)
    nothing = pl.lit(None, pl.String)
    frame = pl.DataFrame(
        {
            "EVENT_ID": _text(opaque_ids(random, "log_", count)),
            "EVENT_TIMESTAMP": _written_times(options, at),
            "ENTITY_TYPE": pl.repeat("account", count, dtype=pl.String, eager=True),
            "ENTITY_ID": _text(accounts.account_id[account]),
            "EVENT_LABEL": pl.repeat("takeover", count, dtype=pl.String, eager=True),
            "LABEL_TIMESTAMP": _written_times(options, known_at),
            "ip_address": networks.written(both("address")),
            "user_agent": _text(both("agent")),
            "device_id": _text(both("device")),
            "are_credentials_valid": pl.Series(valid),
            "session_id": _text(ids[visit]),
            "latitude": _degrees(latitude),
            "longitude": _degrees(longitude),
            TAKEOVER_COLUMN: _text(pattern),
        }
    )
    return frame.with_columns(
        pl.when(known).then(pl.col(name)).otherwise(nothing).alias(name)
        for name in ("EVENT_LABEL", "LABEL_TIMESTAMP")
    )


def _reported(random: Random, options: LoginOptions, incident: Integers, valid: Flags) -> Flags:
    """Whether each row is a login of a takeover that someone reported."""
    incidents = int(incident.max(initial=-1)) + 1
    noticed = np.append(happens(random, options.labelled, incidents), False)
    reported: Flags = noticed[incident] & valid & (incident >= 0)
    return reported


def _written_times(options: LoginOptions, at: Integers) -> pl.Series:
    since_epoch = int(options.start.replace(microsecond=0).timestamp()) + at
    times = pl.Series(since_epoch * 1_000_000).cast(pl.Datetime("us"))
    return times.dt.to_string("%Y-%m-%dT%H:%M:%SZ")


def _degrees(values: Floats) -> pl.Series:
    return pl.Series(values).round(3).fill_nan(None)


def _text(column: Texts) -> pl.Series:
    return pl.Series(values=column.tolist(), dtype=pl.String)


def _tell_nobody(done: float) -> None:
    del done


__all__ = [
    "LOGIN_COLUMNS",
    "LOGIN_VARIABLES",
    "TAKEOVER_COLUMN",
    "TAKEOVER_NAMES",
    "LoginOptions",
    "generate_logins",
]
