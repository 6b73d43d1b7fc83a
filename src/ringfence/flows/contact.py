"""A contact: whom a flow talks to, what it began with, and what the flows have made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ringfence.flows.instance import Queue


class InitiationMethod(StrEnum):
    """How a contact began, as Amazon Connect says it."""

    API = "API"
    INBOUND = "INBOUND"
    OUTBOUND = "OUTBOUND"
    CALLBACK = "CALLBACK"
    QUEUE_TRANSFER = "QUEUE_TRANSFER"
    TRANSFER = "TRANSFER"
    DISCONNECT = "DISCONNECT"


@dataclass(frozen=True, slots=True)
class Reference:
    """A document or an address that belongs to a contact; `type` as Connect has it (`URL`)."""

    value: str
    type: str = "STRING"


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom a flow calls, and what is known when it starts. Numbers are E.164.

    The values of attributes whose names are in `sensitive` never appear in an event.
    """

    contact_id: str
    attributes: Mapping[str, str]
    customer_number: str
    system_number: str
    instance_arn: str
    language: str = "en-US"
    initial_contact_id: str = ""  # empty: it is the first of its chain
    previous_contact_id: str = ""
    related_contact_id: str = ""
    initiation_method: InitiationMethod = InitiationMethod.API
    name: str = ""
    description: str = ""
    customer_id: str = ""
    references: Mapping[str, Reference] = field(default_factory=dict)
    queue: Queue | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    sensitive: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Recordings:
    """What is to be recorded: the automated part, and which parties of the talk with an agent."""

    automated: bool = False
    participants: frozenset[str] = frozenset()  # "Agent", "Customer"


@dataclass(slots=True)
class ContactState:
    """A contact as its flows have changed it. What is here outlives each of its flows."""

    contact: Contact
    attributes: dict[str, str]
    name: str
    description: str
    customer_id: str
    language: str
    references: dict[str, Reference]
    tags: dict[str, str]
    queue: Queue | None = None
    agent_id: str = ""
    callback_number: str = ""
    voice: str = ""  # empty: the language's own
    engine: str = ""
    style: str = ""
    logging: bool = False
    recordings: Recordings = field(default_factory=Recordings)
    hooks: dict[str, str] = field(default_factory=dict)  # by event, such as CustomerQueue
    priority: int = 5
    queue_seconds: int = 0  # by which its time in the queue counts as longer
    segment_attributes: dict[str, str] = field(default_factory=dict)
    answering_machine: str = ""  # what picked up, in Amazon Connect's words

    @classmethod
    def of(cls, contact: Contact) -> ContactState:
        """The contact as it begins."""
        return cls(
            contact=contact,
            attributes=dict(contact.attributes),
            name=contact.name,
            description=contact.description,
            customer_id=contact.customer_id,
            language=contact.language,
            references=dict(contact.references),
            tags=dict(contact.tags),
            queue=contact.queue,
            callback_number=contact.customer_number,
        )
