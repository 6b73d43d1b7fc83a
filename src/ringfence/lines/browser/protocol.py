"""The language between the exchange and a phone: version 1.

JSON objects in text messages, told apart by `type`. The sound of a prompt goes to the phone as one
binary message (a WAV file) right after the `prompt` it belongs to. Every other binary message, in
either direction, is a frame of what somebody says to a phone that he was put through to: live sound
(`ringfence.lines.live_sound`), at most 100 ms. Field names are as written here; times
and lengths are whole milliseconds.

A phone says `hello` first and keeps its `phone_id` over a reload. Messages that name a call or a
prompt that is over are ignored: they crossed with its end. A phone ignores types of messages that
it does not know.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta, Struct

from ringfence.flows.participant import AnsweredBy
from ringfence.lines.replies import LONGEST_WORDS

VERSION = 1
LARGEST_MESSAGE = 2048  # characters, from a phone

PhoneId: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
CallId: TypeAlias = Annotated[str, Meta(min_length=1, max_length=200)]


class CloseCode(IntEnum):
    """Why the exchange closes a phone's connection (RFC 6455 leaves 4000-4999 to us)."""

    BAD_MESSAGE = 4400
    NO_HELLO = 4408
    REPLACED = 4409  # the same phone connected again
    TOO_LARGE = 4413
    BAD_NUMBER = 4422
    WRONG_VERSION = 4426
    TOO_MANY = 4429  # phones, or messages
    TOO_SLOW = 4503  # the phone does not take what is sent to it


class Reason(StrEnum):
    """Why a call is over for this phone."""

    COMPLETED = "completed"
    HUNG_UP = "hung_up"
    DECLINED = "declined"
    MISSED = "missed"
    ANSWERED_ELSEWHERE = "answered_elsewhere"
    CANCELLED = "cancelled"
    FAILED = "failed"


# --- from the phone ---------------------------------------------------------------------------


class Hello(Struct, frozen=True, tag="hello", forbid_unknown_fields=True):
    """The first message."""

    version: int
    phone_id: PhoneId


class Answer(Struct, frozen=True, tag="answer", forbid_unknown_fields=True):
    """Pick up. A phone that nobody sits at says so."""

    call_id: CallId
    answered_by: AnsweredBy = AnsweredBy.HUMAN


class Decline(Struct, frozen=True, tag="decline", forbid_unknown_fields=True):
    """Refuse a ringing call."""

    call_id: CallId


class HangUp(Struct, frozen=True, tag="hang_up", forbid_unknown_fields=True):
    """End the call."""

    call_id: CallId


class Key(Struct, frozen=True, tag="key", forbid_unknown_fields=True):
    """A key of the keypad."""

    call_id: CallId
    key: Annotated[str, Meta(pattern=r"^[0-9*#]$")]


class Say(Struct, frozen=True, tag="say", forbid_unknown_fields=True):
    """Words that were said, or typed instead."""

    call_id: CallId
    text: Annotated[str, Meta(min_length=1, max_length=LONGEST_WORDS)]


class Started(Struct, frozen=True, tag="started", forbid_unknown_fields=True):
    """The prompt began to play."""

    prompt_id: int


class Finished(Struct, frozen=True, tag="finished", forbid_unknown_fields=True):
    """The prompt was heard to its end."""

    prompt_id: int


FromPhone: TypeAlias = Hello | Answer | Decline | HangUp | Key | Say | Started | Finished


# --- to the phone -----------------------------------------------------------------------------


class Welcome(Struct, frozen=True, tag="welcome"):
    """The phone is on the line. What it knew of a call is void; what still is follows."""

    version: int
    number: str


class Ring(Struct, frozen=True, tag="ring"):
    """A call comes in."""

    call_id: str
    from_number: str
    caller_name: str
    remaining_ms: int


class Connected(Struct, frozen=True, tag="connected"):
    """The call is on this phone, since `elapsed_ms`; `language` is the call's, or empty."""

    call_id: str
    from_number: str
    caller_name: str
    elapsed_ms: int
    language: str = ""


class CaptionAt(Struct, frozen=True):
    """A sentence, and when in its prompt it starts."""

    at_ms: int
    text: str


class PlayPrompt(Struct, frozen=True, tag="prompt"):
    """Play the WAV file that follows, from `offset_ms` on, and show its captions."""

    call_id: str
    prompt_id: int
    duration_ms: int
    offset_ms: int
    interruptible: bool
    captions: list[CaptionAt]


class StopPrompt(Struct, frozen=True, tag="stop"):
    """Fall silent: a key or words interrupted the prompt."""

    prompt_id: int


class Connecting(Struct, frozen=True, tag="connecting"):
    """The far end is being put through: it rings at `number`."""

    call_id: str
    number: str


class Bridged(Struct, frozen=True, tag="bridged"):
    """Both phones hear each other from now on; the other one is `number`."""

    call_id: str
    number: str
    name: str


class Parted(Struct, frozen=True, tag="parted"):
    """The other phone is gone, or was not reached. The call goes on."""

    call_id: str
    reached: bool


class Tone(Struct, frozen=True, tag="tone"):
    """The other phone pressed a key."""

    call_id: str
    key: str


class Said(Struct, frozen=True, tag="said"):
    """The other phone's words, typed."""

    call_id: str
    text: str


class Ended(Struct, frozen=True, tag="ended"):
    """The call is over for this phone."""

    call_id: str
    reason: Reason


ToPhone: TypeAlias = (
    Welcome
    | Ring
    | Connected
    | PlayPrompt
    | StopPrompt
    | Connecting
    | Bridged
    | Parted
    | Tone
    | Said
    | Ended
)

_from_phone: msgspec.json.Decoder[FromPhone] = msgspec.json.Decoder(FromPhone)
_to_phone: msgspec.json.Decoder[ToPhone] = msgspec.json.Decoder(ToPhone)
_encoder = msgspec.json.Encoder()


def read_from_phone(text: str) -> FromPhone:
    """A message of a phone. Raises `msgspec.DecodeError` when it is not one."""
    return _from_phone.decode(text)


def read_to_phone(text: str) -> ToPhone:
    """A message of the exchange. Raises `msgspec.DecodeError` when it is not one."""
    return _to_phone.decode(text)


def write(message: FromPhone | ToPhone) -> str:
    """`message` as JSON text."""
    return _encoder.encode(message).decode()
