"""`ringfence flow import`, `versions`, `rollback`, `delete`, and what flows' ARNs mean here."""

from __future__ import annotations

import pytest
from commands import Shell
from flow_texts import hands_over

QUEUE = "arn:aws:connect:eu-west-2:123456789012:instance/i-1/queue/q-1"


@pytest.fixture
def imported(shell: Shell) -> Shell:
    """A folder in which the flow is imported."""
    assert (
        shell.ringfence(
            "flow", "import", shell.write("ask.json", hands_over("One moment.", QUEUE))
        ).code
        == 0
    )
    return shell


def test_an_import_tells_what_is_unbound_and_how_it_is_bound(shell: Shell) -> None:
    said = shell.ringfence(
        "flow", "import", shell.write("ask.json", hands_over("One moment.", QUEUE))
    )

    assert said.code == 0, said
    assert "Flow ask version 1." in said.out
    assert f"queue {QUEUE}, in block to" in said.out
    assert f"ringfence flow bind queue {QUEUE} NAME" in said.out


def test_what_is_unbound_is_bound_and_unbound_again(imported: Shell) -> None:
    said = imported.ringfence("flow", "unbound")
    assert said.code == 1
    assert "ask" in said.out
    assert QUEUE in said.out
    error = imported.fails(2, "flow", "bind", "queue", QUEUE, "Nobody")
    assert "there is no queue 'Nobody' here" in error
    error = imported.fails(2, "flow", "bind", "teapot", QUEUE, "x")
    assert "hours of operation" in error
    bound = imported.ringfence("flow", "bind", "function", "arn:of:somebody", "block-credit-card")
    assert "is block-credit-card here" in bound.out
    assert imported.ringfence("flow", "bind", "module", "m", "x").code == 2
    listed = imported.ringfence("flow", "bindings").out
    assert "arn:of:somebody" in listed
    assert imported.ringfence("flow", "unbind", "function", "arn:of:somebody").code == 0
    assert "Nothing is bound" in imported.ringfence("flow", "bindings").out
    imported.fails(1, "flow", "unbind", "function", "arn:of:somebody")


def test_a_map_binds_all_of_it_or_nothing_and_is_written_again(shell: Shell) -> None:
    bad = shell.write("bad.toml", '[function]\n"f" = "g"\n[queue]\n"BasicQueue" = "Nobody"\n')
    assert "BasicQueue" in shell.fails(2, "flow", "map", bad)
    assert "Nothing is bound" in shell.ringfence("flow", "bindings").out
    good = shell.write("good.json", '{"function": {"f": "g", "h": "i"}}')
    assert "2 bound" in shell.ringfence("flow", "map", good).out
    written = shell.ringfence("flow", "bindings", "--as-map").out
    assert '"f" = "g"' in written
    assert "2 bound" in shell.ringfence("flow", "map", shell.write("again.toml", written)).out


def test_versions_are_told_apart_and_gone_back_to(imported: Shell) -> None:
    imported.ringfence(
        "flow", "import", imported.write("ask.json", hands_over("Just a second.", QUEUE)),
        "--description", "Says it otherwise",
    )  # fmt: skip
    said = imported.ringfence("flow", "versions", "ask").out
    assert "version 2  (heard)" in said
    assert "Says it otherwise" in said
    assert "Just a second." in said
    assert "Just a second." in imported.ringfence("flow", "show", "ask").out
    assert "One moment." in imported.ringfence("flow", "show", "ask", "--version", "1").out
    assert "hear version 1 of ask" in imported.ringfence("flow", "rollback", "ask", "1").out
    assert "One moment." in imported.ringfence("flow", "show", "ask").out
    assert "no version 9" in imported.fails(1, "flow", "rollback", "ask", "9")


def test_a_flow_is_deleted_unless_something_uses_it(imported: Shell) -> None:
    assert imported.ringfence("flow", "delete", "ask").code == 0
    assert "ask" not in imported.ringfence("flow", "list").out
    assert "'ask'" in imported.fails(1, "flow", "delete", "ask")
    assert "call-cardholder" in imported.fails(1, "flow", "delete", "verify-card-payment")


def test_a_module_is_imported_beside_a_flow_of_the_same_name(imported: Shell) -> None:
    said = imported.ringfence("flow", "import", "ask.json", "--module")
    assert "Module ask version 1." in said.out
    assert "flow module" in imported.ringfence("flow", "list").out
    assert imported.ringfence("flow", "delete", "ask", "--module").code == 0
    assert "contact flow" in imported.ringfence("flow", "list").out
    assert "no draft" in imported.fails(1, "flow", "publish", "ask")
