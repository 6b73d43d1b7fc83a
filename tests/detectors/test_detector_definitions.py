from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from publishing import PAYMENT, prepare, publish, rule, trained_on_amounts
from sqlalchemy import Connection

from ringfence.detectors import (
    Detector,
    DetectorStatus,
    ModelRef,
    RuleRef,
    activate_detector_version,
    create_detector_version,
    get_detector,
    get_detector_version,
    list_detector_versions,
    list_detectors,
    list_outcomes,
    list_rules,
    put_detector,
    put_outcome,
    put_rule,
    rule_types,
)
from ringfence.errors import Conflict, InvalidInput, NotFound
from ringfence.events import DataType, put_event_type
from ringfence.events.lists import put_list
from ringfence.events.revisions import current_revision
from ringfence.models import create_model, store_version
from ringfence.rules import ExecutionMode
from ringfence.storage import Database


def test_a_detector_keeps_its_event_type_and_may_change_its_description(
    database: Database,
) -> None:
    with database.write() as connection:
        prepare(connection)
        put_event_type(connection, msgspec.structs.replace(PAYMENT, name="transfer"))
        better = Detector(detector_id="guard", event_type="card_payment", description="better")
        put_detector(connection, better)
        assert get_detector(connection, "guard") == better
        with pytest.raises(Conflict):
            put_detector(connection, msgspec.structs.replace(better, event_type="transfer"))
        assert list_detectors(connection) == [better]


@pytest.mark.parametrize(
    ("changes", "error", "field"),
    [
        ({"detector_id": "The guard"}, InvalidInput, "detector_id"),
        ({"event_type": "nothing"}, NotFound, "event_type"),
        ({"description": "x" * 257}, InvalidInput, "description"),
    ],
)
def test_a_detector_that_does_not_fit_is_refused_with_its_field(
    database: Database, changes: dict[str, str], error: type[Exception], field: str
) -> None:
    with database.write() as connection:
        prepare(connection)
        detector = Detector(detector_id="other", event_type=PAYMENT.name)
        with pytest.raises(error) as refused:
            put_detector(connection, msgspec.structs.replace(detector, **changes))
    assert refused.value.field == field  # type: ignore[attr-defined]


def test_an_outcome_is_described_anew_when_it_is_put_again(database: Database) -> None:
    with database.write() as connection:
        put_outcome(connection, "review", "look at it")
        put_outcome(connection, "call", "ring")
        put_outcome(connection, "review", "look at it soon")
        assert list_outcomes(connection) == {"call": "ring", "review": "look at it soon"}
        with pytest.raises(InvalidInput):
            put_outcome(connection, "Ring them", "")
        with pytest.raises(InvalidInput):
            put_outcome(connection, "ring", "x" * 257)


def test_a_changed_rule_is_its_next_version_and_an_unchanged_one_keeps_its_own(
    database: Database,
) -> None:
    with database.write() as connection:
        prepare(connection)
        versions = [
            put_rule(connection, "guard", rule("large", expression)).version
            for expression in ("$amount > 1", "$amount > 1", "$amount > 2", "$amount > 1")
        ]
        stored = list_rules(connection, "guard")
    assert versions == ["1", "1", "2", "3"]
    assert [(r.version, r.expression) for r in stored] == [
        ("1", "$amount > 1"),
        ("2", "$amount > 2"),
        ("3", "$amount > 1"),
    ]


def test_the_tenth_version_of_a_rule_comes_after_the_ninth(database: Database) -> None:
    with database.write() as connection:
        prepare(connection)
        for n in range(1, 12):
            put_rule(connection, "guard", rule("large", f"$amount > {n}"))
        assert put_rule(connection, "guard", rule("large", "$amount > 11")).version == "11"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"rule_id": "too large"}, "rule_id"),
        ({"outcomes": ()}, "outcomes"),
        ({"outcomes": ("call", "ring")}, "outcomes"),
        ({"description": "x" * 257}, "description"),
        ({"expression": "$amount >"}, "expression"),
        ({"expression": "$amuont > 1"}, "expression"),
        ({"expression": '$amount > "a"'}, "expression"),
        ({"expression": "$merchant in @nobody"}, "expression"),
        ({"expression": "$trees_insightscore > 900"}, "expression"),
    ],
)
def test_a_rule_that_does_not_fit_is_refused_with_its_field_and_not_stored(
    database: Database, changes: dict[str, Any], field: str
) -> None:
    with database.write() as connection:
        prepare(connection)
        with pytest.raises(InvalidInput) as refused:
            put_rule(connection, "guard", msgspec.structs.replace(rule("large"), **changes))
        assert refused.value.field == field
        assert list_rules(connection, "guard") == []


def test_a_rule_may_name_lists_and_the_scores_of_models(database: Database) -> None:
    with database.write() as connection:
        prepare(connection)
        put_list(connection, "shops", ["odd"])
        create_model(connection, "trees", PAYMENT.name)
        assert rule_types(connection, PAYMENT.name) == {
            "amount": DataType.FLOAT,
            "merchant": DataType.STRING,
            "trees_insightscore": DataType.FLOAT,
        }
        expression = "$merchant in @shops and $trees_insightscore > 900"
        assert put_rule(connection, "guard", rule("odd", expression)).version == "1"


def test_rules_and_versions_of_an_unknown_detector_are_not_found(database: Database) -> None:
    with database.write() as connection:
        for attempt in (
            lambda: put_rule(connection, "nobody", rule("large")),
            lambda: create_detector_version(connection, "nobody", rules=[], models=[]),
            lambda: activate_detector_version(connection, "nobody", "1"),
            lambda: get_detector(connection, "nobody"),
            lambda: get_detector_version(connection, "nobody", "1"),
        ):
            with pytest.raises(NotFound):
                attempt()


def test_one_version_of_a_detector_is_active_at_a_time(database: Database) -> None:
    with database.write() as connection:
        prepare(connection)
        publish(connection, rule("large"))
        publish(connection, rule("odd"), mode=ExecutionMode.ALL_MATCHED)
        create_detector_version(connection, "guard", rules=[RuleRef("odd", "1")], models=[])
        versions = list_detector_versions(connection, "guard")
        assert [(v.version, v.status) for v in versions] == [
            ("1", DetectorStatus.INACTIVE),
            ("2", DetectorStatus.ACTIVE),
            ("3", DetectorStatus.DRAFT),
        ]
        assert versions[1].mode is ExecutionMode.ALL_MATCHED
        assert versions[1].activated_at is not None
        assert versions[2].activated_at is None
        activate_detector_version(connection, "guard", "1")
        assert [v.status for v in list_detector_versions(connection, "guard")] == [
            DetectorStatus.ACTIVE,
            DetectorStatus.INACTIVE,
            DetectorStatus.DRAFT,
        ]
        with pytest.raises(NotFound):
            activate_detector_version(connection, "guard", "4")


def test_activating_one_detector_leaves_the_others_alone(database: Database) -> None:
    with database.write() as connection:
        prepare(connection)
        prepare(connection, "other")
        publish(connection, rule("large"))
        publish(connection, rule("large"), detector_id="other")
        version = get_detector_version(connection, "guard", "1")
    assert version.status is DetectorStatus.ACTIVE


def test_activation_raises_the_revision(database: Database) -> None:
    with database.write() as connection:
        prepare(connection)
        publish(connection, rule("large"))
        before = current_revision(connection)
        activate_detector_version(connection, "guard", "1")
        assert current_revision(connection) > before


def refused_version(connection: Connection, **parts: Any) -> InvalidInput:
    parts = {"rules": [RuleRef("large", "1")], "models": [], **parts}
    with pytest.raises(InvalidInput) as refused:
        create_detector_version(connection, "guard", **parts)
    assert list_detector_versions(connection, "guard") == []
    return refused.value


def test_a_version_of_rules_that_do_not_fit_is_refused(database: Database) -> None:
    with database.write() as connection:
        prepare(connection)
        put_rule(connection, "guard", rule("large"))
        large = RuleRef("large", "1")
        assert refused_version(connection, rules=[]).field == "rules"
        assert refused_version(connection, rules=[large, large]).field == "rules"
        assert refused_version(connection, rules=[RuleRef("large", "2")]).field == "rules"
        assert refused_version(connection, rules=[RuleRef("small", "1")]).field == "rules"
        assert refused_version(connection, description="x" * 257).field == "description"


def test_a_version_of_models_that_do_not_fit_is_refused(database: Database, tmp_path: Path) -> None:
    trained = trained_on_amounts(tmp_path)
    with database.write() as connection:
        prepare(connection)
        put_rule(connection, "guard", rule("large"))
        create_model(connection, "trees", PAYMENT.name)
        put_rule(connection, "guard", rule("scored", "$trees_insightscore > 900"))
        scored = [RuleRef("scored", "1")]
        first, second = ModelRef("trees", "1.0"), ModelRef("trees", "2.0")
        assert refused_version(connection, models=[first]).field == "models"
        store_version(connection, "trees", trained)
        store_version(connection, "trees", trained)
        assert refused_version(connection, models=[first, second]).field == "models"
        missing = refused_version(connection, rules=scored)
        assert missing.field == "models"
        assert "trees_insightscore" in missing.message
        version = create_detector_version(connection, "guard", rules=scored, models=[second])
    assert version.models == (second,)
    assert version.status is DetectorStatus.DRAFT
