from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from takeover_logins import LOGIN, read, remembered_of, world

from ringfence.errors import Conflict, InvalidInput
from ringfence.events import put_event_type
from ringfence.models import (
    DataInvalid,
    DataSet,
    MessageKind,
    ModelType,
    Scorer,
    Trained,
    create_model,
    get_version,
    list_versions,
    load_artifact,
    store_version,
    suggest_challenges,
    train_takeover,
)
from ringfence.models.artifact import pack
from ringfence.models.metrics import auc_range
from ringfence.models.steps import TIME_INPUT
from ringfence.models.takeover.measuring import measure_takeovers
from ringfence.profiles import Aggregate, Kind, ProfilePlan, Source
from ringfence.storage import Database


@pytest.fixture(scope="module")
def truth() -> pl.DataFrame:
    return world(labelled=0.0)


@pytest.fixture(scope="module")
def unlabelled(truth: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    without = truth.drop("EVENT_LABEL", "LABEL_TIMESTAMP")
    return read(without, tmp_path_factory.mktemp("unlabelled"))


@pytest.fixture(scope="module")
def trained(unlabelled: DataSet) -> Trained:
    return train_takeover(unlabelled, seed=7)


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    data = read(world(labelled=1.0, share=0.05), tmp_path_factory.mktemp("labelled"))
    return train_takeover(data, seed=7)


@pytest.fixture(scope="module")
def values(unlabelled: DataSet, trained: Trained) -> list[list[float]]:
    found: list[list[float]] = remembered_of(unlabelled, trained).tolist()
    return found


@pytest.fixture(scope="module")
def scores(
    unlabelled: DataSet, trained: Trained, values: list[list[float]]
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    rows, ats = unlabelled.past.to_dicts(), unlabelled.past[TIME_INPUT].to_list()
    return np.array(Scorer(trained.artifact).score(rows, ats, values))


def test_takeovers_are_found_that_nobody_told_of(trained: Trained, tmp_path: Path) -> None:
    # Of another world, so that no account, device or address was learned from.
    frame = world(labelled=0.0, seed=5)
    data = read(frame, tmp_path)
    scores = np.array(
        Scorer(trained.artifact).score(
            data.past.to_dicts(),
            data.past[TIME_INPUT].to_list(),
            remembered_of(data, trained).tolist(),
        )
    )
    # Before that nothing is known of most accounts.
    later = slice(len(scores) // 3, None)
    scores = scores[later]
    pattern = np.array(frame["takeover_pattern"].to_list(), dtype=object)[later]
    owner = pattern == None  # noqa: E711 - by element
    stranger = ~owner & frame["are_credentials_valid"].to_numpy()[later]
    compared = owner | stranger
    assert auc_range(stranger[compared], scores[compared])[0] > 0.75
    stuffed = stranger & (pattern == "credential_stuffing")
    assert (scores[stuffed] >= 500).mean() > 0.5
    assert (scores[owner] >= 500).mean() < 0.05


def test_a_score_stands_for_the_share_of_logins_that_would_be_challenged(
    trained: Trained, scores: np.ndarray
) -> None:
    held_out = scores[-trained.facts.held_out_rows :]
    for score, rate in ((100, 0.549), (500, 0.05), (750, 0.01)):
        assert (held_out >= score).mean() == pytest.approx(rate, abs=0.01)
    assert held_out.min() >= 0
    assert held_out.max() <= 1000


def test_metrics_say_what_is_challenged_and_found(trained: Trained) -> None:
    metrics = trained.metrics.takeover
    assert metrics is not None
    assert 0.5 < metrics.asi_low <= metrics.asi <= metrics.asi_high <= 1.0
    assert metrics.asi == trained.metrics.auc
    assert [row.threshold for row in metrics.rows] == [float(t) for t in range(0, 1001, 5)]
    assert (metrics.rows[0].cr, metrics.rows[0].adr) == (1.0, 1.0)
    for name in ("cr", "adr"):
        rates = [getattr(row, name) for row in metrics.rows]
        assert rates == sorted(rates, reverse=True)
    # Nobody was said to be a stranger, so the share of those that are found is not known.
    assert {row.atodr for row in metrics.rows} == {None}
    assert (metrics.takeovers, metrics.accounts_taken_over) == (0, 0)
    assert [round(row.cr, 2) for row in suggest_challenges(metrics)] == pytest.approx(
        [0.01, 0.02, 0.03, 0.04, 0.05, 0.06], abs=0.005
    )
    groups = {group.variables: group.log_odds for group in metrics.groups}
    assert ("account", "device_id") in groups
    assert list(groups.values()) == sorted(groups.values(), reverse=True)


def test_labelled_takeovers_are_measured_where_enough_accounts_have_one(labelled: Trained) -> None:
    metrics = labelled.metrics.takeover
    assert metrics is not None
    assert metrics.accounts_taken_over >= 50
    assert metrics.takeovers > 0
    assert labelled.facts.frauds > metrics.takeovers
    at = next(row for row in metrics.rows if row.threshold == 500)
    assert at.atodr is not None
    assert at.atodr > 0.5


@pytest.mark.parametrize(("accounts", "known"), [(49, False), (50, True)])
def test_too_few_accounts_taken_over_say_nothing_of_the_share_found(
    accounts: int, known: bool
) -> None:
    kinds = np.arange(300) % 3
    scores = (np.arange(300) * 7) % 1001
    metrics = measure_takeovers(
        scores / 100.0,
        scores,
        is_made_up=kinds == 1,
        is_takeover=kinds == 2,
        accounts_taken_over=accounts,
        features=(),
        contributions=np.zeros((5, 1)),
    ).takeover
    assert metrics is not None
    assert (metrics.anomalies, metrics.takeovers) == (100, 100)
    found = metrics.rows[100].atodr
    assert found == (pytest.approx((scores[kinds == 2] >= 500).mean()) if known else None)


def test_the_first_login_of_an_account_is_no_takeover(
    unlabelled: DataSet, scores: np.ndarray
) -> None:
    first = unlabelled.past["entity:account"].is_first_distinct().to_numpy()
    assert np.median(scores[first]) < 500
    assert (scores[first] >= 750).mean() < 0.1


def test_contributions_sum_to_the_raw_score_and_say_what_is_unknown(
    truth: pl.DataFrame,
    unlabelled: DataSet,
    trained: Trained,
    values: list[list[float]],
    scores: np.ndarray,
) -> None:
    scorer = Scorer(trained.artifact)
    stranger = (
        (truth["takeover_pattern"] == "targeted").fill_null(value=False)
        & truth["are_credentials_valid"]
    ).to_numpy()
    place = int(np.argmax(np.where(stranger, scores, -1)))
    row, at = unlabelled.past.to_dicts()[place], unlabelled.past[TIME_INPUT][place]
    found = scorer.explain(row, at, values[place])
    raw = scorer.log_odds([row], [at], [values[place]])[0]
    assert math.fsum(c.log_odds for c in found) == pytest.approx(raw, abs=1e-9)
    device = next(c for c in found if c.variable == "profile.account~device_id")
    assert device.log_odds > 0
    assert "raises the risk" in device.text


def test_a_version_is_of_its_own_type_and_comes_back_as_it_was(
    database: Database, trained: Trained
) -> None:
    kind = ModelType.ACCOUNT_TAKEOVER_INSIGHTS
    with database.write() as connection:
        put_event_type(connection, LOGIN)
        create_model(connection, "takeovers", LOGIN.name, model_type=kind)
        create_model(
            connection, "habits", LOGIN.name, model_type=ModelType.TRANSACTION_FRAUD_INSIGHTS
        )
        stored = store_version(connection, "takeovers", trained)
        with pytest.raises(Conflict, match="TRANSACTION_FRAUD_INSIGHTS"):
            store_version(connection, "habits", trained)
        assert get_version(connection, "takeovers", "1.0") == stored
        assert list_versions(connection, "takeovers")[0].metrics == trained.metrics
        assert load_artifact(connection, "takeovers", "1.0") == trained.artifact


@pytest.mark.parametrize(
    ("missing", "title"),
    [(("ip_address",), "Missing IP_ADDRESS"), (("ENTITY_ID", "ENTITY_TYPE"), "Missing account")],
)
def test_logins_without_an_account_or_an_address_are_refused(
    truth: pl.DataFrame, tmp_path: Path, missing: tuple[str, ...], title: str
) -> None:
    data = read(truth.drop(missing), tmp_path)
    with pytest.raises(DataInvalid) as refused:
        train_takeover(data)
    assert title in [m.title for m in refused.value.messages if m.kind is MessageKind.ERROR]


def test_too_few_logins_are_refused_with_how_many_are_needed(
    truth: pl.DataFrame, tmp_path: Path
) -> None:
    data = read(truth.head(400), tmp_path)
    with pytest.raises(DataInvalid, match="at least 2,000") as refused:
        train_takeover(data)
    said = " ".join(m.text for m in refused.value.messages)
    assert "challenge rate" in said


def test_an_address_alone_is_enough_and_what_is_missing_is_said(
    truth: pl.DataFrame, tmp_path: Path
) -> None:
    bare = truth.drop("user_agent", "device_id", "are_credentials_valid", "latitude", "longitude")
    data = read(bare, tmp_path)
    trained = train_takeover(data, seed=1)
    assert trained.metrics.auc > 0.7
    said = " ".join(m.text for m in trained.messages)
    for kind in ("FINGERPRINT", "USERAGENT", "ARE_CREDENTIALS_VALID", "latitude"):
        assert kind in said
    assert [v.name for v in trained.facts.variables] == ["ip_address"]
    # The same logins and seed make the same model.
    assert pack(train_takeover(data, seed=1).artifact) == pack(trained.artifact)


def test_a_plan_that_does_not_know_how_often_an_account_was_seen_is_refused(
    unlabelled: DataSet,
) -> None:
    plan = ProfilePlan(
        LOGIN.name,
        (
            Aggregate(
                name="n", kind=Kind.COUNT, by=(Source(entity="account"),), horizon_seconds=3_600
            ),
        ),
    )
    with pytest.raises(InvalidInput, match="how often an account was seen"):
        train_takeover(unlabelled, plan=plan)
