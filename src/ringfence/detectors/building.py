"""Building profiles from history beside the hot path, for versions that need them.

Until the profiles of a newly activated version know the history, the version before goes on
deciding; see `catalog`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

import structlog

from ringfence.detectors.plans import (
    Progress,
    build_plan,
    clear_given_up_plans,
    outdated_plans,
    plans_of,
    unbuilt,
)
from ringfence.detectors.versions import get_detector_version
from ringfence.errors import Conflict
from ringfence.profiles import ProfilePlan
from ringfence.storage import Database

_log = structlog.get_logger(__name__)
_PAUSE_SECONDS = 5.0


def build_profiles(
    database: Database, detector_id: str, version: str, progress: Progress = lambda *_: None
) -> int:
    """Build what a version's profiles lack, so that it can decide as soon as it is activated.

    Returns how many events were read; `progress` is told how many of how many. Raises `NotFound`,
    `Conflict` when another process builds the same profiles.
    """
    with database.read() as connection:
        models = get_detector_version(connection, detector_id, version).models
        plans = plans_of(connection, [(model.model_id, model.version) for model in models])
        lacking = unbuilt(connection, plans.values())
    return sum(build_plan(database, plan, progress) for plan in lacking)


class ProfileBuilder:
    """Builds in a thread of its own, one plan after the other, until it is closed.

    `built` is called in that thread whenever a plan has become usable.
    """

    def __init__(self, database: Database, built: Callable[[], None]):
        self._database = database
        self._built = built
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._wanted: dict[str, ProfilePlan] = {}
        self._thread: threading.Thread | None = None

    def ask(self, plans: Iterable[ProfilePlan]) -> None:
        """See to it that these plans are built; returns at once."""
        with self._lock:
            self._wanted.update((plan.plan_id, plan) for plan in plans)
            if self._wanted and self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(
                    target=self._run, name="profile-builder", daemon=True
                )
                self._thread.start()

    def close(self) -> None:
        """Stop, at the next opportunity; what is half built is begun anew another time."""
        self._closing.set()
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while True:
            with self._lock:
                plan = next(iter(self._wanted.values()), None)
                if plan is None or self._closing.is_set():
                    self._thread = None
                    return
            if self._build(plan):
                with self._lock:
                    self._wanted.pop(plan.plan_id, None)
                self._built()

    def _build(self, plan: ProfilePlan) -> bool:
        """Whether the plan needs no further attempt."""
        began = time.monotonic()
        try:
            with self._database.read() as connection:
                if not unbuilt(connection, [plan]) and not outdated_plans(connection, [plan]):
                    return True
            _log.info("building profiles", plan=plan.plan_id, event_type=plan.event_type)
            events = build_plan(self._database, plan, self._go_on)
            _log.info("profiles built", plan=plan.plan_id, events=events)
            clear_given_up_plans(self._database, plan.event_type)
        except _Closing:
            return False
        except Conflict:
            # Another process began after us: give it the time that we took to be done.
            self._closing.wait(_PAUSE_SECONDS + time.monotonic() - began)
            return False
        except Exception:
            _log.exception("profiles cannot be built", plan=plan.plan_id)
            self._closing.wait(_PAUSE_SECONDS)
            return False
        return True

    def _go_on(self, _done: int, _of: int) -> None:
        if self._closing.is_set():
            raise _Closing


class _Closing(Exception):
    """The process is about to end."""
