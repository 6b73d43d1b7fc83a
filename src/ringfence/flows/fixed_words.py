"""The words of a flow that are the same in every call, with gaps for those that are not."""

from __future__ import annotations

from collections.abc import Iterator

from ringfence.flows.block import Action
from ringfence.flows.blocks.loop_prompts import LoopPrompts
from ringfence.flows.blocks.set_voice import SetVoice
from ringfence.flows.flow import Flow
from ringfence.flows.languages import voice_for_language
from ringfence.flows.participant import Prompt
from ringfence.flows.prompts import Message, Source
from ringfence.flows.references import Template
from ringfence.flows.ssml import document

GAP = "\ue000"  # stands for a reference; a private character, that no text has
MOST_PROMPTS = 24


def fixed_prompts(flow: Flow, language: str) -> tuple[Prompt, ...]:
    """What `flow` says anywhere, with a `GAP` for each reference, up to 24 prompts.

    Spoken by the voices that the flow names, else by the one of `language`. They are to be
    prepared, not said.
    """
    actions = [block.action for block in flow.blocks.values()]
    named = [each.voice.literal for each in actions if isinstance(each, SetVoice)]
    voices = dict.fromkeys(voice.strip() for voice in named if voice)
    prompts = (
        Prompt(text, message.source is Source.SSML, voice, language)
        for action in actions
        for message in _messages(action)
        if (text := _with_gaps(message))
        for voice in voices or (voice_for_language(language),)
    )
    return tuple(dict.fromkeys(prompts))[:MOST_PROMPTS]


def _messages(action: Action) -> Iterator[Message]:
    if isinstance(action, LoopPrompts):
        yield from action.messages
    elif isinstance(message := getattr(action, "message", None), Message):
        yield message


def _with_gaps(message: Message) -> str:
    if message.source is Source.RECORDING or message.text.is_reference:
        return ""
    text = _gapped(message.text)
    return document(text) if message.source is Source.SSML and text.strip() else text.strip()


def _gapped(text: Template) -> str:
    return "".join(part if isinstance(part, str) else GAP for part in text.parts)
