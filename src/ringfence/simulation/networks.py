"""IPv4 addresses: of homes, phones and shops in a place, and of the machines in between.

The blocks are this world's own assignment; they only resemble the real one.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from ringfence.simulation.chance import Integers, Random
from ringfence.simulation.places import COUNTRIES, PLACES

# Data centres and anonymising services, which belong to no place.
HOSTING = ((45, 128), (104, 238), (141, 98), (185, 220), (193, 29), (195, 54), (209, 141))
NOWHERE = -1
_NETWORKS_A_PLACE = 3


def _place_networks() -> Integers:
    """The upper 16 bits of each place's networks; shape `(places, 3)`."""
    met: dict[str, int] = {}
    networks = np.empty((len(PLACES), _NETWORKS_A_PLACE), dtype=np.int64)
    for row, place in enumerate(PLACES):
        blocks = COUNTRIES[place.country].networks
        for column in range(_NETWORKS_A_PLACE):
            number = met.get(place.country, 0)
            met[place.country] = number + 1
            first, low, high = blocks[number % len(blocks)]
            # Seven is prime to every block's size but one of seven, so neighbours are spread.
            networks[row, column] = first * 256 + low + number // len(blocks) * 7 % (high - low + 1)
    return networks


_OF_PLACE = _place_networks()
_HOSTING_NETWORKS = np.array([first * 256 + second for first, second in HOSTING])


def addresses_in(random: Random, place: Integers) -> Integers:
    """An address in a network of each place, as a number of 32 bits."""
    count = len(place)
    network = _OF_PLACE[place, random.integers(0, _NETWORKS_A_PLACE, count)]
    return network * 65_536 + random.integers(0, 256, count) * 256 + random.integers(1, 255, count)


def hosting_addresses(random: Random, count: int) -> Integers:
    """Addresses in data centres."""
    network = _HOSTING_NETWORKS[random.integers(0, len(_HOSTING_NETWORKS), count)]
    return network * 65_536 + random.integers(0, 256, count) * 256 + random.integers(1, 255, count)


def written(addresses: Integers) -> pl.Series:
    """The addresses as `62.39.153.176`; null where there is none (`NOWHERE`)."""
    frame = pl.DataFrame({"address": addresses})
    address = pl.col("address")
    octets = [(address // 2**shift % 256).cast(pl.String) for shift in (24, 16, 8, 0)]
    text = pl.when(address >= 0).then(pl.concat_str(octets, separator="."))
    return frame.select(text.alias("ip_address"))["ip_address"]
