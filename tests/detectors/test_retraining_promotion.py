"""Challengers take over by a decision or by a stated policy, on record, and one can go back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest
from challenged_models import MODEL, NOW, changed_times, deciding, log, new_kind, rows, trained
from publishing import payment, publish, rule
from sqlalchemy import select, update

from ringfence.detectors import (
    DecisionEngine,
    DetectorStatus,
    ModelRef,
    get_detector_version,
    list_detector_versions,
    tables,
)
from ringfence.detectors.retraining.challengers import (
    Challenger,
    ChallengerStatus,
    DecisionAction,
    Switch,
    champion_of,
    get_challenger,
    list_decisions,
)
from ringfence.detectors.retraining.options import RetrainingOptions
from ringfence.detectors.retraining.policies import PromotionPolicy
from ringfence.detectors.retraining.promotion import promote, reject, roll_back, shadow_days
from ringfence.detectors.retraining.training import evaluate_again, retrain
from ringfence.detectors.shadows.running import running_shadows
from ringfence.errors import Conflict, InvalidInput, NotFound
from ringfence.models import Trained
from ringfence.storage import Database

POLICY = PromotionPolicy(min_frauds=50, auc_gain_low=0.0, recall_gain=0.0)


@pytest.fixture(scope="session")
def champion() -> Trained:
    return trained()


@pytest.fixture(params=["sqlite", "postgresql"])
def challenged(
    request: pytest.FixtureRequest, new_database: Callable[[str], Database], champion: Trained
) -> Database:
    """Two detectors decide with the champion, and there is news."""
    opened = new_database(request.param)
    deciding(opened, champion, ("guard", "second"))
    changed_times(opened, 1_200)
    return opened


def candidate(
    database: Database,
    *,
    policy: PromotionPolicy | None = None,
    shadow: bool = False,
    days: float = 0,
) -> Challenger:
    made = retrain(
        database,
        MODEL,
        RetrainingOptions(shadow=shadow),
        by="ada",
        at=NOW + timedelta(days=days),
        policy=policy,
    )
    assert made.challenger is not None
    return made.challenger


def active(database: Database, detector_id: str = "guard") -> tuple[str, list[ModelRef]]:
    with database.read() as connection:
        [found] = [
            version
            for version in list_detector_versions(connection, detector_id)
            if version.status is DetectorStatus.ACTIVE
        ]
    return found.version, list(found.models)


async def test_promoting_puts_the_challenger_in_the_champions_place(challenged: Database) -> None:
    await asyncio.to_thread(candidate, challenged)
    engine = DecisionEngine(challenged)
    before = await engine.decide(payment("before", "guard", amount=60, merchant="x"))
    with challenged.write() as connection:
        promoted = promote(connection, MODEL, "2.0", by="bo", reason="new wave", at=NOW)
    engine.catalog.look_again()
    after = await engine.decide(payment("after", "guard", amount=60, merchant="x"))
    await asyncio.to_thread(engine.close)

    assert (before.detector_version, after.detector_version) == ("1", "2")
    score = f"{MODEL}_insightscore"
    assert after.scores[score] > before.scores[score]
    assert active(challenged) == ("2", [ModelRef(MODEL, "2.0")])
    assert active(challenged, "second") == ("2", [ModelRef(MODEL, "2.0")])
    with challenged.read() as connection:
        old, new = (get_detector_version(connection, "guard", v) for v in "12")
        [decision] = list_decisions(connection, MODEL)
        assert champion_of(connection, MODEL).version == "2.0"
    assert (old.rules, old.mode) == (new.rules, new.mode)
    assert promoted.status is ChallengerStatus.PROMOTED
    assert (decision.action, decision.decided_by, decision.reason) == (
        DecisionAction.PROMOTE, "bo", "new wave",
    )  # fmt: skip
    assert set(decision.switches) == {
        Switch(detector_id="guard", from_version="1", to_version="2"),
        Switch(detector_id="second", from_version="1", to_version="2"),
    }
    assert decision.evaluation == promoted.evaluation
    assert decision.policy is None


def test_a_challenger_can_take_over_in_one_detector_only(challenged: Database) -> None:
    candidate(challenged)
    with challenged.write() as connection:
        promote(connection, MODEL, "2.0", by="bo", reason="try", at=NOW, detector_id="second")
    assert active(challenged)[0] == "1"
    assert active(challenged, "second")[0] == "2"


def test_going_back_restores_what_decided_before(challenged: Database) -> None:
    candidate(challenged)
    with challenged.write() as connection:
        promote(connection, MODEL, "2.0", by="bo", reason="try", at=NOW)
    with challenged.write() as connection:
        decision = roll_back(connection, MODEL, by="cy", reason="rings too often", at=NOW)
    assert active(challenged)[0] == active(challenged, "second")[0] == "1"
    assert decision.action is DecisionAction.ROLL_BACK
    assert {(s.from_version, s.to_version) for s in decision.switches} == {("2", "1")}
    with challenged.write() as connection:
        assert get_challenger(connection, MODEL, "2.0").status is ChallengerStatus.REJECTED
        assert [d.action for d in list_decisions(connection, MODEL)] == [
            DecisionAction.ROLL_BACK,
            DecisionAction.PROMOTE,
        ]
        with pytest.raises(Conflict, match="no promotion"):
            roll_back(connection, MODEL, by="cy", reason="again", at=NOW)


def test_going_back_makes_the_challenger_before_the_promoted_one_again(
    challenged: Database,
) -> None:
    candidate(challenged, policy=POLICY)
    assert active(challenged)[0] == "2"
    with challenged.write() as connection:
        log(connection, rows(600, NOW, NOW + timedelta(days=60), new_kind, 8), prefix="later")
    candidate(challenged, days=60)
    with challenged.write() as connection:
        promote(connection, MODEL, "3.0", by="bo", reason="newer", at=NOW)
        assert get_challenger(connection, MODEL, "2.0").status is ChallengerStatus.SUPERSEDED
        roll_back(connection, MODEL, by="bo", reason="older was better", at=NOW)
        assert get_challenger(connection, MODEL, "2.0").status is ChallengerStatus.PROMOTED
        assert champion_of(connection, MODEL).version == "2.0"


def test_going_back_never_undoes_what_somebody_else_published_since(
    challenged: Database,
) -> None:
    candidate(challenged)
    with challenged.write() as connection:
        promote(connection, MODEL, "2.0", by="bo", reason="try", at=NOW)
        publish(connection, rule("any"), models=[ModelRef(MODEL, "1.0")])
    with challenged.write() as connection, pytest.raises(Conflict, match="'guard' decides with"):
        roll_back(connection, MODEL, by="cy", reason="no", at=NOW)
    assert active(challenged)[0] == "3"
    assert active(challenged, "second")[0] == "2"


def test_a_rejected_challenger_never_decides_and_is_a_shadow_no_longer(
    challenged: Database,
) -> None:
    made = candidate(challenged, shadow=True)
    assert {draft.detector_id for draft in made.drafts} == {"guard", "second"}
    with challenged.write() as connection:
        assert running_shadows(connection, "guard")
        rejected = reject(connection, MODEL, "2.0", by="bo", reason="not better", at=NOW)
        assert running_shadows(connection, "guard") == []
        assert running_shadows(connection, "second") == []
    assert rejected.status is ChallengerStatus.REJECTED
    assert rejected.reason == "not better"
    assert active(challenged)[0] == "1"


def test_the_draft_that_was_tried_is_the_one_that_decides(challenged: Database) -> None:
    made = candidate(challenged, shadow=True)
    with challenged.write() as connection:
        promote(connection, MODEL, "2.0", by="bo", reason="tried", at=NOW)
        assert running_shadows(connection, "guard") == []
    assert active(challenged)[0] == made.drafts[0].version
    with challenged.read() as connection:
        assert len(list_detector_versions(connection, "guard")) == 2


def test_rules_that_changed_since_it_was_tried_are_kept(challenged: Database) -> None:
    candidate(challenged, shadow=True)
    with challenged.write() as connection:
        newer = publish(connection, rule("large"), rule("any"), models=[ModelRef(MODEL, "1.0")])
    with challenged.write() as connection:
        promote(connection, MODEL, "2.0", by="bo", reason="tried", at=NOW)
    version, models = active(challenged)
    with challenged.read() as connection:
        assert get_detector_version(connection, "guard", version).rules == newer.rules
    assert models == [ModelRef(MODEL, "2.0")]


def test_a_stated_policy_promotes_what_meets_it_and_says_by_which_numbers(
    challenged: Database,
) -> None:
    made = candidate(challenged, policy=POLICY)
    assert made.status is ChallengerStatus.PROMOTED
    assert made.policy_met is True
    assert active(challenged)[0] == "2"
    with challenged.read() as connection:
        [decision] = list_decisions(connection, MODEL)
    assert decision.decided_by == "policy"
    assert decision.policy == POLICY
    assert decision.evaluation == made.evaluation
    assert f"{made.evaluation.frauds}, at least 50: met" in decision.reason


def test_a_policy_that_is_not_met_leaves_a_candidate_and_says_why(challenged: Database) -> None:
    demanding = msgspec.structs.replace(POLICY, min_frauds=5_000)
    made = candidate(challenged, policy=demanding)
    assert made.status is ChallengerStatus.CANDIDATE
    assert made.policy_met is False
    assert "at least 5000: not met" in made.policy_reasons[0]
    assert active(challenged)[0] == "1"
    with challenged.read() as connection:
        assert list_decisions(connection, MODEL) == []


def test_without_a_policy_nothing_is_promoted(challenged: Database) -> None:
    made = candidate(challenged)
    assert made.status is ChallengerStatus.CANDIDATE
    assert made.policy_met is None
    assert "waits for a decision" in made.policy_reasons[0]
    assert active(challenged)[0] == "1"


def test_a_policy_that_wants_a_shadow_promotes_after_its_days(challenged: Database) -> None:
    policy = msgspec.structs.replace(POLICY, min_shadow_days=3.0)
    made = candidate(challenged, policy=policy)
    assert made.status is ChallengerStatus.CANDIDATE
    assert len(made.drafts) == 2
    later = NOW + timedelta(days=4)
    with challenged.write() as connection:
        # A server had both ready at once, and four days have passed.
        connection.execute(update(tables.shadows).values(ready_at=NOW))
        assert shadow_days(connection, made, later) == pytest.approx(4.0)
    again = evaluate_again(challenged, MODEL, "2.0", RetrainingOptions(), at=later, policy=policy)
    assert again.status is ChallengerStatus.PROMOTED
    assert "days as a shadow 4.0, at least 3.0: met" in again.policy_reasons
    assert active(challenged)[0] == made.drafts[0].version


def test_a_shadow_that_never_became_ready_has_no_days(challenged: Database) -> None:
    made = candidate(challenged, shadow=True)
    with challenged.read() as connection:
        assert shadow_days(connection, made, NOW + timedelta(days=9)) == 0.0


def test_what_does_not_fit_is_refused_and_nothing_changes(challenged: Database) -> None:
    candidate(challenged)
    with challenged.write() as connection:
        for reason in ("", "   ", "x" * 301):
            with pytest.raises(InvalidInput) as refused:
                promote(connection, MODEL, "2.0", by="bo", reason=reason, at=NOW)
            assert refused.value.field == "reason"
        with pytest.raises(NotFound):
            promote(connection, MODEL, "9.0", by="bo", reason="try", at=NOW)
        with pytest.raises(Conflict, match="no active version"):
            promote(connection, MODEL, "2.0", by="bo", reason="x", at=NOW, detector_id="none")
        promote(connection, MODEL, "2.0", by="bo", reason="try", at=NOW)
        with pytest.raises(Conflict, match="decides already"):
            promote(connection, MODEL, "2.0", by="bo", reason="try", at=NOW)
        with pytest.raises(Conflict, match="promoted already"):
            reject(connection, MODEL, "2.0", by="bo", reason="no", at=NOW)
        count = len(connection.execute(select(tables.challenger_decisions)).all())
    assert count == 1
