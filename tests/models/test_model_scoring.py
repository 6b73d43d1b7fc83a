from __future__ import annotations

import math
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_payments import EVENT_TYPE, START

from ringfence.errors import Unavailable
from ringfence.events import DataType, Value
from ringfence.models import DataSet, Scorer, Trained
from ringfence.models.artifact import pack, unpack
from ringfence.models.explanations import BIAS
from ringfence.models.matrix import FeatureTable, feature_table
from ringfence.models.splitting import split
from ringfence.models.steps import TIME_INPUT

_VALUES: dict[DataType, st.SearchStrategy[Value]] = {
    DataType.STRING: st.text(max_size=12)
    | st.from_regex(r"[a-z.]{1,8}[0-9]{0,3}@[a-z]{1,6}\.(com|ru)", fullmatch=True)
    | st.ip_addresses().map(str)
    | st.sampled_from(["<null>", " ", "12345", "Ohio", "ohio ", "gmail.com", "+44 20 7946 0018"]),
    DataType.FLOAT: st.floats(allow_nan=False, allow_infinity=False),
    DataType.INTEGER: st.integers(-(2**63), 2**63 - 1),
    DataType.BOOLEAN: st.booleans(),
    DataType.DATETIME: st.datetimes().map(datetime.isoformat) | st.text(max_size=5),
}
_EVENTS = st.fixed_dictionaries(
    {}, optional={v.name: st.none() | _VALUES[v.data_type] for v in EVENT_TYPE.variables}
)
_TIMES = st.datetimes(datetime(1980, 1, 1), datetime(2090, 1, 1)).map(
    lambda at: at.replace(tzinfo=UTC)
)


def _same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


def test_training_and_scoring_make_the_same_features_of_every_event(
    data: DataSet, trained: Trained
) -> None:
    artifact = trained.artifact
    table = feature_table(data, artifact.variables, None, split(data.rows), lambda _, __: None)
    assert table.encodings == artifact.encodings
    _check_served(Scorer(artifact), data, table)


@given(st.lists(st.tuples(_EVENTS, _TIMES), min_size=1, max_size=20))
@settings(deadline=None, max_examples=15)
def test_training_and_scoring_make_the_same_features_of_any_values(
    data: DataSet, trained: Trained, events: list[tuple[dict[str, Value], datetime]]
) -> None:
    rows = split(data.rows)
    learned = data.frame.head(rows.held_out)
    held_out = [
        {**dict.fromkeys(learned.columns), **row, TIME_INPUT: at, "EVENT_LABEL": False}
        for row, at in events
    ]
    frame = pl.concat([learned, pl.DataFrame(held_out, schema=learned.schema)])
    some = replace(data, frame=frame)
    table = feature_table(some, trained.artifact.variables, None, rows, lambda _, __: None)
    _check_served(Scorer(trained.artifact), some, table)


def _check_served(scorer: Scorer, data: DataSet, table: FeatureTable) -> None:
    held_out = data.frame.slice(table.rows.held_out)
    matrix = table.held_out()
    assert matrix.shape == (held_out.height, len(table.features))
    for place, row in enumerate(held_out.iter_rows(named=True)):
        at = row.pop(TIME_INPUT)
        for column, (name, value) in enumerate(scorer.features(row, at).items()):
            assert _same(matrix[place, column], value), (place, name)


@given(_EVENTS, _TIMES)
@settings(deadline=None, max_examples=60)
def test_contributions_sum_to_the_raw_score_and_are_grouped_by_variable(
    trained: Trained, row: dict[str, Value], at: datetime
) -> None:
    scorer = Scorer(trained.artifact)
    found = scorer.explain(row, at)
    raw = scorer.log_odds([row], [at])[0]
    assert math.fsum(c.log_odds for c in found) == pytest.approx(raw, abs=1e-9)
    names = [c.variable for c in found]
    assert sorted(names) == sorted([BIAS, TIME_INPUT, *(v.name for v in EVENT_TYPE.variables)])
    sizes = [abs(c.log_odds) for c in found]
    assert sizes == sorted(sizes, reverse=True)
    assert all(c.text for c in found)


def test_reasons_are_given_in_words_and_hide_card_numbers(data: DataSet, trained: Trained) -> None:
    frauds = data.frame.filter(
        data.frame["email"].str.ends_with("mailinator.com")
        & (data.frame["settled_amount"] < 0.5 * data.frame["amount"])
    )
    row = frauds.drop(TIME_INPUT, "EVENT_LABEL").row(0, named=True)
    row |= {"shop_name": "card 4111 1111 1111 1111", "agent": None}
    found = {c.variable: c for c in Scorer(trained.artifact).explain(row, START)}
    assert found["settled_amount"].log_odds > 0
    assert re.match(
        r"settled_amount (is 20.0% of|differs from|does not equal)", found["settled_amount"].text
    )
    assert re.search(r"mail(inator.com| domain).*: raises the risk", found["email"].text)
    assert "agent is not known" in found["agent"].text
    assert found["agent"].value is None
    shown = found["shop_name"].value
    assert shown is not None
    assert "4111 1111" not in shown
    assert "1111" in shown


def test_a_memory_that_is_full_is_emptied_and_changes_no_score(trained: Trained) -> None:
    scorer = Scorer(trained.artifact)
    rows = [{"amount": 5.0, "email": f"u{number}@gmail.com"} for number in range(5_000)]
    ats = [START + timedelta(minutes=number) for number in range(5_000)]
    assert scorer.score(rows, ats) == Scorer(trained.artifact).score(rows, ats)


def test_no_events_have_no_scores(trained: Trained) -> None:
    assert Scorer(trained.artifact).score([], []) == []


def test_a_model_with_features_of_another_release_is_refused(trained: Trained) -> None:
    strange = msgspec.structs.replace(trained.artifact, features=("one",))
    with pytest.raises(Unavailable, match="other features"):
        Scorer(strange)


def test_scoring_imports_nothing_heavy(trained: Trained, tmp_path: Path) -> None:
    path = tmp_path / "artifact"
    path.write_bytes(pack(trained.artifact))
    script = (
        "import sys; from pathlib import Path; from datetime import datetime, UTC;"
        "from ringfence.models import Scorer; from ringfence.models.artifact import unpack;"
        f"scorer = Scorer(unpack(Path({str(path)!r}).read_bytes()));"
        "print(scorer.score([{'amount': 5.0}], [datetime(2026, 1, 1, tzinfo=UTC)]));"
        "scorer.explain({'amount': 5.0}, datetime(2026, 1, 1, tzinfo=UTC));"
        "assert not {'numpy', 'scipy', 'polars', 'lightgbm'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_an_artifact_comes_back_as_it_was_and_damage_is_noticed(trained: Trained) -> None:
    packed = pack(trained.artifact)
    assert unpack(packed) == trained.artifact
    with pytest.raises(Unavailable):
        unpack(packed[:-20])
