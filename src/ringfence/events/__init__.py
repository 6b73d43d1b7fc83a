"""What comes in: variables, entity types, event types, labels, lists; reading and storing events.

First room on the way of a transaction. It knows what an event must look like and keeps the event
log; it does not know what will be decided about an event.
"""

from ringfence.events.definitions import (
    EventType,
    get_event_type,
    list_event_types,
    put_event_type,
)
from ringfence.events.log import label_event, stored_event
from ringfence.events.reading import Entity, Event, EventReader, SentEvent
from ringfence.events.variables import DataType, Value, Variable, VariableType, coerce

__all__ = [
    "DataType",
    "Entity",
    "Event",
    "EventReader",
    "EventType",
    "SentEvent",
    "Value",
    "Variable",
    "VariableType",
    "coerce",
    "get_event_type",
    "label_event",
    "list_event_types",
    "put_event_type",
    "stored_event",
]
