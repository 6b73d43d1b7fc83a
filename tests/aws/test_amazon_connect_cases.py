"""A bank's server whose cases an instance of Amazon Connect calls about: two servers, one phone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from api_servers import KEY, Server, example_transaction, prepare, running
from aws_clients import ClientOf
from connect_calls import phone, until
from flow_texts import block, flow_text

OURS = "+15550100000"
CARDHOLDER = "+14155550123"


@pytest.fixture(scope="module")
def flow_id(connect: ClientOf, instance: str) -> str:
    """A flow of the instance that keeps the key 2 in an attribute."""
    keeps = block("keep", "UpdateContactAttributes", "end")
    keeps["Parameters"] = {"Attributes": {"Answer": "2"}}
    content = flow_text(
        block(
            "ask",
            "GetParticipantInput",
            "end",
            {"2": "keep"},
            Text="Was it you, $.Attributes.Salutation $.Attributes.Name?",
            InputTimeLimitSeconds="30",
            StoreInput="False",
        ),
        keeps,
    )
    made = connect.create_contact_flow(
        InstanceId=instance, Name="asks", Type="CONTACT_FLOW", Content=content
    )
    return str(made["ContactFlowId"])


@pytest.fixture(scope="module")
def bank(
    aws_server: Server, instance: str, flow_id: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    data_dir = tmp_path_factory.mktemp("bank") / "data"
    prepare(data_dir)
    line = {
        "kind": "amazon_connect",
        "instance_id": instance,
        "contact_flow_id": flow_id,
        "source_phone_number": OURS,
        "endpoint_url": aws_server.url,
        "access_key_id": "AKIATESTTESTTESTTEST",
        "secret_access_key": "env:CONNECT_SECRET",
        "poll_seconds": 0.3,
    }
    with running(
        data_dir,
        RINGFENCE_LINES=json.dumps({"connect": line}),
        RINGFENCE_CALLER_NUMBER=OURS,
        CONNECT_SECRET="test-secret",
    ) as made:
        yield made


def test_the_key_that_the_instances_flow_keeps_blocks_the_card(
    aws_server: Server, bank: Server
) -> None:
    with bank.client() as client, phone(aws_server.url, CARDHOLDER, KEY) as there:
        plan: dict[str, Any] = client.get("/v1/contact-plans/call-cardholder").json()
        plan |= {"line": "connect", "answer_attribute": "Answer", "consent": "not_needed"}
        put = client.put("/v1/contact-plans/call-cardholder", json=plan)
        assert put.status_code == 200, put.text
        decision = client.post("/v1/transactions", json=example_transaction()).json()
        case_id = decision["case"]["case_id"]
        until(lambda: there.heard)
        there.press("2")

        def settled() -> dict[str, Any]:
            view: dict[str, Any] = client.get(f"/v1/cases/{case_id}").json()
            return view if view["case"].get("verdict") else {}

        view = until(settled)

    assert view["case"]["verdict"] == "fraud"
    assert there.heard == ["Was it you, Mrs Rojas?"]
    assert len(there.rung) == 1
    (attempt,) = view["attempts"]
    assert (attempt["line"], attempt["end"]) == ("connect", "completed")
