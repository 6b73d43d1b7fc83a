from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
from synthetic_payments import EVENT_TYPE, HABIT_TYPE, habitual_payments, payments, write
from takeover_logins import LOGIN, read, world

from ringfence.errors import InvalidInput
from ringfence.events import put_event_type
from ringfence.models import (
    Message,
    MessageKind,
    Model,
    ModelType,
    ModelVersion,
    Trained,
    create_model,
    get_model,
    load_baseline,
    plan_for,
    read_data,
    store_version,
    train,
)
from ringfence.models.baseline import Baseline
from ringfence.models.card import ModelCard, make_card
from ringfence.models.card_files import CardFormat, card_body, card_file, format_of
from ringfence.models.segments import Segment
from ringfence.models.takeover import train_takeover
from ringfence.storage import Database

Stored = tuple[Model, ModelVersion, Baseline | None]


@pytest.fixture
def stored(database: Database, trained: Trained) -> Stored:
    return _stored(database, trained, ModelType.ONLINE_FRAUD_INSIGHTS)


def _stored(database: Database, trained: Trained, kind: ModelType) -> Stored:
    with database.write() as connection:
        for event_type in (EVENT_TYPE, HABIT_TYPE, LOGIN):
            put_event_type(connection, event_type)
        create_model(connection, "m", trained.artifact.event_type, model_type=kind)
        version = store_version(connection, "m", trained)
        return get_model(connection, "m"), version, load_baseline(connection, "m", "1.0")


def check_files(card: ModelCard) -> None:
    page = card_file(card, CardFormat.HTML)
    assert page.startswith("<!doctype html>")
    # Nothing beside it: no address, no script, no picture from elsewhere.
    assert not re.search(r"https?:|<script|<link|<img|url\(|@import", page)
    for section in ("What it is for", "Data", "How good it is", "Variables", "Limits", "make it"):
        assert section in page
    text = card_file(card, CardFormat.MARKDOWN)
    assert text.startswith(f"# {card.model_id} {card.version}: model card\n")
    for line in text.splitlines():
        if line.startswith("|"):
            assert line.endswith("|"), line
    assert msgspec.json.decode(card_file(card, CardFormat.JSON), type=ModelCard) == card
    assert card_body(card) in page


def test_a_card_says_what_the_version_knows_of_itself(stored: Stored) -> None:
    model, version, baseline = stored
    assert baseline is not None
    card = make_card(model, version, baseline)
    assert card.data.sha256 == version.facts.sha256
    assert card.data.rows == 3_000
    assert [measure.name for measure in card.measures] == ["AUC", "Average precision"]
    assert {of.name for of in card.variables} >= {"amount", "email"}
    assert sum(point.events for point in card.calibration) == baseline.held_out_events
    assert card.segments == baseline.segments
    assert {segment.by for segment in card.segments} >= {"amount", "currency"}
    assert card.seed == version.facts.seed
    assert any("does not say when its labels became known" in limit for limit in card.limits)
    assert any("10 days" in limit for limit in card.limits)
    check_files(card)


def test_the_card_of_a_model_that_remembers(database: Database, tmp_path: Path) -> None:
    path = write(habitual_payments(2_500), tmp_path / "habits.csv")
    data = read_data(path, HABIT_TYPE)
    trained = train(data, plan=plan_for(data), seed=1)
    card = make_card(*_stored(database, trained, ModelType.TRANSACTION_FRAUD_INSIGHTS))
    assert "did before" in card.intended_use[1]
    assert {segment.by for segment in card.segments} >= {"amount", "month"}
    assert card.data.label_delay_days is not None
    check_files(card)


def test_the_card_of_a_model_of_takeovers(database: Database, tmp_path: Path) -> None:
    trained = train_takeover(read(world(labelled=0.3), tmp_path), seed=1)
    assert trained.baseline is not None
    assert {w.bins.remembered for w in trained.baseline.watched} == {True, False}
    assert sum(trained.baseline.score) == trained.baseline.held_out_events
    card = make_card(*_stored(database, trained, ModelType.ACCOUNT_TAKEOVER_INSIGHTS))
    assert [measure.name for measure in card.measures] == ["Anomaly separation index"]
    assert card.challenges
    assert not card.thresholds
    assert "strangers" in card.uncertainty
    check_files(card)


def test_a_version_from_before_baselines_has_a_card_that_says_so(stored: Stored) -> None:
    model, version, _ = stored
    card = make_card(model, version, None)
    assert card.segments == ()
    assert any("kept neither segments" in limit for limit in card.limits)
    check_files(card)


def test_what_is_worse_what_is_empty_and_what_has_drifted_are_limits(stored: Stored) -> None:
    model, version, baseline = stored
    assert baseline is not None
    bad = Segment(
        by="currency", value="jpy", events=900, frauds=60, auc=0.61, auc_low=0.55, auc_high=0.67,
        recall=0.1, recall_low=0.05, recall_high=0.2, fpr=0.02, worse=True,
    )  # fmt: skip
    first = baseline.watched[0]
    emptied = msgspec.structs.replace(
        first, training=(9_000, *first.training[1:]), held_out=first.held_out
    )
    changed = msgspec.structs.replace(
        baseline, segments=(*baseline.segments, bad), watched=(emptied, *baseline.watched[1:])
    )
    warned = msgspec.structs.replace(
        version,
        messages=(Message(MessageKind.WARNING, "visits", "Variable predicts the label", "AUC 1"),),
    )
    card = make_card(model, warned, changed, ["score has moved: stability index 0.40."])
    limits = " ".join(card.limits)
    assert "significantly worse for currency jpy: AUC 0.610, recall 10%" in limits
    assert f"More than half of the events have no {first.bins.name}." in limits
    assert "Variable predicts the label (visits): AUC 1." in limits
    assert "see drift" in limits
    assert card.drift == ("score has moved: stability index 0.40.",)
    check_files(card)


def test_what_comes_from_data_makes_no_markup(stored: Stored) -> None:
    model, version, baseline = stored
    evil = "<script>alert(1)</script>|`x`"
    facts = msgspec.structs.replace(version.facts, source=evil)
    model = msgspec.structs.replace(model, description=evil)
    message = Message(MessageKind.WARNING, evil, evil, evil)
    card = make_card(
        model, msgspec.structs.replace(version, facts=facts, messages=(message,)), baseline, [evil]
    )
    assert "<script" not in card_file(card, CardFormat.HTML)
    assert "<script" not in card_file(card, CardFormat.MARKDOWN)
    check_files(card)


def test_the_card_names_nobody_that_the_data_was_about(stored: Stored) -> None:
    text = card_file(make_card(*stored), CardFormat.JSON)
    frame = payments(3_000)
    for column in ("email", "phone", "name", "street"):
        assert not any(value in text for value in frame[column].drop_nulls().unique())


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.html", "html"), ("a.HTM", "html"), ("a.md", "md"), ("x/a.json", "json")],
)
def test_a_files_name_says_its_format(name: str, kind: str) -> None:
    assert format_of(Path(name)) == kind
    with pytest.raises(InvalidInput, match="format"):
        format_of(Path("a.pdf"))
