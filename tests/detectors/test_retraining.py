"""A model is trained anew from the log, and compared with its champion on what neither has seen."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from challenged_models import (
    KNOWN_UNTIL,
    MODEL,
    NOW,
    PLAN,
    changed_times,
    deciding,
    known_kind,
    log,
    new_kind,
    rows,
    trained,
)
from publishing import PAYMENT

from ringfence.detectors import get_detector_version
from ringfence.detectors.retraining.challengers import (
    ChallengerStatus,
    champion_of,
    list_challengers,
)
from ringfence.detectors.retraining.evidence import NothingNew
from ringfence.detectors.retraining.options import RetrainingOptions
from ringfence.detectors.retraining.training import evaluate_again, retrain
from ringfence.errors import Conflict, InvalidInput, NotFound
from ringfence.models import DataInvalid, Trained, get_version, list_versions, load_artifact
from ringfence.models.logged import data_from_log
from ringfence.models.weights import Unlabelled, UnlabelledTreatment, weights_of
from ringfence.storage import Database

OPTIONS = RetrainingOptions()


@pytest.fixture(scope="module")
def champion() -> Trained:
    return trained()


@pytest.fixture
def challenged(database: Database, champion: Trained) -> Database:
    """The champion decides; since it was trained, fraud has changed."""
    deciding(database, champion)
    changed_times(database)
    return database


def test_after_fraud_has_changed_the_challenger_is_better(challenged: Database) -> None:
    said: list[tuple[float, str]] = []
    made = retrain(
        challenged, MODEL, OPTIONS, by="ada", at=NOW, progress=lambda *told: said.append(told)
    )

    found = made.evaluation
    assert found.champion is not None
    assert found.challenger is not None
    assert found.challenger.auc > 0.9
    assert found.auc_gain == pytest.approx(found.challenger.auc - found.champion.auc)
    assert found.auc_gain_low is not None
    assert found.auc_gain_low > 0.05
    assert found.recall_gain is not None
    assert found.recall_gain > 0
    assert found.is_enough
    assert made.challenger is not None
    assert made.challenger.version == "2.0"
    assert made.challenger.champion_version == "1.0"
    assert made.challenger.status is ChallengerStatus.CANDIDATE
    assert made.challenger.created_by == "ada"
    assert set(made.labels.sources) == {"phone"}
    shares = [share for share, _ in said]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    with challenged.read() as connection:
        assert list_challengers(connection, MODEL) == [made.challenger]
        assert champion_of(connection, MODEL).version == "1.0"


def test_neither_has_learned_from_what_they_are_compared_on(challenged: Database) -> None:
    made = retrain(challenged, MODEL, OPTIONS, by="ada", at=NOW)
    with challenged.read() as connection:
        champion, challenger = (get_version(connection, MODEL, v).facts for v in ("1.0", "2.0"))
    window = made.evaluation
    assert champion.last_at < challenger.last_at < window.since < window.until
    assert window.until == NOW - timedelta(days=7)
    assert made.challenger is not None
    assert made.challenger.learned_until == window.since
    # The latest half of the new frauds is compared on, the rest learned from.
    news = data_from_log(challenged, PAYMENT, since=KNOWN_UNTIL, until=window.until)
    assert window.frauds == int(news.is_fraud().sum()) // 2 > 80


def test_recall_is_compared_at_as_many_alerts_as_there_are_frauds(challenged: Database) -> None:
    made = retrain(challenged, MODEL, OPTIONS, by="ada", at=NOW, dry_run=True)
    assert made.evaluation.alerts == made.evaluation.frauds
    few = RetrainingOptions(alert_share=0.02)
    made = retrain(challenged, MODEL, few, by="ada", at=NOW, dry_run=True)
    assert made.evaluation.alerts == round(0.02 * made.evaluation.events)
    assert made.evaluation.challenger is not None
    assert made.evaluation.challenger.caught <= made.evaluation.alerts


def test_a_dry_run_stores_nothing(challenged: Database) -> None:
    made = retrain(challenged, MODEL, OPTIONS, by="ada", at=NOW, dry_run=True)
    assert made.challenger is None
    assert made.evaluation.is_enough
    with challenged.read() as connection:
        assert len(list_versions(connection, MODEL)) == 1
        assert list_challengers(connection, MODEL) == []


def test_with_nothing_new_there_is_nothing_to_compare_on(
    database: Database, champion: Trained
) -> None:
    deciding(database, champion)
    with pytest.raises(NothingNew, match="has a label"):
        retrain(database, MODEL, OPTIONS, by="ada", at=NOW)
    with database.write() as connection:
        log(connection, rows(300, KNOWN_UNTIL, NOW, new_kind), labelled=lambda number: False)
    with pytest.raises(NothingNew, match="labels of events"):
        retrain(database, MODEL, OPTIONS, by="ada", at=NOW)


def test_too_little_to_train_on_is_said_as_in_training(
    database: Database, champion: Trained
) -> None:
    deciding(database, champion)
    changed_times(database, 100)
    with pytest.raises(DataInvalid, match="at least 50 are needed"):
        retrain(database, MODEL, OPTIONS, by="ada", at=NOW)


def test_a_file_from_before_the_log_makes_up_for_a_short_log(
    database: Database, champion: Trained, tmp_path: object
) -> None:
    import polars as pl

    deciding(database, champion)
    changed_times(database, 600)
    known = rows(1_500, KNOWN_UNTIL - timedelta(days=60), KNOWN_UNTIL, known_kind, 5)
    path = f"{tmp_path}/known.parquet"
    pl.DataFrame(
        {
            "EVENT_TIMESTAMP": [row[0] for row in known],
            "EVENT_LABEL": ["fraud" if row[4] else "legit" for row in known],
            "amount": [row[1] for row in known],
            "merchant": [row[2] for row in known],
        }
    ).write_parquet(path)
    made = retrain(database, MODEL, RetrainingOptions(base_file=path), by="ada", at=NOW)
    assert made.trained.facts.rows > 1_700
    assert made.labels.source.startswith("known.parquet and event log to ")
    assert made.labels.sources["phone"] > 200


def test_events_without_complaint_count_as_legit_when_that_is_stated(
    database: Database, champion: Trained
) -> None:
    """Only fraud is ever labelled here, as where cardholders complain and nobody confirms."""
    deciding(database, champion)
    past = rows(2_500, KNOWN_UNTIL + timedelta(hours=1), NOW, new_kind, seed=2)
    with database.write() as connection:
        log(connection, past, labelled=lambda number: past[number][4])
    ignoring = RetrainingOptions()
    with pytest.raises(DataInvalid):
        retrain(database, MODEL, ignoring, by="ada", at=NOW)
    assuming = RetrainingOptions(unlabelled=Unlabelled(UnlabelledTreatment.LEGIT, 20.0))
    made = retrain(database, MODEL, assuming, by="ada", at=NOW)
    assert made.evaluation.until == NOW - timedelta(days=20)
    assert made.labels.sources["assumed"] > made.labels.sources["phone"]
    assert made.evaluation.assumed == made.evaluation.legits > 0
    assert "assumed" in made.evaluation.remarks[0]
    assert made.evaluation.auc_gain_low is not None
    assert made.evaluation.auc_gain_low > 0


def test_auto_assumes_where_few_events_have_a_label(database: Database, champion: Trained) -> None:
    deciding(database, champion)
    past = rows(2_500, KNOWN_UNTIL + timedelta(hours=1), NOW, new_kind, seed=2)
    with database.write() as connection:
        log(connection, past, labelled=lambda number: past[number][4])
    auto = RetrainingOptions(unlabelled=Unlabelled(UnlabelledTreatment.AUTO, 20.0))
    made = retrain(database, MODEL, auto, by="ada", at=NOW)
    assert made.labels.unlabelled.treatment is UnlabelledTreatment.LEGIT


def test_where_only_some_were_asked_about_the_comparison_says_so(
    database: Database, champion: Trained
) -> None:
    deciding(database, champion)
    with database.write() as connection:
        past = rows(2_500, KNOWN_UNTIL + timedelta(hours=1), NOW, new_kind, seed=2)
        log(connection, past, labelled=lambda number: past[number][4] or number % 3 == 0)
    made = retrain(database, MODEL, OPTIONS, by="ada", at=NOW)
    assert "have a label" in made.evaluation.remarks[0]
    assert made.evaluation.labelled < made.evaluation.events / 2


def test_the_settings_of_the_champion_are_kept(database: Database) -> None:
    """Its plan too, so that no profile has to be built when the challenger takes over."""
    deciding(database, trained(plan=PLAN))
    changed_times(database)
    made = retrain(database, MODEL, OPTIONS, by="ada", at=NOW)
    with database.read() as connection:
        before, after = (load_artifact(connection, MODEL, v) for v in ("1.0", "2.0"))
    assert after.plan == before.plan == PLAN
    assert [v.name for v in after.variables] == [v.name for v in before.variables]
    assert made.evaluation.auc_gain_low is not None
    assert made.evaluation.auc_gain_low > 0
    other = RetrainingOptions(keep_plan=False, seed=7)
    renewed = retrain(database, MODEL, other, by="ada", at=NOW, dry_run=True)
    assert renewed.trained.artifact.plan not in (None, PLAN)
    assert renewed.trained.facts.seed == 7


def test_what_refuses_before_storing_leaves_no_half_version(challenged: Database) -> None:
    def refuse(connection: object, challenger: object) -> None:
        raise Conflict("somebody else goes on")

    with pytest.raises(Conflict, match="somebody else"):
        retrain(challenged, MODEL, OPTIONS, by="ada", at=NOW, storing=refuse)
    with challenged.read() as connection:
        assert len(list_versions(connection, MODEL)) == 1
        assert list_challengers(connection, MODEL) == []


def test_labels_that_count_for_nothing_are_not_learned_from(challenged: Database) -> None:
    """All are from the telephone here, so the weight of its fraud decides how many there are."""
    weights = weights_of({"phone": {"fraud": 0.001}})
    usual = retrain(challenged, MODEL, OPTIONS, by="ada", at=NOW, dry_run=True)
    light = retrain(challenged, MODEL, OPTIONS, by="ada", at=NOW, weights=weights, dry_run=True)
    assert usual.trained.artifact.trees != light.trained.artifact.trees
    assert light.evaluation.challenger is not None
    assert usual.evaluation.challenger is not None
    assert light.evaluation.challenger.auc < usual.evaluation.challenger.auc


def test_a_second_challenger_supersedes_the_first(challenged: Database) -> None:
    retrain(challenged, MODEL, OPTIONS, by="ada", at=NOW)
    retrain(challenged, MODEL, OPTIONS, by="bo", at=NOW + timedelta(hours=1))
    with challenged.read() as connection:
        second, first = list_challengers(connection, MODEL)
    assert (second.version, second.status) == ("3.0", ChallengerStatus.CANDIDATE)
    assert (first.version, first.status) == ("2.0", ChallengerStatus.SUPERSEDED)
    assert first.reason == "version 3.0 came after it"
    assert second.champion_version == "1.0"


def test_a_challenger_is_measured_again_on_all_that_came_since(challenged: Database) -> None:
    made = retrain(challenged, MODEL, OPTIONS, by="ada", at=NOW)
    later = NOW + timedelta(days=60)
    with challenged.write() as connection:
        log(connection, rows(800, NOW, later, new_kind, seed=9), prefix="later")
    again = evaluate_again(challenged, MODEL, "2.0", OPTIONS, at=later)
    assert again.evaluation.since == made.evaluation.since
    assert again.evaluation.frauds > made.evaluation.frauds
    assert again.evaluation.evaluated_at == later
    with challenged.read() as connection:
        assert list_challengers(connection, MODEL) == [again]


def test_a_shadow_is_started_with_the_rules_of_the_champion(challenged: Database) -> None:
    made = retrain(challenged, MODEL, RetrainingOptions(shadow=True), by="ada", at=NOW)
    assert made.challenger is not None
    [draft] = made.challenger.drafts
    with challenged.read() as connection:
        tried = get_detector_version(connection, "guard", draft.version)
        active = get_detector_version(connection, "guard", "1")
    assert tried.rules == active.rules
    assert [ref.version for ref in tried.models] == ["2.0"]
    assert tried.status == "DRAFT"


def test_what_does_not_fit_is_named(challenged: Database) -> None:
    def refused(**options: object) -> str | None:
        wanted = msgspec.convert(options, RetrainingOptions)
        with pytest.raises(InvalidInput) as error:
            retrain(challenged, MODEL, wanted, by="ada", at=NOW)
        return error.value.field

    assert refused(alert_share=0.0) == "alert_share"
    assert refused(label_delay_days=-1.0) == "label_delay_days"
    assert refused(seed=-1) == "seed"
    assert refused(budget_seconds=0.0) == "budget_seconds"
    assert refused(unlabelled={"treatment": "LEGIT", "days": -3.0}) == "unlabelled_days"
    with pytest.raises(NotFound):
        retrain(challenged, "nothing", OPTIONS, by="ada", at=NOW)


def test_without_an_active_detector_the_latest_version_is_the_champion(
    database: Database, champion: Trained
) -> None:
    from challenged_models import prepare

    from ringfence.models import create_model, store_version

    with database.write() as connection:
        prepare(connection)
        create_model(connection, MODEL, PAYMENT.name)
        with pytest.raises(Conflict, match="ringfence train"):
            champion_of(connection, MODEL)
        store_version(connection, MODEL, champion)
        store_version(connection, MODEL, champion)
        assert champion_of(connection, MODEL).version == "2.0"
    changed_times(database)
    retrain(database, MODEL, OPTIONS, by="ada", at=NOW)
    with database.read() as connection:
        assert champion_of(connection, MODEL).version == "2.0"
