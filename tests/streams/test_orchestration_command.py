from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
from receivers import receiver

from ringfence.cli import main
from ringfence.cli.screen import console

Try: TypeAlias = Callable[..., tuple[int, str, str]]


@pytest.fixture
def try_target(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Try:
    """Runs `ringfence orchestration test` with settings; its exit code and what it said."""

    def run(*arguments: str, **settings: str) -> tuple[int, str, str]:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(console, "width", 200)
        for name, value in settings.items():
            monkeypatch.setenv(f"RINGFENCE_{name.upper()}", value)
        monkeypatch.setattr(sys, "argv", ["ringfence", "orchestration", "test", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


def test_a_sample_is_sent_to_where_the_settings_say_and_the_words_say_so(try_target: Try) -> None:
    with receiver() as there:
        code, said, _ = try_target(orchestration_url=there.url, orchestration_secret="s3cret")
    assert code == 0
    assert there.taken_ids == ["orchestration-test"]
    assert "webhook-signature" in there.taken[0].headers
    assert said.startswith("taken")
    assert there.taken[0].headers["webhook-id"] in said


def test_a_target_can_be_tried_before_it_is_set(try_target: Try, tmp_path: Path) -> None:
    path = tmp_path / "decisions.jsonl"
    code, said, _ = try_target(path.as_uri(), "--show")
    assert code == 0
    assert json.loads(path.read_text())["id"] in said
    assert '"detail-type": "Event Prediction Result Returned"' in said


def test_what_is_not_taken_is_said_with_the_reason(try_target: Try) -> None:
    with receiver() as there:
        there.status_of = lambda _: 403
        code, said, _ = try_target(there.url)
    assert code == 1
    assert said.startswith("not taken")
    assert "status 403" in said


def test_without_a_target_the_setting_is_named(try_target: Try) -> None:
    code, _, said = try_target()
    assert code == 2
    assert "setting orchestration_url: is not set" in said
