"""Cardholders who outlive the servers: what they do when the telephone rings, and what they saw."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
import uuid
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import quote

from flow_texts import block, flow_text
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from ringfence.cases import Verdict
from servers import HEADERS, Nursery

KEYS = {"1": Verdict.LEGIT, "2": Verdict.FRAUD}
# What a cardholder does when the telephone rings. Most answer; the rest is every other way.
WAYS = ("1", "2") * 8 + ("hangs up", "declines", "silent", "no phone")


FLOW = flow_text(
    block(
        "ask",
        "GetParticipantInput",
        "bye",
        {"1": "mine", "2": "block"},
        Text="Press 1 or 2.",
        InputTimeLimitSeconds="2",
        StoreInput="False",
    ),
    block("mine", "MessageParticipant", "end", Text="Thanks."),
    block(
        "block",
        "InvokeLambdaFunction",
        "blocked",
        LambdaFunctionARN="block-credit-card",
        InvocationTimeLimitSeconds="8",
    ),
    block("blocked", "MessageParticipant", "end", Text="Blocked."),
    block("bye", "MessageParticipant", "end", Text="Bye."),
)


class Ring(NamedTuple):
    """A telephone rang in that life of the server."""

    life: int
    call_id: str
    at: float


@dataclass
class World:
    """What the outside knows."""

    nursery: Nursery
    choose: random.Random
    life: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    acknowledged: dict[str, dict[str, Any]] = field(default_factory=dict)
    rings: list[Ring] = field(default_factory=list)
    confirmed: dict[str, tuple[str, float]] = field(default_factory=dict)  # by call id
    closed: set[str] = field(default_factory=set)
    over: bool = False
    _moments: dict[str, list[asyncio.Future[None]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def happens(self, moment: str) -> None:
        for waiter in self._moments.pop(moment, ()):
            if not waiter.done():
                waiter.set_result(None)

    async def next(self, moment: str, seconds: float) -> bool:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._moments[moment].append(waiter)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(waiter, seconds)
            return True
        return False


class Telephone:
    """A cardholder's phone, put back on its number whenever the server is there again."""

    def __init__(self, world: World, number: str, way: str) -> None:
        self._world = world
        self._number = number
        self._way = way
        self._phone_id = uuid.uuid4().hex
        self._answered = ""
        self._pressed: dict[str, str] = {}
        self._asked: set[str] = set()

    async def attend(self) -> None:
        url = f"{self._world.nursery.there.phones}?number={quote(self._number, safe='')}"
        while True:
            with contextlib.suppress(OSError, WebSocketException, TimeoutError):
                async with connect(
                    url, additional_headers=HEADERS, proxy=None, compression=None, open_timeout=5
                ) as socket:
                    life = self._world.life
                    await self._send(socket, type="hello", version=1, phone_id=self._phone_id)
                    async for data in socket:
                        if isinstance(data, str):
                            await self._hears(socket, json.loads(data), life)
            await asyncio.sleep(0.05)

    async def _hears(self, socket: ClientConnection, told: dict[str, Any], life: int) -> None:
        world, call_id = self._world, told.get("call_id", "")
        if told["type"] == "ring":
            world.rings.append(Ring(life, call_id, time.time()))
            world.happens("ringing")
            await asyncio.sleep(world.choose.random() * 0.2)
            answer = "decline" if self._way == "declines" else "answer"
            await self._send(socket, type=answer, call_id=call_id)
        elif told["type"] == "prompt":
            prompt_id = told["prompt_id"]
            said = " ".join(caption["text"] for caption in told["captions"])
            if said in ("Thanks.", "Blocked."):  # so the bank has taken note of the key
                world.confirmed.setdefault(call_id, (self._pressed[call_id], time.time()))
                world.happens("confirmed")
            else:
                world.happens("talking")
            await asyncio.sleep(world.choose.random() * 0.2)
            await self._send(socket, type="started", prompt_id=prompt_id)
            await self._send(socket, type="finished", prompt_id=prompt_id)
            if call_id not in self._asked:
                self._asked.add(call_id)
                if self._way in KEYS:
                    self._pressed[call_id] = self._way
                    await self._send(socket, type="key", call_id=call_id, key=self._way)
                    world.happens("key")
                elif self._way == "hangs up":
                    await self._send(socket, type="hang_up", call_id=call_id)
                    self._way = world.choose.choice(tuple(KEYS))  # on the next call they answer
        elif told["type"] == "ended":
            world.happens("ended")

    @staticmethod
    async def _send(socket: ClientConnection, **message: object) -> None:
        await socket.send(json.dumps(message))
