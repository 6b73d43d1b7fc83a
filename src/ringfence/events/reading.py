"""From what was sent to an event: checked, coerced, completed with defaults. Pure functions."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from ringfence.carddata import (
    looks_like_card_number,
    looks_like_track_data,
    mask_card_numbers,
    names_a_secret,
)
from ringfence.errors import InvalidInput, TooLarge
from ringfence.events.definitions import EventType
from ringfence.events.variables import DataType, Value, VariableType, coerce

MAX_VALUE_CHARACTERS = 8192
_EVENT_ID = re.compile(r"[0-9A-Za-z_.:@+-]{1,128}")
_ENTITY_ID = re.compile(r"[0-9A-Za-z_.@+:-]{1,256}")
_WORD_BREAK = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_HAS_LONG_NUMBER = re.compile(r"\d(?:[ -]?\d){11}")


class Entity(msgspec.Struct, frozen=True):
    """Who or what an event is about: a customer, a card."""

    entity_type: str
    entity_id: str


class SentEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event as a client sends it. Values may be written as strings."""

    event_id: str
    at: datetime | None = None
    entities: tuple[Entity, ...] = ()
    variables: Mapping[str, object]


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """An event as we keep it. `variables` has every variable of the event type.

    `content_hash` covers what the client sent, so that the same content has the same hash even
    when the client leaves the time to us.
    """

    event_type: str
    event_id: str
    at: datetime
    entities: tuple[Entity, ...]
    variables: dict[str, Value]
    content_hash: bytes


class EventReader:
    """Reads events of one type. Built once per definition, used for every event."""

    def __init__(self, event_type: EventType):
        self.event_type = event_type
        self._variables = {variable.name: variable for variable in event_type.variables}
        self._defaults = {v.name: coerce(v, v.default) for v in event_type.variables}
        self._entity_types = frozenset(event_type.entity_types)
        # Sensitive authentication data must not be kept after authorisation (PCI DSS 3.3): a
        # variable that is named so holds the one-letter result of the match, never the code itself.
        self._secret = frozenset(
            name for name in self._variables if names_a_secret(_WORD_BREAK.sub("_", name))
        )
        # What nearly every value is: nothing but its own check is needed to take it as it is.
        unsuspected = [v for v in event_type.variables if v.name not in self._secret]
        self._texts = frozenset(v.name for v in unsuspected if v.data_type is DataType.STRING)
        self._amounts = frozenset(v.name for v in unsuspected if v.data_type is DataType.FLOAT)
        self._dates = frozenset(
            v.name for v in event_type.variables if v.data_type is DataType.DATETIME
        )
        # A phone number may have as many digits as a card number; one that is written with its
        # plus sign is not mistaken for a card.
        self._phones = frozenset(
            v.name
            for v in event_type.variables
            if v.variable_type
            in (VariableType.PHONE_NUMBER, VariableType.BILLING_PHONE, VariableType.SHIPPING_PHONE)
        )

    def read(self, sent: SentEvent, received_at: datetime, *, field: str = "variables") -> Event:
        """The event, complete.

        `field` is the path of the variables in the client's document, for error messages.
        Raises `InvalidInput` naming the field, `TooLarge` for an overlong value.
        """
        if not _EVENT_ID.fullmatch(sent.event_id):
            raise InvalidInput(
                "not an event id",
                field="event_id",
                expected="1 to 128 letters, digits and _ . : @ + -",
            )
        _refuse_card_data(sent.event_id, "event_id")
        at = received_at if sent.at is None else _utc(sent.at)
        for entity in sent.entities:
            self._check_entity(entity)
        if not sent.variables:
            raise InvalidInput("no variable was sent", field=field, expected="at least one")
        values = dict(self._defaults)
        given: dict[str, Value] = {}
        for name, raw in sent.variables.items():
            if isinstance(raw, str):
                if name in self._texts and _is_harmless(raw):
                    given[name] = values[name] = raw
                    continue
            elif isinstance(raw, float) and name in self._amounts and -1e11 < raw < 1e11:
                given[name] = values[name] = raw
                continue
            variable = self._variables.get(name)
            if variable is None:
                raise self._unknown(name, field)
            if isinstance(raw, str):
                if len(raw) > MAX_VALUE_CHARACTERS:
                    raise TooLarge(
                        "the value is too long",
                        field=f"{field}.{name}",
                        expected=f"at most {MAX_VALUE_CHARACTERS} characters",
                    )
                if name in self._secret:
                    _refuse_secret(raw, f"{field}.{name}")
                if not raw.isascii():
                    _check_unicode(raw, f"{field}.{name}")
                if len(raw) >= 12 and _HAS_LONG_NUMBER.search(raw):
                    self._refuse_card_number(name, raw, field)
            elif name in self._secret and raw is not None and not isinstance(raw, bool):
                _refuse_secret(raw, f"{field}.{name}")
            try:
                value = coerce(variable, raw)
            except InvalidInput as error:
                raise InvalidInput(
                    error.message, field=f"{field}.{name}", expected=error.expected
                ) from None
            # A number is looked at as it was read, for `4.111e15` has no long row of digits.
            number = value if isinstance(raw, str) else raw
            if isinstance(number, (int, float)) and 1e11 <= abs(number) < 1e19:
                _refuse_card_data(str(abs(int(number))), f"{field}.{name}")
            if name in self._dates and isinstance(value, str):
                _check_instant(value, f"{field}.{name}")
            given[name] = values[name] = value
        return Event(
            event_type=self.event_type.name,
            event_id=sent.event_id,
            at=at,
            entities=sent.entities,
            variables=values,
            content_hash=_hash(None if sent.at is None else at, sent.entities, given),
        )

    def _check_entity(self, entity: Entity) -> None:
        if entity.entity_type not in self._entity_types:
            raise InvalidInput(
                f"{entity.entity_type!r} is not an entity type of this event type",
                field="entities.entity_type",
                expected=" or ".join(sorted(self._entity_types)),
            )
        if not _ENTITY_ID.fullmatch(entity.entity_id):
            raise InvalidInput(
                "not an entity id",
                field="entities.entity_id",
                expected="1 to 256 letters, digits and _ . @ + : -",
            )
        _refuse_card_data(entity.entity_id, "entities.entity_id")

    def _refuse_card_number(self, name: str, raw: str, field: str) -> None:
        if name in self._phones and raw.lstrip().startswith("+"):
            return
        _refuse_card_data(raw, f"{field}.{name}")

    def _unknown(self, name: str, field: str) -> InvalidInput:
        import difflib

        shown = mask_card_numbers(name).encode(errors="replace").decode()
        if len(shown) > 64:
            shown = shown[:64] + "…"
        near = difflib.get_close_matches(name[:64], self._variables, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        return InvalidInput(
            f"the event type {self.event_type.name} has no such variable{hint}",
            field=f"{field}.{shown}",
            expected="one of " + ", ".join(self._variables),
        )


def _is_harmless(text: str) -> bool:
    return text.isascii() and (
        len(text) < 12 or (len(text) <= MAX_VALUE_CHARACTERS and not _HAS_LONG_NUMBER.search(text))
    )


def _refuse_secret(raw: object, field: str) -> None:
    if not (isinstance(raw, str) and (raw == "" or (len(raw) == 1 and raw.isalpha()))):
        raise InvalidInput(
            "looks like a security code; such a code is never kept",
            field=field,
            expected="one letter, the result of the match",
        )


def _refuse_card_data(text: str, field: str) -> None:
    if looks_like_track_data(text):
        raise InvalidInput("looks like track data; it is never kept", field=field)
    if looks_like_card_number(text):
        raise InvalidInput(
            "looks like a card number; only the field card_number may hold one", field=field
        )


def _check_unicode(text: str, field: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidInput(
            "half of a surrogate pair", field=field, expected="Unicode text"
        ) from None


def _check_instant(text: str, field: str) -> None:
    try:
        msgspec.convert(text, datetime)
    except msgspec.ValidationError:
        raise InvalidInput(
            "not a time", field=field, expected="ISO 8601 such as 2026-11-24T09:30:00Z"
        ) from None


def _utc(at: datetime) -> datetime:
    # A time without an offset is taken as UTC, as Amazon Fraud Detector does.
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError:
        raise InvalidInput("out of range", field="event_timestamp") from None


def _hash(at: datetime | None, entities: tuple[Entity, ...], given: Mapping[str, Value]) -> bytes:
    content = (at, entities, sorted(given.items()))
    return hashlib.blake2b(msgspec.msgpack.encode(content), digest_size=16).digest()
