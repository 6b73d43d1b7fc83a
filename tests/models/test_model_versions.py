from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from synthetic_payments import EVENT_TYPE

import ringfence.models as models
from ringfence.errors import Conflict, InvalidInput, NotFound
from ringfence.events import EventType, Variable, put_event_type
from ringfence.events.revisions import current_revision
from ringfence.storage import Database, metadata


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'test.db'}")
    metadata.create_all(database.engine)
    with database.write() as connection:
        put_event_type(connection, EVENT_TYPE)
    yield database
    database.dispose()


def test_a_version_comes_back_as_it_was_stored(database: Database, trained: models.Trained) -> None:
    with database.write() as connection:
        models.create_model(connection, "cards", "payment", description="Card payments")
        before = current_revision(connection)
        stored = models.store_version(connection, "cards", trained)
        assert current_revision(connection) > before
    with database.read() as connection:
        found = models.get_version(connection, "cards", "1.0")
        assert found == stored
        assert (found.metrics, found.facts) == (trained.metrics, trained.facts)
        assert models.load_artifact(connection, "cards", "1.0") == trained.artifact
        assert models.get_model(connection, "cards").description == "Card payments"


def test_versions_are_counted_and_listed_in_order(
    database: Database, trained: models.Trained
) -> None:
    with database.write() as connection:
        models.create_model(connection, "cards", "payment")
        for _ in range(11):
            models.store_version(connection, "cards", trained)
        listed = models.list_versions(connection, "cards")
    assert [version.version for version in listed] == [f"{number}.0" for number in range(1, 12)]


def test_what_does_not_exist_is_not_found(database: Database, trained: models.Trained) -> None:
    with database.write() as connection:
        models.create_model(connection, "cards", "payment")
        for call in (
            lambda: models.get_model(connection, "none"),
            lambda: models.list_versions(connection, "none"),
            lambda: models.store_version(connection, "none", trained),
            lambda: models.get_version(connection, "cards", "1.0"),
            lambda: models.load_artifact(connection, "cards", "1.0"),
            lambda: models.create_model(connection, "more", "none"),
        ):
            with pytest.raises(NotFound):
                call()


def test_a_malformed_or_taken_id_and_a_type_that_cannot_be_trained_are_refused(
    database: Database,
) -> None:
    with database.write() as connection:
        models.create_model(connection, "cards", "payment")
        assert [m.model_id for m in models.list_models(connection)] == ["cards"]
        with pytest.raises(Conflict):
            models.create_model(connection, "cards", "payment")
        with pytest.raises(InvalidInput, match="model_id"):
            models.create_model(connection, "Cards!", "payment")
        with pytest.raises(InvalidInput, match="FORTUNE_TELLING cannot be trained"):
            models.create_model(connection, "logins", "payment", model_type="FORTUNE_TELLING")


def test_a_training_for_another_event_type_is_refused(
    database: Database, trained: models.Trained
) -> None:
    with database.write() as connection:
        variables: tuple[Variable, ...] = EVENT_TYPE.variables
        put_event_type(connection, EventType(name="other", variables=variables))
        models.create_model(connection, "others", "other")
        with pytest.raises(Conflict, match="event type 'payment'"):
            models.store_version(connection, "others", trained)


def test_rules_name_a_score_by_the_model() -> None:
    assert models.output_variable("cards") == "cards_insightscore"
