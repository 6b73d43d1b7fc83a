"""`ringfence number ...`: with a running server, which has the lines."""

from __future__ import annotations

from api_servers import KEY, prepare, running
from commands import Shell


def test_a_number_is_claimed_led_to_a_flow_and_released(shell: Shell) -> None:
    data_dir = shell.folder / "data"
    prepare(data_dir)
    with running(data_dir) as server:
        settings = {"url": server.url, "api_key": KEY}
        assert "No number is claimed" in shell.ringfence("number", "list", **settings).out
        said = shell.ringfence(
            "number", "claim", "+14155550142", "--flow", "verify-card-payment", **settings
        )
        assert said.code == 0, said
        listed = shell.ringfence("number", "list", **settings).out
        assert "+14155550142" in listed
        assert "verify-card-payment" in listed
        error = shell.fails(1, "number", "claim", "+14155550142", "--flow", "none", **settings)
        assert "'none'" in error
        assert shell.ringfence("number", "release", "+14155550142", **settings).code == 0
        shell.fails(1, "number", "release", "+14155550142", **settings)
    assert "--api-key" in shell.fails(2, "number", "list")
