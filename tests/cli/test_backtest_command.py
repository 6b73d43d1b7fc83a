"""Past events judged again, by command."""

from __future__ import annotations

import json

from commands import Shell


def test_a_file_is_judged_and_the_report_written(trained: Shell) -> None:
    said = trained.ringfence("backtest", "--file", "payments.csv", "--out", "report.json")

    assert said.code == 0, said
    assert "4,000 events of type card_payment from payments.csv" in said.out
    assert "calls placed" in said.out
    assert "flatters" in said.out
    report = json.loads((trained.folder / "report.json").read_text())
    (version,) = report["versions"]
    assert version["totals"]["events"] == 4000
    assert version["totals"]["recall"] > 0.5
    assert version["totals"]["calls"] > 0
    assert f"{version['totals']['alerts']:,}" in said.out


def test_two_versions_are_shown_side_by_side(trained: Shell) -> None:
    said = trained.ringfence(
        "backtest", "--file", "payments.csv", "--version", "1", "--against", "1"
    )

    assert said.code == 0, said
    assert "difference" in said.out
    assert "+0.00 %" in said.out


def test_an_empty_event_log_is_said_plainly(trained: Shell) -> None:
    said = trained.ringfence("backtest")

    assert said.code == 0, said
    assert "No event of type card_payment in this window" in said.out


def test_what_does_not_fit_is_named(trained: Shell) -> None:
    assert "from" in trained.fails(2, "backtest", "--from", "yesterday")
    assert "to" in trained.fails(2, "backtest", "--from", "2026-03-02", "--to", "2026-03-01")
    assert "case_hours" in trained.fails(2, "backtest", "--case-hours", "0")
    assert "'nope'" in trained.fails(2, "backtest", "--alert-on", "nope")
    assert "out" in trained.fails(2, "backtest", "--out", "nowhere/report.json")
    assert "none.csv" in trained.fails(1, "backtest", "--file", "none.csv")
    assert "'9'" in trained.fails(1, "backtest", "--version", "9")
    assert "nobody" in trained.fails(1, "backtest", "--detector", "nobody")


def test_without_a_detector_it_says_how_to_get_one(shell: Shell) -> None:
    assert "publish" in shell.fails(1, "backtest")
