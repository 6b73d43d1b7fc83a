"""Work for jobs of tests, done in the processes that a runner starts."""

from __future__ import annotations

import os
import signal
import time

from sqlalchemy import text

from ringfence.aws.jobs.context import JobContext
from ringfence.errors import Unavailable


def notes(context: JobContext) -> None:
    """Writes `payload["steps"]` rows into a table `notes`, one a transaction, each once."""
    steps: int = context.job.payload["steps"]
    done = (context.job.place or {"done": 0})["done"]
    for step in range(done, steps):
        context.tell(step / steps, f"step {step}")
        with context.database.write() as connection:
            context.save(
                connection, {"done": step + 1}, processed=step + 1, failed=step // 10, total=steps
            )
            connection.execute(text("INSERT INTO notes VALUES (:n)"), {"n": step})
        time.sleep(context.job.payload.get("pause", 0.0))


def dies(context: JobContext) -> None:
    """Is killed in the middle."""
    with context.database.write() as connection:
        connection.execute(text("INSERT INTO notes VALUES (:n)"), {"n": context.job.attempts})
    os.kill(os.getpid(), signal.SIGKILL)


def blunders(context: JobContext) -> None:
    """Fails as programs do."""
    raise ZeroDivisionError("card 4111 1111 1111 1111 divided")


def refuses(context: JobContext) -> None:
    """Fails with a reason."""
    raise Unavailable("there is no such bucket", field="inputPath", expected="a bucket")


def is_deaf(context: JobContext) -> None:
    """Never looks whether it is cancelled, and leaves a file behind."""
    (context.folder / "left.csv").write_text("left")
    time.sleep(300)
