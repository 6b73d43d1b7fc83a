"""Customers in, contact flows and rules checked."""

from __future__ import annotations

import json

import pytest
from commands import Shell

from ringfence.cards import get_customer
from ringfence.examples import example_path
from ringfence.flows import shipped_flows
from ringfence.settings import Settings
from ringfence.storage import Database

ARTICLE = {
    "customer_id": {"S": "u82-1alz-RI301"},
    "card_number": {"S": "2442230821108788"},
    "is_blocked": {"BOOL": False},
    "last_name": {"S": "YOUR_LAST_NAME"},
    "first_name": {"S": "YOUR_FIRST_NAME"},
    "phone_number": {"S": "+123456789"},
    "salutation": {"S": "Mrs"},
}


def test_a_customer_in_plain_json_is_added_once(shell: Shell) -> None:
    file = str(example_path("customer.json"))

    assert "u82-1alz-RI301: created" in shell.ringfence("customers", "add", file).out
    assert "u82-1alz-RI301: unchanged" in shell.ringfence("customers", "add", file).out

    listed = shell.ringfence("customers", "list", "--search", "rojas").out
    assert "8788 active" in listed
    assert "2442230821108788" not in listed
    assert "No customer" in shell.ringfence("customers", "list", "--search", "nobody").out


def test_the_articles_item_is_taken_with_a_remark_on_its_placeholder_number(shell: Shell) -> None:
    said = shell.ringfence("customers", "add", shell.write("item.json", json.dumps(ARTICLE)))

    assert said.code == 0, said
    assert "u82-1alz-RI301: created" in said.out
    assert "note: +123456789" in said.out


def test_a_customer_of_whom_no_language_is_told_speaks_that_of_the_settings(shell: Shell) -> None:
    told = {"customer_id": "c1", "last_name": "Winter", "phone_number": "+41445550199"}
    file = shell.write("customer.json", json.dumps(told))

    assert shell.ringfence("customers", "add", file, customer_language="de-CH").code == 0

    with Database(Settings(data_dir=shell.folder / "ringfence-data").url).read() as connection:
        assert get_customer(connection, "c1").language == "de-CH"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"phone_number": {"S": "+1-CALL-NOW"}}, "phone_number"),
        ({"phone_number": {"S": "call me"}}, "phone_number"),
        ({"card_number": {"S": "12"}}, "card_number"),
        ({"is_blocked": {"S": "no"}}, "is_blocked"),
        ({"cvv": {"S": "123"}}, "cvv"),
    ],
)
def test_one_wrong_customer_keeps_the_whole_file_out(
    change: dict[str, object], field: str, shell: Shell
) -> None:
    wrong = ARTICLE | {"customer_id": {"S": "wrong"}, "card_number": {"NULL": True}} | change
    file = shell.write("items.json", json.dumps({"Items": [ARTICLE, wrong]}))

    assert f"customers[1].{field}: " in shell.fails(2, "customers", "add", file)

    assert "No customer" in shell.ringfence("customers", "list").out


def test_files_that_cannot_be_read_are_named(shell: Shell) -> None:
    assert "none.json" in shell.fails(2, "customers", "add", "none.json")
    assert "not JSON" in shell.fails(2, "customers", "add", shell.write("x.json", "{"))
    assert "none" in shell.fails(2, "flow", "import", "none")
    assert "none" in shell.fails(1, "call", "--flow", "none")


def test_a_test_call_runs_the_flow_in_the_language_that_is_asked_for(shell: Shell) -> None:
    for name, word in (("hello", "Hello"), ("hello.de", "Hallo")):
        shell.write(f"{name}.json", _saying(word))
        assert shell.ringfence("flow", "import", f"{name}.json", "--name", name).code == 0

    assert "Hallo" in shell.ringfence("call", "--flow", "hello", "--language", "de-at").out
    assert "Hello" in shell.ringfence("call", "--flow", "hello", "--language", "fr").out
    assert "--language" in shell.fails(2, "call", "--language", "german")


def _saying(word: str) -> str:
    says = {
        "Identifier": "say",
        "Type": "MessageParticipant",
        "Parameters": {"Text": word},
        "Transitions": {
            "NextAction": "end",
            "Errors": [{"NextAction": "end", "ErrorType": "NoMatchingError"}],
        },
    }
    end = {
        "Identifier": "end",
        "Type": "DisconnectParticipant",
        "Parameters": {},
        "Transitions": {},
    }
    return json.dumps({"Version": "2019-10-30", "StartAction": "say", "Actions": [says, end]})


def test_a_good_flow_is_right_and_can_be_imported(shell: Shell) -> None:
    for name, content in shipped_flows().items():
        shell.write(name, content)

    said = shell.ringfence("flow", "check", *shipped_flows())

    assert said.code == 0, said
    assert said.out.count("right") == len(shipped_flows())
    assert shell.ringfence("flow", "import", "verify-card-payment", "--name", "mine").code == 0
    assert "mine" in shell.ringfence("flow", "list").out


def test_wrong_flows_are_named_with_block_and_type(shell: Shell) -> None:
    flow = json.loads(shipped_flows()["verify-card-payment"])
    leading = [block for block in flow["Actions"] if block["Transitions"].get("NextAction")]
    leading[0]["Transitions"]["NextAction"] = "nowhere"
    leading[1]["Type"] = "DoMagic"
    shell.write("wrong.json", json.dumps(flow))
    shell.write("right.json", shipped_flows()["verify-card-payment"])

    said = shell.ringfence("flow", "check", "right.json", "wrong.json")

    assert said.code == 2
    first, second = leading[:2]
    assert f"block {first['Identifier']} ({first['Type']})" in said.out
    assert "nowhere" in said.out
    assert f"block {second['Identifier']} (DoMagic)" in said.out
    assert "right" in said.out
    assert "nowhere" in shell.fails(2, "flow", "import", "wrong.json")
    assert "wrong" not in shell.ringfence("flow", "list").out


def test_rules_are_checked_with_a_caret_at_the_place(shell: Shell) -> None:
    said = shell.ringfence("rules", "check", "$transaction_amt >", "$transaction_amt > 1")

    assert said.code == 2
    place, rule, caret, right = said.out.splitlines()
    assert "line 1, column 19" in place
    assert rule == "$transaction_amt >"
    assert caret == " " * 18 + "^"
    assert right.startswith("right")


def test_rules_come_from_the_input_and_may_name_a_model_to_come(shell: Shell) -> None:
    given = '# comment\n\n$m_insightscore > 900 and $currency == "eur"\n'

    assert shell.ringfence("rules", "check", "-", given=given).code == 2
    assert shell.ringfence("rules", "check", "--model", "m", "-", given=given).code == 0
    wrong = shell.ringfence("rules", "check", "$currency > 5")
    assert wrong.code == 2
    assert "^" in wrong.out
    assert "nope" in shell.fails(1, "rules", "check", "--event-type", "nope", "$a > 1")
