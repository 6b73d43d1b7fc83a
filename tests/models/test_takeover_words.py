from __future__ import annotations

import pytest

from ringfence.errors import InvalidInput
from ringfence.events import DataType, EventType, Variable, VariableType
from ringfence.models.habits import remembered_features
from ringfence.profiles import Aggregate, Kind, Part, ProfilePlan, Source
from ringfence.profiles.inputs import text_reader

ACCOUNT, DEVICE = Source(entity="account"), Source(variable="device")
VALID = Source(variable="valid")
LOGIN = EventType(
    name="login",
    variables=(
        Variable("valid", DataType.BOOLEAN, VariableType.ARE_CREDENTIALS_VALID),
        Variable("device", DataType.STRING, VariableType.FINGERPRINT),
    ),
    entity_types=("account",),
)


def said(aggregate: Aggregate, value: float) -> str:
    plan = ProfilePlan("login", (aggregate,))
    plan.check(LOGIN)
    return remembered_features(plan, LOGIN.variables)[0].words(value, [value])


def test_what_was_never_seen_is_said_so() -> None:
    known = Aggregate(name="n", kind=Kind.COUNT, by=(ACCOUNT, DEVICE))
    assert said(known, 0.0) == "this account with this device was never seen before"
    assert said(known, 1.0) == "1 login of this account with this device so far"


def test_the_mean_of_a_truth_is_a_share() -> None:
    mean = Aggregate(name="n", kind=Kind.MEAN, by=(ACCOUNT,), value=VALID, horizon_seconds=3_600)
    assert said(mean, 0.25) == "25% of the logins of this account in 1 h had valid"


def test_a_text_is_still_no_number() -> None:
    mean = Aggregate(name="n", kind=Kind.MEAN, by=(ACCOUNT,), value=DEVICE)
    with pytest.raises(InvalidInput, match="device is no number"):
        mean.check(LOGIN)


def test_a_user_agent_without_its_numbers_outlives_an_update() -> None:
    read = text_reader(Source(variable="agent", part=Part.WITHOUT_NUMBERS))
    one = read("Mozilla/5.0 (X11; Linux x86_64) Chrome/120.0.6099.71 Safari/537.36")
    assert one == read("Mozilla/5.0 (X11; Linux x86_64) Chrome/121.0.0.0 Safari/537.36")
    assert one != read("Mozilla/5.0 (X11; Linux x86_64; rv:121.0) Firefox/121.0")
    assert read("1.0") is None
    assert read(None) is None
