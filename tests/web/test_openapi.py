"""The OpenAPI document, and a fuzzer that holds the server to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import msgspec
import pytest
import schemathesis
from api_servers import KEY, PASSWORD, Server, example_transaction, prepare, running
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from ringfence.web.app import OPERATIONS
from ringfence.web.openapi import openapi_document

# Many rules cannot be said in JSON Schema (a card must exist, a rule must parse): what fits the
# schema may still be refused, by field. What does not fit it must be.
MAY_REFUSE = ["2xx", "404", "409", "413", "422"]
MUST_REFUSE = ["400", "404", "405", "409", "413", "422"]


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of its own: the fuzzer makes users, rules and plans."""
    data_dir = tmp_path_factory.mktemp("fuzzed") / "data"
    prepare(data_dir)
    with running(data_dir) as started:
        yield started


@pytest.fixture(scope="module")
def existing(fuzzed: Server) -> dict[str, str]:
    """Something that exists for every parameter of a path."""
    with fuzzed.client() as client:
        decision = client.post("/v1/transactions", json=example_transaction()).json()
        case = client.get(f"/v1/cases/{decision['case']['case_id']}").json()["case"]
        analyst = {"name": "analyst", "password": PASSWORD, "role": "analyst"}
        assert client.post("/v1/users", json=analyst).status_code == 201
        remote = {
            "event_type": "card_payment",
            "kind": "HTTP",
            "inputs": [{"variable": "transaction_amt"}],
            "endpoint": {"url": "http://127.0.0.1:9/"},
        }
        assert client.put("/v1/external-models/remote", json=remote).status_code == 200
        assert client.put("/v1/lists/blocked", json={"elements": ["x"]}).status_code == 204
        for path, body in (
            ("queues/analysts", {}),
            ("hours/office", {}),
            ("agents/jane", {"phone_number": "+4930901821"}),
            ("bots/confirm", {"intents": {"Yes": {"*": ["yes"]}}}),
            ("phone-numbers/+14155550142", {}),
        ):
            assert client.put(f"/v1/{path}", json=body).status_code == 200
        task = client.post("/v1/tasks", json={"name": "x"}).json()["contact"]["contact_id"]
    return {
        "event-types/name": "card_payment",
        "contact-plans/name": "call-cardholder",
        "external-models/name": "remote",
        "flows/name": "verify-card-payment",
        "outcomes/name": "approve",
        "lists/name": "blocked",
        "users/name": "analyst",
        "detector_id": "payments",
        "rule_id": "large",
        "version": "1",
        "model_id": "none",
        "event_id": decision["event_id"],
        "case_id": case["case_id"],
        "card_id": case["card_id"],
        "customer_id": case["customer_id"],
        "queue": "analysts",
        "hours": "office",
        "user_name": "jane",
        "bot": "confirm",
        "prompt": "beep",
        "number": "+14155550142",
        "task_id": task,
    }


CONFIG = {
    "headers": {"authorization": f"Bearer {KEY}"},
    "generation": {
        "max-examples": 60,
        "deterministic": True,
        "database": "none",
        "with-security-parameters": False,
    },
    "checks": {
        "ignored_auth": {"enabled": False},  # test_api_access.py has it for every operation
        "positive_data_acceptance": {"expected-statuses": MAY_REFUSE},
        "negative_data_rejection": {"expected-statuses": MUST_REFUSE},
    },
}
# A test call lasts as long as the conversation; and the fuzzer would revoke its own key.
DOCUMENT = (
    schemathesis.openapi.from_dict(
        msgspec.to_builtins(openapi_document(OPERATIONS)),
        config=SchemathesisConfig.from_dict(CONFIG),
    )
    .exclude(path="/v1/test-calls")
    .exclude(path="/v1/keys/{key_id}")
)


@DOCUMENT.parametrize()
def test_every_operation_answers_as_the_document_says(case: Any, fuzzed: Server) -> None:
    case.call_and_validate(base_url=fuzzed.url)


@DOCUMENT.include(path_regex=r"\{").parametrize()
def test_operations_on_what_exists_answer_as_the_document_says(
    case: Any, fuzzed: Server, existing: dict[str, str]
) -> None:
    case.path_parameters = {
        name: existing.get(f"{case.operation.path.split('/')[2]}/{name}", existing.get(name))
        for name in case.path_parameters
    }
    # Whether the schema is fitted or not was made up together with the path.
    case.call_and_validate(
        base_url=fuzzed.url, excluded_checks=[negative_data_rejection, positive_data_acceptance]
    )


def test_the_document_is_valid_openapi(api: httpx2.Client) -> None:
    document = api.get("/openapi.json").json()

    assert [str(error) for error in OpenAPIV31SpecValidator(document).iter_errors()] == []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], (method, path)
            assert {"200", "201", "204"} & set(operation["responses"])
            assert {"401", "403", "422"} <= set(operation["responses"])
