from __future__ import annotations

import shutil
import tempfile
from contextlib import AbstractContextManager
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from publishing import PAYMENT, prepare
from publishing import rule as rule_of
from sqlalchemy import Connection

from ringfence.detectors import (
    DetectorStatus,
    RuleRef,
    change_status,
    create_detector_version,
    create_rule,
    delete_detector_version,
    delete_rule,
    list_detector_versions,
    list_rules,
    update_detector_version,
    update_rule,
)
from ringfence.detectors.active import find_active
from ringfence.errors import Conflict, InvalidInput, NotFound
from ringfence.storage import Database

DRAFT, ACTIVE, INACTIVE = DetectorStatus.DRAFT, DetectorStatus.ACTIVE, DetectorStatus.INACTIVE
LEGAL = {(DRAFT, ACTIVE), (ACTIVE, INACTIVE), (INACTIVE, ACTIVE)}
NUMBERS = st.integers(1, 4).map(str)


class LifeCycle(RuleBasedStateMachine):
    """Versions of one detector and of one rule, whatever is done to them in whatever order, beside
    what they should be."""

    migrated_file: ClassVar[Path]

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        path = shutil.copy(self.migrated_file, self.directory.name)
        self.database = Database(f"sqlite:///{path}")
        self.status: dict[str, DetectorStatus] = {}
        self.uses: dict[str, str] = {}
        self.made = 0
        self.rules: set[int] = set()

    @initialize()
    def begin(self) -> None:
        with self.write() as connection:
            prepare(connection)
            create_rule(connection, "guard", rule_of("large"))
        self.rules = {1}

    def teardown(self) -> None:
        self.database.dispose()
        self.directory.cleanup()

    def write(self) -> AbstractContextManager[Connection]:
        return self.database.write()

    @rule(of=NUMBERS)
    def make(self, of: str) -> None:
        rules = [RuleRef("large", of)]
        with self.write() as connection:
            if int(of) not in self.rules:
                with pytest.raises(InvalidInput):
                    create_detector_version(connection, "guard", rules=rules, models=[])
                return
            version = create_detector_version(connection, "guard", rules=rules, models=[]).version
        self.made += 1
        assert version == str(self.made)
        self.status[version], self.uses[version] = DRAFT, of

    @rule(version=NUMBERS, of=NUMBERS)
    def edit(self, version: str, of: str) -> None:
        rules = [RuleRef("large", of)]
        with self.write() as connection:
            expected: type[Exception] | None = None
            if version not in self.status:
                expected = NotFound
            elif self.status[version] is not DRAFT:
                expected = Conflict
            elif int(of) not in self.rules:
                expected = InvalidInput
            if expected is not None:
                with pytest.raises(expected):
                    update_detector_version(
                        connection, "guard", version, rules=rules, external_models=[]
                    )
                return
            update_detector_version(connection, "guard", version, rules=rules, external_models=[])
        self.uses[version] = of

    @rule(version=NUMBERS, status=st.sampled_from(DetectorStatus))
    def change(self, version: str, status: DetectorStatus) -> None:
        with self.write() as connection:
            if version not in self.status:
                with pytest.raises(NotFound):
                    change_status(connection, "guard", version, status)
                return
            if (self.status[version], status) not in LEGAL:
                with pytest.raises((Conflict, InvalidInput)):
                    change_status(connection, "guard", version, status)
                return
            change_status(connection, "guard", version, status)
        if status is ACTIVE:
            for other, has in self.status.items():
                if has is ACTIVE:
                    self.status[other] = INACTIVE
        self.status[version] = status

    @rule(version=NUMBERS)
    def delete(self, version: str) -> None:
        with self.write() as connection:
            if version not in self.status:
                with pytest.raises(NotFound):
                    delete_detector_version(connection, "guard", version)
                return
            if self.status[version] is ACTIVE:
                with pytest.raises(Conflict):
                    delete_detector_version(connection, "guard", version)
                return
            delete_detector_version(connection, "guard", version)
        del self.status[version], self.uses[version]

    @rule()
    def edit_rule(self) -> None:
        with self.write() as connection:
            if not self.rules:
                assert create_rule(connection, "guard", rule_of("large")).version == "1"
                self.rules = {1}
                return
            latest = list_rules(connection, "guard")[-1]
            assert int(latest.version) == max(self.rules)
            update_rule(connection, "guard", latest)
        self.rules.add(max(self.rules) + 1)

    @rule(version=NUMBERS)
    def remove_rule(self, version: str) -> None:
        with self.write() as connection:
            if int(version) not in self.rules:
                with pytest.raises(NotFound):
                    delete_rule(connection, "guard", "large", version)
                return
            if version in self.uses.values():
                with pytest.raises(Conflict):
                    delete_rule(connection, "guard", "large", version)
                return
            delete_rule(connection, "guard", "large", version)
        self.rules.remove(int(version))

    @invariant()
    def is_as_expected(self) -> None:
        if not self.made:
            return
        with self.database.read() as connection:
            stored = list_detector_versions(connection, "guard")
            assert {v.version: v.status for v in stored} == self.status
            assert {v.version: v.rules[0].version for v in stored} == self.uses
            active = [v.version for v in stored if v.status is ACTIVE]
            assert len(active) <= 1
            if active:
                assert find_active(connection, PAYMENT.name, None) == ("guard", active[0])
            else:
                with pytest.raises(Conflict):
                    find_active(connection, PAYMENT.name, None)


def test_versions_and_rules_live_as_they_should(migrated_file: Path) -> None:
    LifeCycle.migrated_file = migrated_file
    run_state_machine_as_test(
        LifeCycle, settings=settings(max_examples=25, stateful_step_count=30, deadline=None)
    )
