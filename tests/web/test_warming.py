"""What a server loads ahead."""

from __future__ import annotations

from pathlib import Path

import pytest
from api_servers import prepare

from ringfence.contacts.published_flows import list_flows, loaded_flow, stored_flow
from ringfence.detectors import DecisionEngine
from ringfence.detectors.active import all_active
from ringfence.flows import Prompt
from ringfence.lines import Synthesizer
from ringfence.storage import Database
from ringfence.web.warming import warm_up


@pytest.fixture
def bank(tmp_path: Path) -> Database:
    """A database with a detector that decides by rules, and the flows that come with Ringfence."""
    prepare(tmp_path / "data")
    return Database(f"sqlite:///{tmp_path / 'data' / 'ringfence.db'}")


def test_the_first_event_and_the_first_call_find_everything_loaded(bank: Database) -> None:
    engine, synthesizer = DecisionEngine(bank), Synthesizer()
    with bank.read() as connection:
        [(event_type, detector_id)] = all_active(connection)
        flows = list_flows(connection)
    loaded_flow.cache_clear()
    assert engine.catalog.cached(event_type, detector_id) is None
    warm_up(bank, engine, synthesizer)
    assert engine.catalog.cached(event_type, detector_id) is not None
    assert synthesizer.held_bytes > 0
    loaded = loaded_flow.cache_info().misses
    with bank.read() as connection:
        for name, version in flows.items():
            stored_flow(connection, name, version)
    assert len(flows) > 5
    assert loaded_flow.cache_info().misses == loaded
    engine.close()
    synthesizer.close()


def test_what_cannot_be_loaded_ahead_stops_nothing(tmp_path: Path) -> None:
    unmigrated = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    engine, synthesizer = DecisionEngine(unmigrated), Synthesizer()
    warm_up(unmigrated, engine, synthesizer)
    assert synthesizer.render(Prompt("2", ssml=False)).audio.pcm
    engine.close()
    synthesizer.close()
