from __future__ import annotations

import contextlib
import importlib.util
import subprocess
import sys
from importlib.machinery import ModuleSpec

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.errors import InvalidInput
from ringfence.streams import open_target
from ringfence.streams.targets.addresses import read_address, shown

SECRET = "tellnobody"


def test_a_broker_has_servers_a_login_and_a_place() -> None:
    found = read_address("kafka://me:p%40ss@one:1,two,[::1]:3/the.topic", 9092, place="topic")
    assert found.servers == ("one:1", "two:9092", "[::1]:3")
    assert (found.user, found.password) == ("me", "p%40ss")
    assert (found.folders, found.place) == ((), "the.topic")
    assert found.with_login("kafka")[1] == "kafka://me:p%40ss@two:9092"


def test_a_place_may_stand_in_a_folder() -> None:
    found = read_address("amqp://host/%2Fbank/decisions", 5672, place="exchange", folders=1)
    assert (found.folders, found.place, found.user) == (("/bank",), "decisions", None)


@pytest.mark.parametrize(
    "url",
    [
        "nats://host",
        "nats://host/",
        "nats://host/a/b",
        "nats:///subject",
        "nats://host:port/subject",
        "nats://host:99999/subject",
        "kafka://host/",
        "amqp://host/a/b/c",
        "amqp://host/exchange?type=odd",
        "redis://host/nodb/stream",
        "redis://host/stream?maxlen=0",
        "eventbridge://",
        "eventbridge://bus?color=red",
        "http://",
        "http://host:port/path",
        "gopher://host/x",
        "no url",
        "",
        "http://[broken/",
    ],
)
def test_a_url_that_names_no_target_is_refused_with_what_was_expected(url: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        open_target(url)
    assert refused.value.field == "setting orchestration_url"
    assert refused.value.expected


@pytest.mark.parametrize(
    "url",
    [f"nats://me:{SECRET}@host", f"kafka://me:{SECRET}@host:x/t", f"odd://me:{SECRET}@host/x"],
)
def test_a_refused_url_is_not_repeated(url: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        open_target(url)
    assert SECRET not in str(refused.value)


def test_a_shown_url_has_no_secret() -> None:
    assert shown(f"nats://me:{SECRET}@a:1,b:2/subject?token={SECRET}") == "nats://a:1,b:2/subject"


@given(st.text(max_size=60))
def test_no_text_does_worse_than_being_refused(text: str) -> None:
    for url in (text, f"nats://{text}", f"file:{text}", f"redis://{text}/x", f"http://{text}"):
        with contextlib.suppress(InvalidInput):
            open_target(url)


@pytest.mark.parametrize(
    ("url", "module", "extra"),
    [
        ("nats://host/subject", "nats", "nats"),
        ("kafka://host/topic", "aiokafka", "kafka"),
        ("kafkas://host/topic", "faststream", "kafka"),
        ("amqp://host/exchange", "aio_pika", "rabbitmq"),
        ("redis://host/stream", "redis", "redis"),
    ],
)
def test_what_is_not_installed_is_named_with_the_extra_that_has_it(
    monkeypatch: pytest.MonkeyPatch, url: str, module: str, extra: str
) -> None:
    found = importlib.util.find_spec

    def without(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name == module else found("json")

    monkeypatch.setattr(importlib.util, "find_spec", without)
    with pytest.raises(InvalidInput) as refused:
        open_target(url)
    assert module in refused.value.message
    assert f"pip install 'ringfence[{extra}]'" in str(refused.value.expected)


def test_only_webhooks_have_a_secret() -> None:
    with pytest.raises(InvalidInput) as refused:
        open_target("file:///x.jsonl", "secret")
    assert refused.value.field == "setting orchestration_secret"


def test_a_server_that_publishes_nowhere_loads_no_client_of_a_broker() -> None:
    code = (
        "import sys, ringfence.streams\n"
        "heavy = {'faststream', 'nats', 'boto3', 'httpx2', 'aiokafka'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
