"""What an operator sets of a line over Amazon Connect."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from ringfence.errors import InvalidInput
from ringfence.flows.languages import flow_for_language
from ringfence.lines.opening import E164, read_table, secret, within

_INSTANCE = re.compile(
    r"(?:arn:[^:]+:connect:(?P<region>[^:]*):[0-9]{12}:instance/)?(?P<id>[0-9A-Za-z-]{1,100})"
)
_URL = re.compile(r"https?://[^/]+")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_MOST_RING_SECONDS, _LEAST_RING_SECONDS = 60, 15


class ConnectSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line over an instance of Amazon Connect.

    `contact_flow_id` is the flow there that holds the conversation, `contact_flow_ids` those of
    other languages by tag (`de`). It calls from a plan's own caller number when that is one of
    `numbers`, otherwise from `source_phone_number` or the number of `queue_id`. With a queue,
    `numbers` are what it calls from. Credentials are found by boto3's own rules unless keys are
    given. `events_queue_url` is an SQS queue that an EventBridge rule puts the instance's contact
    events into: then the line hears of them at once, and asks only now and then. `calls_per_second`
    is AWS's limit for the account and region, for every operation. `machine_detection` needs
    outbound campaigns at AWS (`campaign_id`); `await_beep` has the flow begin after a machine's
    beep. A call is hung up after `longest_call_seconds`.
    """

    instance_id: str
    contact_flow_id: str
    contact_flow_ids: dict[str, str] = {}
    region: str = ""
    source_phone_number: str = ""
    queue_id: str = ""
    numbers: tuple[str, ...] = ()
    machine_detection: bool = True
    await_beep: bool = True
    campaign_id: str = ""
    access_key_id: str = ""
    secret_access_key: str = ""
    profile: str = ""
    endpoint_url: str = ""
    events_queue_url: str = ""
    sqs_endpoint_url: str = ""
    calls_at_once: int = 10
    calls_per_second: float = 2.0
    poll_seconds: float = 1.0
    longest_call_seconds: float = 1800.0

    @property
    def instance(self) -> str:
        """The id of the instance, whether it or its ARN was given."""
        found = _INSTANCE.fullmatch(self.instance_id)
        return found["id"] if found else self.instance_id

    @property
    def instance_region(self) -> str:
        """The region that is set, or that of the ARN."""
        found = _INSTANCE.fullmatch(self.instance_id)
        return self.region or (found["region"] if found else "") or "us-east-1"

    @property
    def all_numbers(self) -> frozenset[str]:
        """What it calls from."""
        return frozenset({*self.numbers, self.source_phone_number} - {""})

    def source_for(self, number: str) -> str:
        """What to call from for whom `number` is wished; empty where the queue decides."""
        return number if number in self.numbers else self.source_phone_number

    def flow_for(self, language: str) -> str:
        """The flow that speaks `language` (a tag), or the one for all."""
        names = [f"flow.{tag}" for tag in self.contact_flow_ids]
        found = flow_for_language(names, "flow", language).partition(".")[2]
        return self.contact_flow_ids.get(found, self.contact_flow_id)


def ring_seconds(wanted: float) -> int:
    """The ring time-out that Amazon Connect takes: whole seconds from 15 to 60."""
    return int(min(max(round(wanted), _LEAST_RING_SECONDS), _MOST_RING_SECONDS))


def read_settings(name: str, table: Mapping[str, Any]) -> ConnectSettings:
    """The settings of the line `name`, checked. Raises `InvalidInput` naming the field."""
    settings = read_table(name, table, ConnectSettings)
    try:
        _check(settings)
    except InvalidInput as error:
        raise within(f"lines.{name}", error) from None
    return settings


def _check(settings: ConnectSettings) -> None:
    if not _INSTANCE.fullmatch(settings.instance_id):
        raise InvalidInput("not an instance", field="instance_id", expected="its id or its ARN")
    if not settings.contact_flow_id:
        raise InvalidInput("missing", field="contact_flow_id", expected="the id of a contact flow")
    for tag in settings.contact_flow_ids:
        if not _LANGUAGE.fullmatch(tag):
            raise InvalidInput(
                f"{tag!r} is no language", field="contact_flow_ids", expected="tags such as de"
            )
    if bool(settings.source_phone_number) == bool(settings.queue_id):
        raise InvalidInput(
            "both, or none",
            field="source_phone_number",
            expected="either it or queue_id: what to call from",
        )
    if settings.source_phone_number and not E164.fullmatch(settings.source_phone_number):
        raise InvalidInput(
            "not E.164", field="source_phone_number", expected="such as +15550100000"
        )
    if settings.queue_id and not settings.numbers:
        raise InvalidInput(
            "missing", field="numbers", expected="the numbers that queue_id calls from"
        )
    for number in settings.numbers:
        if not E164.fullmatch(number):
            raise InvalidInput("not E.164", field="numbers", expected="such as +15550100000")
    for field in ("endpoint_url", "events_queue_url", "sqs_endpoint_url"):
        if (url := getattr(settings, field)) and not _URL.match(url):
            raise InvalidInput("no address", field=field, expected="https://HOST/...")
    if bool(settings.access_key_id) != bool(settings.secret_access_key):
        raise InvalidInput(
            "one without the other", field="access_key_id", expected="secret_access_key beside it"
        )
    secret(settings.secret_access_key, "secret_access_key")
    for field, low, high in (
        ("calls_at_once", 1, 10_000),
        ("calls_per_second", 0.01, 1000),
        ("poll_seconds", 0.1, 60),
        ("longest_call_seconds", 60, 86_400),
    ):
        if not low <= getattr(settings, field) <= high:
            raise InvalidInput("out of range", field=field, expected=f"{low:g} to {high:g}")
