"""Keys: menus, and input that is stored."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from conversations import (
    BANK,
    CARDHOLDER,
    Bank,
    Cardholder,
    VirtualLoop,
    action,
    converse,
    flow_of,
    keys,
    says,
)

from ringfence.flows import Contact, ContactState, FlowEvent, FlowEventKind, load_flow, run

ERROR = {"NoMatchingError": "failed"}
FAILED = says("failed", "failed")


def store(next_: str = "say", **parameters: Any) -> dict[str, Any]:
    given = {"Text": "Your number?", "StoreInput": "True", "InputTimeLimitSeconds": "5"}
    errors = {**ERROR, "InvalidPhoneNumber": "invalid"}
    return action("ask", "GetParticipantInput", given | parameters, next_, errors=errors)


def stored(cardholder: Cardholder, **parameters: Any) -> str:
    talk = converse(
        flow_of(
            store(**parameters),
            says("stored $.StoredCustomerInput"),
            says("invalid", "invalid"),
            FAILED,
        ),
        cardholder,
    )
    return talk.said[-1]


LENGTH_4 = {"InputValidation": {"CustomValidation": {"MaximumLength": "4"}}}


@pytest.mark.parametrize(
    ("cardholder", "parameters", "said"),
    [
        (keys("12345"), LENGTH_4, "stored 1234"),
        (keys("12#"), LENGTH_4, "stored 12"),
        (keys("12"), LENGTH_4, "stored 12"),
        (keys("12*34#"), LENGTH_4, "stored 34"),
        (keys("1*2#"), LENGTH_4 | {"DTMFConfiguration": {"DisableCancelKey": "True"}}, "1*2"),
        (
            keys("12##"),
            LENGTH_4 | {"DTMFConfiguration": {"InputTerminationSequence": "##"}},
            "stored 12",
        ),
        (
            keys("123456##", apart=0.2),
            LENGTH_4 | {"DTMFConfiguration": {"InputTerminationSequence": "##"}},
            "stored 1234",
        ),
        (
            keys("12*9"),
            LENGTH_4 | {"DTMFConfiguration": {"InputTerminationSequence": "*"}},
            "stored 12",
        ),
        (keys("12", apart=4.0), LENGTH_4, "stored 12"),
        (keys("12", apart=6.0), LENGTH_4, "stored 1"),
        (
            keys("12", apart=6.0),
            LENGTH_4 | {"DTMFConfiguration": {"InterdigitTimeLimitSeconds": "7"}},
            "stored 12",
        ),
        (Cardholder(), LENGTH_4, "stored Timeout"),
        (keys("#"), LENGTH_4, "stored Timeout"),
    ],
)
def test_keys_are_stored_until_they_end(
    cardholder: Cardholder, parameters: dict[str, Any], said: str
) -> None:
    assert said in stored(cardholder, **parameters)


@pytest.mark.parametrize(
    ("typed", "validation", "said"),
    [
        ("2025550123#", {"NumberFormat": "Local", "CountryCode": "US"}, "stored +12025550123"),
        ("030901820#", {"NumberFormat": "Local", "CountryCode": "DE"}, "stored +4930901820"),
        ("4930901820#", {"NumberFormat": "E164"}, "stored +4930901820"),
        ("12#", {"NumberFormat": "Local", "CountryCode": "US"}, "invalid"),
        ("99999999999#", {"NumberFormat": "E164"}, "invalid"),
    ],
)
def test_a_phone_number_is_stored_in_its_international_form(
    typed: str, validation: dict[str, str], said: str
) -> None:
    assert stored(keys(typed), InputValidation={"PhoneNumberValidation": validation}) == said


def test_what_was_typed_is_in_no_event() -> None:
    flow = flow_of(
        store("keep", **LENGTH_4),
        action(
            "keep",
            "UpdateContactAttributes",
            {"Attributes": {"p": "$.StoredCustomerInput"}},
            "call",
        ),
        action(
            "call",
            "InvokeLambdaFunction",
            {
                "LambdaFunctionARN": "check",
                "LambdaInvocationAttributes": {"pin": "$.StoredCustomerInput"},
            },
            "say",
            errors=ERROR,
        ),
        says("You typed $.Attributes.p"),
        says("invalid", "invalid"),
        FAILED,
    )
    talk = converse(flow, keys("8362"), bank=Bank({"echo": "8362"}))
    assert talk.said[-1] == "You typed 8362"
    assert talk.bank.invoked[0][1]["Details"]["Parameters"] == {"pin": "8362"}
    assert "8362" not in repr(talk.events)


def test_input_that_is_to_be_encrypted_is_not_even_asked_for() -> None:
    encryption = {"InputEncryption": {"EncryptionKeyId": "k", "Key": "pem"}}
    cardholder = keys("1234")
    assert stored(cardholder, **encryption) == "failed"
    assert cardholder.said == ["failed"]


def menu(**parameters: Any) -> dict[str, Any]:
    given = {"StoreInput": "False", "InputTimeLimitSeconds": "5"} | parameters
    return action(
        "menu",
        "GetParticipantInput",
        given,
        "none",
        errors={**ERROR, "NoMatchingCondition": "none"},
        conditions=[("Equals", "1", "one"), ("Equals", "*", "star")],
    )


MENU_ENDS = [says(text, text) for text in ("none", "one", "star")] + [FAILED]


@pytest.mark.parametrize(
    ("cardholder", "said"),
    [(Cardholder(["1"]), "one"), (Cardholder(["*"]), "star"), (Cardholder(["5"]), "none")],
)
def test_a_menu_branches_on_one_key(cardholder: Cardholder, said: str) -> None:
    assert converse(flow_of(menu(Text="Choose"), *MENU_ENDS), cardholder).said[-1] == said


def test_a_timeout_without_a_branch_takes_the_branch_for_errors() -> None:
    assert converse(flow_of(menu(Text="Choose"), *MENU_ENDS)).said[-1] == "failed"


@pytest.mark.parametrize("prompt", [{"Text": " "}, {"SSML": "<speak></speak>"}, {"Text": ""}])
def test_a_menu_may_say_nothing_and_just_wait(prompt: dict[str, str]) -> None:
    talk = converse(flow_of(menu(**prompt), *MENU_ENDS), Cardholder(["1"]))
    assert talk.said == ["one"]


def test_a_menu_hears_only_keys_from_its_beginning_on() -> None:
    flow = flow_of(says("Wait a moment please", next_="menu"), menu(Text="Choose"), *MENU_ENDS)
    talk = converse(flow, Cardholder(["*"], presses=[(0.2, "1")]))
    assert talk.cardholder.cut_short == []
    assert talk.inputs == [("*", True)]


def test_a_menu_with_a_buffer_takes_a_key_from_before_its_beginning() -> None:
    asks = menu(Text="Choose", EnableDTMFBuffer="True")
    flow = flow_of(says("Wait a moment please", next_="menu"), asks, *MENU_ENDS)
    talk = converse(flow, Cardholder(["*"], presses=[(0.2, "1")]))
    assert talk.inputs == [("1", True)]


def test_an_observer_that_fails_stops_the_flow_before_it_goes_on() -> None:
    cardholder = Cardholder(["1"])

    async def observe(event: FlowEvent) -> None:
        if event.kind is FlowEventKind.INPUT:
            raise OSError("the answer cannot be stored")

    async def talk() -> None:
        contact = ContactState.of(Contact("c", {}, CARDHOLDER, BANK, "arn"))
        flow = load_flow(flow_of(menu(Text="Choose"), *MENU_ENDS))
        await run(flow, contact, cardholder, Bank(), observe)

    with (
        asyncio.Runner(loop_factory=VirtualLoop) as runner,
        pytest.raises(OSError, match="cannot be stored"),
    ):
        runner.run(talk())
    assert cardholder.said == ["Choose"]
