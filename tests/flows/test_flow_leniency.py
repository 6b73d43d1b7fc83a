"""What drafts and templates may look like, and where it ends."""

from __future__ import annotations

import json
from typing import Any

import pytest
from conversations import action, converse, flow_of, says

from ringfence.flows import FlowInvalid, load_flow
from ringfence.flows.sizes import DEEPEST, LARGEST_BYTES, MOST_BLOCKS


def refused(content: str) -> str:
    with pytest.raises(FlowInvalid) as caught:
        load_flow(content)
    return str(caught.value)


def changed(content: str, **members: object) -> str:
    return json.dumps({**json.loads(content), **members})


def with_first(content: str, **members: object) -> str:
    flow = json.loads(content)
    flow["Actions"][0].update(members)
    return json.dumps(flow)


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        [],
        "",
        {"Annotations": [{"type": "note"}], "hash": {}, "newer": {"than": ["this"]}},
        {"ActionMetadata": {"say": {"position": {"x": "1", "y": None}, "parameters": 5}}},
        {"ActionMetadata": []},
    ],
)
def test_metadata_may_be_missing_or_anything(metadata: object) -> None:
    assert load_flow(changed(flow_of(says("Hello")), Metadata=metadata)).blocks["say"]


@pytest.mark.parametrize("member", ["ContactFlow", "ContactFlowModule"])
def test_content_may_be_an_object_instead_of_its_text(member: str) -> None:
    answer = {member: {"Name": "Main", "Content": json.loads(flow_of(says("Hello")))}}
    assert load_flow(json.dumps(answer)).name == "Main"
    assert load_flow(json.dumps(answer[member])).name == "Main"


@pytest.mark.parametrize("empty", [None, {}, [], ""])
def test_nothing_is_nothing_however_it_is_written(empty: object) -> None:
    flow = flow_of(start="end")
    for member in ("Parameters", "Transitions"):
        assert load_flow(with_first(flow, **{member: empty})).start == "end"


def test_a_transition_that_is_there_twice_counts_once() -> None:
    flow = json.loads(flow_of(says("Hello", errors={"NoMatchingError": "end"})))
    ways = flow["Actions"][0]["Transitions"]
    ways["Errors"] *= 2
    block = load_flow(json.dumps(flow)).blocks["say"]
    assert block.transitions.errors == {"NoMatchingError": "end"}


@pytest.mark.parametrize("number", [5, 5.0, "5", " 5 "])
def test_numbers_are_numbers_with_or_without_quotes(number: object) -> None:
    block = action("wait", "Wait", {"TimeLimitSeconds": number}, "end")
    assert "wait" in load_flow(flow_of(block)).blocks


@pytest.mark.parametrize(
    "arn", ["{{LambdaArn}}", "${BlockCard.Arn}", "<YOUR_LAMBDA_ARN>", "%%arn%%", "__ARN__"]
)
def test_a_placeholder_of_a_template_is_a_name_like_any_other(arn: str) -> None:
    block = action(
        "call", "InvokeLambdaFunction", {"LambdaFunctionARN": arn}, "end",
        errors={"NoMatchingError": "end"},
    )  # fmt: skip
    [(_, wanted)] = load_flow(flow_of(block)).resources
    assert wanted.arn == arn


def test_an_empty_arn_is_enough_where_the_export_has_the_name() -> None:
    block = action(
        "call", "InvokeLambdaFunction", {"LambdaFunctionARN": ""}, "end",
        errors={"NoMatchingError": "end"},
    )  # fmt: skip
    named = {"ActionMetadata": {"call": {"parameters": {
        "LambdaFunctionARN": {"displayName": "block-card"}}}}}  # fmt: skip
    [(_, wanted)] = load_flow(changed(flow_of(block), Metadata=named)).resources
    assert (wanted.arn, wanted.label) == ("", "block-card")
    assert "LambdaFunctionARN is empty" in refused(flow_of(block))


def test_an_unfinished_block_that_nothing_leads_to_is_a_notice() -> None:
    island = [action("left", "MessageParticipant", {}, "over"), action("over", "Loop")]
    flow = load_flow(flow_of(says("Hello"), *island))
    assert [each.block_id for each in flow.notices] == ["left", "over"]
    assert "nothing leads to it" in flow.notices[0].message
    assert "nothing to say" in flow.notices[0].message
    assert "nothing to say" in refused(flow_of(says("Hello", next_="left"), *island))


@pytest.mark.parametrize(
    ("island", "message"),
    [
        (action("left", "CallTheMoon"), "block 'left' (CallTheMoon, the 2. of 3): the block type"),
        (says("Bye", "left", "gone"), "leads to 'gone'"),
        (says("Bye", "say"), "the id is that of 2 blocks"),
        (action("left", "Compare", []) | {"Parameters": [1]}, "Parameters is not an object"),
    ],
)
def test_what_is_wrong_with_the_structure_is_refused_wherever_it_stands(
    island: dict[str, Any], message: str
) -> None:
    assert message in refused(flow_of(says("Hello"), island))


def test_a_flow_of_the_most_blocks_loads_and_one_more_is_too_many() -> None:
    def chain(blocks: int) -> str:
        says_it = [says("x", f"b{n}", f"b{n + 1}") for n in range(blocks - 2)]
        return flow_of(*says_it, says("x", f"b{blocks - 2}"))

    assert len(load_flow(chain(MOST_BLOCKS)).blocks) == MOST_BLOCKS
    assert f"there are {MOST_BLOCKS + 1} blocks in it" in refused(chain(MOST_BLOCKS + 1))
    modules = {"modules": [{}] * (MOST_BLOCKS + 1), "start": "a"}
    assert f"there are {MOST_BLOCKS + 1} blocks in it" in refused(json.dumps(modules))


def test_a_file_of_the_largest_size_is_read_and_a_larger_one_is_not() -> None:
    flow = flow_of(says("Hello"))
    assert load_flow(flow + " " * (LARGEST_BYTES - len(flow)))
    assert f"it has {LARGEST_BYTES + 1} bytes" in refused(
        flow + " " * (LARGEST_BYTES + 1 - len(flow))
    )
    wide = flow.replace("Hello", "€" * (LARGEST_BYTES // 3 + 1))
    assert len(wide) < LARGEST_BYTES
    assert f"bytes, more than {LARGEST_BYTES}" in refused(wide)


@pytest.mark.parametrize("levels", [DEEPEST, 900, 200_000])
def test_what_is_nested_too_deeply_is_refused(levels: int) -> None:
    nested = '{"Actions": [], "Metadata": ' + '{"a": ' * levels + "1" + "}" * levels + "}"
    assert f"nested deeper than {DEEPEST} levels" in refused(nested)
    wrapped = json.dumps({"Content": nested})
    assert f"nested deeper than {DEEPEST} levels" in refused(wrapped)


@pytest.mark.parametrize("text", ["\ud83d", "a\x00b"])
def test_text_that_cannot_be_stored_is_refused(text: str) -> None:
    assert "in it" in refused(flow_of(says(text)))
    assert "in it" in refused(changed(flow_of(says("Hello")), **{text: 1}))
    assert load_flow(flow_of(says("\N{GRINNING FACE}")))


def test_of_very_many_problems_the_message_has_the_first_and_their_number() -> None:
    with pytest.raises(FlowInvalid) as caught:
        load_flow(flow_of(*(action(f"b{n}", "CallTheMoon") for n in range(1000))))
    assert len(caught.value.problems) == 1000
    assert str(caught.value).endswith("; and 900 more")


def legacy(*modules: dict[str, Any], status: str) -> str:
    end = {"id": "end", "type": "Disconnect", "parameters": [], "branches": []}
    return json.dumps(
        {
            "modules": [*modules, end],
            "start": "ask",
            "version": "1",
            "type": "contactFlow",
            "metadata": {"name": "draft", "status": status},
        }
    )


def ask(*branches: tuple[str, str | None], **parameters: str) -> dict[str, Any]:
    given = {"Text": "Press 1", "TextToSpeechType": "text", "Timeout": "5", "MaxDigits": "1"}
    ways = [{"condition": each} | ({"transition": to} if to else {}) for each, to in branches]
    return {
        "id": "ask",
        "type": "GetUserInput",
        "target": "Digits",
        "parameters": [{"name": n, "value": v} for n, v in (given | parameters).items()],
        "branches": ways,
    }


LOOSE = ask(("Timeout", "end"), ("NoMatch", None), ("Error", None))


def test_a_saved_draft_with_loose_ends_runs_as_far_as_it_goes() -> None:
    flow = load_flow(legacy(LOOSE, status="saved"))
    assert [notice.block_id for notice in flow.notices] == ["ask"]
    assert "the branch NoMatch is missing" in flow.notices[0].message
    talk = converse(flow)
    assert talk.said == ["Press 1"]
    assert not talk.left


def test_a_saved_block_that_lacks_what_it_needs_takes_its_error_branch() -> None:
    unfinished = ask(("Timeout", "end"), ("NoMatch", "end"), ("Error", "end"), Timeout="soon")
    talk = converse(legacy(unfinished, status="saved"))
    assert talk.said == []
    assert "'soon', not a whole number" in talk.blocks[0].detail


def test_what_was_published_must_be_finished() -> None:
    for status in ("published", ""):
        assert "the branch NoMatch is missing" in refused(legacy(LOOSE, status=status))


def test_a_saved_block_of_an_unknown_kind_is_refused_all_the_same() -> None:
    unknown = {"id": "ask", "type": "ReadMind", "parameters": [], "branches": []}
    assert "ReadMind" in refused(legacy(unknown, status="saved"))
