"""What is done for each kind of job.

By name: the runner, which lives in a server, must not import what a training needs.
"""

from __future__ import annotations

from collections.abc import Mapping

from ringfence.aws.jobs.job import JobKind

WORK: Mapping[JobKind, str] = {
    JobKind.TRAINING: "ringfence.aws.training:work_on_training",
    JobKind.BATCH_IMPORT: "ringfence.aws.batches.importing:work_on_import",
    JobKind.BATCH_PREDICTION: "ringfence.aws.batches.predicting:work_on_prediction",
    JobKind.EVENT_DELETION: "ringfence.aws.deletion:work_on_deletion",
}
"""By kind, `module:function` of a function that takes the `JobContext`."""
