"""The conversation: contact flows in Amazon Connect's language, checked and run.

A call that was answered is held here, with a `Participant`. This room knows neither telephones nor
cards: what a flow wants done it asks of `Functions`, what happens it tells an observer.
"""

from ringfence.flows.call import Contact
from ringfence.flows.events import EndReason, FlowEvent, FlowEventKind, Observe
from ringfence.flows.flow import Flow, FlowFormat
from ringfence.flows.functions import FunctionFailed, Functions
from ringfence.flows.loading import load_flow
from ringfence.flows.participant import HungUp, Participant, Prompt, PromptFailed
from ringfence.flows.problems import FlowInvalid, Problem
from ringfence.flows.running import run
from ringfence.flows.shipped import shipped_flows

__all__ = [
    "Contact",
    "EndReason",
    "Flow",
    "FlowEvent",
    "FlowEventKind",
    "FlowFormat",
    "FlowInvalid",
    "FunctionFailed",
    "Functions",
    "HungUp",
    "Observe",
    "Participant",
    "Problem",
    "Prompt",
    "PromptFailed",
    "load_flow",
    "run",
    "shipped_flows",
]
