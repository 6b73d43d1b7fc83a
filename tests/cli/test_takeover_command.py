"""Logins from a seed to a model of takeovers, by commands alone."""

from __future__ import annotations

import re

from commands import Shell

from ringfence.examples import example_path


def test_logins_are_generated_and_strangers_are_learned_of_without_a_label(shell: Shell) -> None:
    made = shell.ringfence(
        "simulate", "logins.csv", "--logins", "--transactions", "2500", "--days", "40",
        "--labelled", "0", "--seed", "5",
    )  # fmt: skip
    assert made.code == 0, made
    assert "2,500 logins" in made.out
    path = str(example_path("login_event_type.json"))
    assert f"ringfence events define {path}" in made.out
    assert shell.ringfence("events", "define", path).code == 0

    said = shell.ringfence(
        "train", "logins.csv", "--model", "takeovers", "--event-type", "login",
        "--type", "ACCOUNT_TAKEOVER_INSIGHTS",
    )  # fmt: skip
    assert said.code == 0, said
    for words in ("Anomaly separation index 0.9", "challenged", "account, device_id", "Few logins"):
        assert words in said.out
    assert shell.ringfence("models", "show", "takeovers").out in said.out
    listed = shell.ringfence("models", "list").out
    assert "ASI 0.9" in listed
    assert "AUC" not in listed

    refused = shell.fails(
        1, "train", "logins.csv", "--model", "takeovers", "--event-type", "login",
        "--type", "TRANSACTION_FRAUD_INSIGHTS",
    )  # fmt: skip
    assert "ACCOUNT_TAKEOVER_INSIGHTS" in refused

    published = shell.ringfence(
        "detectors", "publish", "sign_in", "--model", "takeovers", "--event-type", "login"
    )
    assert published.code == 0, published
    assert re.search(r"challenge +\$takeovers_insightscore >= \d+ +challenge", published.out)
    assert "call_cardholder" not in published.out
    tried = shell.ringfence(
        "backtest", "--detector", "sign_in", "--file", "logins.csv", "--alert-on", "challenge"
    )
    assert tried.code == 0, tried
    assert "2,500 events of type login" in tried.out


def test_logins_have_a_share_of_takeovers_of_their_own(shell: Shell) -> None:
    shell.ringfence(
        "simulate", "some.csv", "--logins", "--transactions", "2000", "--labelled", "1",
        "--fraud-share", "0.05",
    )  # fmt: skip
    assert (shell.folder / "some.csv").read_text().count(",takeover,") > 20
