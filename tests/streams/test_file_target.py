from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest
from decided import message
from hypothesis import given
from hypothesis import strategies as st

from ringfence.errors import InvalidInput
from ringfence.streams import NotTaken, open_target
from ringfence.streams.targets import files


async def test_each_message_is_a_line_for_the_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "decisions of today.jsonl"
    sent = [message("e-1"), message("e-2")]
    target = open_target(path.as_uri())
    assert await target.send(sent) == 2
    assert await target.send([message("e-3")]) == 1
    await target.close()
    lines = path.read_bytes().splitlines()
    assert lines[:2] == [one.body for one in sent]
    assert [json.loads(line)["detail"]["eventId"] for line in lines] == ["e-1", "e-2", "e-3"]
    assert path.stat().st_mode & 0o777 == 0o600


async def test_what_a_crash_left_of_a_line_is_taken_away(tmp_path: Path) -> None:
    path = tmp_path / "decisions.jsonl"
    whole, torn = message("e-1"), message("e-2")
    path.write_bytes(whole.body + b"\n" + torn.body[:40])
    await open_target(path.as_uri()).send([torn])
    assert path.read_bytes() == whole.body + b"\n" + torn.body + b"\n"


@given(
    whole=st.lists(st.binary(max_size=40).map(lambda b: b.replace(b"\n", b"")), max_size=4),
    # Shorter than a message, or longer.
    torn=st.binary(max_size=90).map(lambda b: b.replace(b"\n", b"") * 30),
    look_back=st.integers(1, 64),
)
def test_mending_keeps_whole_lines_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, whole: list[bytes], torn: bytes, look_back: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "mended.jsonl"
    kept = b"".join(line + b"\n" for line in whole)
    path.write_bytes(kept + torn)
    sent = message("e-1")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(files, "_LOOK_BACK", look_back)
        asyncio.run(open_target(path.as_uri()).send([sent]))
    assert path.read_bytes() == kept + sent.body + b"\n"


async def test_a_file_that_is_moved_away_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "decisions.jsonl"
    target = open_target(path.as_uri())
    await target.send([message("e-1")])
    path.rename(tmp_path / "decisions.1.jsonl")
    await target.send([message("e-2")])
    assert len(path.read_bytes().splitlines()) == 1


async def test_a_file_that_cannot_be_written_is_no_target_for_now(tmp_path: Path) -> None:
    with pytest.raises(NotTaken, match="cannot be written: No such file"):
        await open_target((tmp_path / "none" / "x.jsonl").as_uri()).send([message("e-1")])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
async def test_a_full_disk_is_said_as_such() -> None:
    with pytest.raises(NotTaken, match="No space left"):
        await open_target("file:///dev/full").send([message("e-1")])


@pytest.mark.parametrize("url", ["file://", "file:///folder/", "file://elsewhere/x.jsonl"])
def test_what_is_no_file_of_this_machine_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        open_target(url)
    assert refused.value.expected == "file:///path/to/decisions.jsonl"
    assert os.sep in url
