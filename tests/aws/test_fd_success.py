"""Every operation succeeds in the life of a bank, and answers what AWS's model says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from fnmatch import fnmatchcase

import pytest
from api_servers import running
from aws_clients import client_of
from fd_account import opened
from fd_answers import MODEL, OPTIONAL, Answers, members_of
from fd_decisions import (
    ask_models_elsewhere,
    delete_everything,
    deploy_a_detector,
    predict,
    predict_in_batches,
    train_a_model,
    write_rules,
)
from fd_definitions import (
    choose_a_key,
    define_names,
    define_variables,
    keep_lists,
    store_events,
    tag_what_there_is,
)
from fd_endpoints import running_endpoints
from s3_stores import running_store

from ringfence.storage import Database, migrate

ALL = sorted(MODEL.operation_names)

# In the order in which users come to them.
LIFE = (
    define_variables,
    define_names,
    keep_lists,
    tag_what_there_is,
    choose_a_key,
    store_events,
    train_a_model,
    ask_models_elsewhere,
    write_rules,
    deploy_a_detector,
    predict,
    predict_in_batches,
    delete_everything,
)

# Members that this life does not come to see, and why.
UNSEEN = {
    "DescribeDetector.nextToken": "a page has 1,000 versions at least",
    "GetEventPrediction.modelScores.modelVersion.arn": OPTIONAL[
        "GetEventPrediction.modelScores.modelVersion.arn"
    ],
    "*.trainingMetricsV2.tfi*": "of another type of model: test_fd_training_results",
    "*.trainingMetricsV2.ati*": "of another type of model: test_fd_training_results",
    "*.aggregatedVariablesImportanceMetrics*": "of another type: test_fd_training_results",
    "*.aggregatedVariablesImpactExplanations*": "of another type: test_fd_predictions_models",
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    """What a client was answered in such a life."""
    data_dir = tmp_path_factory.mktemp("life") / "data"
    data_dir.mkdir()
    database = Database(f"sqlite:///{data_dir / 'ringfence.db'}")
    migrate(database)
    database.dispose()
    with ExitStack() as stack:
        store = stack.enter_context(running_store())
        environment = {
            **store.environment,
            "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": stack.enter_context(running_endpoints(b"0.95\n")),
            "RINGFENCE_AWS_ACCEPT_ANY_KEY": "1",
        }
        server = stack.enter_context(running(data_dir, **environment))
        client = client_of(server.url)
        watched = Answers(client)
        account = opened(client, store)
        for step in LIFE:
            step(account)
        yield watched


@pytest.mark.parametrize("operation", ALL)
def test_an_operation_answers_what_the_model_says(answers: Answers, operation: str) -> None:
    assert answers.of(operation) == []


@pytest.mark.parametrize("operation", [name for name in ALL if members_of(name)])
def test_every_member_is_answered_where_it_applies(answers: Answers, operation: str) -> None:
    unseen = {
        path
        for path in members_of(operation) - answers.seen
        if not any(fnmatchcase(path, pattern) for pattern in UNSEEN)
    }
    assert unseen == set()
