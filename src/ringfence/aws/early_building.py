"""Building what a version will remember while it is still being trained, in a process beside it.

Which profiles a version needs is known as soon as its data are; building them from the event log
takes about as long as training on it, and one core. So a version that is trained can be deployed at
once.

`python -m ringfence.aws.early_building` reads a plan from its input, and says how far it is.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import msgspec

from ringfence.detectors.plans import build_plan, stop_building, unbuilt
from ringfence.errors import Conflict
from ringfence.profiles import ProfilePlan
from ringfence.settings import Settings
from ringfence.storage import Database

_POLL_SECONDS = 0.1
_NICE = 10
# Another process builds the same profiles, which is as good.
_ANOTHER_BUILDS = 3


class EarlyBuilding:
    """The building of one plan. `end` it, whatever comes of the training."""

    def __init__(self, settings: Settings, database: Database):
        self._settings = settings
        self._database = database
        self._plan: ProfilePlan | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._share = 0.0

    def begin(self, plan: ProfilePlan) -> None:
        """Start to build, unless the plan is built already."""
        with self._database.read() as connection:
            if not unbuilt(connection, [plan]):
                return
        self._plan = plan
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ringfence.aws.early_building"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={
                **os.environ,
                "RINGFENCE_DATA_DIR": str(self._settings.data_dir.absolute()),
                "RINGFENCE_DATABASE_URL": self._settings.url,
            },
        )
        threading.Thread(target=self._listen, args=(self._process,), daemon=True).start()
        if self._process.stdin is not None:
            self._process.stdin.write(msgspec.json.encode(plan))
            self._process.stdin.close()

    def wait(self, plan: ProfilePlan, tell: Callable[[float], None]) -> None:
        """Return once the plan is built, here or there. `tell` is told the share that is done.

        Raises what `build_plan` raises, except that somebody else builds it, and what `tell` does.
        """
        if plan == self._plan and self._process is not None:
            while self._process.poll() is None:
                tell(self._share)
                time.sleep(_POLL_SECONDS)
        with self._database.read() as connection:
            lacking = unbuilt(connection, [plan])
        code = None if self._process is None else self._process.returncode
        if lacking and code != _ANOTHER_BUILDS:
            self._plan = plan
            try:
                build_plan(self._database, plan, lambda done, of: tell(done / of if of else 1.0))
            except Conflict:
                return

    def end(self) -> None:
        """Stop what is still being built; nobody is to find it half done."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait()
        if self._plan is not None:
            with self._database.write() as connection:
                if unbuilt(connection, [self._plan]):
                    stop_building(connection, self._plan)

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        if process.stdout is not None:
            for line in process.stdout:
                self._share = float(line)


def main() -> int:
    """Build the plan that comes in."""
    os.nice(_NICE)
    plan = msgspec.json.decode(sys.stdin.buffer.read(), type=ProfilePlan)
    database = Database(Settings().url)  # type: ignore[call-arg]

    def tell(done: int, of: int) -> None:
        print(done / of if of else 1.0, flush=True)

    try:
        build_plan(database, plan, tell)
    except Conflict:
        return _ANOTHER_BUILDS
    finally:
        database.dispose()
    return 0


if __name__ == "__main__":
    sys.exit(main())
