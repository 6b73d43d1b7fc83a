"""Everything a request may need, opened once per process."""

from __future__ import annotations

from dataclasses import dataclass

from ringfence.access import KeyRing
from ringfence.cards import Vault
from ringfence.cases.desk import CaseDesk
from ringfence.detectors import DecisionEngine
from ringfence.lines import BrowserLine
from ringfence.settings import Settings
from ringfence.storage import Database


@dataclass(frozen=True, slots=True)
class Services:
    """The open parts of a running server."""

    settings: Settings
    database: Database
    vault: Vault
    keys: KeyRing
    engine: DecisionEngine
    desk: CaseDesk
    phones: BrowserLine
