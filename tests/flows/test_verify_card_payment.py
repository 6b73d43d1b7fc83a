"""The flow that Ringfence ships as its own, in each of its languages."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from conversations import (
    ATTRIBUTES,
    Bank,
    Cardholder,
    Conversation,
    converse,
    spoken_seconds,
)

from ringfence.flows import FunctionFailed, language_of_voice, load_flow, shipped_flows
from ringfence.flows.laboratory.coverage import Coverage
from ringfence.flows.laboratory.suite import judge, read_suite, shipped_suite
from ringfence.lines.speech import TELEPHONE_RATE, Synthesizer
from ringfence.lines.speech.script import Utterance, script

SPELLED = {"ReferenceSpelled": "K, D, 7, P, X"}
CONTENT = shipped_flows()["verify-card-payment"]
FLOW = load_flow(CONTENT)
LANGUAGES = ("de", "es", "fr", "it", "pt")
NAMES = ("verify-card-payment", *(f"verify-card-payment.{each}" for each in LANGUAGES))
FLOWS = {name: load_flow(shipped_flows()[name]) for name in NAMES}


def test_who_calls_and_what_is_never_asked_come_before_the_payment() -> None:
    said = converse(FLOW, Cardholder(["1"])).said[0]
    order = [
        "Example Bank",
        "automated call",
        "Ms Rojas",
        "never ask for your PIN, password, one-time code or card number",
        "hang up at any time and call the number on the back of your card",
        "a payment of EUR 4155.00 at Schmidt &amp; Sons, with your card ending in 4071",
        "press 1",
        "press 2",
        "press 3",
    ]
    assert [said.index(part) for part in order] == sorted(said.index(part) for part in order)


def test_the_keys_are_offered_well_within_a_minute() -> None:
    said = converse(FLOW, Cardholder(["1"])).said[0]
    before_the_keys, _, _ = said.partition("If it was you, press 1")
    assert spoken_seconds(before_the_keys) < 40
    assert spoken_seconds(said) < 50


def test_the_last_four_digits_are_said_one_by_one() -> None:
    heard = converse(FLOW, Cardholder(["1"])).cardholder.heard[0]
    assert '<say-as interpret-as="digits">4071</say-as>' in heard.text


def invoked(talk: Conversation) -> list[str]:
    return [arn.rpartition(":")[2] for arn, _, _ in talk.bank.invoked]


@pytest.mark.parametrize(
    ("bank", "last"),
    [
        (Bank({"Verdict": "legit"}), "noted that it was you, and there is nothing more to do"),
        (Bank({"Verdict": "undecided"}), "A colleague will look at this payment and may call you"),
        (Bank({"Verdict": "fraud"}), "We have noted your answer. Goodbye."),
        (Bank({"Verdict": ""}), "We have noted your answer. Goodbye."),
        (Bank(FunctionFailed("gone")), "We have noted your answer. Goodbye."),
        (Bank(seconds=9), "We have noted your answer. Goodbye."),
    ],
)
@pytest.mark.parametrize("before", [[], [None], ["3"]])
def test_key_1_thanks_and_promises_no_more_than_what_came_of_it(
    bank: Bank, last: str, before: list[str | None]
) -> None:
    talk = converse(FLOW, Cardholder([*before, "1"]), bank=replace(bank, invoked=[]))
    assert talk.inputs[-1] == ("1", True)
    assert last in talk.said[-1]
    assert ("nothing more to do" in talk.said[-1]) == (bank.answer == {"Verdict": "legit"})
    assert invoked(talk) == ["find-verdict"]


def test_key_2_blocks_the_card_and_spells_the_reference() -> None:
    talk = converse(FLOW, Cardholder(["2"]))
    assert talk.inputs == [("2", True)]
    assert invoked(talk) == ["block-credit-card"]
    spelled = '<say-as interpret-as="characters">KD7PX</say-as>'
    assert talk.cardholder.heard[-1].text.count(spelled) == 1
    assert "Your card is now blocked" in talk.said[-1]


@pytest.mark.parametrize("attributes", [{**ATTRIBUTES, "Reference": ""}, {"Bank": "B"}])
def test_a_block_without_a_reference_speaks_of_none(attributes: dict[str, str]) -> None:
    talk = converse(FLOW, Cardholder(["2"]), attributes=attributes)
    assert "Your card is now blocked" in talk.said[-1]
    assert "reference" not in talk.said[-1]


@pytest.mark.parametrize(
    "bank", [Bank(FunctionFailed("gone")), Bank(seconds=9), Bank({"statusCode": 400}), Bank([])]
)
def test_a_block_that_did_not_work_is_never_called_one_that_did(bank: Bank) -> None:
    talk = converse(FLOW, Cardholder(["2"]), bank=bank)
    assert "we could not block your card" in talk.said[-1]
    assert "number on the back of your card" in talk.said[-1]


def test_a_function_without_a_status_counts_as_done() -> None:
    talk = converse(FLOW, Cardholder(["2"]), bank=Bank({"result": "ok"}))
    assert "Your card is now blocked" in talk.said[-1]


def test_key_3_repeats_three_times_and_then_says_goodbye() -> None:
    talk = converse(FLOW, Cardholder(["3", "3", "3", "3", "2"]))
    assert [said.startswith("This is Example Bank") for said in talk.said] == [True] * 4 + [False]
    assert "this call changes nothing" in talk.said[-1]
    assert talk.bank.invoked == []


def test_after_a_repetition_the_answer_counts() -> None:
    talk = converse(FLOW, Cardholder(["3", "2"]))
    assert talk.inputs == [("3", True), ("2", True)]
    assert len(talk.bank.invoked) == 1


@pytest.mark.parametrize("first", [None, "0", "9", "#"])
@pytest.mark.parametrize("second", [None, "5"])
def test_no_answer_is_asked_for_once_more_and_then_changes_nothing(
    first: str | None, second: str | None
) -> None:
    talk = converse(FLOW, Cardholder([first, second]))
    assert len(talk.said) == 3
    assert "did not get your answer" in talk.said[1]
    assert "this call changes nothing" in talk.said[2]
    assert "call the number on the back of your card" in talk.said[2]
    assert talk.bank.invoked == []
    assert not any(matched for _, matched in talk.inputs)


@pytest.mark.parametrize(("key", "last"), [("1", "it was you"), ("2", "now blocked")])
def test_the_second_question_takes_the_same_answers(key: str, last: str) -> None:
    bank = Bank({"statusCode": 200, "Verdict": "legit"})
    talk = converse(FLOW, Cardholder([None, key]), bank=bank)
    assert talk.inputs == [(key, True)]
    assert last in talk.said[-1]


@pytest.mark.parametrize("before", [[], [None], ["3"], ["9"]])
def test_a_star_ends_the_call_with_the_word_that_there_will_be_no_more(
    before: list[str | None],
) -> None:
    talk = converse(FLOW, Cardholder([*before, "*"]))
    assert talk.inputs[-1] == ("*", True)
    assert "To get no more such calls, press star" in talk.said[0]
    assert "You will get no more such calls from us" in talk.said[-1]
    assert talk.bank.invoked == []


def test_silence_is_not_asked_for_without_end() -> None:
    talk = converse(FLOW, Cardholder([None, "3", None, None]))
    assert [said.split()[0] for said in talk.said] == ["This", "Sorry,", "This", "We"]


@pytest.mark.parametrize(
    ("left_out", "payment"),
    [
        (("Merchant",), "check a payment of EUR 4155.00, with your card"),
        (("AmountSpoken",), "check a card payment at Schmidt &amp; Sons, with your card"),
        (("AmountSpoken", "Merchant"), "check a card payment, with your card"),
    ],
)
@pytest.mark.parametrize("empty", [True, False])
def test_what_is_not_known_is_not_spoken_of(
    left_out: tuple[str, ...], payment: str, empty: bool
) -> None:
    known = {name: text for name, text in ATTRIBUTES.items() if name not in left_out}
    attributes = {**known, **(dict.fromkeys(left_out, "") if empty else {})}
    talk = converse(FLOW, Cardholder([None, "1"]), attributes=attributes)
    assert payment in talk.said[0]
    assert payment.removeprefix("check ") in talk.said[1]


def test_a_merchant_cannot_put_words_or_markup_into_the_banks_mouth() -> None:
    merchant = '</p><p>Tell us your PIN <break/> $.Attributes.Customer "&'
    talk = converse(FLOW, Cardholder(["1"]), attributes={**ATTRIBUTES, "Merchant": merchant})
    assert "&lt;/p&gt;&lt;p&gt;Tell us your PIN" in talk.cardholder.heard[0].text
    assert "customer-7" not in talk.said[0]
    assert talk.inputs == [("1", True)]


def test_it_asks_for_keys_only_in_menus_and_never_stores_what_is_pressed() -> None:
    actions = json.loads(CONTENT)["Actions"]
    asks = [each for each in actions if each["Type"] == "GetParticipantInput"]
    assert [each["Parameters"]["StoreInput"] for each in asks] == ["False", "False"]


def test_the_designer_finds_a_place_for_every_block() -> None:
    flow = json.loads(CONTENT)
    places = flow["Metadata"]["ActionMetadata"]
    assert set(places) == {each["Identifier"] for each in flow["Actions"]}
    assert len({tuple(each["position"].values()) for each in places.values()}) == len(places)
    forbidden = set("%:(\\/)=$,;[]{}")
    assert not any(forbidden & set(name) or len(name) > 50 for name in places)


def test_every_block_is_reached_in_some_conversation() -> None:
    talks = [
        converse(FLOW, Cardholder(["1"])),
        converse(FLOW, Cardholder(["1"]), bank=Bank({"Verdict": "legit"})),
        converse(FLOW, Cardholder(["1"]), bank=Bank({"Verdict": "undecided"})),
        converse(FLOW, Cardholder(["2"])),
        converse(FLOW, Cardholder(["2"]), attributes={}),
        converse(FLOW, Cardholder(["2"]), bank=Bank([])),
        converse(FLOW, Cardholder(["3"])),
        converse(FLOW, Cardholder(["*"]), attributes={**ATTRIBUTES, **SPELLED}),
    ]
    assert {event.block_id for talk in talks for event in talk.blocks} == set(FLOW.blocks)


def test_there_is_one_in_each_language() -> None:
    ours = {*NAMES, "credit-card-fraud"}
    others = {each.partition(".")[0] for each in set(shipped_flows()) - ours}
    assert others == {"answer-call-back", "leave-message"}


def test_who_may_hang_up_is_told_the_reference_to_call_back_with() -> None:
    attributes = {**ATTRIBUTES, **SPELLED}
    said = converse(FLOW, Cardholder(["1"]), attributes=attributes).said[0]
    told = "call the number on the back of your card. Your reference is K, D, 7, P, X."
    assert told in " ".join(said.split())
    assert spoken_seconds(said) < 60


def structure(name: str) -> Any:
    """A flow without what is said, and by whom."""
    flow = json.loads(shipped_flows()[name])
    for told in ("name", "description"):
        del flow["Metadata"][told]
    for block in flow["Actions"]:
        for text in ("SSML", "TextToSpeechVoice"):
            block["Parameters"].pop(text, None)
        for text in ("Payment", "Recall"):
            block["Parameters"].get("Attributes", {}).pop(text, None)
    return flow


def texts(name: str) -> list[str]:
    blocks = [each["Parameters"] for each in json.loads(shipped_flows()[name])["Actions"]]
    noted = [each["Attributes"] for each in blocks if "Attributes" in each]
    told = [each[text] for each in noted for text in ("Payment", "Recall") if text in each]
    return [
        *(text for text in told if text.strip()),
        *(each["SSML"] for each in blocks if "SSML" in each),
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_languages_differ_in_nothing_but_texts_and_voice(language: str) -> None:
    name = f"verify-card-payment.{language}"
    assert structure(name) == structure("verify-card-payment")
    assert FLOWS[name].name == name
    for text, english in zip(texts(name), texts("verify-card-payment"), strict=True):
        assert text != english
        for pattern in (r"\$\.Attributes\.\w+", r"<[^>]*>"):
            assert sorted(re.findall(pattern, text)) == sorted(re.findall(pattern, english))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_voice_of_the_language_speaks_whatever_the_contacts_is(language: str) -> None:
    talk = converse(FLOWS[f"verify-card-payment.{language}"], Cardholder(["1"]), language="en-US")
    voices = {prompt.voice for prompt in talk.cardholder.heard}
    assert [(language_of_voice(each) or "")[:2] for each in voices] == [language]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "answers", [["1"], ["2"], ["3", "2"], [None, "1"], [None, "9"], ["3"] * 4, ["*"], [None, "*"]]
)
@pytest.mark.parametrize("verdict", ["legit", "undecided"])
def test_every_language_goes_the_same_way(
    language: str, answers: Sequence[str | None], verdict: str
) -> None:
    talks = [
        converse(flow, Cardholder(answers), bank=Bank({"statusCode": 200, "Verdict": verdict}))
        for flow in (FLOW, FLOWS[f"verify-card-payment.{language}"])
    ]
    ways = [[each.block_id for each in talk.blocks] for talk in talks]
    assert ways[0] == ways[1]
    assert talks[0].inputs == talks[1].inputs
    assert len(talks[0].bank.invoked) == len(talks[1].bank.invoked)


@pytest.mark.parametrize(
    ("language", "asked", "keys"),
    [
        (
            "de",
            "Es geht um eine Zahlung von EUR 4155.00 bei Schmidt &amp; Sons, mit Ihrer Karte",
            ("drücken Sie die 1.", "drücken Sie die 2,", "drücken Sie die 3."),
        ),
        (
            "es",
            "Queremos comprobar un pago de EUR 4155.00 en Schmidt &amp; Sons, realizado con",
            ("pulse 1.", "pulse 2,", "pulse 3."),
        ),
        (
            "fr",
            "vérifier un paiement de EUR 4155.00 chez Schmidt &amp; Sons, effectué avec",
            ("tapez 1.", "tapez 2,", "tapez 3."),
        ),
        (
            "it",
            "verificare un pagamento di EUR 4155.00 presso Schmidt &amp; Sons, effettuato con",
            ("prema 1.", "prema 2,", "prema 3."),
        ),
        (
            "pt",
            "confirmar um pagamento de EUR 4155.00 em Schmidt &amp; Sons, feito com",
            ("pressione 1.", "pressione 2,", "pressione 3."),
        ),
    ],
)
def test_who_calls_the_payment_and_the_keys_are_told_in_turn(
    language: str, asked: str, keys: tuple[str, ...]
) -> None:
    said = converse(FLOWS[f"verify-card-payment.{language}"], Cardholder(["1"])).said[0]
    order = ["Ms Rojas", "Example Bank", "PIN" if language != "fr" else "code secret", asked]
    places = [said.index(part) for part in (*order, "4071", *keys)]
    assert places == sorted(places)
    before_the_keys = said[: said.index(keys[0])]
    assert spoken_seconds(before_the_keys) < 40
    assert spoken_seconds(said) < 60


@pytest.mark.parametrize("name", NAMES)
def test_its_own_tests_pass_and_take_every_branch(name: str) -> None:
    suite = read_suite(shipped_suite(name) or "")
    coverage = Coverage()
    for test in suite.tests:
        verdict = judge(FLOWS[name], test)
        assert verdict.differences == (), test.name
        coverage.add(verdict.trial.steps, [FLOWS[name]])
    assert suite.flow == f"{name}.json"
    assert coverage.never_taken == ()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("key", ["1", "2"])
def test_who_hears_all_of_it_spoken_before_they_answer_is_done_within_a_minute(
    name: str, key: str
) -> None:
    # Of both ends of a 1 the longer one is to come.
    bank = Bank({"statusCode": 200, "Verdict": "undecided"})
    talk = converse(FLOWS[name], Cardholder([key]), attributes={**ATTRIBUTES, **SPELLED}, bank=bank)
    synthesizer = Synthesizer()
    speech = [synthesizer.render(each, TELEPHONE_RATE).audio for each in talk.cardholder.heard]
    assert 40 < sum(each.duration_seconds for each in speech) < 59


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_amount_is_spoken_as_the_language_does(language: str) -> None:
    flow = FLOWS[f"verify-card-payment.{language}"]
    talk = converse(flow, Cardholder([None, "1"]))
    prompt = talk.cardholder.heard[1]
    spoken = "".join(
        part.markup
        for sentence in script(prompt, language_of_voice(prompt.voice) or "")
        for part in sentence.parts
        if isinstance(part, Utterance)
    )
    assert ("4155 Euro" if language == "de" else "4155 euro") in spoken
    assert "EUR" not in spoken
    assert 8 < Synthesizer().render(prompt, TELEPHONE_RATE).audio.duration_seconds < 40
