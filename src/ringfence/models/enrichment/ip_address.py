"""IP addresses: their structure and the networks they lie in. No look-up leaves the machine."""

from __future__ import annotations

import ipaddress

from ringfence.models.enrichment.part import Enrichment, Key, Number, Parts

_NAN = float("nan")
_INVALID: Parts = ((_NAN, _NAN, _NAN, 0.0, 0.0), (None, None))


def split_ip_address(text: str) -> Parts:
    """The parts of an IPv4 or IPv6 address; of anything else, only that it is none."""
    numbers = text.split(".")
    if len(numbers) == 4 and all(n.isascii() and n.isdigit() and len(n) < 4 for n in numbers):
        first, second, last = int(numbers[0]), int(numbers[1]), int(numbers[3])
        if max(first, second, int(numbers[2]), last) < 256:
            # int() so that 062.039 and 62.39 are one network.
            wide = f"{first}"
            return (
                (4.0, float(first), float(last), 0.0 if _is_public(first, second) else 1.0, 1.0),
                (f"{first}.{second}", wide),
            )
    if ":" not in text:
        return _INVALID
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        return _INVALID
    if address.ipv4_mapped is not None:
        return split_ip_address(str(address.ipv4_mapped))
    groups = address.exploded.split(":")
    return (
        (6.0, _NAN, _NAN, 0.0 if address.is_global else 1.0, 1.0),
        (":".join(groups[:2]), groups[0]),
    )


def network(text: str) -> str | None:
    """The network that an address lies in: the first 16 bits (IPv4) or 32 bits (IPv6)."""
    return split_ip_address(text)[1][0]


def _is_public(first: int, second: int) -> bool:
    """Whether routers pass it on: not private, shared, loopback, link-local or reserved (the
    blocks of RFC 6890 that start at a /8 or end before a /16)."""
    if first in (0, 10, 127) or first >= 224:
        return False
    if first == 172:
        return not 16 <= second < 32
    if first == 100:
        return not 64 <= second < 128
    if first == 198:
        return second not in (18, 19)
    return (first, second) not in ((192, 168), (169, 254))


IP_ADDRESS = Enrichment(
    numbers=(
        Number("version", "it is an IPv{x:.0f} address"),
        Number("first", "the address starts with {x:.0f}"),
        Number("last", "the address ends in {x:.0f}"),
        Number("reserved", "the address is not public", "the address is public"),
        Number("well_formed", "the address is well formed", "it is not an IP address"),
    ),
    keys=(Key("network", "network"), Key("wide_network", "wide network")),
    split=split_ip_address,
)
