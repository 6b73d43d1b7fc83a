"""`ringfence line ...`: with a running server and a real trunk."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from api_servers import KEY, Server, prepare, running
from commands import Shell

sys.path.append(str(Path(__file__).parents[1] / "e2e"))

from trunks import Trunk, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

SETTINGS = """
[lines.carrier]
kind = "sip"
bind_host = "127.0.0.1"
courtesy_seconds = 0
numbers = ["+15550100000"]

[[lines.carrier.trunks]]
name = "one"
host = "127.0.0.1:{port}"
keep_alive_seconds = {keep_alive}
transport = "{transport}"
"""


def served(
    folder: Path, port: int, *, keep_alive: int = 0, transport: str = "udp"
) -> Iterator[Server]:
    data_dir = folder / "data"
    prepare(data_dir)
    (folder / "ringfence.toml").write_text(
        SETTINGS.format(port=port, keep_alive=keep_alive, transport=transport)
    )
    with running(data_dir) as server:
        yield server


def test_a_line_is_proved_by_a_call_that_is_answered(shell: Shell, tmp_path: Path) -> None:
    trunk = Trunk(tmp_path / "trunk", key="5", ring_seconds=0.2)
    try:
        for server in served(tmp_path / "bank", trunk.port):
            there = {"url": server.url, "api_key": KEY}
            listed = shell.ringfence("line", "list", **there).out
            assert "carrier" in listed
            assert "browser" in listed
            assert "one not known yet" in listed
            proved = shell.ringfence("line", "test", "carrier", "--to", "+4930901820", **there)
            assert proved.code == 0, proved
            for told in ("PJSIP", "trunk one", "rang and was answered", "key 5 arrived", "PCMA"):
                assert told in proved.out
    finally:
        trunk.close()


def test_a_trunk_that_is_away_is_told_in_plain_words(shell: Shell, tmp_path: Path) -> None:
    # Over TCP it is known at once: nothing listens there.
    for server in served(tmp_path / "bank", 9, keep_alive=1, transport="tcp"):
        there = {"url": server.url, "api_key": KEY}
        told = shell.fails(1, "line", "test", "nowhere", "--to", "+4930901820", **there)
        assert "one of browser, carrier" in told
        proved = shell.ringfence("line", "test", "carrier", "--to", "+4930901820", **there)
        assert proved.code == 1
        assert "the line takes no call" in proved.out
        wrong = shell.fails(2, "line", "test", "carrier", "--to", "030", **there)
        assert "to_number" in wrong
