from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from takeover_logins import read, world

from ringfence.models.splitting import Split
from ringfence.models.takeover import takeover_plan
from ringfence.models.takeover.contrast import (
    CAMPAIGN,
    LOGIN,
    STRANGER,
    Contrast,
    contrast_of,
    parts_of,
)
from ringfence.models.takeover.logins import Logins, login_variables, logins_of
from ringfence.profiles import History, ProfilePlan, replay


@dataclass(frozen=True)
class Made:
    """Logins, and what is learned from beside them."""

    logins: Logins
    plan: ProfilePlan
    parts: Split
    contrast: Contrast

    def of(self, name: str, kind: int) -> np.ndarray:
        """A remembered value of all rows of a kind."""
        return self.contrast.values[self.contrast.kind == kind, self.plan.names.index(name)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    data = read(world(0.0, logins=1_500), tmp_path_factory.mktemp("logins"))
    of = login_variables(data)
    logins, plan = logins_of(data, of), takeover_plan(data.event_type.name, of)
    parts = Split(200, 1_200, 1_200)
    return Made(logins, plan, parts, contrast_of(logins, of, plan, parts, 1, lambda *_: None))


def test_logins_see_neither_strangers_nor_campaigns(made: Made) -> None:
    alone = replay(
        made.plan,
        History(
            at=made.logins.at.tolist(),
            variables={name: list(column) for name, column in made.logins.values.items()},
            entities={"account": list(made.logins.account)},
        ),
    )
    seen = made.contrast.values[made.contrast.kind == LOGIN]
    assert np.array_equal(seen, alone, equal_nan=True)


def test_a_stranger_sees_what_the_owner_saw_of_the_account_and_not_the_owner(made: Made) -> None:
    seen = dict(
        zip(
            zip(made.logins.at, made.logins.account, strict=True),
            made.of("account.count", LOGIN),
            strict=True,
        )
    )
    moments = [key for key in seen if key[0] >= made.logins.at[made.parts.start]]
    expected = sorted(count for key, count in seen.items() if key in moments and count > 0)
    assert len(moments) == len(made.logins) - made.parts.start
    assert sorted(made.of("account.count", STRANGER)) == expected


def test_nobody_is_a_stranger_to_an_account_of_which_nothing_is_known(made: Made) -> None:
    for kind in (STRANGER, CAMPAIGN):
        assert made.of("account.count", kind).min() > 0
    assert made.of("account.count", LOGIN).min() == 0


def test_strangers_come_with_devices_unknown_to_the_account_and_campaigns_come_again(
    made: Made,
) -> None:
    known = made.of("account~device_id.count", STRANGER)
    assert np.nanmean(known > 0) < 0.02
    assert np.nanmean(made.of("account~device_id.count", LOGIN) > 0) > 0.5
    assert np.nanmax(made.of("account~device_id.count", CAMPAIGN)) >= 1
    assert np.nanmax(made.of("ip_address.account.distinct.1h", CAMPAIGN)) >= 3


def test_what_is_held_out_comes_after_all_that_is_learned_from(made: Made) -> None:
    learned, stopping, held_out = parts_of(made.logins, made.contrast, made.parts)
    at = made.contrast.at
    assert at[learned].max() < at[stopping].min()
    assert at[stopping].max() < at[held_out].min()
    for part in (learned, stopping, held_out):
        assert set(made.contrast.kind[part]) == {LOGIN, STRANGER, CAMPAIGN}
