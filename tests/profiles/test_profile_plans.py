from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiled_payments import AMOUNT, CARD, DAY, DOMAIN, MERCHANT, PAYMENT, PLAN, aggregate

from ringfence.errors import InvalidInput
from ringfence.events import DataType, EventType, Variable, VariableType
from ringfence.profiles import Aggregate, Kind, Part, ProfilePlan, Source, propose
from ringfence.profiles.inputs import number_of, text_reader
from ringfence.profiles.plans import compile_plan

RICH = EventType(
    name="order",
    variables=(
        Variable("price", DataType.FLOAT, VariableType.PRICE),
        Variable("merchant_id", DataType.STRING, VariableType.CATEGORICAL),
        Variable("device", DataType.STRING, VariableType.FINGERPRINT),
        Variable("ip_address", DataType.STRING, VariableType.IP_ADDRESS),
        Variable("email", DataType.STRING, VariableType.EMAIL_ADDRESS),
    ),
    merchant_variable="merchant_id",
)


def refused(aggregate: Aggregate) -> str | None:
    with pytest.raises(InvalidInput) as error:
        ProfilePlan(PAYMENT.name, (PLAN.aggregates[0], aggregate)).check(PAYMENT)
    assert error.value.expected
    return error.value.field


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (aggregate(Kind.COUNT), "by"),
        (aggregate(Kind.COUNT, CARD, CARD), "by"),
        (aggregate(Kind.COUNT, Source(entity="shop")), "by[0].entity"),
        (aggregate(Kind.COUNT, CARD, Source(variable="shop")), "by[1].variable"),
        (aggregate(Kind.COUNT, Source()), "by[0]"),
        (aggregate(Kind.SUM, CARD), "value"),
        (aggregate(Kind.SUM, CARD, value=MERCHANT), "value"),
        (aggregate(Kind.COUNT, CARD, value=AMOUNT), "value"),
        (aggregate(Kind.DISTINCT, CARD), "value"),
        (aggregate(Kind.COUNT, CARD, horizon_seconds=0), "horizon_seconds"),
        (aggregate(Kind.COUNT, CARD, horizon_seconds=float("nan")), "horizon_seconds"),
        (
            aggregate(Kind.COUNT, CARD, horizon_seconds=DAY, half_life_seconds=DAY),
            "half_life_seconds",
        ),
        (
            aggregate(Kind.DISTINCT, CARD, value=MERCHANT, half_life_seconds=DAY),
            "half_life_seconds",
        ),
        (aggregate(Kind.AGE, CARD, horizon_seconds=DAY), "horizon_seconds"),
        (aggregate(Kind.RISK, CARD), "horizon_seconds"),
        (aggregate(Kind.SINCE_FRAUD, CARD), "horizon_seconds"),
        (aggregate(Kind.FRAUD_AGE, CARD, horizon_seconds=3600), "buckets"),
        (aggregate(Kind.FRAUD_AGE, CARD, value=AMOUNT, horizon_seconds=DAY), "value"),
        (aggregate(Kind.RISK, CARD, horizon_seconds=3600), "buckets"),
        (aggregate(Kind.RISK, CARD, horizon_seconds=DAY, delay_seconds=-1), "delay_seconds"),
        (aggregate(Kind.RISK, CARD, horizon_seconds=DAY, base_rate=2), "base_rate"),
        (aggregate(Kind.RISK, CARD, horizon_seconds=DAY, smoothing=-1), "smoothing"),
        (aggregate(Kind.COUNT, CARD, horizon_seconds=DAY, buckets=1), "buckets"),
        (aggregate(Kind.VELOCITY, CARD, horizon_seconds=DAY), "long_seconds"),
        (aggregate(Kind.SHIFT, CARD, horizon_seconds=DAY, long_seconds=2 * DAY), "value"),
        (aggregate(Kind.SHIFT, CARD, value=AMOUNT, long_seconds=DAY), "horizon_seconds"),
        (aggregate(Kind.SHIFT, CARD, value=AMOUNT, horizon_seconds=DAY), "long_seconds"),
        (aggregate(Kind.SHIFT, CARD, value=AMOUNT, half_life_seconds=DAY), "half_life_seconds"),
        (aggregate(Kind.PEAK, CARD, value=AMOUNT, horizon_seconds=DAY), "long_seconds"),
        (aggregate(Kind.PEAK, CARD, value=AMOUNT, half_life_seconds=DAY), "half_life_seconds"),
        (aggregate(Kind.SPREAD, CARD, value=MERCHANT), "value"),
        (
            aggregate(Kind.SPREAD, CARD, value=AMOUNT, horizon_seconds=DAY, long_seconds=2 * DAY),
            "long_seconds",
        ),
        (aggregate(Kind.VELOCITY, CARD, horizon_seconds=DAY, long_seconds=9), "long_seconds"),
        (aggregate(Kind.DISTANCE, CARD), "latitude"),
        (aggregate(Kind.DISTANCE, CARD, latitude="lat", longitude="email"), "longitude"),
        (aggregate(Kind.SPEED, CARD, place=MERCHANT), "places"),
        (aggregate(Kind.SPEED, CARD, place=MERCHANT, places={"x": (91.0, 0.0)}), "places"),
        (aggregate(Kind.COUNT, CARD, latitude="lat"), "latitude"),
        (Aggregate(name="A b", kind=Kind.COUNT, by=(CARD,)), "name"),
        (PLAN.aggregates[0], "name"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_field(wrong: Aggregate, field: str) -> None:
    assert refused(wrong) == f"aggregates[1].{field}"


def test_a_plan_is_for_its_own_event_type() -> None:
    with pytest.raises(InvalidInput) as error:
        PLAN.check(RICH)
    assert error.value.field == "event_type"


def test_a_plan_with_every_kind_passes() -> None:
    PLAN.check(PAYMENT)
    assert {a.kind for a in PLAN.aggregates} == set(Kind)


def test_aggregates_of_a_key_share_a_group_and_a_pair_is_the_same_both_ways() -> None:
    plan = ProfilePlan(
        PAYMENT.name,
        (aggregate(Kind.COUNT, CARD, MERCHANT), aggregate(Kind.AGE, MERCHANT, CARD)),
    )
    (group,) = compile_plan(plan).groups
    assert group.name == "card~merchant"
    assert len(compile_plan(PLAN).groups) == 6


def test_the_same_plan_has_the_same_id_and_another_plan_another() -> None:
    again = msgspec.json.decode(msgspec.json.encode(PLAN), type=ProfilePlan)
    assert again.plan_id == PLAN.plan_id
    assert ProfilePlan(PLAN.event_type, PLAN.aggregates[1:]).plan_id != PLAN.plan_id


def test_forty_aggregates_are_proposed_for_a_payment_with_everything() -> None:
    plan = propose(RICH)
    plan.check(RICH)
    assert len(plan.names) == 40
    told = set(plan.names)
    assert {
        "customer.price.deviation.30d",
        "card.count.1h",
        "merchant_id.risk.30d",
        "device.since_last",
        "customer~merchant_id.since_last",
    } <= told


def test_an_entity_on_the_other_side_is_asked_what_one_asks_of_a_merchant() -> None:
    plain = EventType(
        name="card",
        variables=(Variable("amount", DataType.FLOAT, VariableType.PRICE),),
        entity_types=("customer", "terminal"),
    )
    plan = propose(plain)
    plan.check(plain)
    risks = {"terminal.risk.1d", "terminal.risk.7d", "terminal.risk.30d"}
    assert {"customer.amount.mean.7d", "terminal.count.1d"} | risks <= set(plan.names)
    assert not {"terminal.amount.ratio.30d", "terminal.velocity.1d"} & set(plan.names)


def test_what_is_usual_in_a_month_is_remembered_of_every_owner() -> None:
    told = set(propose(RICH).names)
    assert {f"{owner}.count.30d" for owner in ("card", "customer")} <= told
    assert {f"{owner}.price.shift.7d" for owner in ("card", "customer")} <= told


def test_where_nobody_owns_an_event_what_it_touches_is_remembered_for_long() -> None:
    sign_up = EventType(
        name="sign_up",
        variables=(
            Variable("ip_address", DataType.STRING, VariableType.IP_ADDRESS),
            Variable("email", DataType.STRING, VariableType.EMAIL_ADDRESS),
        ),
        entity_types=(),
    )
    plan = propose(sign_up)
    plan.check(sign_up)
    kinds = ("count", "risk.365d", "since_last", "count.90d")
    for source in ("ip_address.ip_24", "email"):
        assert {f"{source}.{kind}" for kind in kinds} <= set(plan.names)


@given(
    st.lists(st.sampled_from(list(VariableType)), min_size=1, max_size=12),
    st.lists(st.sampled_from(["customer", "card", "merchant", "x"]), unique=True, max_size=4),
    st.sampled_from(list(DataType)),
)
def test_every_proposal_passes_its_own_check(
    kinds: list[VariableType], entities: list[str], data_type: DataType
) -> None:
    event_type = EventType(
        name="t",
        variables=tuple(Variable(f"V_{n}", data_type, kind) for n, kind in enumerate(kinds)),
        entity_types=tuple(entities),
    )
    plan = propose(event_type)
    plan.check(event_type)
    compile_plan(plan)


@pytest.mark.parametrize(
    ("part", "text", "found"),
    [
        (Part.MAIL_DOMAIN, "Jo@Example.ORG", "example.org"),
        (Part.MAIL_DOMAIN, "example.org", "example.org"),
        (Part.MAIL_DOMAIN, "jo@", None),
        (Part.IP_16, "10.1.2.3", "10.1"),
        (Part.IP_24, "10.1.2.3", "10.1.2"),
        (Part.IP_24, "10.1.2", None),
        (Part.IP_16, "2001:db8:1::1", "2001:0db8"),
        (Part.IP_24, "2001:db8:1::1", "2001:0db8:0001"),
        (Part.IP_24, "1:2:zz", None),
        (Part.BIN, "41111111", "411111"),
        (Part.BIN, "41x", None),
        (None, "  m-1 ", "m-1"),
        (None, "<unknown>", None),
        (None, None, None),
        (None, True, "true"),
        (None, 7, "7"),
    ],
)
def test_texts_and_their_parts(part: Part | None, text: object, found: str | None) -> None:
    assert text_reader(Source(variable="v", part=part))(text) == found  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "number"), [(1, 1.0), ("2.5", 2.5), (True, 1.0), (1e300, 1e15), (-(10**400), None)]
)
def test_numbers_are_read_and_held_within_bounds(value: object, number: float | None) -> None:
    found = number_of(value)  # type: ignore[arg-type]
    assert found == number if number is not None else found != found


def test_a_part_is_told_in_the_name_of_its_source() -> None:
    assert str(DOMAIN) == "email.mail_domain"
