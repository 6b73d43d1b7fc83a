"""How replies of endpoints are read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.models.external import (
    Endpoint,
    ExternalKind,
    ExternalModel,
    ExternalOutput,
    ReplyFormat,
    Scale,
)
from ringfence.models.external.answers import Unreadable, read_reply


def endpoint(
    *keys: str, reply: ReplyFormat = ReplyFormat.APPLICATION_JSONLINES, **rest: Any
) -> ExternalModel:
    return ExternalModel(
        name="remote",
        event_type="card_payment",
        kind=ExternalKind.HTTP,
        outputs=tuple(
            ExternalOutput(variable=f"v{number}", key=key, **rest)
            for number, key in enumerate(keys)
        ),
        endpoint=Endpoint(url="http://127.0.0.1/", reply_format=reply),
    )


def values(model: ExternalModel, reply: bytes, count: int = 1) -> list[dict[str, float]]:
    return [answer.values for answer in read_reply(model, reply, count)]


def test_one_event_is_answered_by_a_document_a_line_or_a_list_of_one() -> None:
    model = endpoint("score")
    for reply in (b'{"score": 0.25}', b'[{"score": "0.25"}]', b'{\n "score": [0.25]\n}\n'):
        assert values(model, reply) == [{"v0": 250.0}]


def test_a_key_goes_into_nested_documents_unless_it_stands_there_as_it_is() -> None:
    assert values(endpoint("a.b.1"), b'{"a": {"b": [0.1, 0.2]}}') == [{"v0": 200.0}]
    assert values(endpoint("a.b"), b'{"a.b": 1, "a": {"b": 0}}') == [{"v0": 1000.0}]


def test_several_events_are_answered_in_order_in_lines_lists_or_columns() -> None:
    model = endpoint("p")
    expected = [{"v0": 100.0}, {"v0": 900.0}]
    for reply in (b'{"p": 0.1}\n{"p": 0.9}\n', b'[{"p": 0.1}, {"p": 0.9}]', b'{"p": [0.1, 0.9]}'):
        assert values(model, reply, 2) == expected


def test_csv_as_sagemaker_answers_it() -> None:
    csv = endpoint("0", reply=ReplyFormat.TEXT_CSV)
    assert values(csv, b"0.07167139649391174\n") == [{"v0": pytest.approx(71.67139649)}]
    assert (
        values(csv, b"0.1\n0.2\n", 2)
        == values(csv, b"0.1,0.2", 2)
        == [
            {"v0": 100.0},
            {"v0": 200.0},
        ]
    )
    two = endpoint("1", "0", reply=ReplyFormat.TEXT_CSV, scale=Scale.AS_IS)
    assert values(two, b'7, "8.5"\r\n') == [{"v0": 8.5, "v1": 7.0}]


def test_one_event_that_was_answered_badly_gets_the_fallback_and_the_others_their_answers() -> None:
    model = endpoint("p", fallback=700.0)
    first, second = read_reply(model, b'[{"p": 0.5}, {"p": 5}]', 2)
    assert (first.values, first.failure) == ({"v0": 500.0}, None)
    assert (second.values, second.failure) == ({"v0": 700.0}, "p is not a probability")


@pytest.mark.parametrize(
    ("reply", "count"),
    [
        (b"", 1),
        (b"<html>", 1),
        (b"\xff\xfe", 1),
        (b"0.5", 1),
        (b"null", 1),
        (b"{}", 1),
        (b'{"p": null}', 1),
        (b'{"p": true}', 1),
        (b'{"p": "high"}', 1),
        (b'{"p": "nan"}', 1),
        (b'{"p": "1e999"}', 1),
        (b'{"p": -0.1}', 1),
        (b'{"p": {"p": 1}}', 1),
        (b'[{"p": 0.5}]', 2),
        (b'{"p": [0.5]}', 2),
        (b'{"p": 0.5}', 2),
        (b"[" * 100_000, 1),
    ],
)
def test_what_is_not_what_was_declared_cannot_be_read(reply: bytes, count: int) -> None:
    with pytest.raises(Unreadable):
        read_reply(endpoint("p"), reply, count)


@given(
    reply=st.one_of(st.binary(max_size=60), st.text(max_size=60).map(str.encode)),
    count=st.integers(1, 3),
    form=st.sampled_from(list(ReplyFormat)),
)
def test_no_reply_does_worse_than_being_unreadable(
    reply: bytes, count: int, form: ReplyFormat
) -> None:
    try:
        answers = read_reply(endpoint("0", reply=form), reply, count)
    except Unreadable:
        return
    assert len(answers) == count
    assert all(0 <= value <= 1000 for answer in answers for value in answer.values.values())
