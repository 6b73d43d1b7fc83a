"""Trunks that are given by a name: looked up by DNS, and the next host called when one is down."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from pathlib import Path

import pytest
from peers_names import host, missing_name_server, name_server, service
from sip_children import far_end, missing
from sip_lines import OURS, THEIRS, during, open_line
from sipp_scenarios import ANSWER, HUNG_UP, scenario

from ringfence.errors import Unavailable
from ringfence.lines import CallEnd, CallRequest
from ringfence.lines.sip.names import Names
from ringfence.lines.sip.settings import SipSettings, TrunkSettings

pytestmark = pytest.mark.skipif(
    bool(missing() or missing_name_server()), reason=missing() or missing_name_server()
)


def _names(address: str) -> Names:
    return Names(SipSettings(trunks=(), nameservers=(address,)), lambda: 0.0)


def _trunk(name: str, **facts: str) -> TrunkSettings:
    return TrunkSettings(name="main", host=name, **facts)  # type: ignore[arg-type]


def test_a_host_that_says_nothing_is_given_up_for_the_next_of_its_name(tmp_path: Path) -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf,
        far_end(scenario(*ANSWER, *HUNG_UP), tmp_path) as there,
    ):
        deaf.bind(("127.0.0.1", 0))
        service_name = "_sip._udp.carrier.test"
        with name_server(
            tmp_path,
            host("a.carrier.test"),
            service(service_name, "a.carrier.test", deaf.getsockname()[1], priority=10),
            service(service_name, "a.carrier.test", there.port, priority=20),
        ) as names:

            async def work() -> None:
                trunks = [{"name": "main", "host": "carrier.test", "keep_alive_seconds": 0}]
                async with open_line(trunks=trunks, nameservers=[names.address]) as caller:
                    async with asyncio.timeout(25):  # SIP itself would wait for 32 s
                        assert (await caller.call()).end is CallEnd.COMPLETED
                    deaf.settimeout(0.1)
                    assert deaf.recv(4096).startswith(b"INVITE sip:+4930901820@carrier.test")
                    _drained(deaf)
                    assert (await caller.call()).end is CallEnd.COMPLETED
                    with pytest.raises(TimeoutError):  # what has just failed is not tried first
                        deaf.recv(4096)

            during(work())
        invite = there.log().split("INVITE ", 1)[1]
        assert invite.startswith("sip:+4930901820@carrier.test;user=phone SIP/2.0")
        assert "\nRoute:" not in there.log()


def _drained(deaf: socket.socket) -> None:
    while True:
        try:
            deaf.recv(4096)
        except TimeoutError:
            return


def test_a_name_that_nobody_knows_is_said_in_words(tmp_path: Path) -> None:
    with name_server(tmp_path, host("a.carrier.test")) as names:

        async def work() -> None:
            trunks = [{"name": "main", "host": "nowhere.test", "keep_alive_seconds": 0}]
            async with open_line(trunks=trunks, nameservers=[names.address]) as caller:
                result = await caller.call()
                assert result.end is CallEnd.LINE_DOWN
                assert result.detail == "there is no host of the name nowhere.test"
                request = CallRequest("proof", THEIRS, OURS)
                steps = [step async for step in caller.line.prove(request)]
                named = next(step for step in steps if step.name == "trunk main")
                assert named.ok is False
                assert named.text == "there is no host of the name nowhere.test"

        during(work())


async def test_hosts_of_one_priority_share_the_calls_by_their_weights(tmp_path: Path) -> None:
    records = (
        host("a.test"),
        service("_sip._udp.carrier.test", "a.test", 5001, 10, 90),
        service("_sip._udp.carrier.test", "a.test", 5002, 10, 10),
        service("_sip._udp.carrier.test", "a.test", 5003, 20, 50),
    )
    with name_server(tmp_path, *records) as server:
        names = _names(server.address)
        orders = [await names.places(_trunk("carrier.test")) for _ in range(300)]
        asked = server.asked()
    assert all(order[2] == "127.0.0.1:5003" for order in orders)
    first = Counter(order[0] for order in orders)
    assert 220 < first["127.0.0.1:5001"] < 300
    assert asked.count("query[SRV]") == 1  # remembered as long as it says


async def test_a_name_is_looked_up_as_its_port_and_transport_say(tmp_path: Path) -> None:
    records = (
        host("carrier.test", "127.0.0.7"),
        host("b.test", "127.0.0.8"),
        service("_sip._tcp.carrier.test", "b.test", 5070),
    )
    with name_server(tmp_path, *records) as server:
        names = _names(server.address)
        assert await names.routes(_trunk("carrier.test")) == ["sip:127.0.0.7:5060;lr;hide"]
        assert await names.routes(_trunk("carrier.test:5080")) == ["sip:127.0.0.7:5080;lr;hide"]
        assert await names.routes(_trunk("carrier.test", transport="tcp")) == [
            "sip:127.0.0.8:5070;transport=tcp;lr;hide"
        ]
        assert await names.routes(_trunk("carrier.test", transport="tls")) == [""]
        assert await names.routes(_trunk("carrier.test", outbound_proxy="b.test")) == [""]
        assert await names.routes(_trunk("[::1]:5060")) == [""]


async def test_what_was_known_holds_while_no_name_server_answers(tmp_path: Path) -> None:
    with name_server(tmp_path, host("carrier.test", "127.0.0.7")) as server:
        names = _names(server.address)
        assert await names.places(_trunk("carrier.test")) == ["127.0.0.7:5060"]
    assert await names.places(_trunk("carrier.test")) == ["127.0.0.7:5060"]
    with pytest.raises(Unavailable, match=r"no name server says where other\.test is"):
        await names.places(TrunkSettings(name="other", host="other.test"))
