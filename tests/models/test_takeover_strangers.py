from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from takeover_logins import read, world

from ringfence.models.calibration import MAX_SCORE
from ringfence.models.takeover.calibration import challenge_bounds, challenge_rate
from ringfence.models.takeover.logins import (
    Logins,
    LoginVariables,
    login_variables,
    logins_of,
)
from ringfence.models.takeover.strangers import CAMPAIGN_SHARE, campaigns, strangers


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[Logins, LoginVariables]:
    data = read(world(0.0, logins=3_000), tmp_path_factory.mktemp("logins"))
    of = login_variables(data)
    return logins_of(data, of), of


def block(address: str) -> str:
    return ".".join(address.split(".")[:2])


def test_variables_are_found_by_their_types(found: tuple[Logins, LoginVariables]) -> None:
    assert found[1] == LoginVariables(
        account="account",
        address="ip_address",
        agent="user_agent",
        device="device_id",
        credentials="are_credentials_valid",
        latitude="latitude",
        longitude="longitude",
    )


def test_a_stranger_comes_when_the_owner_did_with_what_others_have(
    found: tuple[Logins, LoginVariables],
) -> None:
    logins, of = found
    rows = np.arange(500, 2_500)
    made = strangers(logins, of, rows, seed=1)
    assert len(made) == len(rows)
    assert np.array_equal(made.at, logins.at[rows])
    assert np.array_equal(made.account, logins.account[rows])
    valid = logins.values["are_credentials_valid"][rows]
    assert np.array_equal(made.values["are_credentials_valid"], valid)
    own: dict[str, set[str]] = {}
    for account, device in zip(logins.account, logins.values["device_id"], strict=True):
        own.setdefault(account, set()).add(device)
    devices = made.values["device_id"]
    known = [
        device is not None and device in own[account]
        for account, device in zip(made.account, devices, strict=True)
    ]
    # But where the donor was a stranger to both.
    assert np.mean(known) < 0.02
    everyones = {device for devices in own.values() for device in devices}
    new = np.mean([device is not None and device not in everyones for device in devices])
    assert 0.6 < new < 0.9


def test_some_strangers_come_from_next_door_and_most_from_elsewhere(
    found: tuple[Logins, LoginVariables],
) -> None:
    logins, of = found
    rows = np.arange(500, 2_500)
    made = strangers(logins, of, rows, seed=1)
    near = np.mean(
        [
            block(one) == block(other)
            for one, other in zip(
                made.values["ip_address"], logins.values["ip_address"][rows], strict=True
            )
        ]
    )
    assert 0.1 < near < 0.5


def test_campaigns_try_many_accounts_from_few_addresses_and_often_fail(
    found: tuple[Logins, LoginVariables],
) -> None:
    logins, of = found
    made = campaigns(logins, of, seed=1)
    assert len(made) >= CAMPAIGN_SHARE * len(logins)
    assert (np.diff(made.at) >= 0).all()
    assert made.at[-1] <= logins.at[-1]
    accounts: dict[str, set[str]] = {}
    for address, account in zip(made.values["ip_address"], made.account, strict=True):
        accounts.setdefault(address, set()).add(account)
    assert max(map(len, accounts.values())) >= 5
    assert 0.1 < np.mean(made.values["are_credentials_valid"].astype(bool)) < 0.9


def test_the_same_seed_makes_up_the_same_strangers(found: tuple[Logins, LoginVariables]) -> None:
    logins, of = found
    rows = np.arange(100, 900)
    for name, column in strangers(logins, of, rows, seed=4).values.items():
        assert np.array_equal(column, strangers(logins, of, rows, seed=4).values[name])
    assert not np.array_equal(
        campaigns(logins, of, seed=4).at[:50], campaigns(logins, of, seed=5).at[:50]
    )


def test_one_account_alone_has_no_strangers(tmp_path: Path) -> None:
    frame = world(0.0, logins=3_000)
    one = frame.filter(frame["ENTITY_ID"] == frame["ENTITY_ID"][0])
    data = read(one, tmp_path)
    of = login_variables(data)
    logins = logins_of(data, of)
    assert len(strangers(logins, of, np.arange(len(logins)), seed=1)) == 0


def test_the_published_scores_stand_for_their_challenge_rates() -> None:
    assert challenge_rate(500) == pytest.approx(0.05)
    assert challenge_rate(750) == pytest.approx(0.01)
    assert challenge_rate(900) == pytest.approx(0.001)
    assert challenge_rate(0) == 1.0
    assert challenge_rate(MAX_SCORE) == 0.0


@given(st.floats(0, 1000), st.floats(0, 1000))
def test_a_higher_score_never_challenges_more(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert challenge_rate(low) >= challenge_rate(high)


@given(st.lists(st.floats(-30, 30), min_size=1, max_size=60))
def test_bounds_rise_whatever_the_log_odds(raw: list[float]) -> None:
    bounds = challenge_bounds(np.array(raw))
    assert len(bounds) == MAX_SCORE
    assert list(bounds) == sorted(bounds)
