"""What the first payment and the first call would wait for, loaded once a server has started."""

from __future__ import annotations

import structlog

from ringfence.cards.phones import time_zones_of
from ringfence.contacts.published_flows import list_flows, stored_flow
from ringfence.detectors import DecisionEngine
from ringfence.errors import RingfenceError
from ringfence.flows import Prompt
from ringfence.lines import Synthesizer
from ringfence.storage import Database

_SOME_NUMBER = "+14155552671"
_log = structlog.get_logger(__name__)


def warm_up(database: Database, engine: DecisionEngine, synthesizer: Synthesizer) -> None:
    """Load detectors, contact flows, a voice and time zones, beside everything else.

    Never raises: whatever cannot be loaded is told to whoever needs it.
    """
    try:
        engine.warm_up()
        time_zones_of(_SOME_NUMBER)
        with database.read() as connection:
            for name, version in list_flows(connection).items():
                stored_flow(connection, name, version)
        synthesizer.warm_up()
        synthesizer.render(Prompt("1", ssml=False))
    except RingfenceError as error:
        _log.info("not everything could be loaded ahead", error=str(error))
    except Exception as error:
        _log.warning("not everything could be loaded ahead", exc_info=error)
