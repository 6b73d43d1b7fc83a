"""External models in a detector: decisions, failures, repeats, and what may change meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import msgspec
import pytest
from endpoints import Remote, asked_at, remote
from publishing import PAYMENT, payment, publish, rule

from ringfence.detectors import (
    Decision,
    DecisionEngine,
    Detector,
    Request,
    RuleRef,
    activate_detector_version,
    create_detector_version,
    put_detector,
    put_rule,
    rule_types,
    stored_decision,
)
from ringfence.detectors.backtest.judging import subject
from ringfence.detectors.backtest.worker import Judge, Questions
from ringfence.detectors.catalog import Catalog
from ringfence.detectors.external import define_external_model, remove_external_model
from ringfence.errors import Conflict, InvalidInput, NotFound, Unavailable
from ringfence.events import DataType, EventType, SentEvent, put_event_type
from ringfence.examples import read_example
from ringfence.models.external import (
    ExternalKind,
    ExternalModel,
    OnFailure,
    get_external_model,
    list_external_models,
    load_external_model,
)
from ringfence.rules import Rule
from ringfence.storage import Database

HIGH, LOW, NOTHING = "$remote_score > 500", "$remote_score <= 500", "$remote_score == null"


@pytest.fixture
def endpoint() -> Iterator[Remote]:
    with remote() as running:
        yield running


def use(database: Database, model: ExternalModel, detector_id: str = "guard") -> None:
    """Decide with an endpoint: `call` above 500, `approve` below, `review` without a score."""
    with database.write() as connection:
        define_external_model(connection, model)
        refs = []
        for rule_id, expression, outcome in (
            ("high", HIGH, "call"),
            ("low", LOW, "approve"),
            ("nothing", NOTHING, "review"),
        ):
            stored = put_rule(
                connection,
                detector_id,
                Rule(rule_id=rule_id, version="1", expression=expression, outcomes=(outcome,)),
            )
            refs.append(RuleRef(stored.rule_id, stored.version))
        version = create_detector_version(
            connection, detector_id, rules=refs, models=(), external_models=[model.name]
        )
        activate_detector_version(connection, detector_id, version.version)


def shows_pictures(database: Database) -> None:
    """The shipped example, published."""
    definition = msgspec.json.decode(read_example("inspection-model.json"))
    model = msgspec.convert({**definition, "kind": "ONNX"}, ExternalModel)
    with database.write() as connection:
        put_event_type(
            connection,
            msgspec.json.decode(read_example("inspection-event-type.json"), type=EventType),
        )
        define_external_model(connection, model, read_example("inspection.onnx"))
        put_detector(connection, Detector(detector_id="inspection", event_type="inspection"))
        refs = []
        for document in msgspec.json.decode(read_example("inspection-rules.json")):
            stored = put_rule(
                connection,
                "inspection",
                msgspec.convert({**document, "version": "1"}, Rule),
            )
            refs.append(RuleRef(stored.rule_id, stored.version))
        version = create_detector_version(
            connection, "inspection", rules=refs, models=(), external_models=["inspection"]
        )
        activate_detector_version(connection, "inspection", version.version)


def inspection(name: str) -> Request:
    document = msgspec.json.decode(read_example(name))
    return Request(
        event_type="inspection",
        sent=SentEvent(event_id=document["event_id"], variables=document["variables"]),
    )


async def test_rules_see_what_an_endpoint_says_and_the_decision_keeps_it(
    published: Database, engine: DecisionEngine, endpoint: Remote
) -> None:
    use(published, asked_at(endpoint.url))
    decision = await engine.decide(payment("e-1"))
    assert decision.scores == {"remote_score": 800.0}
    assert (decision.outcomes, decision.note) == (("call",), None)
    endpoint.scores(0.1)
    assert (await engine.decide(payment("e-2"))).outcomes == ("approve",)
    with published.read() as connection:
        assert stored_decision(connection, "card_payment", "e-1") == decision


async def test_a_repeated_event_asks_nobody_and_keeps_its_answer(
    published: Database, engine: DecisionEngine, endpoint: Remote
) -> None:
    use(published, asked_at(endpoint.url))
    first = await engine.decide(payment("e-1"))
    endpoint.scores(0.1)
    again = await engine.decide(payment("e-1"))
    assert again == msgspec.structs.replace(first, repeated=True)
    assert len(endpoint.asked) == 1
    with pytest.raises(Conflict):
        await engine.decide(payment("e-1", amount=7))


@pytest.mark.parametrize(
    ("fallback", "scores", "outcome", "so"),
    [
        (900.0, {"remote_score": 900.0}, "call", "its fallback counts"),
        (None, {}, "review", "what it says is missing"),
    ],
)
async def test_a_failure_gives_the_declared_fallback_and_the_note_says_so(
    published: Database,
    engine: DecisionEngine,
    endpoint: Remote,
    fallback: float | None,
    scores: dict[str, float],
    outcome: str,
    so: str,
) -> None:
    endpoint.fails()
    use(published, asked_at(endpoint.url, fallback=fallback))
    decision = await engine.decide(payment("e-1"))
    assert (decision.scores, decision.outcomes) == (scores, (outcome,))
    assert decision.note == (f"external model remote failed (it answered with status 500): {so}")
    with published.read() as connection:
        assert stored_decision(connection, "card_payment", "e-1") == decision


async def test_a_model_that_a_decision_must_have_refuses_it_and_a_retry_decides(
    published: Database, engine: DecisionEngine, endpoint: Remote
) -> None:
    endpoint.fails()
    use(published, asked_at(endpoint.url, on_failure=OnFailure.REFUSE))
    with pytest.raises(Unavailable, match="'remote' failed: it answered with status 500"):
        await engine.decide(payment("e-1"))
    with published.read() as connection, pytest.raises(NotFound):
        stored_decision(connection, "card_payment", "e-1")
    endpoint.scores(0.7)
    assert (await engine.decide(payment("e-1"))).scores == {"remote_score": 700.0}


async def test_while_an_endpoint_is_slow_other_detectors_decide(
    published: Database, engine: DecisionEngine, endpoint: Remote
) -> None:
    with published.write() as connection:
        put_event_type(connection, msgspec.structs.replace(PAYMENT, name="transfer"))
        put_detector(connection, Detector(detector_id="transfers", event_type="transfer"))
        publish(connection, rule("any"), detector_id="transfers")
    endpoint.waits()
    use(published, asked_at(endpoint.url, timeout_seconds=30.0))
    order: list[str] = []

    async def decide(request: Request) -> Decision:
        decision = await engine.decide(request)
        order.append(decision.event_id)
        return decision

    slow = [asyncio.create_task(decide(payment(f"slow-{n}"))) for n in range(5)]
    assert await asyncio.to_thread(endpoint.arrived.wait, 10)
    others = [decide(payment(f"e-{n}", event_type="transfer", amount=1)) for n in range(50)]
    await asyncio.gather(*others)
    assert len(order) == 50
    endpoint.go_on.set()
    decided = await asyncio.gather(*slow)
    assert {d.scores["remote_score"] for d in decided} == {800.0}
    assert order[50:] == sorted(order[50:], key=lambda id_: id_.startswith("slow"))


async def test_a_changed_address_is_asked_from_the_next_look_on(
    published: Database, engine: DecisionEngine, endpoint: Remote
) -> None:
    use(published, asked_at(endpoint.url, headers={"X-Key": "tellnobody"}))
    await engine.decide(payment("e-1"))
    with remote() as other:
        other.scores(0.2)
        changed = asked_at(other.url, headers={"X-Key": "another"})
        with published.write() as connection:
            define_external_model(connection, changed)
        engine.catalog.look_again()
        assert (await engine.decide(payment("e-2"))).scores == {"remote_score": 200.0}
        assert other.asked[0].headers["X-Key"] == "another"


async def test_reasons_say_that_an_external_model_scored(
    published: Database, engine: DecisionEngine, endpoint: Remote
) -> None:
    use(published, asked_at(endpoint.url))
    decision = await engine.decide(payment("e-1"))
    (reason,) = (await engine.explain(decision))["remote_score"]
    assert (reason.variable, reason.value, reason.log_odds) == ("remote", "800", 0.0)
    assert "score of the external model remote" in reason.text
    assert len(endpoint.asked) == 1


async def test_pictures_are_scored_like_transactions(
    published: Database, engine: DecisionEngine
) -> None:
    shows_pictures(published)
    scratched = await engine.decide(inspection("inspection-scratched.json"))
    sound = await engine.decide(inspection("inspection-sound.json"))
    assert scratched.scores["inspection_score"] > 800
    assert sound.scores["inspection_score"] < 300
    assert (scratched.outcomes, sound.outcomes) == (("review",), ("approve",))
    blind = await engine.decide(
        Request(
            event_type="inspection",
            sent=SentEvent(event_id="card-3", variables={"picture": "not a picture"}),
        )
    )
    assert [matched.rule_id for matched in blind.rules] == ["unseen"]
    assert blind.note is not None
    assert "the picture in picture cannot be read" in blind.note
    # What else decides goes on deciding.
    assert (await engine.decide(payment("e-1"))).outcomes == ("approve",)


def test_past_events_are_judged_with_files_and_not_with_endpoints(
    published: Database, endpoint: Remote
) -> None:
    shows_pictures(published)
    use(published, asked_at(endpoint.url))
    catalog = Catalog()
    with published.read() as connection:
        with pytest.raises(InvalidInput, match="asked over HTTP") as refused:
            subject(connection, catalog, "guard")
        tested = subject(connection, catalog, "inspection")
    assert refused.value.field == "detector"
    rows = [
        msgspec.json.encode(msgspec.json.decode(read_example(name))["variables"])
        for name in ("inspection-scratched.json", "inspection-sound.json")
    ]
    (judged,) = Judge([tested.runtime]).judge(Questions([0, 1], rows, {}))
    assert judged.matched == [(0,), (1,)]
    assert not endpoint.asked


def test_rules_may_name_what_a_model_gives_once_it_is_defined(published: Database) -> None:
    with published.write() as connection:
        assert "remote_score" not in rule_types(connection, "card_payment")
        define_external_model(connection, asked_at("http://127.0.0.1:9/"))
        assert rule_types(connection, "card_payment")["remote_score"] is DataType.FLOAT
        stored = put_rule(connection, "guard", rule("high", HIGH))
        with pytest.raises(InvalidInput, match="needs remote_score") as refused:
            create_detector_version(
                connection, "guard", rules=[RuleRef("high", stored.version)], models=()
            )
        assert refused.value.field == "models"


def test_a_version_names_external_models_that_exist_and_fit(published: Database) -> None:
    with published.write() as connection:
        put_event_type(connection, msgspec.structs.replace(PAYMENT, name="transfer"))
        define_external_model(
            connection,
            msgspec.structs.replace(asked_at("http://127.0.0.1:9/"), event_type="transfer"),
        )
        for names, said in (
            (["other"], "no external model 'other'"),
            (["remote"], "another event type"),
            (["remote", "remote"], "named twice"),
        ):
            with pytest.raises(InvalidInput, match=said) as refused:
                create_detector_version(
                    connection,
                    "guard",
                    rules=[RuleRef("any", "1")],
                    models=(),
                    external_models=names,
                )
            assert refused.value.field == "external_models"


def test_what_is_used_is_not_taken_away_and_does_not_become_something_else(
    published: Database,
) -> None:
    model = asked_at("http://127.0.0.1:9/")
    use(published, model)
    shows_pictures(published)
    with published.write() as connection:
        with pytest.raises(Conflict, match="version 2 of detector 'guard'"):
            remove_external_model(connection, "remote")
        picture = get_external_model(connection, "inspection")
        for changed, field in (
            (
                msgspec.structs.replace(model, outputs=asked_at("http://h/", name="x").outputs),
                "outputs",
            ),
            (msgspec.structs.replace(picture, outputs=()), "outputs"),
        ):
            with pytest.raises(Conflict) as refused:
                define_external_model(connection, changed)
            assert refused.value.field == field
    with published.write() as connection:
        better = msgspec.structs.replace(picture, description="better", on_failure=OnFailure.REFUSE)
        assert define_external_model(connection, better).sha256 == picture.sha256
        with pytest.raises(Conflict) as refused:
            define_external_model(
                connection, better, read_example("inspection.onnx") + b"\x1a\x01a"
            )
        assert refused.value.field == "content"


def test_what_nobody_uses_goes(published: Database) -> None:
    with published.write() as connection:
        define_external_model(connection, asked_at("http://127.0.0.1:9/"))
        remove_external_model(connection, "remote")
        assert list_external_models(connection) == []
        with pytest.raises(NotFound):
            remove_external_model(connection, "remote")


def test_the_values_of_headers_are_kept_and_not_shown(published: Database) -> None:
    secret = {"Authorization": "tellnobody"}
    with published.write() as connection:
        shown = define_external_model(
            connection, asked_at("http://127.0.0.1:9/a", headers=dict(secret))
        )
        assert shown == get_external_model(connection, "remote")
        assert "tellnobody" not in str(list_external_models(connection))
        # As somebody would who reads it, changes the path and writes it back.
        moved = asked_at("http://127.0.0.1:9/b", headers={"Authorization": None})
        define_external_model(connection, moved)
        loaded = load_external_model(connection, "remote").endpoint
        assert loaded is not None
        assert (loaded.headers, loaded.url) == (secret, "http://127.0.0.1:9/b")
        # But a secret does not follow to another server.
        elsewhere = asked_at("http://127.0.0.1:10/b", headers={"Authorization": None})
        with pytest.raises(InvalidInput, match="has it for another server") as refused:
            define_external_model(connection, elsewhere)
        assert refused.value.field == "endpoint.headers.Authorization"


def test_two_models_of_an_event_type_do_not_give_the_same_variable(published: Database) -> None:
    with published.write() as connection:
        define_external_model(connection, asked_at("http://127.0.0.1:9/"))
        other = msgspec.structs.replace(asked_at("http://127.0.0.1:9/"), name="other")
        with pytest.raises(InvalidInput, match="'remote' gives remote_score already"):
            define_external_model(connection, other)


def test_kinds_and_files_go_together(published: Database) -> None:
    with published.write() as connection:
        with pytest.raises(InvalidInput) as refused:
            define_external_model(connection, asked_at("http://127.0.0.1:9/"), b"file")
        assert refused.value.field == "content"
        file = msgspec.structs.replace(
            asked_at("http://127.0.0.1:9/"), kind=ExternalKind.ONNX, endpoint=None
        )
        with pytest.raises(InvalidInput) as refused:
            define_external_model(connection, file)
        assert refused.value.field == "content"
