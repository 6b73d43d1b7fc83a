from __future__ import annotations

import base64
import hashlib
import hmac
import time

import pytest
from decided import message
from receivers import receiver

from ringfence.errors import InvalidInput
from ringfence.streams import NotTaken, open_target
from ringfence.streams.targets import webhook

KEY = b"0123456789abcdef0123456789abcdef"
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"


async def test_a_message_is_posted_as_it_is_with_its_id() -> None:
    sent = message("e-1")
    with receiver() as there:
        target = open_target(there.url)
        assert await target.send([sent]) == 1
        await target.close()
    assert there.taken[0].body == sent.body
    headers = there.taken[0].headers
    assert headers["content-type"] == "application/json"
    assert headers["webhook-id"] == headers["idempotency-key"] == sent.message_id
    assert "webhook-signature" not in headers


@pytest.mark.parametrize(("secret", "key"), [(SECRET, KEY), ("any other text", b"any other text")])
async def test_with_a_secret_receivers_can_tell_that_a_message_is_ours_and_new(
    secret: str, key: bytes
) -> None:
    sent = message("e-1")
    with receiver() as there:
        target = open_target(there.url, secret)
        await target.send([sent])
        await target.close()
    headers = there.taken[0].headers
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 300
    signed = f"{sent.message_id}.{headers['webhook-timestamp']}.".encode() + there.taken[0].body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"


def test_the_signature_is_that_of_the_specification() -> None:
    # The example of the Standard Webhooks specification and its libraries.
    key = webhook.signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "secret")
    made = webhook.signature(
        key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}'
    )
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_secret_that_is_no_base64_is_refused_and_not_repeated() -> None:
    with pytest.raises(InvalidInput) as refused:
        open_target("https://hooks.example/x", "whsec_tell*nobody")
    assert refused.value.field == "setting orchestration_secret"
    assert "nobody" not in str(refused.value)


@pytest.mark.parametrize("status", [301, 401, 403, 404, 429, 500, 503])
async def test_what_is_not_taken_may_be_taken_later(status: int) -> None:
    with receiver() as there:
        there.status_of = lambda posted: 204 if posted.event_id == "e-1" else status
        target = open_target(there.url)
        with pytest.raises(NotTaken) as failed:
            await target.send([message("e-1"), message("e-2"), message("e-3")])
        await target.close()
    assert (failed.value.taken, failed.value.refused) == (1, False)
    assert str(status) in failed.value.reason
    assert len(there.posted) == 2


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_a_message_can_be_refused_for_itself(status: int) -> None:
    with receiver() as there:
        there.status_of = lambda _: status
        target = open_target(there.url)
        with pytest.raises(NotTaken) as failed:
            await target.send([message("e-1")])
        await target.close()
    assert failed.value.refused


@pytest.mark.parametrize(
    ("asked", "seconds"), [("7", 7.0), ("86400", 300.0), ("Wed, 21 Oct 2026 07:28:00 GMT", None)]
)
async def test_a_webhook_may_ask_for_a_pause(asked: str, seconds: float | None) -> None:
    with receiver() as there:
        there.status_of = lambda _: 429
        there.headers["retry-after"] = asked
        target = open_target(there.url)
        with pytest.raises(NotTaken) as failed:
            await target.send([message("e-1")])
        await target.close()
    assert failed.value.wait_seconds == seconds


async def test_an_address_where_nobody_is_says_so_without_its_secrets() -> None:
    target = open_target("http://user:tellnobody@127.0.0.1:9/services/T0/tellnobody?key=tellnobody")
    with pytest.raises(NotTaken) as failed:
        await target.send([message("e-1")])
    await target.close()
    assert failed.value.reason == "it could not be connected to"
    assert "tellnobody" not in target.name


async def test_a_slow_webhook_is_waited_for_but_not_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(webhook, "_TIMEOUT_SECONDS", 0.2)
    with receiver() as there:
        there.go_on.clear()
        target = open_target(there.url)
        with pytest.raises(NotTaken, match="did not answer"):
            await target.send([message("e-1")])
        await target.close()


async def test_what_was_taken_is_noted_before_a_slow_webhook_gets_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(webhook, "_ROUND_SECONDS", 0.0)
    with receiver() as there:
        target = open_target(there.url)
        taken = await target.send([message("e-1"), message("e-2"), message("e-3")])
        await target.close()
    assert taken == len(there.taken) < 3
