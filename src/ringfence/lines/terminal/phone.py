"""The terminal phone: a phone of the browser line's exchange that is a program in a terminal.

It plays no sound: it writes each sentence when it would be heard, and tells the exchange that it
has been.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

import msgspec

from ringfence.errors import Unavailable
from ringfence.flows.participant import AnsweredBy
from ringfence.lines.browser import protocol
from ringfence.lines.replies import KEYS, LONGEST_WORDS
from ringfence.lines.terminal.attendants import Attendant, Hand, Script
from ringfence.lines.terminal.keyboard import Keyboard
from ringfence.lines.terminal.screen import Screen
from ringfence.lines.terminal.typed import typed

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

RECONNECT_SECONDS = 10.0
_RETRY_SECONDS = 0.25
_LARGEST_SOUND = 64 * 1024 * 1024
SILENCE_SECONDS = 3.0  # so long after a prompt nothing more comes: somebody waits for a key


class Heard(NamedTuple):
    """A line of the transcript, at an aware UTC time."""

    at: datetime
    text: str


class TerminalPhone:
    """One phone on one number. `by_script` and `by_hand` attend to calls as they come."""

    def __init__(
        self,
        url: str,
        number: str,
        *,
        headers: Mapping[str, str] | None = None,
        screen: Screen | None = None,
        answered_by: AnsweredBy = AnsweredBy.HUMAN,
    ) -> None:
        """`url` is the exchange's WebSocket (`ws://host:port/v1/phones/ws`), `number` E.164.

        `headers` carry what the server wants to know the caller by. `answered_by` is who this
        phone says picks up: a voicemail, for trying what a flow does with one.
        """
        self._url = f"{url}{'&' if '?' in url else '?'}number={quote(number, safe='')}"
        self._headers = dict(headers or {})
        self._screen = screen or Screen()
        self._answered_by = answered_by
        self._phone_id = secrets.token_urlsafe(16)
        self._ready = asyncio.Event()
        self._transcript: list[Heard] = []
        self._socket: ClientConnection | None = None
        self._call_id = ""
        self._in_call = False
        self._playing: asyncio.Task[None] | None = None
        self._asked = asyncio.Event()

    @property
    def transcript(self) -> list[Heard]:
        """What happened so far, in order; also of calls that are not over."""
        return list(self._transcript)

    async def ready(self) -> None:
        """Wait until the phone is on its number."""
        await self._ready.wait()

    async def by_script(self, answer: str | None, *, calls: int = 1) -> list[Heard]:
        """Attend to `calls` calls without a person: pick up and press `answer` once asked.

        The keys of `answer` are pressed once per call, after a menu has been heard to its end, or
        after a prompt that is followed by silence. With None the phone is let ring.
        Raises `Unavailable` when the exchange cannot be reached, or refuses the phone.
        """
        return await self._attend(Script(self, answer), calls)

    async def by_hand(self, *, calls: int = 1, keyboard: Keyboard | None = None) -> list[Heard]:
        """Attend to `calls` calls with a person at the terminal.

        `a` answers, `d` declines, `0-9 * #` are keys, `s` begins words that Enter ends, `h` or
        Escape hangs up.
        Raises `Unavailable` when there is no terminal, or as `by_script` does.
        """
        keyboard = keyboard or Keyboard()
        if not keyboard.is_terminal:
            raise Unavailable("nobody can press keys here", expected="a terminal")
        async with keyboard:
            pressing = asyncio.create_task(self._press_each(keyboard))
            try:
                return await self._attend(Hand(self._screen), calls)
            finally:
                pressing.cancel()

    # --- what a person or a script does ---

    async def answer(self) -> None:
        """Pick up the ringing call."""
        if self._call_id and not self._in_call:
            await self._send(protocol.Answer(self._call_id, self._answered_by))

    async def decline(self) -> None:
        """Refuse the ringing call."""
        if self._call_id and not self._in_call:
            await self._send(protocol.Decline(self._call_id))

    async def press(self, key: str) -> None:
        """Press a key in the call."""
        if self._in_call and key in KEYS:
            self._note("›", f"Pressed {key}")
            await self._send(protocol.Key(self._call_id, key))

    async def say(self, words: str) -> None:
        """Say words in the call."""
        words = words.strip()[:LONGEST_WORDS]
        if self._in_call and words:
            self._note("›", f"Said {words}")
            await self._send(protocol.Say(self._call_id, words))

    async def record(self, on: bool) -> bool:
        """See `Participant.record`: a terminal has no sound."""
        return False

    async def hang_up(self) -> None:
        """End the call."""
        if self._in_call:
            await self._send(protocol.HangUp(self._call_id))

    async def asked(self) -> None:
        """Wait until a menu was heard to its end, or a prompt was followed by silence."""
        await self._asked.wait()

    # --- the connection ---

    async def _attend(self, attendant: Attendant, calls: int) -> list[Heard]:
        from websockets.asyncio.client import connect
        from websockets.exceptions import ConnectionClosed, InvalidHandshake

        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + RECONNECT_SECONDS
        try:
            while calls > 0:
                try:
                    async with connect(
                        self._url,
                        additional_headers=self._headers,
                        max_size=_LARGEST_SOUND,
                        compression=None,
                        proxy=None,
                    ) as socket:
                        self._socket = socket
                        await self._send(protocol.Hello(protocol.VERSION, self._phone_id))
                        async for data in socket:
                            give_up_at = loop.time() + RECONNECT_SECONDS
                            if isinstance(data, str):
                                calls -= await self._heard(data, attendant)
                            if calls <= 0:
                                break
                        else:
                            _check_close(socket.close_code, socket.close_reason)
                except ConnectionClosed as error:
                    if error.rcvd is not None:
                        _check_close(error.rcvd.code, error.rcvd.reason)
                except InvalidHandshake as error:
                    raise Unavailable(f"the exchange refuses the phone: {error}") from error
                except OSError as error:
                    if loop.time() > give_up_at:
                        raise Unavailable(f"the exchange cannot be reached: {error}") from error
                self._fall_silent()
                if calls > 0:
                    if loop.time() > give_up_at:
                        raise Unavailable("the exchange does not keep the connection")
                    await asyncio.sleep(_RETRY_SECONDS)
        finally:
            self._fall_silent()
            attendant.call_over()
            self._socket = None
        return self.transcript

    async def _heard(self, text: str, attendant: Attendant) -> int:
        """Take in a message of the exchange; the number of calls that ended with it."""
        try:
            message = protocol.read_to_phone(text)
        except msgspec.DecodeError as error:
            raise Unavailable(f"the exchange speaks another language: {error}") from error
        match message:
            case protocol.Welcome():
                self._fall_silent()
                self._ready.set()
            case protocol.Ring():
                self._call_id, self._in_call = message.call_id, False
                self._asked.clear()
                self._screen.begin()
                caller = f"{message.caller_name}, {message.from_number}".lstrip(", ")
                self._note("☎", f"The phone rings: {caller}")
                self._screen.bell()
                attendant.ringing()
            case protocol.Connected():
                fresh = not self._in_call
                self._call_id, self._in_call = message.call_id, True
                if fresh:
                    self._asked.clear()
                    self._note("☎", "Answered")
                    attendant.answered()
            case protocol.PlayPrompt():
                self._fall_silent()
                self._playing = asyncio.create_task(self._play(message))
            case protocol.StopPrompt():
                self._fall_silent()
            case protocol.Connecting():
                self._note("☎", f"Connecting to {message.number}")
            case protocol.Bridged():
                other = f"{message.name}, {message.number}".lstrip(", ")
                self._note("☎", f"Connected to {other}: it shows what you type after s")
            case protocol.Parted():
                gone = "The other phone hung up" if message.reached else "Nobody was reached"
                self._note("☎", gone)
            case protocol.Tone():
                self._note("»", f"Key {message.key}")
            case protocol.Said():
                self._note("»", message.text)
            case protocol.Ended() if message.call_id == self._call_id:
                self._fall_silent()
                self._call_id, self._in_call = "", False
                self._note("☎", f"Call ended: {message.reason.replace('_', ' ')}")
                attendant.call_over()
                return 1
        return 0

    async def _play(self, prompt: protocol.PlayPrompt) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time() - prompt.offset_ms / 1000
        await self._send(protocol.Started(prompt.prompt_id))
        for caption in prompt.captions:
            if caption.at_ms >= prompt.offset_ms:
                await asyncio.sleep(began + caption.at_ms / 1000 - loop.time())
                self._note("»", caption.text)
        await asyncio.sleep(began + prompt.duration_ms / 1000 - loop.time())
        await self._send(protocol.Finished(prompt.prompt_id))
        if not prompt.interruptible:
            await asyncio.sleep(SILENCE_SECONDS)
        self._asked.set()

    def _fall_silent(self) -> None:
        if self._playing is not None:
            self._playing.cancel()
            self._playing = None

    def _note(self, mark: str, text: str) -> None:
        self._transcript.append(Heard(datetime.now(UTC), text))
        self._screen.line(mark, text)

    async def _send(self, message: protocol.FromPhone) -> None:
        from websockets.exceptions import ConnectionClosed

        if self._socket is not None:
            # Lost in between: the exchange tells us how things stand when we are back.
            with contextlib.suppress(ConnectionClosed):
                await self._socket.send(protocol.write(message))

    async def _press_each(self, keyboard: Keyboard) -> None:
        async for done in typed(keyboard.keys(), self._screen, lambda: self._in_call):
            match done.key.lower():
                case "":
                    await self.say(done.words)
                case "a" | "\r" | "\n":
                    await self.answer()
                case "d":
                    await self.decline()
                case "h" | "\x1b":
                    await (self.hang_up() if self._in_call else self.decline())
                case key:
                    await self.press(key)


def _check_close(code: int | None, reason: str | None) -> None:
    """Raise `Unavailable` when the exchange closed the connection for good."""
    if code is not None and code in set(protocol.CloseCode):
        raise Unavailable(f"the exchange refuses the phone: {reason or code}")
