from __future__ import annotations

import math

import pytest

from ringfence.events import DataType, Variable, VariableType
from ringfence.models.habits import remembered_features
from ringfence.profiles import Aggregate, Kind, Part, ProfilePlan, Source

_DAY = 86_400.0
_CARD = Source(entity="card")
_AMOUNT = Source(variable="amount")
_VARIABLES = (Variable("amount", DataType.FLOAT, VariableType.PRICE),)
_MONTH = Aggregate(name="month", kind=Kind.COUNT, by=(_CARD,), horizon_seconds=30 * _DAY)


def _said(aggregate: Aggregate, value: float, month: float = 30.0) -> str:
    plan = ProfilePlan("payment", (aggregate, _MONTH))
    return remembered_features(plan, _VARIABLES)[0].words(value, [value, month])


def _of(kind: Kind, **rest: object) -> Aggregate:
    return Aggregate(name="one", kind=kind, by=(_CARD,), **rest)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("aggregate", "value", "words"),
    [
        (
            _of(Kind.COUNT, horizon_seconds=3_600.0),
            4.0,
            "4 payments of this card in 1 h, usually 1 a day",
        ),
        (_of(Kind.COUNT), 1.0, "1 payment of this card so far"),
        (
            _of(Kind.SUM, value=_AMOUNT, horizon_seconds=_DAY),
            1234.5,
            "amount of the payments of this card in 1 d adds up to 1,234.50",
        ),
        (
            _of(Kind.MEAN, value=_AMOUNT, half_life_seconds=_DAY),
            12.0,
            "amount of the payments of this card lately is 12.00 on average",
        ),
        (
            _of(Kind.DEVIATION, value=_AMOUNT),
            -2.0,
            "amount is 2.0 standard deviations below the mean of the payments of this card so far",
        ),
        (
            _of(Kind.RATIO, value=_AMOUNT),
            5.0,
            "amount is 5.0 times the mean of the payments of this card so far",
        ),
        (
            _of(Kind.SHIFT, value=_AMOUNT, horizon_seconds=7 * _DAY, long_seconds=30 * _DAY),
            2.5,
            "amount of the payments of this card in 7 d is on average 2.5 times what it is in 30 d",
        ),
        (
            _of(Kind.PEAK, value=_AMOUNT, horizon_seconds=7 * _DAY, long_seconds=30 * _DAY),
            6.0,
            "the largest amount of the payments of this card in 7 d is 6.0 times the mean in 30 d",
        ),
        (
            _of(Kind.SPREAD, value=_AMOUNT, horizon_seconds=30 * _DAY),
            0.4,
            "amount of the payments of this card in 30 d varies by 40% around its mean",
        ),
        (
            _of(Kind.DISTINCT, value=Source(variable="shop"), horizon_seconds=_DAY),
            3.0,
            "about 3 different shop in the payments of this card in 1 d",
        ),
        (
            _of(Kind.SHARE, value=Source(variable="shop")),
            0.25,
            "25% of the payments of this card so far had this shop",
        ),
        (_of(Kind.SINCE_LAST), 90.0, "the last payment of this card was 1.5 min before"),
        (_of(Kind.AGE), 2 * _DAY, "the first payment of this card was 2 d before"),
        (
            _of(Kind.VELOCITY, horizon_seconds=_DAY, long_seconds=30 * _DAY),
            6.0,
            "6.0 times as many payments of this card in 1 d as usual",
        ),
        (
            _of(Kind.DISTANCE, latitude="lat", longitude="lon"),
            1200.0,
            "1,200 km from the last payment of this card",
        ),
        (
            _of(Kind.SPEED, latitude="lat", longitude="lon"),
            900.0,
            "900 km/h from the last payment of this card to here",
        ),
        (
            _of(Kind.RISK, horizon_seconds=30 * _DAY),
            0.125,
            "12.5% of the payments of this card in 30 d were fraud, as known 7 d later",
        ),
        (
            _of(Kind.SINCE_FRAUD, horizon_seconds=30 * _DAY),
            9 * _DAY,
            "the last fraud known among the payments of this card was 9 d before",
        ),
        (
            _of(Kind.FRAUD_AGE, horizon_seconds=30 * _DAY),
            21.5 * _DAY,
            "the first fraud known among the payments of this card was 21.5 d before",
        ),
        (
            _of(Kind.FRAUD_AGE, horizon_seconds=30 * _DAY),
            math.nan,
            "no fraud is known of this card",
        ),
        (
            _of(Kind.RATIO, value=_AMOUNT),
            math.nan,
            "too little is remembered of this card to compare with",
        ),
    ],
    ids=lambda given: given.kind.value if isinstance(given, Aggregate) else "",
)
def test_each_kind_says_what_its_value_means(
    aggregate: Aggregate, value: float, words: str
) -> None:
    assert _said(aggregate, value) == words


@pytest.mark.parametrize(
    ("month", "usual"), [(60.0, "2 a day"), (8.0, "1.9 a week"), (2.0, "2 in 30 d")]
)
def test_a_short_count_is_compared_with_the_long_one_of_the_same_key(
    month: float, usual: str
) -> None:
    count = _of(Kind.COUNT, horizon_seconds=600.0)
    said = _said(count, 4.0, month)
    assert said == f"4 payments of this card in 10 min, usually {usual}"


def test_without_a_long_count_the_velocity_says_what_is_usual() -> None:
    count = _of(Kind.COUNT, horizon_seconds=_DAY)
    velocity = Aggregate(
        name="two", kind=Kind.VELOCITY, by=(_CARD,), horizon_seconds=_DAY, long_seconds=30 * _DAY
    )
    feature = remembered_features(ProfilePlan("payment", (velocity, count)), _VARIABLES)[1]
    said = "4 payments of this card in 1 d"
    assert feature.words(4.0, [8.0, 4.0]) == f"{said}, usually 3.5 a week"
    assert feature.words(4.0, [math.nan, 4.0]) == said


def test_pairs_and_parts_are_named_and_events_without_a_price_are_events() -> None:
    by = (_CARD, Source(variable="email", part=Part.MAIL_DOMAIN))
    plan = ProfilePlan("login", (Aggregate(name="n", kind=Kind.COUNT, by=by),))
    feature = remembered_features(plan, ())[0]
    assert feature.name == "profile.n"
    assert feature.owner == "profile.card~email.mail_domain"
    words = feature.words(2.0, [2.0])
    assert words == "2 events of this card with this mail domain of email so far"
