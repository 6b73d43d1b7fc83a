"""What Amazon Connect's operations refuse that looks right, and take that looks wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from api_servers import Server, running
from aws_clients import ClientOf, client_of
from connect_accounts import BANK, CUSTOMER, NOBODY, Account, flow, open_account, refusal


@pytest.fixture(scope="module")
def account(connect: ClientOf) -> Account:
    return open_account(connect)


def call_of(account: Account, **members: Any) -> dict[str, Any]:
    return {
        "DestinationPhoneNumber": CUSTOMER,
        "ContactFlowId": account.flow,
        "InstanceId": account.instance,
        "SourcePhoneNumber": BANK,
    } | members


@pytest.mark.parametrize(
    "changed",
    [{"Attributes": {"Amount": "2"}}, {"RingTimeoutInSeconds": 20}, {"Name": "other"}],
)
def test_a_token_that_comes_with_anything_else_is_refused(
    account: Account, changed: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    asked = {"ClientToken": request.node.name, "Attributes": {"Amount": "1"}}
    contact_id = account.start(**asked)
    assert account.start(**asked) == contact_id
    code, status, message = refusal(
        account.client, "start_outbound_voice_contact", **call_of(account, **(asked | changed))
    )
    assert (code, status) == ("InvalidParameterException", 400)
    assert message.startswith("ClientToken: ")


@pytest.mark.parametrize(
    "attributes", [{"CardNo": "4539148803436467"}, {"cvv": "123"}, {"card_pin": "1234"}]
)
def test_card_data_in_attributes_is_neither_kept_nor_repeated(
    account: Account, aws_server: Server, attributes: dict[str, str]
) -> None:
    client, contact_id = account.client, account.start()
    of = {"InstanceId": account.instance, "InitialContactId": contact_id}
    started = refusal(
        client, "start_outbound_voice_contact", **call_of(account, Attributes=attributes)
    )
    changed = refusal(client, "update_contact_attributes", **of, Attributes=attributes)
    for code, status, message in (started, changed):
        assert (code, status) == ("InvalidParameterException", 400)
        assert message.startswith("Attributes.")
        assert "4539148803436467" not in message
    assert client.get_contact_attributes(**of)["Attributes"] == {}
    for path in aws_server.data_dir.glob("ringfence.db*"):
        assert b"4539148803436467" not in path.read_bytes()


def test_an_account_whose_number_could_be_a_cards_is_no_card(account: Account) -> None:
    arn = "arn:aws:lambda:us-east-1:501800000009:function:block-credit-card"
    account.client.associate_lambda_function(InstanceId=account.instance, FunctionArn=arn)
    account.client.create_contact_flow(
        InstanceId=account.instance,
        Name="Of that account",
        Type="CONTACT_FLOW",
        Content=flow().replace("Your bank", f"{arn} 501800000009"),
    )


def test_a_related_contact_is_one_of_the_same_instance(account: Account, connect: ClientOf) -> None:
    elsewhere = open_account(connect).start()
    for related in (NOBODY, elsewhere):
        code, status, message = refusal(
            connect, "start_outbound_voice_contact", **call_of(account, RelatedContactId=related)
        )
        assert (code, status) == ("ResourceNotFoundException", 404)
        assert message.startswith("RelatedContactId: ")


def test_a_token_claims_one_number(account: Account) -> None:
    of = {"InstanceId": account.instance, "ClientToken": "once"}
    claimed = account.client.claim_phone_number(**of, PhoneNumber="+493012345601")
    again = account.client.claim_phone_number(**of, PhoneNumber="+493012345601")
    assert again["PhoneNumberId"] == claimed["PhoneNumberId"]
    told = refusal(account.client, "claim_phone_number", **of, PhoneNumber="+493012345602")
    assert told[:2] == ("IdempotencyException", 409)


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data_dir = tmp_path_factory.mktemp("slow") / "data"
    data_dir.mkdir()
    settings = {
        "RINGFENCE_AWS_ACCEPT_ANY_KEY": "1",
        "RINGFENCE_CONNECT_REQUESTS_PER_SECOND": "0.01",
        "RINGFENCE_CONNECT_REQUESTS_AT_ONCE": "1",
    }
    with running(data_dir, **settings) as made:
        yield made


def test_calls_that_are_asked_for_too_fast_are_no_limit_of_calls_at_once(slow: Server) -> None:
    client = client_of(slow.url, "connect")
    asked = {
        "DestinationPhoneNumber": CUSTOMER,
        "SourcePhoneNumber": BANK,
        "InstanceId": "ringfence",
        "ContactFlowId": "absent",
    }
    assert refusal(client, "start_outbound_voice_contact", **asked)[1] == 404
    told = refusal(client, "start_outbound_voice_contact", **asked)
    assert told[:2] == ("TooManyRequestsException", 429)
