"""Permissions of access keys: patterns of operations, as IAM writes actions."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.access import permits
from ringfence.access.permissions import read_permissions
from ringfence.errors import InvalidInput


@pytest.mark.parametrize(
    "pattern",
    [
        "*",
        "frauddetector:*",
        "frauddetector:GetEventPrediction",
        "frauddetector:geteventprediction",
        "frauddetector:*List*",
        "frauddetector:GetLabel?",
        "connect:*",
        "connect:StartOutboundVoiceContact",
        "lambda:InvokeFunction",
    ],
)
def test_patterns_that_operations_match_are_permissions(pattern: str) -> None:
    assert read_permissions([pattern, pattern]) == (pattern,)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("", "is not a permission"),
        ("GetLabels", "is not a permission"),
        ("frauddetector", "is not a permission"),
        ("frauddetector:", "is not a permission"),
        ("FraudDetector:GetLabels", "is not a permission"),
        ("frauddetector:Get[A-Z]*", "is not a permission"),
        ("frauddetector:Get Labels", "is not a permission"),
        ("*:GetLabels", "is not a permission"),
        ("s3:GetObject", "'s3' in 's3:GetObject' is not a service"),
        ("frauddetector:GetLabel", "did you mean frauddetector:GetLabels?"),
        ("frauddetector:Invent*", "no operation of frauddetector matches"),
        ("lambda:Invoke", "did you mean lambda:InvokeFunction?"),
        ("x" * 5000, "is not a permission"),
    ],
)
def test_a_pattern_that_no_operation_matches_is_named(pattern: str, said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_permissions(["frauddetector:*", pattern])
    assert refused.value.field == "permissions"
    assert said in refused.value.message
    assert len(refused.value.message) < 300


def test_a_permission_grants_what_it_matches_and_nothing_else() -> None:
    few = ("frauddetector:Get*", "frauddetector:PutLabel")
    assert permits(few, "frauddetector", "GetEventPrediction")
    assert permits(few, "frauddetector", "PutLabel")
    assert not permits(few, "frauddetector", "PutLabels")
    assert not permits(few, "frauddetector", "BatchGetVariable")
    assert not permits(few, "connect", "GetContactAttributes")
    assert not permits((), "frauddetector", "GetLabels")
    assert permits(("*",), "connect", "GetContactAttributes")


@given(st.text(alphabet="abAB*?", min_size=1, max_size=12), st.text(alphabet="abAB", max_size=12))
def test_a_star_is_any_characters_and_a_question_mark_one(pattern: str, operation: str) -> None:
    wanted = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    assert permits((f"frauddetector:{pattern}",), "frauddetector", operation) == bool(
        re.fullmatch(wanted, operation, re.IGNORECASE)
    )
