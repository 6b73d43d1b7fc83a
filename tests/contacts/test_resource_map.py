from __future__ import annotations

import json

import pytest
from call_centres import Centre
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from ringfence.contacts.arns import id_within, unqualified
from ringfence.contacts.bindings import (
    Binding,
    delete_binding,
    get_binding,
    instance_bound_to,
    list_bindings,
    put_binding,
    resolve,
    unbound,
)
from ringfence.contacts.flows import FlowKind, create_flow
from ringfence.contacts.instances import create_instance
from ringfence.contacts.resource_maps import (
    load_resource_map,
    read_resource_map,
    write_resource_map,
)
from ringfence.errors import InvalidInput, NotFound
from ringfence.flows import ResourceKind, Wanted, load_flow
from ringfence.storage import now

FOREIGN = "arn:aws:connect:eu-west-2:123456789012:instance/there/queue/foreign-queue"
LAMBDA = "arn:aws:lambda:eu-west-2:123456789012:function:block-card"


def queue_meant(centre: Centre, arn: str, label: str = "") -> str | None:
    return centre.read(resolve, centre.instance_id, Wanted(ResourceKind.QUEUE, arn, label))


def test_what_the_map_says_of_an_arn_comes_before_every_name(centre: Centre) -> None:
    basic, fraud = centre.queue("BasicQueue"), centre.queue("Fraud")
    assert queue_meant(centre, FOREIGN, "BasicQueue") == basic
    centre.write(put_binding, centre.instance_id, "queue", FOREIGN, "Fraud")
    assert queue_meant(centre, FOREIGN, "BasicQueue") == fraud


def test_what_the_map_says_of_a_label_comes_before_a_thing_of_that_label(centre: Centre) -> None:
    basic, fraud = centre.queue("BasicQueue"), centre.queue("Fraud")
    centre.write(put_binding, centre.instance_id, "queue", "BasicQueue", "Fraud")
    assert queue_meant(centre, FOREIGN, "BasicQueue") == fraud
    assert queue_meant(centre, basic) == basic


@pytest.mark.parametrize("form", ["{id}", "arn:aws:connect:r:1:instance/i/queue/{id}", "Fraud"])
def test_a_thing_of_here_is_meant_by_its_id_its_arn_and_its_name(form: str, centre: Centre) -> None:
    queue_id = centre.queue("Fraud")
    assert queue_meant(centre, form.format(id=queue_id)) == queue_id


def test_a_target_may_be_an_id_and_a_binding_to_what_was_deleted_is_none(centre: Centre) -> None:
    from ringfence.contacts.queues import delete_queue

    queue_id = centre.queue("Fraud")
    centre.write(put_binding, centre.instance_id, "queue", FOREIGN, queue_id)
    assert queue_meant(centre, FOREIGN) == queue_id
    centre.write(delete_queue, queue_id)
    assert queue_meant(centre, FOREIGN) is None


def test_flows_and_modules_of_one_name_are_told_apart(centre: Centre) -> None:
    ids = {
        kind: centre.write(create_flow, centre.instance_id, "Greeting", kind=kind).flow_id
        for kind in FlowKind
    }
    for kind, wanted in (
        (FlowKind.FLOW, ResourceKind.FLOW),
        (FlowKind.MODULE, ResourceKind.MODULE),
    ):
        asked = Wanted(wanted, "arn:aws:connect:r:1:instance/i/x/nobody", "Greeting")
        assert centre.read(resolve, centre.instance_id, asked) == ids[kind]


@pytest.mark.parametrize(
    ("arn", "inside"),
    [
        ("arn:aws:connect:r:1:instance/i/contact-flow/F:$LATEST", "F"),
        ("arn:aws:connect:r:1:instance/i/contact-flow/F:$SAVED", "F"),
        ("arn:aws:connect:r:1:instance/i/flow-module/M:prod", "M"),
        ("arn:aws:connect:r:1:instance/i/operating-hours/H", "H"),
        ("arn:aws:lex:r:1:bot:Payments:prod", "Payments"),
        ("arn:aws:lex:r:1:bot-alias/BOTID/ALIAS", "BOTID"),
        ("arn:aws:lambda:r:1:function:block-card:live", "block-card"),
        ("F:$LATEST", "F"),
        ("F:7", "F"),
        ("Fraud: by day", "Fraud: by day"),
        ("", ""),
    ],
)
def test_arns_with_versions_and_aliases_are_understood(arn: str, inside: str) -> None:
    assert id_within(arn) == inside


def test_the_map_may_name_an_arn_without_its_version(centre: Centre) -> None:
    flow_id = centre.write(create_flow, centre.instance_id, "Greeting").flow_id
    arn = "arn:aws:connect:r:1:instance/there/contact-flow/F"
    centre.write(put_binding, centre.instance_id, "contact flow", arn, "Greeting")
    wanted = Wanted(ResourceKind.FLOW, f"{arn}:$LATEST")
    assert unqualified(wanted.arn) == arn
    assert centre.read(resolve, centre.instance_id, wanted) == flow_id


def test_a_function_always_has_a_name(centre: Centre) -> None:
    wanted = Wanted(ResourceKind.FUNCTION, f"{LAMBDA}:live")
    assert centre.read(resolve, centre.instance_id, wanted) == "block-card"
    centre.write(put_binding, centre.instance_id, "function", LAMBDA, "block-credit-card")
    assert centre.read(resolve, centre.instance_id, wanted) == "block-credit-card"


def test_another_instance_can_be_bound_to_one_of_here(centre: Centre) -> None:
    other = centre.write(create_instance, "other")
    centre.write(put_binding, centre.instance_id, "instance", "abc-123", "ringfence")
    centre.write(put_binding, other.instance_id, "instance", "abc-123", "other")
    assert centre.read(instance_bound_to, "abc-123") == "other"
    assert centre.read(instance_bound_to, "nobody") is None


def test_bindings_are_listed_replaced_and_removed(centre: Centre) -> None:
    centre.queue("A"), centre.queue("B")
    centre.write(put_binding, centre.instance_id, "queue", "X", "A")
    centre.write(put_binding, centre.instance_id, "queue", "X", "B")
    assert [each.target for each in centre.read(list_bindings, centre.instance_id)] == ["B"]
    assert centre.read(get_binding, centre.instance_id, "queue", "X").target == "B"
    centre.write(delete_binding, centre.instance_id, "queue", "X")
    with pytest.raises(NotFound):
        centre.read(get_binding, centre.instance_id, "queue", "X")
    with pytest.raises(NotFound):
        centre.write(delete_binding, centre.instance_id, "queue", "X")


def test_what_cannot_be_bound_is_refused_saying_what_can(centre: Centre) -> None:
    centre.queue("Fraud")
    with pytest.raises(InvalidInput) as kind:
        centre.write(put_binding, centre.instance_id, "view", "X", "Y")
    assert kind.value.field == "kind"
    assert "queue" in str(kind.value.expected)
    with pytest.raises(InvalidInput) as target:
        centre.write(put_binding, centre.instance_id, "queue", "X", "Frau")
    assert target.value.field == "target"
    assert "Fraud" in str(target.value.expected)
    with pytest.raises(InvalidInput) as reference:
        centre.write(put_binding, centre.instance_id, "queue", " ", "Fraud")
    assert reference.value.field == "reference"


def test_a_resource_map_is_loaded_as_a_whole_or_not_at_all(centre: Centre) -> None:
    fraud = centre.queue("Fraud")
    good = f'[queue]\n"BasicQueue" = "Fraud"\n[function]\n"{LAMBDA}" = "block-credit-card"\n'
    centre.write(load_resource_map, centre.instance_id, good)
    assert queue_meant(centre, FOREIGN, "BasicQueue") == fraud
    bad = '[queue]\n"Other" = "Fraud"\n"One" = "nobody"\n[prompt]\n"Two" = "nothing"\n'
    with pytest.raises(InvalidInput, match=r"One.*Two"):
        centre.write(load_resource_map, centre.instance_id, bad)
    assert len(centre.read(list_bindings, centre.instance_id)) == 2


def test_a_resource_map_may_be_json(centre: Centre) -> None:
    assert read_resource_map('{"queue": {"A": "B"}}') == {"queue": {"A": "B"}}


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("[queue", "map"),
        ('{"queue": ', "map"),
        ('[nothing]\na = "b"', "map"),
        ("queue = 3", "queue"),
        ("[queue]\na = 3", "queue.a"),
    ],
)
def test_a_resource_map_that_cannot_be_read_says_where(text: str, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_resource_map(text)
    assert refused.value.field == field
    assert refused.value.expected


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
        st.text(st.characters(exclude_categories=["Cs"])),
        min_size=1,
    )
)
def test_a_map_that_is_written_is_read_as_it_was(section: dict[str, str]) -> None:
    bindings = [
        Binding(kind="hours of operation", reference=one, target=other, updated_at=now())
        for one, other in section.items()
    ]
    assert read_resource_map(write_resource_map(bindings)) == {"hours of operation": section}


def action(
    block_id: str, type_: str, parameters: object, next_id: str, errors: object
) -> dict[str, object]:
    return {
        "Identifier": block_id,
        "Type": type_,
        "Parameters": parameters,
        "Transitions": {"NextAction": next_id, "Errors": errors},
    }


def test_what_a_flow_names_and_is_not_here_is_listed_by_block(centre: Centre) -> None:
    errors = [{"ErrorType": "NoMatchingError", "NextAction": "end"}]
    named = {"LambdaFunctionARN": LAMBDA, "InvocationTimeLimitSeconds": "3"}
    flow = load_flow(
        json.dumps(
            {
                "Version": "2019-10-30",
                "StartAction": "queue",
                "Actions": [
                    action(
                        "queue", "UpdateContactTargetQueue", {"QueueId": FOREIGN}, "call", errors
                    ),
                    action("call", "InvokeLambdaFunction", named, "end", errors),
                    {"Identifier": "end", "Type": "DisconnectParticipant"},
                ],
            }
        )
    )

    def missing(connection: Connection) -> list[str]:
        return [block for block, _ in unbound(connection, centre.instance_id, flow)]

    assert centre.read(missing) == ["queue", "call"]
    centre.queue("Fraud")
    centre.write(put_binding, centre.instance_id, "queue", FOREIGN, "Fraud")
    centre.write(put_binding, centre.instance_id, "function", LAMBDA, "block-credit-card")
    assert centre.read(missing) == []
