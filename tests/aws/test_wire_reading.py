from __future__ import annotations

import base64
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.aws.wire.errors import SerializationError, ValidationError
from ringfence.aws.wire.reading import read_input


def read(operation: str, **members: Any) -> dict[str, Any]:
    return read_input("frauddetector", operation, json.dumps(members).encode())


def refused(operation: str, **members: Any) -> str:
    with pytest.raises(ValidationError) as error:
        read(operation, **members)
    return error.value.message


def test_what_the_model_knows_is_read_and_the_rest_left_out() -> None:
    assert read("PutLabel", name="fraud", colour="red", description=None) == {"name": "fraud"}


def test_a_name_that_breaks_the_pattern_is_refused_in_the_words_of_aws() -> None:
    assert refused("PutLabel", name="A B") == (
        "1 validation error detected: Value 'A B' at 'name' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: ^[0-9a-z_-]+$"
    )


def test_a_line_break_does_not_slip_through_a_pattern() -> None:
    assert "pattern" in refused("PutLabel", name="fraud\n")


def test_all_that_is_wrong_is_said_at_once() -> None:
    said = refused("CreateVariable", dataType="TEXT", dataSource="EVENT", defaultValue="")
    assert said.startswith("2 validation errors detected: ")
    assert "Value null at 'name'" in said
    assert "'dataType' failed to satisfy constraint: Member must satisfy enum value set" in said


@pytest.mark.parametrize(
    ("operation", "members", "wanted"),
    [
        ("GetLabels", {"maxResults": 51}, "less than or equal to 50"),
        ("GetLabels", {"maxResults": 9}, "greater than or equal to 10"),
        ("PutLabel", {"name": "a" * 65}, "length less than or equal to 64"),
        ("PutLabel", {"name": "a", "description": ""}, "length greater than or equal to 1"),
        ("BatchGetVariable", {"names": []}, "length greater than or equal to 1"),
        ("PutLabel", {"name": "a\0b"}, "NUL"),
    ],
)
def test_bounds_are_kept(operation: str, members: dict[str, Any], wanted: str) -> None:
    assert wanted in refused(operation, **members)


def test_a_null_in_a_map_says_that_a_value_is_missing() -> None:
    sent = {
        "detectorId": "d",
        "eventId": "e",
        "eventTypeName": "t",
        "entities": [],
        "eventTimestamp": "2026-11-24T09:30:00Z",
        "eventVariables": {"amount": None, "city": "Riga"},
    }
    assert read("GetEventPrediction", **sent)["eventVariables"] == sent["eventVariables"]


def test_a_null_in_another_map_is_left_out() -> None:
    schema = {"modelVariables": ["a"], "labelSchema": {"labelMapper": {"FRAUD": None}}}
    members = read(
        "CreateModelVersion",
        modelId="m",
        modelType="ONLINE_FRAUD_INSIGHTS",
        trainingDataSource="INGESTED_EVENTS",
        trainingDataSchema=schema,
    )
    assert members["trainingDataSchema"]["labelSchema"] == {"labelMapper": {}}


def test_sensitive_values_are_not_repeated() -> None:
    said = refused("CreateList", name="bad", elements=[" blank before"])
    assert "blank" not in said
    assert "Value at 'elements.1.member'" in said


def test_blobs_become_bytes() -> None:
    blob = {"byteBuffer": base64.b64encode(b"1,2").decode(), "contentType": "text/csv"}
    sent = {
        "detectorId": "d",
        "eventId": "e",
        "eventTypeName": "t",
        "entities": [],
        "eventTimestamp": "2026-11-24T09:30:00Z",
        "eventVariables": {"a": "1"},
        "externalModelEndpointDataBlobs": {"ep": blob},
    }
    found = read("GetEventPrediction", **sent)["externalModelEndpointDataBlobs"]
    assert found == {"ep": {"byteBuffer": b"1,2", "contentType": "text/csv"}}


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"1", b'"x"', b"[" * 100_000, b"\xff", b'{"name": 1}']
)
def test_what_is_not_an_object_of_the_right_types_is_refused(body: bytes) -> None:
    with pytest.raises(SerializationError):
        read_input("frauddetector", "PutLabel", body)


def test_tag_keys_may_have_letters_of_any_script() -> None:
    assert read("PutLabel", name="a", tags=[{"key": "Größe/ключ 1", "value": ""}])["tags"]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    ),
    st.sampled_from(
        ["PutEventType", "GetEventPrediction", "CreateModelVersion", "PutExternalModel"]
    ),
)
def test_whatever_is_sent_is_read_or_refused(document: Any, operation: str) -> None:
    names = ["name", "entities", "eventVariables", "trainingDataSchema", "inputConfiguration"]
    for sent in (document, dict.fromkeys(names, document)):
        with suppress(SerializationError, ValidationError):
            read_input("frauddetector", operation, json.dumps(sent).encode())
