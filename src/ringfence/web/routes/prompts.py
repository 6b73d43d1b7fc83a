"""Prompts and bots, which flows name; and the phone numbers that lead to flows."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from sqlalchemy import Connection

from ringfence.access import Scope
from ringfence.contacts.bindings import find_thing, require_thing
from ringfence.contacts.bots import StoredBot, delete_bot, get_bot, list_bots, put_bot
from ringfence.contacts.instances import default_instance
from ringfence.contacts.phone_numbers import (
    AvailableNumber,
    PhoneNumber,
    available_numbers,
    claim_number,
    find_number,
    list_numbers,
    numbers_of_lines,
    release_number,
    update_number,
)
from ringfence.contacts.prompts import (
    Prompt,
    create_prompt,
    delete_prompt,
    list_prompts,
    update_prompt,
)
from ringfence.errors import NotFound
from ringfence.web.api import Call, Operations
from ringfence.web.services import Services

operations = Operations("flows")


class PromptBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A recording: a WAV file in Base64."""

    wav: bytes
    description: str = ""
    tags: Mapping[str, str] = {}


class BotBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The phrases of each intent by language, `*` for every one; `fallback` is everything else."""

    intents: Mapping[str, Mapping[str, tuple[str, ...]]]
    fallback: str = ""


class NumberBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where calls to a number lead: the name or id of a contact flow, or nowhere."""

    description: str = ""
    flow: str | None = None
    tags: Mapping[str, str] = {}


@operations.add("GET", "/v1/prompts", scope=Scope.RULES_READ, reply=list[Prompt])
def get_prompts(services: Services, call: Call) -> list[Prompt]:
    """All prompts by name, without their sounds."""
    with services.database.read() as connection:
        return list_prompts(connection, default_instance(connection).instance_id)


@operations.add(
    "PUT", "/v1/prompts/{prompt}", scope=Scope.RULES_WRITE, body=PromptBody, reply=Prompt
)
def put_one_prompt(services: Services, call: Call) -> Prompt:
    """Keep a recording under a name, in place of the one that had it."""
    body: PromptBody = call.body
    with services.database.write() as connection:
        instance_id = default_instance(connection).instance_id
        known = find_thing(connection, instance_id, "prompt", call.path["prompt"])
        if known is None:
            return create_prompt(
                connection,
                instance_id,
                call.path["prompt"],
                body.wav,
                description=body.description,
                tags=body.tags,
            )
        return update_prompt(
            connection, known, wav=body.wav, description=body.description, tags=body.tags
        )


@operations.add("DELETE", "/v1/prompts/{prompt}", scope=Scope.RULES_WRITE, status=204)
def delete_one_prompt(services: Services, call: Call) -> None:
    """Remove a prompt; flows that play it take their error branches from then on."""
    with services.database.write() as connection:
        instance_id = default_instance(connection).instance_id
        delete_prompt(
            connection, require_thing(connection, instance_id, "prompt", call.path["prompt"])
        )


@operations.add("GET", "/v1/bots", scope=Scope.RULES_READ, reply=list[StoredBot])
def get_bots(services: Services, call: Call) -> list[StoredBot]:
    """All bots by name."""
    with services.database.read() as connection:
        return list_bots(connection, default_instance(connection).instance_id)


@operations.add("GET", "/v1/bots/{bot}", scope=Scope.RULES_READ, reply=StoredBot)
def get_one_bot(services: Services, call: Call) -> StoredBot:
    """The bot of a name or an id."""
    with services.database.read() as connection:
        return get_bot(connection, _bot(connection, call))


@operations.add("PUT", "/v1/bots/{bot}", scope=Scope.RULES_WRITE, body=BotBody, reply=StoredBot)
def put_one_bot(services: Services, call: Call) -> StoredBot:
    """Say which words mean which intent to the bot of that name."""
    with services.database.write() as connection:
        instance_id = default_instance(connection).instance_id
        return put_bot(
            connection, instance_id, call.path["bot"], call.body.intents, call.body.fallback
        )


@operations.add("DELETE", "/v1/bots/{bot}", scope=Scope.RULES_WRITE, status=204)
def delete_one_bot(services: Services, call: Call) -> None:
    """Remove a bot; flows that ask with it take their error branches from then on."""
    with services.database.write() as connection:
        delete_bot(connection, _bot(connection, call))


@operations.add("GET", "/v1/phone-numbers", scope=Scope.RULES_READ, reply=list[PhoneNumber])
def get_phone_numbers(services: Services, call: Call) -> list[PhoneNumber]:
    """The numbers that are claimed."""
    with services.database.read() as connection:
        return list_numbers(connection)


@operations.add("GET", "/v1/available-numbers", scope=Scope.RULES_READ, reply=list[AvailableNumber])
def get_available_numbers(services: Services, call: Call) -> list[AvailableNumber]:
    """The numbers of the lines that nobody has claimed."""
    with services.database.read() as connection:
        return available_numbers(connection, numbers_of_lines(services.lines))


@operations.add(
    "PUT",
    "/v1/phone-numbers/{number}",
    scope=Scope.RULES_WRITE,
    body=NumberBody,
    reply=PhoneNumber,
)
def put_phone_number(services: Services, call: Call) -> PhoneNumber:
    """Claim a number (E.164) that a line owns, or change where the one that is claimed leads."""
    body: NumberBody = call.body
    with services.database.write() as connection:
        instance_id = default_instance(connection).instance_id
        flow_id = (
            require_thing(connection, instance_id, "contact flow", body.flow)
            if body.flow is not None
            else None
        )
        claimed = find_number(connection, call.path["number"])
        if claimed is None:
            claimed = claim_number(
                connection, instance_id, call.path["number"], numbers_of_lines(services.lines)
            )
        return update_number(
            connection,
            claimed.number_id,
            description=body.description,
            flow_id=flow_id,
            tags=body.tags,
        )


@operations.add("DELETE", "/v1/phone-numbers/{number}", scope=Scope.RULES_WRITE, status=204)
def delete_phone_number(services: Services, call: Call) -> None:
    """Release a number, which anybody can claim then."""
    with services.database.write() as connection:
        claimed = find_number(connection, call.path["number"])
        if claimed is None:
            raise NotFound(f"{call.path['number']} is not claimed", field="number")
        release_number(connection, claimed.number_id)


def _bot(connection: Connection, call: Call) -> str:
    instance_id = default_instance(connection).instance_id
    return require_thing(connection, instance_id, "bot", call.path["bot"])
