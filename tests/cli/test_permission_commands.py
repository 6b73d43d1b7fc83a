"""`ringfence permission ...` and `ringfence do-not-call ...`: with a running server."""

from __future__ import annotations

from api_servers import KEY, prepare, running
from commands import Shell


def test_consent_is_shown_withdrawn_and_given_and_numbers_are_listed(shell: Shell) -> None:
    data_dir = shell.folder / "data"
    prepare(data_dir)
    with running(data_dir) as server:
        settings = {"url": server.url, "api_key": KEY}

        def said(*words: str) -> str:
            done = shell.ringfence(*words, **settings)
            assert done.code == 0, done
            return done.out

        with server.client() as client:
            customer = client.get("/v1/customers").json()[0]["customer_id"]
        shown = said("permission", "show", customer)
        assert "voice: may be contacted" in shown
        assert "number given to the bank" in shown
        shown = said("permission", "withdraw", customer, "--source", "letter")
        assert "voice: must not be contacted" in shown
        assert "sms: may be contacted" in shown
        assert "letter" in shown
        assert "voice: may be contacted" in said("permission", "give", customer)
        refusal = shell.fails(1, "permission", "show", "nobody", **settings)
        assert "there is no such customer" in refusal

        assert "No number is listed" in said("do-not-call", "list")
        added = said("do-not-call", "add", "+49 30 1234567", "--reason", "wrong number")
        assert "+49301234567 is contacted no more." in added
        assert "wrong number" in said("do-not-call", "list")
        assert "again" in said("do-not-call", "remove", "+49301234567")
        refusal = shell.fails(1, "do-not-call", "remove", "+49301234567", **settings)
        assert "is not on the list" in refusal
