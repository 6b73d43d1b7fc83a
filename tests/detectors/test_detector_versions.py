from __future__ import annotations

import asyncio
from typing import Any

import pytest
from publishing import (
    PAYMENT,
    payment,
    prepare,
    publish,
    publish_model,
    rule,
)
from sqlalchemy import Connection, func, select, update

from ringfence.detectors import (
    DecisionEngine,
    Detector,
    DetectorStatus,
    RuleRef,
    VersionGone,
    activate_detector_version,
    change_status,
    clear_before_deletion,
    create_detector_version,
    create_rule,
    deactivate_detector_version,
    delete_detector,
    delete_detector_version,
    delete_rule,
    describe_detector_version,
    get_detector_version,
    list_detector_versions,
    list_detectors,
    put_detector,
    put_rule,
    start_shadow,
    stop_shadow,
    stored_decision,
    stored_detector,
    tables,
    update_detector_version,
    version_that_decided,
)
from ringfence.detectors.catalog import Catalog
from ringfence.detectors.plans import hold_plans
from ringfence.detectors.shadows.report import shadow_report
from ringfence.errors import Conflict, InvalidInput, NotFound
from ringfence.models import Trained
from ringfence.rules import ExecutionMode
from ringfence.storage import Database, now

LARGE, ANY = RuleRef("large", "1"), RuleRef("any", "1")


def draft(connection: Connection, *rules: RuleRef) -> str:
    return create_detector_version(connection, "guard", rules=rules or (LARGE,), models=[]).version


def statuses(connection: Connection) -> dict[str, str]:
    return {v.version: v.status.value for v in list_detector_versions(connection, "guard")}


@pytest.fixture
def prepared(database: Database) -> Database:
    with database.write() as connection:
        prepare(connection)
        create_rule(connection, "guard", rule("large"))
        create_rule(connection, "guard", rule("any"))
    return database


def test_a_draft_changes_what_it_is_told_to_and_keeps_the_rest(prepared: Database) -> None:
    with prepared.write() as connection:
        made = create_detector_version(
            connection,
            "guard",
            rules=[LARGE],
            models=[],
            mode=ExecutionMode.ALL_MATCHED,
            description="first",
        )
        changed = update_detector_version(
            connection, "guard", made.version, rules=[ANY, LARGE], external_models=[]
        )
        assert changed.rules == (ANY, LARGE)
        assert (changed.mode, changed.description) == (ExecutionMode.ALL_MATCHED, "first")
        assert made.created_at == made.defined_at == made.updated_at
        assert changed.created_at == made.created_at < changed.defined_at
        again = update_detector_version(
            connection,
            "guard",
            made.version,
            rules=[LARGE],
            external_models=[],
            models=[],
            mode=ExecutionMode.FIRST_MATCHED,
            description="second",
        )
        assert (again.mode, again.description) == (ExecutionMode.FIRST_MATCHED, "second")
        assert again.status is DetectorStatus.DRAFT


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ({"rules": []}, "rules"),
        ({"rules": [LARGE, LARGE]}, "rules"),
        ({"rules": [RuleRef("large", "2")]}, "rules"),
        ({"external_models": ["nobody"]}, "external_models"),
        ({"external_models": [f"m_{n}" for n in range(11)]}, "models"),
        ({"description": "x" * 257}, "description"),
    ],
)
def test_a_draft_is_checked_when_it_changes(
    prepared: Database, parts: dict[str, Any], field: str
) -> None:
    with prepared.write() as connection:
        version = draft(connection)
        before = get_detector_version(connection, "guard", version)
        with pytest.raises(InvalidInput) as refused:
            update_detector_version(
                connection, "guard", version, **{"rules": [ANY], "external_models": [], **parts}
            )
        assert refused.value.field == field
        assert get_detector_version(connection, "guard", version) == before


def test_a_version_that_has_been_active_changes_its_description_only(prepared: Database) -> None:
    with prepared.write() as connection:
        version = draft(connection)
        for act in (activate_detector_version, deactivate_detector_version):
            act(connection, "guard", version)
            with pytest.raises(Conflict, match=r"is (ACTIVE|INACTIVE)"):
                update_detector_version(
                    connection, "guard", version, rules=[ANY], external_models=[]
                )
            before = get_detector_version(connection, "guard", version)
            describe_detector_version(connection, "guard", version, f"after {act.__name__}")
            after = get_detector_version(connection, "guard", version)
            assert after.description == f"after {act.__name__}"
            assert (after.rules, after.defined_at) == (before.rules, before.defined_at)
            assert after.updated_at > before.updated_at
        with pytest.raises(NotFound):
            describe_detector_version(connection, "guard", "2", "nothing")


def test_a_draft_does_not_change_while_it_runs_as_a_shadow(prepared: Database) -> None:
    with prepared.write() as connection:
        activate_detector_version(connection, "guard", draft(connection))
        version = draft(connection)
        start_shadow(connection, "guard", version, by="ada")
        with pytest.raises(Conflict, match="runs as a shadow"):
            update_detector_version(connection, "guard", version, rules=[ANY], external_models=[])
        with pytest.raises(Conflict, match="runs as a shadow"):
            delete_detector_version(connection, "guard", version)
        stop_shadow(connection, "guard", version, by="ada")
        update_detector_version(connection, "guard", version, rules=[ANY], external_models=[])
        delete_detector_version(connection, "guard", version)
        assert list(statuses(connection)) == ["1"]


def test_a_version_goes_back_to_no_draft_and_has_no_status_twice(prepared: Database) -> None:
    with prepared.write() as connection:
        version = draft(connection)
        with pytest.raises(Conflict):
            change_status(connection, "guard", version, DetectorStatus.INACTIVE)
        change_status(connection, "guard", version, DetectorStatus.ACTIVE)
        with pytest.raises(Conflict):
            change_status(connection, "guard", version, DetectorStatus.ACTIVE)
        with pytest.raises(InvalidInput):
            change_status(connection, "guard", version, DetectorStatus.DRAFT)
        change_status(connection, "guard", version, DetectorStatus.INACTIVE)
        with pytest.raises(Conflict):
            change_status(connection, "guard", version, DetectorStatus.INACTIVE)
        change_status(connection, "guard", version, DetectorStatus.ACTIVE)
        assert statuses(connection) == {version: "ACTIVE"}


def test_the_number_of_a_deleted_version_is_not_given_again(prepared: Database) -> None:
    with prepared.write() as connection:
        assert [draft(connection) for _ in range(3)] == ["1", "2", "3"]
        delete_detector_version(connection, "guard", "1")
        delete_detector_version(connection, "guard", "3")
        assert draft(connection) == "4"
        assert list(statuses(connection)) == ["2", "4"]


def test_versions_that_were_made_before_numbers_were_remembered_are_counted(
    prepared: Database,
) -> None:
    with prepared.write() as connection:
        for _ in range(10):
            draft(connection)
        connection.execute(update(tables.detectors).values(last_version=None, updated_at=None))
        connection.execute(
            update(tables.detector_versions).values(updated_at=None, redefined_at=None)
        )
        old = get_detector_version(connection, "guard", "10")
        assert old.updated_at == old.defined_at == old.created_at
        assert stored_detector(connection, "guard").updated_at is not None
        assert draft(connection) == "11"
        assert list(statuses(connection)) == [str(n) for n in range(1, 12)]


def test_a_detector_is_deleted_after_its_versions_and_rules_and_begins_anew(
    prepared: Database,
) -> None:
    with prepared.write() as connection:
        version = draft(connection)
        activate_detector_version(connection, "guard", version)
        with pytest.raises(Conflict, match="has 1 version "):
            delete_detector(connection, "guard")
        with pytest.raises(Conflict) as refused:
            delete_detector_version(connection, "guard", version)
        assert refused.value.message == (
            "You cannot delete detector versions that are in ACTIVE status"
        )
        deactivate_detector_version(connection, "guard", version)
        delete_detector_version(connection, "guard", version)
        with pytest.raises(Conflict, match="has 2 rule versions"):
            delete_detector(connection, "guard")
        for ref in (LARGE, ANY):
            delete_rule(connection, "guard", ref.rule_id, ref.version)
        delete_detector(connection, "guard")
        assert list_detectors(connection) == []
        with pytest.raises(NotFound):
            delete_detector(connection, "guard")
        put_detector(connection, Detector(detector_id="guard", event_type=PAYMENT.name))
        create_rule(connection, "guard", rule("large"))
        assert draft(connection) == "1"


def test_a_changed_draft_is_noticed_by_whoever_has_it_loaded(prepared: Database) -> None:
    catalog = Catalog()
    with prepared.write() as connection:
        version = draft(connection)
    with prepared.read() as connection:
        first = catalog.version(connection, "guard", version)
    assert catalog.cached_version("guard", version) is first
    with prepared.write() as connection:
        update_detector_version(connection, "guard", version, rules=[ANY], external_models=[])
    catalog.look_again()
    assert catalog.cached_version("guard", version) is None
    with prepared.read() as connection:
        assert list(catalog.version(connection, "guard", version).rules) == ["any"]
    with prepared.write() as connection:
        delete_detector_version(connection, "guard", version)
    catalog.look_again()
    with prepared.read() as connection, pytest.raises(NotFound):
        catalog.version(connection, "guard", version)


async def test_once_its_version_is_deactivated_a_detector_decides_no_more(
    prepared: Database,
) -> None:
    engine = DecisionEngine(prepared)
    with prepared.write() as connection:
        activate_detector_version(connection, "guard", draft(connection))
    assert (await engine.decide(payment("e-1"))).detector_version == "1"
    with prepared.write() as connection:
        deactivate_detector_version(connection, "guard", "1")
    engine.catalog.look_again()
    with pytest.raises(Conflict, match="no detector version is active"):
        await engine.decide(payment("e-2"))
    with prepared.write() as connection:
        activate_detector_version(connection, "guard", "1")
    engine.catalog.look_again()
    assert (await engine.decide(payment("e-2"))).detector_version == "1"
    await asyncio.to_thread(engine.close)


async def test_a_decision_of_a_version_that_is_gone_is_read_but_not_explained(
    prepared: Database,
) -> None:
    engine = DecisionEngine(prepared)
    with prepared.write() as connection:
        activate_detector_version(connection, "guard", draft(connection))
    decision = await engine.decide(payment("e-1", amount=500))
    assert await engine.explain(decision) == {}
    with prepared.write() as connection:
        deactivate_detector_version(connection, "guard", "1")
        delete_detector_version(connection, "guard", "1")
        delete_rule(connection, "guard", "large", "1")
    engine.catalog.look_again()
    with prepared.read() as connection:
        stored = stored_decision(connection, PAYMENT.name, "e-1")
    assert (stored.detector_version, stored.outcomes) == ("1", decision.outcomes)
    assert [matched.rule_id for matched in stored.rules] == ["large"]
    with pytest.raises(VersionGone, match="has been deleted"):
        await engine.explain(stored)
    await asyncio.to_thread(engine.close)


def test_a_version_that_took_the_number_of_another_does_not_speak_for_it(
    prepared: Database,
) -> None:
    with prepared.write() as connection:
        version = draft(connection)
        decided_at = now()
        assert version_that_decided(connection, "guard", version, decided_at).version == version
        update_detector_version(connection, "guard", version, rules=[ANY], external_models=[])
        with pytest.raises(VersionGone, match="changed since"):
            version_that_decided(connection, "guard", version, decided_at)
        delete_detector_version(connection, "guard", version)
        for ref in (LARGE, ANY):
            delete_rule(connection, "guard", ref.rule_id, ref.version)
        delete_detector(connection, "guard")
        with pytest.raises(VersionGone, match="deleted"):
            version_that_decided(connection, "guard", version, decided_at)
        put_detector(connection, Detector(detector_id="guard", event_type=PAYMENT.name))
        create_rule(connection, "guard", rule("large"))
        assert draft(connection) == version
        with pytest.raises(VersionGone, match="deleted"):
            version_that_decided(connection, "guard", version, decided_at)
        activate_detector_version(connection, "guard", version)
        assert version_that_decided(connection, "guard", version, now()).version == version


async def test_what_a_deleted_version_said_as_a_shadow_goes_with_it(prepared: Database) -> None:
    engine = DecisionEngine(prepared)
    with prepared.write() as connection:
        activate_detector_version(connection, "guard", draft(connection))
        start_shadow(connection, "guard", draft(connection, ANY), by="ada")
    for n in range(100):
        await engine.decide(payment(f"e-{n}"))
        if _said(prepared):
            break
        await asyncio.sleep(0.02)
    await asyncio.to_thread(engine.close)
    assert _said(prepared)
    with pytest.raises(Conflict):
        clear_before_deletion(prepared, "guard", "2")
    assert _said(prepared)
    with prepared.write() as connection:
        stop_shadow(connection, "guard", "2", by="ada")
    clear_before_deletion(prepared, "guard", "2")
    assert not _said(prepared)
    with prepared.write() as connection:
        delete_detector_version(connection, "guard", "2")
        assert connection.execute(select(tables.shadows)).all() == []


async def test_a_shadow_is_compared_with_a_champion_that_has_been_deleted(
    prepared: Database,
) -> None:
    engine = DecisionEngine(prepared)
    with prepared.write() as connection:
        activate_detector_version(connection, "guard", draft(connection))
        start_shadow(connection, "guard", draft(connection, ANY), by="ada")
    for n in range(100):
        await engine.decide(payment(f"e-{n}", amount=500))
        if _said(prepared):
            break
        await asyncio.sleep(0.02)
    await asyncio.to_thread(engine.close)
    with prepared.write() as connection:
        activate_detector_version(connection, "guard", "2")
        delete_detector_version(connection, "guard", "1")
        delete_rule(connection, "guard", "large", "1")
    with prepared.read() as connection:
        report = shadow_report(connection, "guard", "2", alert_outcomes={"call"})
    assert report.champion.alerts == report.events > 0
    assert report.challenger.alerts == 0


def test_profiles_of_a_deactivated_version_are_kept_and_of_a_deleted_one_given_up(
    prepared: Database, habits: Trained
) -> None:
    with prepared.write() as connection:
        version = publish_model(connection, habits).version
    _build(prepared, version)
    with prepared.write() as connection:
        assert _kept(connection)
        deactivate_detector_version(connection, "guard", version)
        assert _kept(connection)
        delete_detector_version(connection, "guard", version)
        assert not _kept(connection)


def test_versions_of_one_detector_leave_another_alone(prepared: Database) -> None:
    with prepared.write() as connection:
        prepare(connection, "other")
        publish(connection, rule("large"), detector_id="other")
        put_rule(connection, "other", rule("any"))
        assert draft(connection) == "1"
        delete_detector_version(connection, "guard", "1")
        with pytest.raises(NotFound):
            deactivate_detector_version(connection, "guard", "1")
        assert get_detector_version(connection, "other", "1").status is DetectorStatus.ACTIVE


def _said(database: Database) -> int:
    with database.read() as connection:
        return connection.execute(
            select(func.count()).select_from(tables.shadow_decisions)
        ).scalar_one()


def _kept(connection: Connection) -> bool:
    return bool(hold_plans(connection, [PAYMENT.name]))


def _build(database: Database, version: str) -> None:
    from ringfence.detectors import build_profiles

    build_profiles(database, "guard", version)
