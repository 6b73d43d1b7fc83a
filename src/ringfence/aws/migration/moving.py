"""The whole move, in the order in which things need each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ringfence.aws.migration.definitions import move_definitions
from ringfence.aws.migration.detectors import move_detectors
from ringfence.aws.migration.events import move_imports, move_predicted
from ringfence.aws.migration.models import retrain_models
from ringfence.aws.migration.report import Report
from ringfence.aws.migration.source import read_account
from ringfence.aws.migration.target import Target

Tell = Callable[[float, str], None]


def move_account(
    client: Any, target: Target, report: Report, tell: Tell, *, events: bool, retrain: bool
) -> None:
    """Make at `target` what the account of `client` has, and note in `report` what became of each.

    Raises `Unavailable` when the account cannot be read, with nothing changed, or no longer.
    """
    account = read_account(client, lambda what: tell(0.05, f"reading {what}"))
    move_definitions(account, target, report)
    if events:
        move_imports(account, target, report, _part(tell, 0.1, 0.4))
        move_predicted(client, account, target, report, _part(tell, 0.4, 0.5))
    numbers = retrain_models(account, target, report, _part(tell, 0.5, 0.95), retrain=retrain)
    move_detectors(account, numbers, target, report)
    tell(1.0, "done")


def _part(tell: Tell, start: float, end: float) -> Tell:
    return lambda share, what: tell(start + (end - start) * share, what)
