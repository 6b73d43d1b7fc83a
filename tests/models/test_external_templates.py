from __future__ import annotations

import csv
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.errors import InvalidInput
from ringfence.models.external.templates import Template

KNOWN = ("amount", "merchant", "ok")
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=30),
)


@given(amount=VALUES, merchant=VALUES)
def test_whatever_the_values_json_stays_json_and_says_them(amount: Any, merchant: Any) -> None:
    text = '{"a": {{amount}}, "in": {"text": "of {{ merchant }}, \\"{{merchant}}\\""}}'
    template = Template(text, json=True)
    template.check("template", KNOWN)
    document = json.loads(template.render({"amount": amount, "merchant": merchant}))
    said = (
        {None: "", True: "true", False: "false"}.get(merchant, str(merchant))
        if (merchant is None or isinstance(merchant, bool))
        else str(merchant)
    )
    assert document == {"a": amount, "in": {"text": f'of {said}, "{said}"'}}


@given(merchant=st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=30))
def test_whatever_the_text_csv_has_as_many_columns_as_the_template(merchant: str) -> None:
    template = Template("{{amount}},{{merchant}},{{ok}}", json=False)
    line = template.render({"amount": 1.5, "merchant": merchant, "ok": True})
    assert next(csv.reader([line])) == ["1.5", merchant, "true"]


def test_csv_as_the_notebooks_write_it() -> None:
    template = Template("{{amount}}, {{merchant}}", json=False)
    assert template.variables == ("amount", "merchant")
    assert template.render({"amount": 75.25}) == "75.25, "


@pytest.mark.parametrize(
    ("text", "json_wanted", "said"),
    [
        ("", True, "empty"),
        ('{"a": 1}', True, "no place"),
        ('{"a": {{nothing}}}', True, "'nothing'"),
        ('{"a": {{amount}}', True, "not JSON"),
        ("{{amount}}\n{{ok}}", False, "several lines"),
    ],
)
def test_a_template_that_cannot_work_is_refused(text: str, json_wanted: bool, said: str) -> None:
    with pytest.raises(InvalidInput, match=said) as refused:
        Template(text, json=json_wanted).check("endpoint.template", KNOWN)
    assert refused.value.field == "endpoint.template"
