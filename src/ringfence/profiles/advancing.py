"""Events through the profiles, one after the other, on states that someone else keeps.

Between the arithmetic, which knows one key and numbers, and the store, which knows a database. It
needs neither clock nor connection: states are asked for and given back as bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from ringfence.events.reading import Entity
from ringfence.events.variables import Value
from ringfence.profiles.arithmetic import Arithmetic, State
from ringfence.profiles.inputs import EventInputs, KeyText
from ringfence.profiles.plans import CompiledPlan, ProfilePlan, compile_plan

# States by the hash of their key; those of keys never seen are left out.
Fetch = Callable[[Collection[bytes]], Mapping[bytes, bytes]]
_Hash = Callable[[str | tuple[str, str]], bytes]
# Hashes of keys, per group.
_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event as profiles see it. `at` is in seconds since 1970. `fraud` is added after the
    event: 1 when it is known to be fraud, 0 when not."""

    at: float
    entities: Sequence[Entity]
    variables: Mapping[str, Value]
    fraud: int = 0


@dataclass(frozen=True, slots=True)
class Advanced:
    """The values of each event, one float per aggregate, and the states that have changed."""

    values: list[Sequence[float]]
    states: dict[bytes, bytes]


class Advancer:
    """Advances the states of a plan. Safe to use from several threads."""

    def __init__(self, plan: ProfilePlan):
        self.compiled: CompiledPlan = compile_plan(plan)
        self._inputs = EventInputs(self.compiled)
        self._hash = [_hashing(group.name.encode() + b"\0") for group in self.compiled.groups]
        self._labelled = [g.arithmetic.label is not None for g in self.compiled.groups]

    def advance(self, arrivals: Sequence[Arrival], fetch: Fetch) -> Advanced:
        """Take the events in the given order; `fetch` is called once, for all of them."""
        read = [self._inputs.read(a.entities, a.variables) for a in arrivals]
        hashes = [
            [None if key is None else of_key(key) for of_key, key in self._hashing(keys)]
            for keys, _ in read
        ]
        stored = fetch({key for of_event in hashes for key in of_event if key is not None})
        states: dict[bytes, tuple[Arithmetic, State]] = {}
        values: list[Sequence[float]] = []
        groups, order = self.compiled.groups, self.compiled.order
        for arrival, (_, inputs), keys in zip(arrivals, read, hashes, strict=True):
            found: tuple[float, ...] = ()
            at, fraud = arrival.at, arrival.fraud
            for group, key in zip(groups, keys, strict=True):
                if key is None:
                    found += group.missing
                    continue
                arithmetic = group.arithmetic
                held = states.get(key)
                if held is None:
                    packed = stored.get(key)
                    state = arithmetic.fresh() if packed is None else unpack(arithmetic, packed)
                    states[key] = arithmetic, state
                else:
                    state = held[1]
                found += arithmetic.step(state, at, inputs)
                if fraud and arithmetic.label is not None:
                    arithmetic.label(state, at, fraud)
            values.append(order(found))
        return Advanced(values, {key: pack(*held) for key, held in states.items()})

    def label(self, changes: Sequence[Arrival], fetch: Fetch) -> dict[bytes, bytes]:
        """The states that change when events that were taken before turn out to be fraud
        (`fraud` 1) or turn out not to be after all (-1)."""
        read = [self._inputs.read(change.entities, change.variables)[0] for change in changes]
        keys = [
            [
                of_key(key) if labelled and key is not None else None
                for (of_key, key), labelled in zip(
                    self._hashing(of_event), self._labelled, strict=True
                )
            ]
            for of_event in read
        ]
        stored = fetch({key for of_event in keys for key in of_event if key is not None})
        states: dict[bytes, tuple[Arithmetic, State]] = {}
        for change, of_event in zip(changes, keys, strict=True):
            for group, key in zip(self.compiled.groups, of_event, strict=True):
                label = group.arithmetic.label
                if key is None or label is None or key not in stored:
                    continue
                if key not in states:
                    states[key] = group.arithmetic, unpack(group.arithmetic, stored[key])
                label(states[key][1], change.at, change.fraud)
        return {key: pack(*held) for key, held in states.items()}

    def _hashing(self, keys: Sequence[KeyText]) -> zip[tuple[_Hash, KeyText]]:
        return zip(self._hash, keys, strict=True)


def key_hash(salt: bytes, key: str | tuple[str, str]) -> bytes:
    """16 bytes that stand for a key of a group; `salt` names the group."""
    # A pair is joined by what no text of an event holds, or ("a", "bc") would be ("ab", "c").
    text = key if isinstance(key, str) else f"{key[0]}\0{key[1]}"
    content = salt + text.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(content, digest_size=16).digest()


def _hashing(salt: bytes) -> _Hash:
    memory: dict[str | tuple[str, str], bytes] = {}

    def recall(key: str | tuple[str, str]) -> bytes:
        found = memory.get(key)
        if found is None:
            if len(memory) >= _REMEMBERED:
                memory.clear()
            found = memory[key] = key_hash(salt, key)
        return found

    return recall


def pack(arithmetic: Arithmetic, state: State) -> bytes:
    """The state as MessagePack. Its size is bounded whatever number of events it has seen."""
    if arithmetic.wide:
        state = state.copy()
        for cell, is_list in arithmetic.wide:
            held = state[cell]
            state[cell] = [_bytes(number) for number in held] if is_list else _bytes(held)
    return msgspec.msgpack.encode(state)


def unpack(arithmetic: Arithmetic, packed: bytes) -> State:
    """The state that `pack` made these bytes of."""
    state: list[Any] = msgspec.msgpack.decode(packed)
    for cell, is_list in arithmetic.wide:
        held = state[cell]
        state[cell] = (
            [int.from_bytes(number, "little") for number in held]
            if is_list
            else int.from_bytes(held, "little")
        )
    return state


def _bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) >> 3, "little")
