"""Where the trunks of a line are: their names looked up by DNS, and who of several gets a call.

RFC 3263 (4.2, without NAPTR: the transport is set), RFC 2782 (priorities and weights). PJSIP looks
names up itself where it must hold a certificate against them, over TLS, or has a proxy to go to.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from ipaddress import ip_address
from typing import TYPE_CHECKING

from ringfence.errors import Unavailable
from ringfence.lines.sip.settings import SipSettings, TrunkSettings, host_and_port

if TYPE_CHECKING:
    from dns.asyncresolver import Resolver

_SIP_PORT = 5060
_LOOK_SECONDS = 3.0
_AVOID_SECONDS = 30.0  # after a call that it did not take
_KEPT_NAMES = 200


def is_looked_up(trunk: TrunkSettings) -> bool:
    """Whether its host is a name that the line looks up, rather than PJSIP."""
    return not (trunk.transport == "tls" or trunk.outbound_proxy or _is_address(trunk.host))


class Names:
    """The names of one line. `clock` counts seconds."""

    def __init__(self, settings: SipSettings, clock: Callable[[], float]) -> None:
        self._nameservers = settings.nameservers
        self._clock = clock
        self._made: Resolver | None = None
        self._avoided: dict[str, float] = {}
        self._known: dict[str, list[str]] = {}

    async def routes(self, trunk: TrunkSettings) -> list[str]:
        """Where calls on `trunk` go, the best first: URIs of routes, or `""` for where PJSIP says.

        Raises `Unavailable` with words for an operator when its name is not known.
        """
        if not is_looked_up(trunk):
            return [""]
        transport = "" if trunk.transport == "udp" else f";transport={trunk.transport}"
        routes = [f"sip:{place}{transport};lr;hide" for place in await self.places(trunk)]
        now = self._clock()
        return sorted(routes, key=lambda route: self._avoided.get(route, 0.0) > now)

    def failed(self, route: str) -> None:
        """A call did not get through there: try the others first for a while."""
        now = self._clock()
        self._avoided = {each: until for each, until in self._avoided.items() if until > now}
        if route:
            self._avoided[route] = now + _AVOID_SECONDS

    async def places(self, trunk: TrunkSettings) -> list[str]:
        """`address:port` of each host that takes calls for `trunk`, in order, by chance and weight.

        What was known before holds while no name server answers. Raises `Unavailable`.
        """
        name, port = host_and_port(trunk.host)
        try:
            places = await self._places(name, port, trunk.transport)
        except _NoServer:
            if trunk.name not in self._known:
                raise Unavailable(f"no name server says where {name} is") from None
            return self._known[trunk.name]
        if not places:
            raise Unavailable(f"there is no host of the name {name}")
        self._known[trunk.name] = places
        return places

    async def _places(self, name: str, port: int | None, transport: str) -> list[str]:
        if port is not None:
            return [f"{address}:{port}" for address in await self._addresses(name)]
        targets = await self._servers(f"_sip._{transport}.{name}")
        return [
            f"{address}:{target_port}"
            for target, target_port in targets or [(name, _SIP_PORT)]
            for address in await self._addresses(target)
        ]

    async def _servers(self, name: str) -> list[tuple[str, int]]:
        from dns.exception import DNSException
        from dns.rdtypes.IN.SRV import SRV
        from dns.resolver import NXDOMAIN, NoAnswer

        try:
            found = await self._resolver.resolve(name, "SRV")
        except (NXDOMAIN, NoAnswer):
            return []
        except (DNSException, OSError):
            raise _NoServer from None
        records = found.rrset.processing_order() if found.rrset is not None else []
        return [
            (record.target.to_text(omit_final_dot=True), record.port)
            for record in records
            if isinstance(record, SRV)
        ]

    async def _addresses(self, name: str) -> list[str]:
        from dns.exception import DNSException
        from dns.resolver import NXDOMAIN, NoAnswer

        if _is_address(name):
            return [name]
        try:
            found = await self._resolver.resolve(name, "A", search=not self._nameservers)
            return [record.to_text() for record in found]
        except (NXDOMAIN, NoAnswer):
            return [] if self._nameservers else await _of_this_machine(name)
        except (DNSException, OSError):
            if not self._nameservers and (here := await _of_this_machine(name)):
                return here
            raise _NoServer from None

    @property
    def _resolver(self) -> Resolver:
        if self._made is None:
            from dns.asyncresolver import Resolver
            from dns.resolver import LRUCache

            self._made = Resolver(configure=not self._nameservers)
            self._made.lifetime = _LOOK_SECONDS
            self._made.cache = LRUCache(_KEPT_NAMES)
            if self._nameservers:
                self._made.nameservers = list(self._nameservers)
        return self._made


class _NoServer(Exception):
    """No name server answers."""


async def _of_this_machine(name: str) -> list[str]:
    """What the machine's own files say, which no name server knows."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            name, None, family=socket.AF_INET, type=socket.SOCK_DGRAM
        )
    except OSError:
        return []
    return sorted({str(entry[4][0]) for entry in found})


def _is_address(host: str) -> bool:
    try:
        ip_address(host_and_port(host)[0])
    except ValueError:
        return False
    return True
