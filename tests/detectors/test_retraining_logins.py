"""A model of account takeovers is trained anew from logins, of which few or none have a label."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import polars as pl
import pytest
from logged_logins import LOGIN, log

from ringfence.cases import put_suggested_rules
from ringfence.detectors import (
    Detector,
    ModelRef,
    RuleRef,
    activate_detector_version,
    build_profiles,
    create_detector_version,
    label_event,
    put_detector,
)
from ringfence.detectors.backtest.history import LoggedEvents, Window
from ringfence.detectors.backtest.judging import backtest, subject
from ringfence.detectors.catalog import Catalog
from ringfence.detectors.retraining.challengers import ChallengerStatus, champion_of
from ringfence.detectors.retraining.comparison import in_words
from ringfence.detectors.retraining.evidence import NothingNew
from ringfence.detectors.retraining.options import RetrainingOptions
from ringfence.detectors.retraining.policies import PromotionPolicy
from ringfence.detectors.retraining.promotion import promote
from ringfence.detectors.retraining.training import evaluate_again, retrain
from ringfence.errors import InvalidInput
from ringfence.events import put_event_type
from ringfence.models import (
    ModelType,
    Trained,
    create_model,
    get_version,
    load_artifact,
    read_data,
    store_version,
    train_takeover,
)
from ringfence.models.weights import Unlabelled, UnlabelledTreatment
from ringfence.simulation.logins import LoginOptions, generate_logins
from ringfence.storage import Database

MODEL = "takeovers"
OPTIONS = RetrainingOptions(label_delay_days=1.0)
KNOWN = 2_100


@pytest.fixture(scope="module")
def logins() -> pl.DataFrame:
    return generate_logins(
        LoginOptions(logins=3_600, accounts=120, days=90, takeover_share=0.08, labelled=1.0, seed=8)
    )


@pytest.fixture(scope="module")
def champion(logins: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    path = tmp_path_factory.mktemp("known") / "logins.parquet"
    logins.head(KNOWN).with_columns(EVENT_LABEL=pl.lit(None, pl.String)).write_parquet(path)
    return train_takeover(read_data(path, LOGIN, labels_required=False))


@pytest.fixture
def guarded(database: Database, logins: pl.DataFrame, champion: Trained) -> Database:
    """The champion decides by its suggested rules, and all logins are in the log, unlabelled."""
    with database.write() as connection:
        put_event_type(connection, LOGIN)
        log(connection, logins)
        create_model(connection, MODEL, LOGIN.name, model_type=ModelType.ACCOUNT_TAKEOVER_INSIGHTS)
        stored = store_version(connection, MODEL, champion)
        put_detector(connection, Detector(detector_id="sign_in", event_type=LOGIN.name))
        rules = put_suggested_rules(connection, "sign_in", stored)
        create_detector_version(
            connection,
            "sign_in",
            models=[ModelRef(MODEL, "1.0")],
            rules=[RuleRef(rule.rule_id, rule.version) for rule in rules],
        )
    build_profiles(database, "sign_in", "1")
    with database.write() as connection:
        activate_detector_version(connection, "sign_in", "1")
    return database


def end_of(logins: pl.DataFrame) -> datetime:
    return datetime.fromisoformat(logins["EVENT_TIMESTAMP"][-1]) + timedelta(hours=1)


def report_takeovers(database: Database, logins: pl.DataFrame) -> None:
    """Owners noticed all of them a day later."""
    with database.write() as connection:
        for row in logins.filter(pl.col("EVENT_LABEL") == "takeover").iter_rows(named=True):
            at = datetime.fromisoformat(row["EVENT_TIMESTAMP"]) + timedelta(days=1)
            label_event(connection, LOGIN.name, row["EVENT_ID"], "takeover", source="phone", at=at)


def test_with_enough_known_takeovers_both_are_ranked_on_them(
    guarded: Database, logins: pl.DataFrame
) -> None:
    report_takeovers(guarded, logins)
    made = retrain(guarded, MODEL, OPTIONS, by="ada", at=end_of(logins))

    found = made.evaluation
    assert found.is_enough
    assert found.champion is not None
    assert found.challenger is not None
    assert found.challenger.auc > 0.85
    assert found.auc_gain_low is not None
    assert found.legits == found.assumed == found.events - found.frauds
    assert "no label and count as ordinary" in found.remarks[0]
    assert "takeovers" in in_words(found)
    assert made.labels.sources == {"phone": made.trained.facts.frauds}
    with guarded.read() as connection:
        before, after = (get_version(connection, MODEL, v) for v in ("1.0", "2.0"))
        plans = [load_artifact(connection, MODEL, v).plan for v in ("1.0", "2.0")]
    assert after.metrics.takeover is not None
    assert after.facts.rows > before.facts.rows
    assert before.facts.last_at < after.facts.last_at < found.since
    assert plans[0] == plans[1]


def test_without_labels_only_what_needs_none_is_compared(
    guarded: Database, logins: pl.DataFrame
) -> None:
    """A policy then has no evidence, and says which; a person may promote all the same."""
    policy = PromotionPolicy(min_frauds=1, auc_gain_low=-1.0)
    at = end_of(logins)
    made = retrain(guarded, MODEL, OPTIONS, by="ada", at=at, policy=policy)

    found = made.evaluation
    assert found.champion is found.challenger is found.auc_gain is None
    assert found.volumes == ()
    assert found.events > 500
    assert "0 takeovers are known" in found.remarks[0]
    assert found.challenges is not None
    assert 0.0 < found.challenges.champion_rate < 0.2
    assert 0.0 < found.challenges.challenger_rate < 0.2
    assert f"{found.challenges.challenger_rate:.1%} of logins" in in_words(found)
    assert made.challenger is not None
    assert made.challenger.policy_met is False
    assert made.challenger.status is ChallengerStatus.CANDIDATE
    assert any("cannot be told" in reason for reason in made.challenger.policy_reasons)
    again = evaluate_again(guarded, MODEL, "2.0", OPTIONS, at=at)
    assert again.evaluation.challenges == found.challenges

    with guarded.write() as connection:
        promote(connection, MODEL, "2.0", by="ada", reason="knows more", at=at)
    with guarded.read() as connection:
        place = champion_of(connection, MODEL)
    assert place.version == "2.0"
    assert [of.models for of in place.users] == [(ModelRef(MODEL, "2.0"),)]


def test_few_known_takeovers_are_too_few_to_rank_on(
    guarded: Database, logins: pl.DataFrame
) -> None:
    at = end_of(logins)
    report_takeovers(guarded, logins.tail(150))
    made = retrain(guarded, MODEL, OPTIONS, by="ada", at=at, dry_run=True)
    assert 0 < made.evaluation.frauds < 30
    assert made.evaluation.champion is None
    assert "30 are the least" in made.evaluation.remarks[0]
    # The time is not cut to where the few were found.
    assert made.evaluation.events > 500


def test_what_means_nothing_for_logins_is_refused(guarded: Database, logins: pl.DataFrame) -> None:
    def refused(**options: object) -> str | None:
        wanted = msgspec.convert(options, RetrainingOptions)
        with pytest.raises(InvalidInput) as error:
            retrain(guarded, MODEL, wanted, by="ada", at=end_of(logins))
        return error.value.field

    assert refused(since=end_of(logins)) == "since"
    assert refused(budget_seconds=60.0) == "budget_seconds"
    fraud = Unlabelled(UnlabelledTreatment.FRAUD)
    assert refused(unlabelled=msgspec.to_builtins(fraud)) == "unlabelled"
    known_until = datetime.fromisoformat(logins["EVENT_TIMESTAMP"][KNOWN - 1])
    with pytest.raises(NothingNew, match="'login' happened after"):
        retrain(guarded, MODEL, OPTIONS, by="ada", at=end_of(logins), until=known_until)


def test_a_backtest_counts_the_takeovers_that_would_have_been_challenged(
    guarded: Database, logins: pl.DataFrame
) -> None:
    report_takeovers(guarded, logins)
    since = datetime.fromisoformat(logins["EVENT_TIMESTAMP"][KNOWN])
    with guarded.read() as connection:
        detector = subject(connection, Catalog(), "sign_in", "1")
        past = LoggedEvents(connection, LOGIN, Window(since))
        [version] = backtest(past, [detector], alert_outcomes={"challenge"}).versions
    totals = version.totals
    reported = logins.tail(len(logins) - KNOWN).filter(pl.col("EVENT_LABEL") == "takeover")
    assert totals.events == len(logins) - KNOWN
    assert totals.frauds == len(reported)
    assert totals.recall is not None
    assert totals.recall > 0.3
    assert 0 < totals.alerts < totals.events / 4
