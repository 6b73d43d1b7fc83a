"""The conversation: contact flows in Amazon Connect's language, checked and run.

A call that was answered is held here, with a `Participant`. This room knows neither telephones nor
cards: what a flow wants done it asks of `Functions`, what happens it tells an observer.
"""

from ringfence.flows.contact import Contact, ContactState, InitiationMethod, Reference
from ringfence.flows.events import EndReason, FlowEvent, FlowEventKind, Observe
from ringfence.flows.flow import Flow, FlowFormat
from ringfence.flows.functions import FunctionFailed, Functions
from ringfence.flows.instance import (
    Agent,
    AtCapacity,
    Bot,
    CallBack,
    Channel,
    Instance,
    Message,
    MessageFailed,
    NotBound,
    Place,
    Queue,
    QueueMetrics,
    ResourceKind,
    Task,
    Wanted,
)
from ringfence.flows.languages import flow_for_language, language_of_voice, voice_for_language
from ringfence.flows.loading import load_flow
from ringfence.flows.participant import (
    AnsweredBy,
    Destination,
    HungUp,
    NotConnected,
    Participant,
    Prompt,
    PromptFailed,
    Recording,
    Reply,
)
from ringfence.flows.problems import FlowInvalid, Problem
from ringfence.flows.running import run
from ringfence.flows.shipped import shipped_flows
from ringfence.flows.unbound import Unbound

__all__ = [
    "Agent",
    "AnsweredBy",
    "AtCapacity",
    "Bot",
    "CallBack",
    "Channel",
    "Contact",
    "ContactState",
    "Destination",
    "EndReason",
    "Flow",
    "FlowEvent",
    "FlowEventKind",
    "FlowFormat",
    "FlowInvalid",
    "FunctionFailed",
    "Functions",
    "HungUp",
    "InitiationMethod",
    "Instance",
    "Message",
    "MessageFailed",
    "NotBound",
    "NotConnected",
    "Observe",
    "Participant",
    "Place",
    "Problem",
    "Prompt",
    "PromptFailed",
    "Queue",
    "QueueMetrics",
    "Recording",
    "Reference",
    "Reply",
    "ResourceKind",
    "Task",
    "Unbound",
    "Wanted",
    "flow_for_language",
    "language_of_voice",
    "load_flow",
    "run",
    "shipped_flows",
    "voice_for_language",
]
