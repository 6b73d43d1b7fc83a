"""A child, a telephone and a network between them: what an operator's first call goes through."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from peers_phones import Phone, no_phone, phone
from peers_registrar import PASSWORD, Network, authority, network, no_network
from peers_sound import RATE, Samples, found_in
from sip_children import child, dial, missing, trunk

from ringfence.lines.sip.messages import (
    Accept,
    Alive,
    Answered,
    Decline,
    Digit,
    Ended,
    HangUp,
    Offered,
    Play,
    Played,
    Registered,
    Ringing,
    TrunkSetup,
)

_LACKING = missing() or no_phone() or no_network()
pytestmark = pytest.mark.skipif(bool(_LACKING), reason=_LACKING)


@pytest.fixture(scope="module")
def between(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    with network(tmp_path_factory.mktemp("network")) as one:
        yield one


def _registered(between: Network, user: str, **changes: Any) -> TrunkSetup:
    facts = {
        "id_uri": f"sip:{user}@127.0.0.1:{between.port}",
        "registrar": f"sip:127.0.0.1:{between.port}",
        "outbound_proxies": (f"sip:127.0.0.1:{between.port};lr",),
        "username": user,
        "password": PASSWORD,
    }
    return trunk(between.port, **facts | changes)


def _sweep(seconds: float) -> Samples:
    at = np.arange(int(seconds * RATE)) / RATE
    return (9000 * np.sin(2 * np.pi * (300 * at + 250 * at**2))).astype(np.int16)


def _hears(far: Phone, prompt: Samples) -> bool:
    """Whether the prompt came out of its earpiece; what was still in its buffer need not."""
    return found_in(prompt[: len(prompt) * 3 // 4], far.heard())[0] > 0.9


@pytest.mark.parametrize("dtmf", ["rtpevent", "info"])
def test_a_telephone_hears_the_prompt_and_its_keys_are_heard(tmp_path: Path, dtmf: str) -> None:
    prompt = _sweep(2.0)
    with (
        phone(tmp_path / "phone", "cardholder", answers=False, dtmf=dtmf) as far,
        child(tmp_path / "log", trunk(far.port)) as near,
    ):
        near.tell(dial(far.port, to_uri=f"sip:cardholder@127.0.0.1:{far.port}"))
        assert near.hear(Ringing).status == 180
        assert far.wait_for("CALL_INCOMING")["peerdisplayname"] == "Bank"
        far.answer()
        near.hear(Answered)
        near.tell(Play("a", 1, prompt.tobytes()))
        far.press("2")
        assert near.hear(Digit).key == "2"
        near.hear(Played)
        far.hang_up()
        ended = near.hear(Ended)
        far.wait_for("CALL_CLOSED")
        assert _hears(far, prompt)
    assert (ended.answered, ended.by_far_end) == (True, True)


def test_a_telephone_declines(tmp_path: Path) -> None:
    with (
        phone(tmp_path / "phone", "cardholder", answers=False) as far,
        child(tmp_path / "log", trunk(far.port)) as near,
    ):
        near.tell(dial(far.port, to_uri=f"sip:cardholder@127.0.0.1:{far.port}"))
        far.wait_for("CALL_INCOMING")
        near.hear(Ringing)
        far.hang_up()
        ended = near.hear(Ended)
    assert not ended.answered
    assert ended.by_far_end
    assert ended.status == 486


def test_a_call_goes_through_a_network_that_asks_who_we_are(
    between: Network, tmp_path: Path
) -> None:
    here = f"127.0.0.1:{between.port}"
    with (
        phone(tmp_path / "phone", "4930901820", registrar=here, password=PASSWORD) as far,
        child(tmp_path / "log", _registered(between, "bank")) as near,
    ):
        assert near.hear(Registered).active
        far.wait_until_registered()
        near.tell(
            dial(between.port, to_uri=f"sip:4930901820@{here}", from_uri=f"<sip:bank@{here}>")
        )
        near.hear(Answered)
        prompt = _sweep(1.5)
        near.tell(Play("a", 1, prompt.tobytes()))
        far.press("1")
        assert near.hear(Digit).key == "1"
        near.hear(Played)
        near.tell(HangUp("a"))
        assert near.hear(Ended).answered
        far.wait_for("CALL_CLOSED")
        assert _hears(far, prompt)
        near.tell(dial(between.port, "b", to_uri=f"sip:nobody@{here}"))
        assert near.hear(Ended, call="b").status == 404


@pytest.mark.parametrize("takes", [True, False])
def test_a_cardholder_calls_the_number_that_is_registered(
    between: Network, tmp_path: Path, takes: bool
) -> None:
    here = f"127.0.0.1:{between.port}"
    with (
        child(tmp_path / "log", _registered(between, "bank"), takes_calls=True) as near,
        phone(tmp_path / "phone", "4930901820", registrar=here, password=PASSWORD) as far,
    ):
        assert near.hear(Registered).active
        far.wait_until_registered()
        far.call(f"sip:bank@{here}")
        offered = near.hear(Offered)
        assert offered.trunk == "trunk"
        assert "4930901820" in offered.from_uri
        if takes:
            near.tell(Accept(offered.call))
            near.hear(Answered, call=offered.call)
            far.wait_for("CALL_ESTABLISHED")
            far.press("7")
            assert near.hear(Digit, call=offered.call).key == "7"
            far.hang_up()
            assert near.hear(Ended, call=offered.call).by_far_end
        else:
            near.tell(Decline(offered.call, 603))
            assert "603" in far.wait_for("CALL_CLOSED")["param"]


def test_a_wrong_password_is_told_as_such(between: Network, tmp_path: Path) -> None:
    here = f"127.0.0.1:{between.port}"
    with child(tmp_path / "log", _registered(between, "bank", password="wrong")) as near:
        registered = near.hear(Registered)
        assert (registered.active, registered.status) == (False, 401)
        near.tell(dial(between.port, to_uri=f"sip:4930901820@{here}"))
        assert near.hear(Ended).status == 407


def _over(between: Network, transport: str, **changes: Any) -> TrunkSetup:
    port = between.tls_port if transport == "tls" else between.port
    here = f"127.0.0.1:{port};transport={transport}"
    facts = {
        "transport": transport,
        "uri": f"sip:{here}",
        "registrar": f"sip:{here}",
        "outbound_proxies": (f"sip:{here};lr",),
    }
    return _registered(between, "bank", **facts | changes)


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_a_network_is_reached_by(between: Network, tmp_path: Path, transport: str) -> None:
    over = _over(between, transport, keep_alive_seconds=1.0)
    ca = str(between.authority.ca)
    with child(tmp_path / "log", over, tls_ca_file=ca) as near:
        assert near.hear(Registered).active
        assert near.hear(Alive).status == 200


def test_a_network_with_a_certificate_of_somebody_else_is_not_trusted(
    between: Network, tmp_path: Path
) -> None:
    other = authority(tmp_path / "other")
    with child(tmp_path / "log", _over(between, "tls"), tls_ca_file=str(other.ca)) as near:
        registered = near.hear(Registered)
    assert not registered.active
    assert registered.status in (408, 502, 503)


def test_an_outage_of_the_network_is_noticed_and_so_is_its_end(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        between = stack.enter_context(network(tmp_path / "network"))
        over = _over(between, "tcp", keep_alive_seconds=1.0)
        near = stack.enter_context(child(tmp_path / "log", over))
        assert near.hear(Registered).active
        assert near.hear(Alive, status=200)
        between.stop()
        while near.hear(Alive).status == 200:
            pass
        between.start()
        assert near.hear(Alive, status=200)
