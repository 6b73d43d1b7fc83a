from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection
from synthetic_payments import EVENT_TYPE

from ringfence.errors import Conflict, InvalidInput, NotFound
from ringfence.events import put_event_type
from ringfence.models import (
    Message,
    MessageKind,
    Trained,
    create_model,
    list_versions,
    store_version,
)
from ringfence.models.numbering import normal, number_of, parts_of
from ringfence.models.trainings import (
    DataSource,
    TrainingRequest,
    TrainingStatus,
    ask_for_retraining,
    ask_for_version,
    cancel_training,
    delete_model,
    delete_version,
    deployed_versions,
    fail_training,
    finish_training,
    get_training,
    list_trainings,
    set_deployed,
)
from ringfence.models.weights import UnlabelledTreatment
from ringfence.storage import Database, now

REQUEST = TrainingRequest(
    source=DataSource.EXTERNAL_EVENTS,
    variables=("amount", "email"),
    fraud_labels=("fraud",),
    legit_labels=("legit",),
    unlabelled=UnlabelledTreatment.AUTO,
    location="s3://bank/payments.csv",
    role="arn:aws:iam::123456789012:role/Any",
)


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    with database.write() as connection:
        put_event_type(connection, EVENT_TYPE)
        create_model(connection, "cards", EVENT_TYPE.name)
        yield connection


def asked(connection: Connection) -> str:
    return ask_for_version(connection, "cards", REQUEST, by="me").version


def test_a_version_is_known_from_the_moment_it_is_asked_for(connection: Connection) -> None:
    training = ask_for_version(connection, "cards", REQUEST, by="me")
    assert training.version == "1.0"
    assert get_training(connection, "cards", "1.00") == training
    assert (training.status, training.request) == (TrainingStatus.TRAINING, REQUEST)


def test_numbers_count_majors_and_within_them_minors(
    connection: Connection, trained: Trained
) -> None:
    versions = [asked(connection), asked(connection)]
    versions += [
        ask_for_retraining(connection, "cards", 1, REQUEST, by="me").version for _ in range(2)
    ]
    # One that is trained otherwise takes none of the numbers that are given.
    versions.append(store_version(connection, "cards", trained).version)
    versions.append(ask_for_retraining(connection, "cards", 3, REQUEST, by="me").version)
    assert versions == ["1.0", "2.0", "1.01", "1.02", "3.0", "3.01"]
    listed = [training.version for training in list_trainings(connection, "cards")]
    assert listed == ["1.0", "1.01", "1.02", "2.0", "3.0", "3.01"]


def test_versions_are_listed_by_major_and_minor(connection: Connection, trained: Trained) -> None:
    for _ in range(10):
        finish_training(connection, "cards", asked(connection), trained)
    for _ in range(11):
        again = ask_for_retraining(connection, "cards", 2, REQUEST, by="me")
        finish_training(connection, "cards", again.version, trained)
    listed = [version.version for version in list_versions(connection, "cards")]
    minors = [f"2.{minor:02d}" for minor in range(1, 12)]
    assert listed == ["1.0", "2.0", *minors, *(f"{major}.0" for major in range(3, 11))]


def test_a_deleted_version_leaves_no_number_behind(
    connection: Connection, trained: Trained
) -> None:
    finish_training(connection, "cards", asked(connection), trained)
    delete_version(connection, "cards", "1.0")
    for call in (
        lambda: get_training(connection, "cards", "1.0"),
        lambda: delete_version(connection, "cards", "1.0"),
        lambda: ask_for_retraining(connection, "cards", 1, REQUEST, by="me"),
    ):
        with pytest.raises(NotFound):
            call()
    assert (list_trainings(connection, "cards"), list_versions(connection, "cards")) == ([], [])
    assert asked(connection) == "2.0"


def test_a_model_that_is_made_anew_counts_from_the_beginning(connection: Connection) -> None:
    cancel_training(connection, "cards", asked(connection))
    with pytest.raises(Conflict, match=r"has version 1\.0"):
        delete_model(connection, "cards")
    delete_version(connection, "cards", "1.0")
    delete_model(connection, "cards")
    create_model(connection, "cards", EVENT_TYPE.name)
    assert asked(connection) == "1.0"


def test_what_a_training_comes_to_is_kept_once(connection: Connection, trained: Trained) -> None:
    finding = Message(MessageKind.ERROR, "amount", "Missing variable", "no column amount")
    for end, status in (
        (lambda v: finish_training(connection, "cards", v, trained), TrainingStatus.COMPLETE),
        (lambda v: fail_training(connection, "cards", v, [finding]), TrainingStatus.ERROR),
        (lambda v: cancel_training(connection, "cards", v), TrainingStatus.CANCELLED),
    ):
        version = asked(connection)
        end(version)
        found = get_training(connection, "cards", version)
        assert found.status is status
        assert found.messages == ((finding,) if status is TrainingStatus.ERROR else ())
        for later in (
            lambda v: finish_training(connection, "cards", v, trained),
            lambda v: fail_training(connection, "cards", v, []),
            lambda v: cancel_training(connection, "cards", v),
        ):
            with pytest.raises(Conflict, match="is not in training"):
                later(version)
    assert [of.version for of in list_versions(connection, "cards")] == ["1.0"]


def test_a_version_that_nobody_asked_for_here_has_a_life_too(
    connection: Connection, trained: Trained
) -> None:
    version = store_version(connection, "cards", trained).version
    life = get_training(connection, "cards", version)
    assert (life.status, life.request) == (TrainingStatus.COMPLETE, None)
    set_deployed(connection, life, now())
    assert deployed_versions(connection, EVENT_TYPE.name) == [("cards", "1.0")]
    set_deployed(connection, life, None)
    assert deployed_versions(connection, EVENT_TYPE.name) == []
    assert len(list_trainings(connection, "cards")) == 1


@given(st.integers(1, 9_999), st.integers(0, 99))
def test_a_number_is_read_as_it_is_written(major: int, minor: int) -> None:
    written = number_of(major, minor)
    assert parts_of(written) == (major, minor)
    assert normal(f"{major}.{minor:02d}") == normal(f"{major}.{minor}") == written
    assert 3 <= len(written) <= 7


@pytest.mark.parametrize("text", ["", "1", "0.1", "1.", "1.001", "10000.0", "1.0 ", "a.b", "-1.0"])
def test_what_is_no_number_of_a_version_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="number of a model version"):
        parts_of(text)
