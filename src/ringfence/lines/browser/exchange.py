"""The exchange: which phones are on which number, and which have gone only for a moment."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Iterator
from typing import Protocol

from ringfence.lines.browser.connection import Connection, Refused
from ringfence.lines.browser.protocol import VERSION, CloseCode, FromPhone, Hello, ToPhone, Welcome
from ringfence.lines.holding import Unanswered
from ringfence.lines.line import CallEnd

E164 = re.compile(r"\+[1-9][0-9]{6,14}")


class Ringable(Protocol):
    """A call as a phone sees it."""

    def heard(self, phone: Phone, message: FromPhone | bytes) -> None:
        """The phone sent a message, or a frame of what is said at it."""

    def back(self, phone: Phone) -> None:
        """The phone is connected (again)."""

    def away(self, phone: Phone) -> None:
        """The phone lost its connection and may come back."""

    def gone(self, phone: Phone) -> None:
        """The phone did not come back."""


class Offer(Protocol):
    """A call that rings at a number."""

    @property
    def rings(self) -> bool:
        """Whether a phone that comes now still rings."""

    def join(self, phone: Phone) -> None:
        """Ring a phone that came to the number while others ring."""


class Phone:
    """A phone on a number: connected, or away for less than the grace period."""

    def __init__(self, number: str, phone_id: str) -> None:
        self.number = number
        self.phone_id = phone_id
        self.connection: Connection | None = None
        self.call: Ringable | None = None

    def send(self, message: ToPhone, sound: bytes | None = None) -> None:
        """Send a message if the phone is connected; see `Connection.send`."""
        if self.connection is not None:
            self.connection.send(message, sound)

    def send_frame(self, frame: bytes) -> None:
        """Send a frame of a talk if the phone is connected; see `Connection.send_frame`."""
        if self.connection is not None:
            self.connection.send_frame(frame)


class Exchange:
    """The phones of this process, by number, and what rings at each."""

    def __init__(
        self,
        *,
        grace_seconds: float,
        most_phones: int,
        most_per_number: int,
    ) -> None:
        self.grace_seconds = grace_seconds
        self._most_phones = most_phones
        self._most_per_number = most_per_number
        self._numbers: dict[str, dict[str, Phone]] = {}
        self._leaving: dict[Phone, asyncio.TimerHandle] = {}
        self._offers: dict[str, list[Offer]] = {}

    def free(self, number: str) -> list[Phone] | Unanswered:
        """The phones of `number` without a call, those away for a moment included, or why none."""
        phones = self._numbers.get(number, {}).values()
        if free := [phone for phone in phones if phone.call is None]:
            return free
        if phones:
            return Unanswered(CallEnd.BUSY)
        return Unanswered(CallEnd.UNREACHABLE, f"no phone is open for {number}")

    def knows(self, number: str) -> bool:
        """Whether there is any phone of `number`, with a call or without."""
        return number in self._numbers

    @contextlib.contextmanager
    def offering(self, number: str, offer: Offer) -> Iterator[None]:
        """Phones that come to `number` meanwhile join `offer` as long as it rings."""
        offers = self._offers.setdefault(number, [])
        offers.append(offer)
        try:
            yield
        finally:
            offers.remove(offer)
            if not offers:
                del self._offers[number]

    def connected(self) -> dict[str, int]:
        """How many phones are connected now, by number."""
        counts = {
            number: sum(phone.connection is not None for phone in phones.values())
            for number, phones in self._numbers.items()
        }
        return {number: count for number, count in counts.items() if count}

    def admit(self, number: str, hello: Hello, connection: Connection) -> Phone:
        """Put a phone on its number, or back on it. Raises `Refused`."""
        if hello.version != VERSION:
            raise Refused(CloseCode.WRONG_VERSION, f"this exchange speaks version {VERSION}")
        phones = self._numbers.get(number, {})
        phone = phones.get(hello.phone_id)
        if phone is None:
            if len(phones) >= self._most_per_number:
                raise Refused(CloseCode.TOO_MANY, f"{number} has {len(phones)} phones already")
            if sum(map(len, self._numbers.values())) >= self._most_phones:
                raise Refused(CloseCode.TOO_MANY, "there are too many phones")
            phone = Phone(number, hello.phone_id)
            self._numbers.setdefault(number, phones)[hello.phone_id] = phone
            phone.connection = connection
            phone.send(Welcome(VERSION, number))
            self._ring_too(phone)
            return phone
        if (leaving := self._leaving.pop(phone, None)) is not None:
            leaving.cancel()
        if phone.connection is not None:
            phone.connection.close(CloseCode.REPLACED, "this phone connected again")
            if phone.call is not None:
                phone.call.away(phone)
        phone.connection = connection
        phone.send(Welcome(VERSION, number))
        if phone.call is not None:
            phone.call.back(phone)
        else:
            self._ring_too(phone)
        return phone

    def lost(self, phone: Phone, connection: Connection) -> None:
        """`connection` is gone; the phone is forgotten unless it comes back in time."""
        if phone.connection is not connection:
            return
        phone.connection = None
        self._leaving[phone] = asyncio.get_running_loop().call_later(
            self.grace_seconds, self._forget, phone
        )
        if phone.call is not None:
            phone.call.away(phone)

    def _ring_too(self, phone: Phone) -> None:
        """A free phone joins a call that is ringing at its number."""
        for offer in self._offers.get(phone.number, ()):
            if offer.rings:
                offer.join(phone)
                return

    def _forget(self, phone: Phone) -> None:
        self._leaving.pop(phone, None)
        phones = self._numbers.get(phone.number, {})
        phones.pop(phone.phone_id, None)
        if not phones:
            self._numbers.pop(phone.number, None)
        if phone.call is not None:
            phone.call.gone(phone)
