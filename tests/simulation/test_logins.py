from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import msgspec
import polars as pl
import pytest

from ringfence.carddata import looks_like_card_number
from ringfence.errors import InvalidInput
from ringfence.events import Entity, EventReader, EventType, SentEvent
from ringfence.examples import read_example
from ringfence.simulation.logins import (
    LOGIN_COLUMNS,
    LOGIN_VARIABLES,
    TAKEOVER_NAMES,
    LoginOptions,
    generate_logins,
)


@pytest.fixture(scope="module")
def logins() -> pl.DataFrame:
    return generate_logins(
        LoginOptions(logins=30_000, seed=11, takeover_share=0.01, labelled=0.3), with_pattern=True
    )


@pytest.fixture(scope="module")
def owners(logins: pl.DataFrame) -> pl.DataFrame:
    return logins.filter(pl.col("takeover_pattern").is_null())


@pytest.fixture(scope="module")
def takeovers(logins: pl.DataFrame) -> pl.DataFrame:
    return logins.filter(pl.col("takeover_pattern").is_not_null() & pl.col("are_credentials_valid"))


def digest(frame: pl.DataFrame) -> str:
    return hashlib.sha256(frame.write_csv().encode()).hexdigest()


def test_the_same_seed_gives_the_same_logins_and_another_seed_other_ones() -> None:
    options = LoginOptions(logins=2_000, seed=5)
    assert digest(generate_logins(options)) == digest(generate_logins(options))
    assert digest(generate_logins(options)) != digest(
        generate_logins(LoginOptions(logins=2_000, seed=6))
    )


def test_labels_and_patterns_change_nothing_else() -> None:
    some = [
        generate_logins(LoginOptions(logins=3_000, seed=5, labelled=share), with_pattern=True)
        for share in (0.0, 1.0)
    ]
    labels = ["EVENT_LABEL", "LABEL_TIMESTAMP"]
    assert some[0].drop(labels).equals(some[1].drop(labels))
    plain = generate_logins(LoginOptions(logins=3_000, seed=5, labelled=0.0))
    assert plain.columns == list(LOGIN_COLUMNS)
    assert some[0].drop("takeover_pattern").equals(plain)


def test_logins_come_in_the_order_of_time_within_the_period(logins: pl.DataFrame) -> None:
    times = logins["EVENT_TIMESTAMP"]
    assert logins.height == 30_000
    assert times.is_sorted()
    assert times[0] >= "2026-01-01T00:00:00Z"
    assert times[-1] < "2026-04-01T00:00:00Z"
    assert logins["EVENT_ID"].is_unique().all()
    assert logins["session_id"].null_count() == 0


def test_only_takeovers_that_were_reported_have_a_label(logins: pl.DataFrame) -> None:
    labelled = logins.filter(pl.col("EVENT_LABEL").is_not_null())
    assert set(labelled["EVENT_LABEL"]) == {"takeover"}
    assert labelled["are_credentials_valid"].all()
    assert labelled["takeover_pattern"].null_count() == 0
    assert (labelled["LABEL_TIMESTAMP"] > labelled["EVENT_TIMESTAMP"]).all()
    for share, fewest, most in ((0.0, 0.0, 0.0), (0.3, 0.15, 0.45), (1.0, 1.0, 1.0)):
        frame = generate_logins(
            LoginOptions(logins=20_000, seed=2, takeover_share=0.01, labelled=share),
            with_pattern=True,
        )
        true = frame.filter(
            pl.col("takeover_pattern").is_not_null() & pl.col("are_credentials_valid")
        )
        assert fewest <= true["EVENT_LABEL"].is_not_null().mean() <= most


def test_every_way_of_taking_over_occurs_about_as_often_as_asked(takeovers: pl.DataFrame) -> None:
    assert set(takeovers["takeover_pattern"]) == set(TAKEOVER_NAMES)
    assert 150 < takeovers.height < 450


def test_owners_slip_travel_and_change_devices_as_strangers_do(owners: pl.DataFrame) -> None:
    failed = 1 - owners["are_credentials_valid"].mean()
    assert 0.03 < failed < 0.15
    new = owners.with_columns(
        device=pl.struct("ENTITY_ID", "device_id").is_first_distinct()
        & pl.col("device_id").is_not_null(),
        first=pl.col("ENTITY_ID").is_first_distinct(),
    ).filter(~pl.col("first"))
    # Far more owners than strangers come with a device that their account does not know.
    assert new["device"].mean() > 0.03
    shared = owners.group_by("ip_address").agg(pl.col("ENTITY_ID").n_unique())
    assert shared["ENTITY_ID"].max() > 10


def test_some_strangers_come_with_what_the_account_knows(
    logins: pl.DataFrame, takeovers: pl.DataFrame
) -> None:
    own = takeovers.filter(pl.col("takeover_pattern") == "own_device")
    known = logins.filter(pl.col("takeover_pattern").is_null())
    found = own.join(known.select("ENTITY_ID", "device_id").unique(), on=["ENTITY_ID", "device_id"])
    assert found.height > own.height / 2


def test_stuffing_tries_many_accounts_and_mostly_fails(logins: pl.DataFrame) -> None:
    tried = logins.filter(pl.col("takeover_pattern") == "credential_stuffing")
    assert tried["are_credentials_valid"].mean() < 0.4
    assert tried["ENTITY_ID"].n_unique() > 100


def test_the_event_reader_accepts_what_is_generated() -> None:
    event_type = msgspec.json.decode(read_example("login_event_type.json"), type=EventType)
    event_type.check()
    assert tuple(v.name for v in event_type.variables) == LOGIN_VARIABLES
    reader = EventReader(event_type)
    for row in generate_logins(LoginOptions(logins=1_000, takeover_share=0.05)).to_dicts():
        sent = SentEvent(
            event_id=row["EVENT_ID"],
            at=datetime.fromisoformat(row["EVENT_TIMESTAMP"]),
            entities=(Entity("account", row["ENTITY_ID"]),),
            variables={name: row[name] for name in LOGIN_VARIABLES},
        )
        event = reader.read(sent, received_at=datetime(2027, 1, 1, tzinfo=UTC))
        assert event.variables["are_credentials_valid"] is row["are_credentials_valid"]


def test_no_value_of_a_login_reads_like_a_card_number(logins: pl.DataFrame) -> None:
    for column in logins.select(pl.col(pl.String)):
        assert not any(looks_like_card_number(v) for v in column.drop_nulls().unique().to_list())


@pytest.mark.parametrize(
    ("field", "value"),
    [("logins", 10), ("takeover_share", 0.6), ("labelled", 1.5), ("days", 1), ("accounts", 1)],
)
def test_options_out_of_range_are_named(field: str, value: float) -> None:
    with pytest.raises(InvalidInput) as refused:
        generate_logins(msgspec.structs.replace(LoginOptions(), **{field: value}))
    assert refused.value.field == field


@pytest.mark.parametrize("share", [0.0, 0.05])
@pytest.mark.parametrize("logins", [100, 333])
def test_a_tiny_world_of_logins_works(logins: int, share: float) -> None:
    frame = generate_logins(LoginOptions(logins=logins, days=2, takeover_share=share))
    assert frame.height == logins
