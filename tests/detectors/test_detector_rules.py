from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from publishing import prepare, publish, rule
from sqlalchemy import Connection

from ringfence.detectors import (
    NotLatest,
    RuleExists,
    RuleRef,
    create_detector_version,
    create_rule,
    delete_detector_version,
    delete_rule,
    describe_rule,
    list_rules,
    put_rule,
    rules_at,
    stored_rule,
    stored_rules,
    update_rule,
)
from ringfence.errors import Conflict, InvalidInput, NotFound
from ringfence.events.lists import put_list
from ringfence.rules import Rule
from ringfence.storage import Database, now


def edited(rule_id: str, version: str, expression: str) -> Rule:
    return msgspec.structs.replace(rule(rule_id, expression), version=version)


def test_a_rule_is_created_once_and_then_edited_version_by_version(database: Database) -> None:
    with database.write() as connection:
        prepare(connection)
        assert create_rule(connection, "guard", rule("large")).version == "1"
        with pytest.raises(RuleExists):
            create_rule(connection, "guard", rule("large"))
        second = update_rule(connection, "guard", edited("large", "1", "$amount > 2"))
        third = update_rule(connection, "guard", edited("large", "2", "$amount > 2"))
        assert (second.version, third.version) == ("2", "3")
        assert [r.version for r in list_rules(connection, "guard")] == ["1", "2", "3"]


@pytest.mark.parametrize("version", ["1", "9999"])
def test_only_the_latest_version_of_a_rule_is_edited(database: Database, version: str) -> None:
    with database.write() as connection:
        prepare(connection)
        put_rule(connection, "guard", rule("large", "$amount > 1"))
        put_rule(connection, "guard", rule("large", "$amount > 2"))
        with pytest.raises(NotLatest) as refused:
            update_rule(connection, "guard", edited("large", version, "$amount >"))
        assert (refused.value.version, refused.value.latest) == (version, "2")
        with pytest.raises(NotFound):
            update_rule(connection, "guard", edited("small", "1", "$amount > 3"))


def test_the_tenth_version_is_edited_after_the_ninth(database: Database) -> None:
    with database.write() as connection:
        prepare(connection)
        create_rule(connection, "guard", rule("large"))
        for version in range(1, 12):
            update_rule(connection, "guard", edited("large", str(version), f"$amount > {version}"))
        versions = [stored.rule.version for stored in stored_rules(connection, "guard", "large")]
    assert versions == [str(version) for version in range(1, 13)]


def test_a_constant_is_a_legal_rule(database: Database) -> None:
    with database.write() as connection:
        prepare(connection)
        assert create_rule(connection, "guard", rule("never", "1 == 5")).expression == "1 == 5"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"expression": "$amount + 1"}, "expression"),
        ({"expression": "$amuont > 1"}, "expression"),
        ({"outcomes": ("ring",)}, "outcomes"),
        ({"outcomes": ()}, "outcomes"),
    ],
)
@pytest.mark.parametrize("store", [create_rule, update_rule])
def test_new_and_edited_rules_are_checked_alike(
    database: Database,
    store: Callable[[Connection, str, Rule], Rule],
    change: dict[str, Any],
    field: str,
) -> None:
    with database.write() as connection:
        prepare(connection)
        if store is update_rule:
            create_rule(connection, "guard", rule("large"))
        with pytest.raises(InvalidInput) as refused:
            store(connection, "guard", msgspec.structs.replace(rule("large"), **change))
        assert refused.value.field == field


def test_the_rules_of_a_detector_name_at_most_thirty_lists(database: Database) -> None:
    with database.write() as connection:
        prepare(connection)
        for number in range(31):
            put_list(connection, f"shops_{number}", ["odd"])

        def naming(*numbers: int) -> Rule:
            tests = (f"$merchant in @shops_{number}" for number in numbers)
            return rule(f"in_{numbers[0]}", " or ".join(tests))

        with pytest.raises(InvalidInput, match="too many lists"):
            create_rule(connection, "guard", naming(0, 1, 2, 3))
        for first in range(0, 30, 3):
            create_rule(connection, "guard", naming(first, first + 1, first + 2))
        create_rule(connection, "guard", msgspec.structs.replace(naming(4), rule_id="again"))
        with pytest.raises(InvalidInput) as refused:
            create_rule(connection, "guard", naming(30))
        assert refused.value.expected == "at most 30 lists in all"
        # A version that is no longer the latest does not count.
        last = naming(27)
        assert put_rule(connection, "guard", msgspec.structs.replace(last)).version == "2"
        assert create_rule(connection, "guard", naming(30)).version == "1"


def test_describing_a_rule_version_changes_nothing_else(database: Database) -> None:
    with database.write() as connection:
        prepare(connection)
        create_rule(connection, "guard", rule("large"))
        before = stored_rule(connection, "guard", "large", "1")
        describe_rule(connection, "guard", "large", "1", "better said")
        after = stored_rule(connection, "guard", "large", "1")
        assert after.rule == msgspec.structs.replace(before.rule, description="better said")
        assert after.created_at == before.created_at < after.updated_at
        with pytest.raises(NotFound):
            describe_rule(connection, "guard", "large", "2", "not there")
        with pytest.raises(InvalidInput):
            describe_rule(connection, "guard", "large", "1", "x" * 257)


def test_a_rule_version_is_deleted_only_once_no_detector_version_uses_it(
    database: Database,
) -> None:
    with database.write() as connection:
        prepare(connection)
        create_rule(connection, "guard", rule("large"))
        draft = create_detector_version(
            connection, "guard", rules=[RuleRef("large", "1")], models=[]
        )
        with pytest.raises(Conflict, match="version 1 of detector 'guard' uses rule 'large'"):
            delete_rule(connection, "guard", "large", "1")
        delete_detector_version(connection, "guard", draft.version)
        delete_rule(connection, "guard", "large", "1")
        assert list_rules(connection, "guard") == []
        with pytest.raises(NotFound):
            delete_rule(connection, "guard", "large", "1")
        assert create_rule(connection, "guard", rule("large")).version == "1"


def test_a_rule_that_took_the_number_of_a_deleted_one_does_not_speak_for_it(
    database: Database,
) -> None:
    with database.write() as connection:
        prepare(connection)
        publish(connection, rule("large"))
        create_rule(connection, "guard", rule("odd"))
        decided_at = now()
        delete_rule(connection, "guard", "odd", "1")
        create_rule(connection, "guard", rule("odd", '$merchant == "other"'))
        assert [r.rule_id for r in rules_at(connection, "guard", decided_at)] == ["large"]
        assert [r.rule_id for r in rules_at(connection, "guard", now())] == ["large", "odd"]
