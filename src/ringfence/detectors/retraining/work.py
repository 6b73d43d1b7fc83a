"""Doing what a run is for, and noting in the run how it ended, whatever happens.

The challenger and the end of its run are stored in one transaction: after a crash there are both or
neither.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime

from sqlalchemy import Connection

from ringfence.detectors.retraining.challengers import Challenger, ChallengerStatus
from ringfence.detectors.retraining.evidence import NothingNew
from ringfence.detectors.retraining.options import RetrainingOptions
from ringfence.detectors.retraining.policies import PromotionPolicy
from ringfence.detectors.retraining.runs import Heart, RetrainingRun, RunStatus, finish_run
from ringfence.detectors.retraining.training import Retrained, evaluate_again, retrain
from ringfence.errors import Conflict, RingfenceError
from ringfence.models.weights import LabelWeight
from ringfence.storage import Database, now

Progress = Callable[[float, str], None]


class Stopped(BaseException):
    """The process was told to end; what it was doing may be begun anew."""


def work_on_training(
    database: Database,
    run: RetrainingRun,
    options: RetrainingOptions,
    *,
    until: datetime | None = None,
    weights: Mapping[str, LabelWeight] | None = None,
    policy: PromotionPolicy | None = None,
    progress: Progress | None = None,
) -> Retrained:
    """Train the run's model anew, for as long as the run is ours. Raises what `retrain` raises."""
    with _noted(database, run, progress) as tell:
        return retrain(
            database,
            run.model_id,
            options,
            by=run.started_by,
            at=run.started_at,
            until=until,
            weights=weights,
            policy=policy,
            storing=lambda connection, made: _finish(connection, run, made),
            progress=tell,
        )


def work_on_evaluation(
    database: Database,
    run: RetrainingRun,
    options: RetrainingOptions,
    *,
    policy: PromotionPolicy | None = None,
    progress: Progress | None = None,
) -> Challenger:
    """Compare the run's candidate anew. Raises what `evaluate_again` raises."""
    if run.version is None:
        raise ValueError("the run names no version")
    with _noted(database, run, progress) as tell:
        return evaluate_again(
            database,
            run.model_id,
            run.version,
            options,
            at=run.started_at,
            policy=policy,
            storing=lambda connection, made: _finish(connection, run, made),
            progress=tell,
        )


@contextmanager
def _noted(database: Database, run: RetrainingRun, progress: Progress | None) -> Iterator[Progress]:
    with Heart(database, run.run_id) as heart:

        def tell(share: float, stage: str) -> None:
            heart.tell(share, stage)
            if progress is not None:
                progress(share, stage)

        try:
            yield tell
        except NothingNew as error:
            _end(database, run, RunStatus.NOTHING_NEW, str(error))
            raise
        except Stopped:
            _end(database, run, RunStatus.LOST, "stopped; to be begun anew")
            raise
        except KeyboardInterrupt:
            _end(database, run, RunStatus.FAILED, "interrupted at the keyboard")
            raise
        except RingfenceError as error:
            _end(database, run, RunStatus.FAILED, str(error))
            raise
        except BaseException as error:
            _end(database, run, RunStatus.FAILED, f"{type(error).__name__}: why is in the log")
            raise


def _finish(connection: Connection, run: RetrainingRun, made: Challenger) -> None:
    message = "; ".join(made.policy_reasons)
    if made.status is ChallengerStatus.PROMOTED:
        message = f"promoted by the stated policy: {message}"
    finish_run(
        connection, run.run_id, RunStatus.DONE, at=now(), version=made.version, message=message
    )


def _end(database: Database, run: RetrainingRun, status: RunStatus, message: str) -> None:
    # It may have been given up already; what ended it matters more.
    with suppress(Conflict), database.write() as connection:
        finish_run(connection, run.run_id, status, at=now(), message=message)
