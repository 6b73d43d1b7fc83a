"""What is said and asked beyond texts and single keys: recordings, bots, loops, voices."""

from __future__ import annotations

import io
import json
import wave
from typing import Any

import pytest
from conversations import Cardholder, Conversation, action, converse, flow_of, says
from instances import Surroundings, agent_at, queue_named

from ringfence.flows import Bot, FlowInvalid, Recording, load_flow
from ringfence.flows.converting import to_language, to_legacy

ERROR = {"NoMatchingError": "failed"}
FAILED = says("failed", "failed")
PROMPT_ARN = "arn:aws:connect:eu-central-1:000000000000:instance/i/prompt/beep"


def sound(seconds: float = 0.1) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(int(seconds * 8000) * 2))
    return buffer.getvalue()


BEEP = Recording("beep.wav", sound())
PLACE = Surroundings(
    prompts={"beep": BEEP, "text": Recording("t", b"no sound"), "s3://b/a.wav": BEEP},
    bots={
        "Answers": Bot("Answers", {"Mine": ("yes", "1"), "Fraud": ("no", "not me", "2")}),
        "Open": Bot("Open", {"Mine": ("yes",)}, fallback="FallbackIntent"),
    },
)


@pytest.mark.parametrize(
    "prompt",
    [
        {"PromptId": PROMPT_ARN},
        {"PromptId": "$.Attributes.Prompt"},
        {"Media": {"Uri": "s3://b/a.wav", "SourceType": "S3", "MediaType": "Audio"}},
    ],
)
def test_a_recording_is_played_by_its_arn_or_its_address(prompt: dict[str, Any]) -> None:
    flow = flow_of(action("say", "MessageParticipant", prompt, "end", errors=ERROR), FAILED)
    talk = converse(flow, instance=PLACE, attributes={"Prompt": PROMPT_ARN})
    assert talk.cardholder.played == [BEEP]
    assert talk.said == []


@pytest.mark.parametrize("prompt", ["text", "nowhere", "$.Attributes.Missing"])
def test_a_recording_that_cannot_be_played_is_an_error_of_its_block(prompt: str) -> None:
    play = action("say", "MessageParticipant", {"PromptId": prompt}, "end", errors=ERROR)
    talk = converse(flow_of(play, FAILED), instance=PLACE)
    assert talk.said == ["failed"]
    assert talk.blocks[0].detail


def test_a_menu_asks_with_a_recording_that_a_key_interrupts() -> None:
    menu = action(
        "menu",
        "GetParticipantInput",
        {"PromptId": PROMPT_ARN, "StoreInput": "False", "InputTimeLimitSeconds": "5"},
        "failed",
        errors=ERROR,
        conditions=[("Equals", "1", "one")],
    )
    cardholder = Cardholder(presses=[(0.5, "1")])
    talk = converse(flow_of(menu, says("one", "one"), FAILED), cardholder, instance=PLACE)
    assert talk.said == ["one"]
    assert cardholder.cut_short == [BEEP]


def test_a_prompt_is_to_be_bound_but_an_address_is_not() -> None:
    by_arn = action("say", "MessageParticipant", {"PromptId": PROMPT_ARN}, "end")
    by_address = action("say", "MessageParticipant", {"Media": {"Uri": "s3://b/a.wav"}}, "end")
    [(_, wanted)] = load_flow(flow_of(by_arn)).resources
    assert (wanted.kind, wanted.arn) == ("prompt", PROMPT_ARN)
    assert load_flow(flow_of(by_address)).resources == ()


def bot(name: str = "Answers", **more: Any) -> dict[str, Any]:
    errors = {**ERROR, "NoMatchingCondition": "none", "InputTimeLimitExceeded": "silent"}
    return action(
        "ask",
        "ConnectParticipantWithLexBot",
        {"Text": "Was it you?", "LexV2Bot": {"AliasArn": name}, **more},
        "failed",
        errors=errors,
        conditions=[("Equals", "Mine", "mine"), ("Equals", "Fraud", "fraud")],
    )


def answered(asks: dict[str, Any], *answers: str | None, **more: Any) -> Conversation:
    ends = [says(each, each) for each in ("mine", "fraud", "none", "silent")]
    flow = flow_of(asks, *ends, FAILED)
    return converse(flow, Cardholder(answers), instance=PLACE, **more)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("yes please", "mine"),
        ("1", "mine"),
        ("No, that was NOT me!", "fraud"),
        ("2", "fraud"),
        ("pardon", "none"),
        ("7", "none"),
        (None, "silent"),
    ],
)
def test_words_and_keys_are_answers_to_a_bot(answer: str | None, said: str) -> None:
    assert answered(bot(), answer).said[-1] == said
    assert answered(bot() | {"Parameters": {"LexBot": {"Name": "Answers"}}}, answer).said == [said]


def test_a_bot_that_is_not_here_is_not_asked() -> None:
    assert answered(bot("arn:aws:lex:eu-central-1:0:bot-alias/A/B"), "yes").said == ["failed"]


def test_what_was_understood_is_there_for_the_flow_and_words_are_in_no_event() -> None:
    asks = bot(LexSessionAttributes={"who": "$.Attributes.Name"})
    tells = says("$.Lex.IntentName $.Lex.SessionAttributes.who", "mine")
    ends = [says(each, each) for each in ("fraud", "none", "silent")]
    cardholder = Cardholder(["yes indeed"])
    talk = converse(flow_of(asks, tells, *ends, FAILED), cardholder, instance=PLACE)
    assert talk.said[-1] == "Mine Rojas"
    assert "indeed" not in repr(talk.events)
    assert talk.blocks[0].result == "Mine"


def test_without_conditions_every_answer_takes_the_branch_for_none() -> None:
    asks = bot("Open")
    asks["Transitions"]["Conditions"] = []
    assert answered(asks, "yes").said[-1] == "none"
    assert answered(asks, "gibberish").said[-1] == "none"


def test_a_bot_waits_as_long_as_its_session_says() -> None:
    name = "x-amz-lex:audio:start-timeout-ms:*:*"
    asks = bot(LexSessionAttributes={name: "20000"})
    short, long = answered(bot(), None), answered(asks, None)
    assert long.seconds - short.seconds == pytest.approx(16)


def loops(messages: list[dict[str, Any]], seconds: str | None = None) -> dict[str, Any]:
    parameters: dict[str, Any] = {"Messages": messages}
    if seconds is not None:
        parameters["InterruptFrequencySeconds"] = seconds
    interrupted = [("Equals", "MessagesInterrupted", "on")] if seconds else []
    return action(
        "loop",
        "MessageParticipantIteratively",
        parameters,
        errors=ERROR if seconds else {},
        conditions=interrupted,
    )


def test_messages_go_round_until_they_are_interrupted() -> None:
    block = loops([{"Text": "one"}, {"PromptId": "beep"}, {"SSML": "<speak>two</speak>"}], "9")
    talk = converse(flow_of(block, says("on", "on"), FAILED), instance=PLACE)
    assert talk.said == ["one", "two", "one", "two", "one", "on"]
    assert talk.cardholder.played == [BEEP] * 3
    assert talk.blocks[0].result == "MessagesInterrupted"


def test_messages_that_say_nothing_take_their_time_too() -> None:
    talk = converse(flow_of(loops([{"Text": " "}], "30"), says("on", "on"), FAILED))
    assert talk.said == ["on"]
    assert 30 <= talk.seconds < 31


def test_messages_would_never_end_where_nobody_waits_in_a_queue() -> None:
    block = loops([{"Text": "one"}])
    block["Transitions"]["Errors"] = [{"ErrorType": "NoMatchingError", "NextAction": "failed"}]
    assert converse(flow_of(block, FAILED)).said == ["failed"]


def test_messages_go_round_until_an_agent_comes() -> None:
    queue = queue_named("Fraud")
    place = Surroundings(
        flows={"Hold": flow_of(loops([{"Text": "hold"}]))},
        queues={"Fraud": queue},
        agents={"Fraud": [(20.0, agent_at())]},
    )
    flow = flow_of(
        action("hook", "UpdateContactEventHooks", {"EventHooks": {"CustomerQueue": "Hold"}}, "q"),
        action("q", "TransferContactToQueue", {"QueueId": "Fraud"}, errors=ERROR),
        FAILED,
    )
    cardholder = Cardholder(telephones={agent_at().phone_number: 5.0})
    talk = converse(flow, cardholder, instance=place)
    assert set(talk.said) == {"hold"}
    assert len(cardholder.put_through) == 1


def test_the_flow_of_a_hold_goes_round_also_by_itself() -> None:
    flow = json.loads(flow_of(loops([{"Text": "hold"}])))
    flow["Metadata"] = {"type": "customerHold"}
    talk = converse(json.dumps(flow), Cardholder(hangs_up_at=30.0))
    assert talk.left
    assert set(talk.said) == {"hold"}


@pytest.mark.parametrize("messages", [None, [], "x", ["x"], [{}], [{"Text": "a", "SSML": "b"}]])
def test_messages_of_another_form_are_refused(messages: Any) -> None:
    block = action("loop", "MessageParticipantIteratively", {"Messages": messages})
    with pytest.raises(FlowInvalid, match=r"Messages|nothing to say|one of them"):
        load_flow(flow_of(block))


@pytest.mark.parametrize(
    ("parameters", "language", "voice"),
    [
        ({"TextToSpeechVoice": "Kendra"}, "en-US", "Kendra"),
        ({"TextToSpeechVoice": ""}, "de-DE", "Vicki"),
        ({"TextToSpeechVoice": "$.Attributes.Voice"}, "en-US", "Amy"),
    ],
)
def test_a_voice_speaks_from_here_on(parameters: dict[str, Any], language: str, voice: str) -> None:
    block = action("voice", "UpdateContactTextToSpeechVoice", parameters, "say")
    flow = flow_of(block, says("$.TextToSpeechVoiceId"))
    talk = converse(flow, language=language, attributes={"Voice": "Amy"})
    assert [(each.text, each.voice) for each in talk.cardholder.heard] == [(voice, voice)]


def test_engine_and_style_are_kept_with_the_voice() -> None:
    given = {
        "TextToSpeechVoice": "Joanna",
        "TextToSpeechEngine": "Neural",
        "TextToSpeechStyle": "Conversational",
    }
    block = action("voice", "UpdateContactTextToSpeechVoice", given, "say")
    talk = converse(flow_of(block, says("on")))
    assert (talk.state.engine, talk.state.style) == ("Neural", "Conversational")
    assert talk.blocks[0].parameters["GlobalEngine"] == "Neural"


def test_a_voice_that_is_not_found_is_an_error_and_changes_nothing() -> None:
    given = {"TextToSpeechVoice": "$.Attributes.Missing"}
    block = action("voice", "UpdateContactTextToSpeechVoice", given, "say", errors=ERROR)
    talk = converse(flow_of(block, says("on"), FAILED))
    assert (talk.said, talk.state.voice) == (["failed"], "")


PAIRS = [
    action("b", "MessageParticipant", {"PromptId": PROMPT_ARN}, "say"),
    action("b", "MessageParticipant", {"PromptId": "$.Attributes.p"}, "say"),
    action(
        "b",
        "ConnectParticipantWithLexBot",
        {"Text": "Who?", "LexBot": {"Name": "Answers", "Region": "eu-central-1", "Alias": "a"}},
        errors=ERROR | {"NoMatchingCondition": "say", "InputTimeLimitExceeded": "say"},
        conditions=[("Equals", "Mine", "say"), ("Equals", "Fraud", "failed")],
    ),
    action(
        "b",
        "MessageParticipantIteratively",
        {
            "Messages": [{"Text": "a"}, {"PromptId": PROMPT_ARN}, {"SSML": "<speak>b</speak>"}],
            "InterruptFrequencySeconds": "30",
        },
        errors=ERROR,
        conditions=[("Equals", "MessagesInterrupted", "say")],
    ),
    action(
        "b",
        "UpdateContactTextToSpeechVoice",
        {"TextToSpeechVoice": "", "TextToSpeechEngine": "Neural", "TextToSpeechStyle": "None"},
        "say",
    ),
    action(
        "b",
        "GetParticipantInput",
        {
            "Text": "Number?",
            "StoreInput": "True",
            "InputTimeLimitSeconds": "5",
            "InputEncryption": {"EncryptionKeyId": "k", "Key": "pem"},
            "InputValidation": {"CustomValidation": {"MaximumLength": "16"}},
        },
        "say",
        errors=ERROR,
    ),
]


@pytest.mark.parametrize("block", PAIRS, ids=lambda block: str(block["Type"]))
def test_what_is_said_and_asked_means_the_same_in_both_formats(block: dict[str, Any]) -> None:
    flow = flow_of(block, says("on"), FAILED)
    older = to_legacy(flow)
    before = load_flow(flow)
    for each in (load_flow(older), load_flow(to_language(older))):
        assert each.blocks["b"].action == before.blocks["b"].action
        assert each.blocks["b"].transitions == before.blocks["b"].transitions
        assert each.resources == before.resources


@pytest.mark.parametrize(
    "block",
    [
        bot(),
        action("ask", "MessageParticipant", {"Media": {"Uri": "s3://b/a.wav"}}, "mine"),
    ],
)
def test_what_the_older_format_cannot_say_is_refused(block: dict[str, Any]) -> None:
    ends = [says(each, each) for each in ("mine", "fraud", "none", "silent")]
    with pytest.raises(FlowInvalid, match="format"):
        to_legacy(flow_of(block, *ends, FAILED))


def module(type_: str, parameters: list[dict[str, Any]], *conditions: str) -> str:
    branches = [{"condition": each, "transition": "end"} for each in conditions]
    first = {"id": "b", "type": type_, "branches": branches, "parameters": parameters}
    end = {"id": "end", "type": "Disconnect", "branches": [], "parameters": []}
    return json.dumps({"modules": [first, end], "start": "b", "version": "1"})


def test_names_of_prompts_that_go_round_are_not_lost() -> None:
    parameters = [
        {"name": "Text", "value": "Please hold", "key": "text"},
        {"name": "AudioPrompt", "value": PROMPT_ARN, "resourceName": "Music"},
    ]
    flow = module("LoopPrompts", parameters, "Error")
    for each in (flow, to_language(flow), to_legacy(to_language(flow))):
        [(_, wanted)] = load_flow(each).resources
        assert (wanted.arn, wanted.label) == (PROMPT_ARN, "Music")


def test_what_the_oldest_exports_name_differently_is_known() -> None:
    audio = [{"name": "AudioPrompt", "value": PROMPT_ARN, "resourceName": "beep"}]
    talk = converse(module("PlayAudio", audio, "Success"), instance=PLACE)
    assert talk.cardholder.played == [BEEP]
    asks = [
        {"name": "Text", "value": "Number?"},
        {"name": "TextToSpeechType", "value": "text"},
        {"name": "CustomerInputType", "value": "Custom"},
        {"name": "Timeout", "value": "5"},
        {"name": "MaxDigits", "value": "2"},
        {"name": "EncryptEntry", "value": False},
    ]
    store = module("StoreCustomerInput", asks, "Success", "Error")
    stored = converse(store, Cardholder(["1", "2"]))
    assert stored.blocks[0].result == "2 characters were entered"
    assert stored.blocks[0].block_type == "StoreUserInput"
