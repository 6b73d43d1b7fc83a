from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from publishing import PAYMENT, PLAN, prepare, publish, trained_on_amounts
from publishing import rule as payment_rule

from ringfence.detectors import ModelRef, RuleRef, create_detector_version, put_rule
from ringfence.detectors.activation import deactivate_detector_version
from ringfence.detectors.catalog import Catalog
from ringfence.detectors.deletion import delete_detector, delete_detector_version, delete_rule
from ringfence.detectors.deployments import (
    ModelStatus,
    deploy,
    lacking_profiles,
    model_status,
    remove_model,
    remove_version,
    users_of,
    withdraw,
)
from ringfence.detectors.plans import build_plan, plans_in_use
from ringfence.errors import Conflict, NotFound
from ringfence.events.log import append_events
from ringfence.events.reading import Event
from ringfence.models import ModelType, Trained, create_model, store_version
from ringfence.models.trainings import (
    DataSource,
    TrainingRequest,
    ask_for_retraining,
    ask_for_version,
    cancel_training,
    fail_training,
    finish_training,
    get_training,
    list_trainings,
)
from ringfence.profiles import built_at
from ringfence.storage import Database

AT = datetime(2026, 6, 1, tzinfo=UTC)
REQUEST = TrainingRequest(source=DataSource.INGESTED_EVENTS, variables=("amount", "merchant"))


@pytest.fixture(scope="session")
def amounts(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return trained_on_amounts(tmp_path_factory.mktemp("amounts"))


@pytest.fixture
def remembering(database: Database, habits: Trained) -> Database:
    """A database with a version that needs profiles."""
    with database.write() as connection:
        prepare(connection)
        create_model(
            connection,
            "habits",
            PAYMENT.name,
            model_type=ModelType.TRANSACTION_FRAUD_INSIGHTS,
        )
        store_version(connection, "habits", habits)
    return database


def test_a_version_that_needs_profiles_is_active_once_they_are_built(
    remembering: Database,
) -> None:
    def status() -> ModelStatus:
        with remembering.read() as connection:
            return model_status(connection, "habits", "1.0")

    assert status() is ModelStatus.TRAINING_COMPLETE
    with remembering.write() as connection:
        past = Event(
            event_type=PAYMENT.name,
            event_id="e1",
            at=AT,
            entities=(),
            variables={"amount": 5.0},
            content_hash=b"",
        )
        append_events(connection, [past], AT)
        assert deploy(connection, "habits", "1.0") == [PLAN]
    assert status() is ModelStatus.ACTIVATE_REQUESTED
    seen: list[ModelStatus] = []
    build_plan(remembering, PLAN, lambda *_: seen.append(status()))
    assert seen[0] is ModelStatus.ACTIVATE_IN_PROGRESS
    assert status() is ModelStatus.ACTIVE
    with remembering.read() as connection:
        assert lacking_profiles(connection, get_training(connection, "habits", "1.0")) == []
        assert plans_in_use(connection, PAYMENT.name) == [PLAN]
    with remembering.write() as connection:
        withdraw(connection, "habits", "1.0")
        assert built_at(connection, PLAN) is None
        assert plans_in_use(connection, PAYMENT.name) == []
    assert status() is ModelStatus.TRAINING_COMPLETE


def test_what_was_compared_and_watched_of_a_version_goes_with_it(
    remembering: Database, habits: Trained
) -> None:
    with remembering.write() as connection:
        store_version(connection, "habits", habits)
        remove_version(connection, "habits", "2.0")
        with pytest.raises(Conflict, match=r"has version 1\.0"):
            remove_model(connection, "habits")
        remove_version(connection, "habits", "1.0")
        remove_model(connection, "habits")
        with pytest.raises(NotFound):
            remove_model(connection, "habits")


def test_a_version_in_use_is_neither_withdrawn_nor_deleted(remembering: Database) -> None:
    with remembering.write() as connection:
        publish(connection, payment_rule("any"), models=[ModelRef("habits", "1.0")])
        assert users_of(connection, "habits", "1.0") == ["version 1 of detector 'guard'"]
        for call in (withdraw, remove_version):
            with pytest.raises(Conflict, match="version 1 of detector 'guard' uses"):
                call(connection, "habits", "1.0")
        with pytest.raises(Conflict, match="version 1 of detector 'guard' uses"):
            remove_model(connection, "habits")
        # Our own API makes detector versions of whatever is trained.
        assert model_status(connection, "habits", "1.0") is ModelStatus.ACTIVE


def test_a_model_that_is_made_anew_decides_by_what_it_learned_then(
    database: Database, amounts: Trained, tmp_path: Path
) -> None:
    upside_down = trained_on_amounts(tmp_path, fraud_below=True)
    catalog = Catalog()
    event = Event(
        event_type=PAYMENT.name,
        event_id="e1",
        at=AT,
        entities=(),
        variables={"amount": 899.0, "merchant": "a"},
        content_hash=b"",
    )

    def score() -> float:
        catalog.look_again()
        with database.read() as connection:
            runtime = catalog.active(connection, PAYMENT.name, None)
        ((scores, _),) = runtime.decide([event])
        return scores["cards_insightscore"]

    def make(trained: Trained) -> None:
        with database.write() as connection:
            prepare(connection)
            create_model(connection, "cards", PAYMENT.name)
            store_version(connection, "cards", trained)
            publish(connection, payment_rule("any"), models=[ModelRef("cards", "1.0")])

    make(amounts)
    assert score() > 900
    with database.write() as connection:
        deactivate_detector_version(connection, "guard", "1")
        delete_detector_version(connection, "guard", "1")
        delete_rule(connection, "guard", "any", "1")
        delete_detector(connection, "guard")
        remove_version(connection, "cards", "1.0")
        remove_model(connection, "cards")
    make(upside_down)
    assert score() < 900


class Lives(RuleBasedStateMachine):
    """Whatever is asked for in whatever order: versions only ever make legal changes."""

    trained: ClassVar[Trained]
    migrated_file: ClassVar[Path]
    versions: Bundle[str] = Bundle("versions")
    detectors: Bundle[tuple[str, str]] = Bundle("detectors")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="ringfence-test-")
        path = shutil.copy(self.migrated_file, self.folder.name)
        self.database = Database(f"sqlite:///{path}")
        self.expected: dict[str, ModelStatus] = {}
        self.users: dict[str, set[str]] = {}
        self.given: set[str] = set()

    def teardown(self) -> None:
        self.database.dispose()
        self.folder.cleanup()

    @initialize()
    def begin(self) -> None:
        with self.database.write() as connection:
            prepare(connection)
            create_model(connection, "cards", PAYMENT.name)
            put_rule(connection, "guard", payment_rule("any"))

    def status(self, version: str) -> ModelStatus | None:
        if self.users.get(version) and version in self.expected:
            return ModelStatus.ACTIVE
        return self.expected.get(version)

    def tried(self, *legal: ModelStatus, version: str, call: Callable[[], object]) -> bool:
        """Whether the call was legal; it must have done nothing otherwise."""
        if self.expected.get(version) in legal:
            call()
            return True
        with pytest.raises((Conflict, NotFound)):
            call()
        return False

    def _new(self, version: str) -> str:
        assert version not in self.given, "a number was given twice"
        self.given.add(version)
        self.expected[version] = ModelStatus.TRAINING_IN_PROGRESS
        return version

    @rule(target=versions)
    def ask(self) -> str:
        with self.database.write() as connection:
            return self._new(ask_for_version(connection, "cards", REQUEST, by="me").version)

    @rule(target=versions, of=versions)
    def ask_again(self, of: str) -> object:
        major = int(of.partition(".")[0])
        known = any(int(v.partition(".")[0]) == major for v in self.expected)
        with self.database.write() as connection:
            if not known:
                with pytest.raises(NotFound):
                    ask_for_retraining(connection, "cards", major, REQUEST, by="me")
                return multiple()
            training = ask_for_retraining(connection, "cards", major, REQUEST, by="me")
            return self._new(training.version)

    @rule(target=versions)
    def train_elsewhere(self) -> str:
        with self.database.write() as connection:
            version = self._new(store_version(connection, "cards", self.trained).version)
        self.expected[version] = ModelStatus.TRAINING_COMPLETE
        return version

    @rule(version=versions, to=st.sampled_from(["finish", "fail", "cancel"]))
    def end_training(self, version: str, to: str) -> None:
        def end() -> None:
            with self.database.write() as connection:
                if to == "finish":
                    finish_training(connection, "cards", version, self.trained)
                elif to == "fail":
                    fail_training(connection, "cards", version, [])
                else:
                    cancel_training(connection, "cards", version)

        if self.tried(ModelStatus.TRAINING_IN_PROGRESS, version=version, call=end):
            self.expected[version] = {
                "finish": ModelStatus.TRAINING_COMPLETE,
                "fail": ModelStatus.ERROR,
                "cancel": ModelStatus.TRAINING_CANCELLED,
            }[to]

    @rule(version=versions)
    def deploy(self, version: str) -> None:
        def call() -> None:
            with self.database.write() as connection:
                assert deploy(connection, "cards", version) == []

        legal = (ModelStatus.TRAINING_COMPLETE, ModelStatus.ACTIVE)
        if self.tried(*legal, version=version, call=call):
            self.expected[version] = ModelStatus.ACTIVE

    @rule(version=versions)
    def withdraw(self, version: str) -> None:
        def call() -> None:
            with self.database.write() as connection:
                withdraw(connection, "cards", version)

        legal = () if self.users.get(version) else (ModelStatus.ACTIVE,)
        if self.tried(*legal, version=version, call=call):
            self.expected[version] = ModelStatus.TRAINING_COMPLETE

    @rule(version=versions)
    def delete(self, version: str) -> None:
        def call() -> None:
            with self.database.write() as connection:
                remove_version(connection, "cards", version)

        legal = (ModelStatus.TRAINING_COMPLETE, ModelStatus.ERROR, ModelStatus.TRAINING_CANCELLED)
        if self.tried(*(() if self.users.get(version) else legal), version=version, call=call):
            del self.expected[version]

    @rule(target=detectors, version=versions)
    def use(self, version: str) -> object:
        if self.expected.get(version) not in (ModelStatus.TRAINING_COMPLETE, ModelStatus.ACTIVE):
            return multiple()
        with self.database.write() as connection:
            draft = create_detector_version(
                connection,
                "guard",
                rules=[RuleRef("any", "1")],
                models=[ModelRef("cards", version)],
            )
        self.users.setdefault(version, set()).add(draft.version)
        return version, draft.version

    @rule(used=consumes(detectors))
    def use_no_more(self, used: tuple[str, str]) -> None:
        version, draft = used
        with self.database.write() as connection:
            delete_detector_version(connection, "guard", draft)
        self.users[version].remove(draft)

    @invariant()
    def all_is_as_expected(self) -> None:
        with self.database.read() as connection:
            listed = [training.version for training in list_trainings(connection, "cards")]
            assert set(listed) == set(self.expected)
            for version in listed:
                assert model_status(connection, "cards", version) is self.status(version)


def test_versions_only_make_legal_changes(amounts: Trained, migrated_file: Path) -> None:
    Lives.trained = amounts
    Lives.migrated_file = migrated_file
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Lives,
        settings=settings(
            max_examples=15,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
