"""What there is to say about a data set: messages that name the column, and the error they make."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from ringfence.errors import InvalidInput


class MessageKind(StrEnum):
    """An error stops the training; a warning is kept with the version; an info explains."""

    ERROR = "Error"
    WARNING = "Warning"
    INFO = "Info"


class Message(msgspec.Struct, frozen=True):
    """One finding. `column` is None when it is about the data set as a whole."""

    kind: MessageKind
    column: str | None
    title: str
    text: str


class DataInvalid(InvalidInput):
    """The data cannot be trained on. `messages` has every finding, errors first."""

    def __init__(self, messages: Sequence[Message]):
        ordered = sorted(messages, key=lambda m: list(MessageKind).index(m.kind))
        self.messages = tuple(ordered)
        errors = [m for m in ordered if m.kind is MessageKind.ERROR]
        first = errors[0]
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(f"{first.title}: {first.text}{more}", field=first.column)
