"""`ringfence keys`: made once, listed without secrets, revoked."""

from __future__ import annotations

import json
import re

import pytest
from commands import Shell

_SECRET = re.compile(r"AWS_SECRET_ACCESS_KEY=([A-Za-z0-9]{40})\n")


def test_a_new_key_is_printed_as_lines_that_a_shell_can_evaluate(shell: Shell) -> None:
    said = shell.ringfence("keys", "create", "notebook", port="9123", host="0.0.0.0")
    assert said.code == 0, said
    assert re.fullmatch(
        r"export AWS_ACCESS_KEY_ID=RFAK[A-Z2-7]{16}\n"
        r"export AWS_SECRET_ACCESS_KEY=[A-Za-z0-9]{40}\n"
        r"export AWS_DEFAULT_REGION=us-east-1\n"
        r"export AWS_ENDPOINT_URL_FRAUDDETECTOR=http://127\.0\.0\.1:9123\n",
        said.out,
    )
    assert "notebook may do frauddetector:*. The secret is shown only now." in said.err


def test_keys_are_listed_without_their_secrets_until_and_after_they_are_revoked(
    shell: Shell,
) -> None:
    made = shell.ringfence("keys", "create", "a", "--allow", "frauddetector:Get*")
    secret = _SECRET.search(made.out)
    assert secret is not None
    assert shell.ringfence("keys", "create", "b", "--expires", "90d").code == 0
    (b, a) = json.loads(shell.ringfence("keys", "list", "--json").out)
    assert a["permissions"] == ["frauddetector:Get*"]
    assert a["expires_at"] is None
    assert b["expires_at"] is not None
    shown = shell.ringfence("keys", "list").out
    for key in (a, b):
        assert key["access_key_id"] in shown
    assert secret[1] not in shown
    assert "revoked" not in shown
    assert "is revoked" in shell.ringfence("keys", "revoke", a["access_key_id"]).out
    assert "revoked" in shell.ringfence("keys", "list").out


def test_programs_get_json(shell: Shell) -> None:
    made = json.loads(
        shell.ringfence("keys", "create", "ci", "--region", "eu-west-1", "--json").out
    )
    assert made["environment"]["AWS_ACCESS_KEY_ID"] == made["key"]["access_key_id"]
    assert made["environment"]["AWS_SECRET_ACCESS_KEY"] == made["secret_access_key"]
    assert made["environment"]["AWS_DEFAULT_REGION"] == "eu-west-1"


def test_without_keys_the_list_says_how_to_make_one(shell: Shell) -> None:
    assert "ringfence keys create NAME" in shell.ringfence("keys", "list").out
    assert json.loads(shell.ringfence("keys", "list", "--json").out) == []


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("create", "x", "--allow", "Get*"), 2, "'Get*' is not a permission"),
        (("create", "x", "--allow", "frauddetector:Nope"), 2, "no operation of frauddetector"),
        (("create", "x", "--expires", "soon"), 2, "expected 12h, 90d, 4w, or a moment"),
        (("create", "x", "--expires", "0001-01-01T00:00+10:00"), 2, "--expires"),
        (("create", "x", "--expires", "2020-01-01"), 2, "has passed already"),
        (("create", " x"), 2, "name: not a name"),
        (("revoke", "RFAKNONE"), 1, "there is no such access key"),
    ],
)
def test_what_does_not_fit_is_said_and_nothing_is_made(
    shell: Shell, arguments: tuple[str, ...], code: int, said: str
) -> None:
    assert said in shell.fails(code, "keys", *arguments)
    assert json.loads(shell.ringfence("keys", "list", "--json").out) == []
