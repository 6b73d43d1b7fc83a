"""The formulas of profiles: how unusual a number is, how far a place, how many different values.

Pure arithmetic on the standard library alone, so that it runs wherever Python does. It knows
nothing of events, plans and states.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from math import asin, cos, log, radians, sin, sqrt
from zlib import crc32

NAN = float("nan")
# Beyond this a number says no more, and its square must stay finite.
LARGEST = 1e15
# Bits of a distinct count, and slots of a share: what one of them takes does not grow.
DISTINCT_BITS = 256
SHARE_SLOTS = 64
SHARE_SLOT_BITS = 32

_EARTH_KM = 6371.0088
# A standard deviation below this part of the mean is taken as this: someone who always paid the
# same would otherwise be infinitely surprised by a cent.
_LEAST_SPREAD = 0.01
# Below this a mean is what rounding has left of numbers that cancel out.
_LEAST_MEAN = 1e-9
# Two payments in the same minute are told apart by distance, not by a division by nothing.
_LEAST_HOURS = 1 / 60


def deviation(value: float, count: float, total: float, squares: float) -> float:
    """By how many standard deviations `value` lies above the mean of `count` numbers with that
    sum and sum of squares. NaN for fewer than two numbers or a missing value. The standard
    deviation is taken to be at least 1% of the mean."""
    if count < 1.5 or value != value:
        return NAN
    mean = total / count
    variance = squares / count - mean * mean
    spread = sqrt(variance) if variance > 0.0 else 0.0
    return (value - mean) / max(spread, _LEAST_SPREAD * abs(mean), 1e-9)


def spread(count: float, total: float, squares: float) -> float:
    """The standard deviation of `count` numbers with that sum and sum of squares, divided by the
    size of their mean (the coefficient of variation). NaN for fewer than two numbers or a mean of
    nothing."""
    if count < 1.5:
        return NAN
    mean = total / count
    if abs(mean) < _LEAST_MEAN:
        return NAN
    variance = squares / count - mean * mean
    return sqrt(variance) / abs(mean) if variance > 0.0 else 0.0


def distance_km(
    latitude: float, longitude: float, to_latitude: float, to_longitude: float
) -> float:
    """Great-circle distance of two places given in degrees (haversine formula). NaN when a
    coordinate is."""
    one, other = radians(latitude), radians(to_latitude)
    across = sin((other - one) / 2.0) ** 2
    along = sin(radians(to_longitude - longitude) / 2.0) ** 2
    half_chord = across + cos(one) * cos(other) * along
    if half_chord != half_chord:
        return NAN
    return 2.0 * _EARTH_KM * asin(min(1.0, sqrt(half_chord)))


def speed_kmh(distance: float, seconds: float) -> float:
    """The speed at which `distance` (km) is covered in that time, which is taken to be at least a
    minute. NaN when the distance is."""
    return distance / max(abs(seconds) / 3600.0, _LEAST_HOURS)


def oldest_bucket(buckets: Sequence[int], counts: Sequence[int], after: int, until: int) -> float:
    """The first of the sorted buckets, beyond `after` and up to `until`, that counted anything; NaN
    where there is none."""
    for place in range(bisect_right(buckets, after), bisect_right(buckets, until)):
        if counts[place]:
            return buckets[place]
    return NAN


def newest_bucket(buckets: Sequence[int], counts: Sequence[int], after: int, until: int) -> float:
    """The last of them."""
    for place in range(bisect_right(buckets, until) - 1, bisect_right(buckets, after) - 1, -1):
        if counts[place]:
            return buckets[place]
    return NAN


def text_hash(text: str) -> int:
    """A number from 0 to 2**32 - 1 that is the same for the same text in every process.

    CRC-32, mixed so that texts that differ in one place differ in all bits. Python's own `hash`
    of a text is another one in each process.
    """
    mixed = crc32(text.encode("utf-8", "surrogatepass"))
    mixed = ((mixed ^ (mixed >> 16)) * 0x45D9F3B) & 0xFFFFFFFF
    mixed = ((mixed ^ (mixed >> 16)) * 0x45D9F3B) & 0xFFFFFFFF
    return mixed ^ (mixed >> 16)


def _distinct(bits: int) -> float:
    empty = max(DISTINCT_BITS - bits, 0.5)
    return DISTINCT_BITS * log(DISTINCT_BITS / empty)


# How many different values leave so many bits set: linear counting (Whang, Vander-Zanden and
# Taylor, 1990). The standard error is about 5% up to 250 values; it ends at about 1,600.
DISTINCT_VALUES = tuple(_distinct(bits) for bits in range(DISTINCT_BITS + 1))
