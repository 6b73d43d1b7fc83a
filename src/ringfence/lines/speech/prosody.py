"""`<prosody>`: Amazon Polly's values for rate, volume and pitch, as eSpeak NG takes them.

eSpeak NG 1.52 reads names and percentages as Polly means them, but hardly hears decibels. Ranges
as in Amazon Polly's SSML reference; what is no such value changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

SLOWEST, FASTEST = 20.0, 200.0  # percent of the voice's own rate
QUIETEST, LOUDEST = 5.0, 250.0  # percent of the voice's own amplitude; more would clip
LOWEST, HIGHEST = -50.0, 100.0  # percent beside the voice's own pitch

_RATES = frozenset({"x-slow", "slow", "medium", "fast", "x-fast"})
_VOLUMES = frozenset({"silent", "x-soft", "soft", "medium", "loud", "x-loud"})
_PITCHES = frozenset({"x-low", "low", "medium", "high", "x-high"})
_VALUE = re.compile(r"([+-]?)(\d{1,6}(?:\.\d{0,6})?|\.\d{1,6})\s*(%|db|st)?")
_SEMITONE = 2 ** (1 / 12)


def prosody(given: Mapping[str, str]) -> dict[str, str]:
    """eSpeak NG's attributes for those of a `<prosody>` tag; empty when nothing changes."""
    read = {"rate": _rate, "volume": _volume, "pitch": _pitch}
    values = {name: how(given.get(name, "").strip().lower()) for name, how in read.items()}
    return {name: value for name, value in values.items() if value}


def _rate(value: str) -> str:
    if value in _RATES:
        return value
    found = _VALUE.fullmatch(value)
    if not found or found[3] not in ("%", None):
        return ""
    percent = float(found[2]) * (1 if found[3] else 100)  # a bare number is a factor
    if found[1]:
        percent = 100 + (percent if found[1] == "+" else -percent)
    return f"{_within(percent, SLOWEST, FASTEST)}%"


def _volume(value: str) -> str:
    if value in _VOLUMES:
        return value
    found = _VALUE.fullmatch(value)
    if not found or found[3] != "db":
        return ""
    decibels = float(f"{found[1]}{min(float(found[2]), 60.0)}")
    return f"{_within(100 * 10 ** (decibels / 20), QUIETEST, LOUDEST)}%"


def _pitch(value: str) -> str:
    if value in _PITCHES:
        return value
    found = _VALUE.fullmatch(value)
    if not found or found[3] not in ("%", "st"):
        return ""
    amount = float(f"{found[1]}{min(float(found[2]), 200.0)}")
    percent = amount if found[3] == "%" else 100 * (_SEMITONE ** min(amount, 24.0) - 1)
    if not found[1] and found[3] == "%":
        percent = amount - 100  # "120%" is of the voice's own
    return f"{_within(percent, LOWEST, HIGHEST):+d}%"


def _within(value: float, low: float, high: float) -> int:
    return round(min(max(value, low), high))
