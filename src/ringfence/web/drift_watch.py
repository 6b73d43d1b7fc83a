"""Looking for drift again and again beside a running server, and telling who wants to know.

A thread waits for its turn; the work itself is done by a process of its own. Nothing here can fail
or delay a decision: what goes wrong is logged, and tried again at the next turn.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from datetime import timedelta

import msgspec
import structlog

from ringfence.detectors.drift.alerts import (
    Checked,
    Checking,
    DriftAlert,
    take_turn,
    turn_done,
)
from ringfence.detectors.drift.worker import DriftProcess
from ringfence.errors import RingfenceError
from ringfence.models.stability import Bounds
from ringfence.settings import Settings
from ringfence.storage import Database

_log = structlog.get_logger(__name__)
# A server that has just started has better things to do.
_FIRST_SECONDS = 60.0
_LOOK_SECONDS = 30.0
_TRIES, _PAUSE_SECONDS, _TIMEOUT_SECONDS = 3, 2.0, 10.0


class DriftWatch:
    """Checks every `drift_check_minutes`, until it is closed; never when that is 0."""

    def __init__(self, database: Database, settings: Settings):
        self._database = database
        self._every = timedelta(minutes=settings.drift_check_minutes)
        self._webhook = settings.drift_webhook_url
        self.checking = checking_of(settings)
        self.process = DriftProcess(database)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="drift-watch", daemon=True)

    def start(self) -> None:
        """Begin to watch; returns at once."""
        if self._every:
            self._thread.start()

    def close(self) -> None:
        """Stop watching; a check that runs is ended."""
        self._closing.set()
        self.process.close()
        if self._thread.is_alive():
            self._thread.join()

    def look(self) -> bool:
        """Check if it is this server's turn. Returns whether it was."""
        if not take_turn(self._database, self._every):
            return False
        self.look_now()
        return True

    def look_now(self) -> Checked:
        """Check whoever's turn it is, and tell of what is new. Blocks. Raises `Unavailable`."""
        began = time.monotonic()
        checked = self.process.check(self.checking)
        turn_done(self._database, self._every)
        _log.info(
            "looked for drift",
            versions=len(checked.reports),
            alerts=len(checked.raised),
            seconds=round(time.monotonic() - began, 1),
        )
        for alert in checked.raised:
            _log.warning(
                "drift",
                model=alert.model_id,
                version=alert.version,
                measure=alert.measure,
                subject=alert.subject,
                value=round(alert.value, 4),
                bound=alert.bound,
            )
        if checked.raised and self._webhook is not None:
            tell(self._webhook.get_secret_value(), checked.raised, self._closing)
        return checked

    def _run(self) -> None:
        wait = _FIRST_SECONDS
        while not self._closing.wait(wait):
            wait = _LOOK_SECONDS
            try:
                self.look()
            except RingfenceError as error:
                if not self._closing.is_set():
                    _log.warning("could not look for drift", reason=str(error))
            except Exception:
                _log.exception("could not look for drift")


def checking_of(settings: Settings) -> Checking:
    """How to check, by the settings."""
    return Checking(
        bounds=Bounds(
            watch=settings.drift_watch,
            alert=settings.drift_alert,
            calibration=settings.drift_calibration,
        ),
        window_days=settings.drift_window_days,
        history_days=settings.drift_history_days,
        most_events=settings.drift_most_events,
    )


def tell(url: str, alerts: Sequence[DriftAlert], closing: threading.Event) -> bool:
    """Post alerts to a webhook: `{"text": ..., "alerts": [...]}`, the text for people.

    Tried three times. Returns whether it was taken; never raises. The URL may hold a secret, so no
    log repeats it.
    """
    import httpx2

    body = msgspec.json.encode(
        {"text": "\n".join(alert.words for alert in alerts), "alerts": list(alerts)}
    )
    reason = ""
    for attempt in range(_TRIES):
        if attempt and closing.wait(_PAUSE_SECONDS * 2**attempt):
            break
        try:
            reply = httpx2.post(
                url,
                content=body,
                headers={"content-type": "application/json"},
                timeout=_TIMEOUT_SECONDS,
            )
            if reply.is_success:
                return True
            reason = f"status {reply.status_code}"
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            reason = type(error).__name__
    _log.warning("the drift webhook did not take the alerts", alerts=len(alerts), reason=reason)
    return False
