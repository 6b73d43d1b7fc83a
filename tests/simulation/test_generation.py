from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import msgspec
import numpy as np
import polars as pl
import pytest

from ringfence.carddata import looks_like_card_number
from ringfence.errors import InvalidInput
from ringfence.events import Entity, EventReader, EventType, SentEvent
from ringfence.examples import read_example
from ringfence.simulation import COLUMNS, PATTERN_NAMES, VARIABLES, Options, generate
from ringfence.simulation.patterns import PATTERNS
from ringfence.simulation.words import UNASSIGNED_AREA_CODES

LETTERS = {
    "cvv": "MNPSUV",
    "signature_image": "ABN",
    "transaction_type": "PCRT",
    "transaction_env": "CLSEMU",
}


@pytest.fixture(scope="module")
def payments() -> pl.DataFrame:
    return generate(Options(transactions=40_000, seed=11), with_pattern=True)


@pytest.fixture(scope="module")
def much_fraud() -> pl.DataFrame:
    frame = generate(Options(transactions=20_000, fraud_share=0.5, seed=3), with_pattern=True)
    return frame.filter(pl.col("EVENT_LABEL") == "fraud")


@pytest.fixture(scope="module")
def fraud(payments: pl.DataFrame) -> pl.DataFrame:
    return payments.filter(pl.col("EVENT_LABEL") == "fraud")


def time_of(column: str) -> pl.Expr:
    return pl.col(column).str.to_datetime("%Y-%m-%dT%H:%M:%SZ")


def digest(frame: pl.DataFrame) -> str:
    return hashlib.sha256(frame.write_csv().encode()).hexdigest()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_ones():
    options = Options(transactions=3_000, seed=5)
    assert digest(generate(options)) == digest(generate(options))
    assert digest(generate(options)) != digest(generate(Options(transactions=3_000, seed=6)))


def test_asking_for_the_pattern_changes_nothing_else():
    options = Options(transactions=2_000, seed=5)
    plain, analysed = generate(options), generate(options, with_pattern=True)
    assert plain.columns == list(COLUMNS)
    assert analysed.columns == [*COLUMNS, "fraud_pattern"]
    assert analysed.drop("fraud_pattern").equals(plain)


def test_payments_come_in_the_order_of_time_within_the_period(payments: pl.DataFrame):
    times = payments["EVENT_TIMESTAMP"]
    assert times.is_sorted()
    assert times[0].startswith("2026-01-01T")
    assert times[-1].startswith("2026-06-29T")
    assert times.str.contains(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$").all()


def test_the_period_starts_when_it_is_told_to_in_any_time_zone():
    start = datetime.fromisoformat("2024-02-28T22:00:00-05:00")
    times = generate(Options(transactions=3_000, start=start, days=2))["EVENT_TIMESTAMP"]
    assert times[0] >= "2024-02-29T03:00:00Z"
    assert times[-1] < "2024-03-02T03:00:00Z"


def test_ids_are_unique_and_belong_together(payments: pl.DataFrame):
    assert payments["EVENT_ID"].is_unique().all()
    assert payments["ENTITY_ID"].equals(payments["customer_id"], check_names=False)
    holders = payments.group_by("card_id").agg(pl.col("customer_id").n_unique())
    assert holders["customer_id"].max() == 1
    cards = payments.group_by("customer_id").agg(pl.col("card_id").n_unique())
    assert set(cards["card_id"]) == {1, 2}


def test_all_codes_are_letters_of_the_event_type(payments: pl.DataFrame):
    for column, letters in LETTERS.items():
        assert set(payments[column]) == set(letters)
    assert payments["currency"].str.contains("^[a-z]{3}$").all()
    assert payments["card_bin"].drop_nulls().str.contains(r"^\d{6}$").all()


def test_no_value_reads_like_a_card_number(payments: pl.DataFrame):
    for column in payments.select(pl.col(pl.String)):
        assert not any(looks_like_card_number(v) for v in column.drop_nulls().unique().to_list())


def test_the_event_reader_accepts_what_is_generated():
    event_type = msgspec.json.decode(read_example("event_type.json"), type=EventType)
    assert tuple(v.name for v in event_type.variables) == VARIABLES
    reader = EventReader(event_type)
    for row in generate(Options(transactions=2_000, fraud_share=0.3, seed=2)).to_dicts():
        sent = SentEvent(
            event_id=row["EVENT_ID"],
            at=datetime.fromisoformat(row["EVENT_TIMESTAMP"]),
            entities=(Entity("customer", row["customer_id"]), Entity("card", row["card_id"])),
            variables={name: row[name] for name in VARIABLES},
        )
        event = reader.read(sent, received_at=datetime(2027, 1, 1, tzinfo=UTC))
        assert event.variables["transaction_amt"] == row["transaction_amt"] > 0


@pytest.mark.parametrize("share", [0.0, 0.001, 0.03, 0.5])
def test_the_share_of_fraud_is_what_was_asked_for(share: float):
    frame = generate(Options(transactions=2_000, fraud_share=share))
    assert frame.height == 2_000
    assert (frame["EVENT_LABEL"] == "fraud").sum() == round(2_000 * share)


@pytest.mark.parametrize("transactions", [1, 2, 33, 100])
def test_a_tiny_world_works(transactions: int):
    assert generate(Options(transactions=transactions, days=1)).height == transactions


def test_every_pattern_has_its_part_of_the_fraud(payments: pl.DataFrame, fraud: pl.DataFrame):
    assert set(fraud["fraud_pattern"]) == set(PATTERN_NAMES)
    assert payments.filter(pl.col("EVENT_LABEL") == "legit")["fraud_pattern"].is_null().all()
    shares = fraud["fraud_pattern"].value_counts(normalize=True)["proportion"]
    assert shares.min() > 0.05
    assert shares.max() < 0.35


def test_the_rate_of_fraud_stays_the_same_while_the_patterns_change(payments: pl.DataFrame):
    quarters = np.array_split((payments["EVENT_LABEL"] == "fraud").to_numpy(), 4)
    assert all(0.02 < quarter.mean() < 0.04 for quarter in quarters)


def test_the_mixture_of_patterns_drifts(much_fraud: pl.DataFrame):
    half = much_fraud.height // 2
    first = much_fraud[:half]["fraud_pattern"].value_counts(normalize=True)
    last = much_fraud[half:]["fraud_pattern"].value_counts(normalize=True)
    change = dict(last.iter_rows())
    for name, share in first.iter_rows():
        change[name] = change[name] / share
    assert change["account_takeover"] > 1.1
    assert change["stolen_card"] < 0.95
    moments = np.linspace(0, 1, 50)
    for pattern in PATTERNS:
        assert np.ptp(pattern.share(moments)) > 0.02


@pytest.mark.parametrize(
    ("pattern", "measure", "rises"),
    [
        ("card_testing", pl.col("cvv") == "M", True),
        ("account_takeover", pl.col("transaction_env") == "M", True),
        ("stolen_card", pl.col("transaction_env") == "S", False),
        ("slow_abuse", pl.col("transaction_type") == "R", True),
        ("compromised_merchant", pl.col("device_id").is_not_null(), True),
        ("phone_order", pl.col("cvv") == "M", True),
    ],
)
def test_each_pattern_changes_its_ways(
    much_fraud: pl.DataFrame, pattern: str, measure: pl.Expr, rises: bool
):
    own = much_fraud.filter(pl.col("fraud_pattern") == pattern)
    third = own.height // 3
    first = own[:third].select(measure.mean()).item()
    last = own[-third:].select(measure.mean()).item()
    assert (last > first * 1.1) if rises else (last < first * 0.9)


def test_what_marks_the_patterns_is_there(fraud: pl.DataFrame):
    def of(name: str) -> pl.DataFrame:
        return fraud.filter(pl.col("fraud_pattern") == name)

    assert of("card_testing")["transaction_amt"].median() < 15
    testers = of("card_testing").group_by("device_id").agg(pl.col("card_id").n_unique())
    assert testers.drop_nulls()["card_id"].max() > 3
    assert of("account_takeover")["transaction_amt"].median() > 100
    spree = of("stolen_card").group_by("card_id").agg(pl.col("EVENT_TIMESTAMP"))
    assert spree["EVENT_TIMESTAMP"].list.len().median() >= 4
    cut = (pl.col("transaction_adj_amt") < 0.5 * pl.col("transaction_amt")).mean()
    assert of("phone_order").select(cut).item() > 0.5


def test_each_sign_of_the_example_occurs_in_legitimate_payments_and_more_often_in_fraud(
    payments: pl.DataFrame,
):
    american = pl.col("billing_state").is_in(["South Dakota", "California", "Texas", "New York"])
    signs = (
        pl.col("cvv") == "V",
        pl.col("signature_image") == "B",
        pl.col("transaction_type") == "T",
        pl.col("transaction_adj_amt") < 0.1 * pl.col("transaction_amt"),
        american & (pl.col("currency") == "eur"),
        pl.col("phone_number").str.contains("|".join(UNASSIGNED_AREA_CODES[:3])),
        american & ~pl.col("ip_address").str.contains(r"^(12|24|66|73)\."),
    )
    for sign in signs:
        legit, fraudulent = (
            payments.filter(pl.col("EVENT_LABEL") == label).select(sign.mean()).item()
            for label in ("legit", "fraud")
        )
        assert 0 < legit < fraudulent
    unattended = payments.filter(pl.col("transaction_env") == "U")
    assert (unattended["EVENT_LABEL"] == "legit").mean() > 0.8


def test_frauds_are_reported_within_weeks_and_the_rest_counts_as_legitimate_after_thirty_days(
    payments: pl.DataFrame,
):
    days = (time_of("LABEL_TIMESTAMP") - time_of("EVENT_TIMESTAMP")).dt.total_seconds() / 86_400
    delays = payments.select("EVENT_LABEL", "fraud_pattern", days=days)
    legit = delays.filter(pl.col("EVENT_LABEL") == "legit")["days"]
    assert 30 <= legit.min() <= legit.max() <= 31
    reported = delays.filter(pl.col("EVENT_LABEL") == "fraud")
    assert 0 < reported["days"].min() < 1
    assert reported["days"].max() <= 45
    medians = dict(reported.group_by("fraud_pattern").agg(pl.col("days").median()).iter_rows())
    assert medians["stolen_card"] < medians["card_testing"] < medians["slow_abuse"]


def test_customers_have_a_rhythm(payments: pl.DataFrame):
    legit = payments.filter(
        (pl.col("EVENT_LABEL") == "legit") & (pl.col("billing_state") == "New York")
    )
    at = time_of("EVENT_TIMESTAMP") - pl.duration(hours=5)
    local = legit.select(hour=at.dt.hour(), weekday=at.dt.weekday())
    hours = dict(local["hour"].value_counts().iter_rows())
    assert hours[17] > 3 * hours[4]
    weekdays = dict(local["weekday"].value_counts().iter_rows())
    assert weekdays[6] > 1.1 * weekdays[7]


def test_progress_goes_from_nothing_to_done():
    told: list[float] = []
    generate(Options(transactions=100), progress=told.append)
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (Options(transactions=0), "transactions"),
        (Options(transactions=10_000_001), "transactions"),
        (Options(customers=9), "customers"),
        (Options(customers=0), "customers"),
        (Options(merchants=399), "merchants"),
        (Options(days=0), "days"),
        (Options(seed=-1), "seed"),
        (Options(fraud_share=0.51), "fraud_share"),
        (Options(fraud_share=-0.01), "fraud_share"),
        (Options(fraud_share=float("nan")), "fraud_share"),
        (Options(start=datetime(2026, 1, 1)), "start"),
        (Options(start=datetime(1960, 1, 1, tzinfo=UTC)), "start"),
        (Options(start=datetime(9999, 1, 1, tzinfo=UTC)), "start"),
    ],
)
def test_options_out_of_range_are_refused_by_name(options: Options, field: str):
    with pytest.raises(InvalidInput) as refused:
        generate(options)
    assert refused.value.field == field
    assert refused.value.expected


def test_the_smallest_allowed_world_works():
    frame = generate(Options(transactions=500, customers=10, merchants=400, fraud_share=0.5))
    assert frame["customer_id"].n_unique() <= 10
