"""Jobs: what clients of Fraud Detector asked for that takes longer than a request."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup
from nicegui import ui
from sqlalchemy import Connection

from ringfence.access import Scope
from ringfence.aws.jobs.job import Job, JobKind, JobStatus
from ringfence.aws.jobs.records import request_cancel
from ringfence.web.console import markup
from ringfence.web.console.dialogs import confirm
from ringfence.web.console.layout import (
    button,
    console_page,
    done,
    empty,
    every,
    heading,
    html,
    rewrite,
)
from ringfence.web.console.queries import jobs_of_clients
from ringfence.web.console.tables import actions, row, table
from ringfence.web.console.training_panel import progress_bar
from ringfence.web.console.visit import Visit

_KINDS = {
    JobKind.BATCH_IMPORT: "batch import",
    JobKind.BATCH_PREDICTION: "batch prediction",
    JobKind.EVENT_DELETION: "deletion of events",
}
_STATES = {
    JobStatus.QUEUED: ("waiting", "plain"),
    JobStatus.RUNNING: ("under way", "info"),
    JobStatus.CANCELLING: ("stopping", "warn"),
    JobStatus.CANCELLED: ("cancelled", "plain"),
    JobStatus.COMPLETE: ("complete", "good"),
    JobStatus.FAILED: ("failed", "bad"),
}
_WHAT_STAYS = {
    JobKind.BATCH_IMPORT: "What it has stored until then stays.",
    JobKind.BATCH_PREDICTION: "Nothing of it is written.",
    JobKind.EVENT_DELETION: "What it has deleted until then stays deleted.",
}
_SHOWN = 100
_EXAMPLE = (
    'boto3.client("frauddetector").create_batch_import_job(jobId="history", '
    'eventTypeName="card_payment", inputPath="s3://bank/history.csv", '
    'outputPath="s3://bank/refused/", iamRoleArn="arn:aws:iam::123456789012:role/any")'
)


@console_page("/jobs", title="Jobs", section="jobs", scope=Scope.MODELS_READ)
async def jobs(visit: Visit) -> None:
    """The page."""
    heading(
        "Jobs",
        "Batch imports, batch predictions and deletions that clients of Fraud Detector asked for. "
        "Trainings are with the models.",
    )
    page = _Jobs(visit)
    await page.refresh()
    every(visit, 1.0, page.refresh)


class _Jobs:
    """The table. Counts change in place; it is built anew when a job comes or changes state."""

    def __init__(self, visit: Visit):
        self._visit = visit
        self._shown: list[object] | None = None
        self._cells: dict[tuple[JobKind, str], tuple[ui.html, ...]] = {}
        with ui.element("section").classes("panel flush").props('aria-label="Jobs"'):
            self._body = ui.element("div")
            self._rest = html("", "p").classes("soft")

    async def refresh(self) -> None:
        """Show the jobs as they are now."""
        found = await self._visit.read(jobs_of_clients)
        latest = found[:_SHOWN]
        shape: list[object] = [(_key(job), job.status, job.started_at) for job in latest]
        if shape != self._shown:
            self._shown = shape
            self._fill(latest)
        for job in latest:
            for cell, content in zip(self._cells[_key(job)], _changing(job), strict=True):
                rewrite(cell, content)
        rewrite(self._rest, f"The latest {_SHOWN} of {len(found):,}." if latest != found else "")

    def _fill(self, found: Sequence[Job]) -> None:
        self._body.clear()
        self._cells.clear()
        with self._body:
            if not found:
                empty(
                    "No job yet",
                    Markup(
                        "A client with an access key asks for one: <code>{}</code>. It is then "
                        "worked on here, beside the server."
                    ).format(_EXAMPLE),
                )
                return
            with table(
                "Job", "State", "Records", "When", "", label="Jobs", spare="spare-3 spare-4"
            ):
                for job in found:
                    self._row(job)

    def _row(self, job: Job) -> None:
        with row(_name(job)):
            state, records = html("", "td"), html("", "td").classes("tight")
            self._cells[_key(job)] = (state, records)
            html(_when(job), "td").classes("tight")
            with actions():
                if self._can_stop(job):
                    button("Stop", lambda: self._ask_stop(job), "danger").props(
                        f'aria-label="Stop {job.job_id}"'
                    )

    def _can_stop(self, job: Job) -> bool:
        waits_or_runs = job.status in (JobStatus.QUEUED, JobStatus.RUNNING)
        return waits_or_runs and self._visit.allows(Scope.MODELS_WRITE)

    def _ask_stop(self, job: Job) -> None:
        async def work() -> None:
            def stop(connection: Connection, _name: str) -> None:
                request_cancel(connection, job.kind, job.job_id)

            await self._visit.write(Scope.MODELS_WRITE, stop)
            done(f"{job.job_id} is to stop.")
            await self.refresh()

        confirm(
            f"Stop the {_KINDS[job.kind]} {job.job_id}?",
            _WHAT_STAYS[job.kind],
            "Stop the job",
            work,
            danger=True,
        )


def _changing(job: Job) -> tuple[Markup, Markup]:
    """The cells that change while a job runs."""
    word, tone = _STATES[job.status]
    state = markup.joined((markup.pill(word, tone), _told(job)))
    total = "" if job.total is None else f" of {job.total:,}"
    records = Markup('{:,}{}<br><span class="{}">{:,} failed</span>').format(
        job.processed, total, "error" if job.failed else "soft", job.failed
    )
    return state, records


def _told(job: Job) -> Markup:
    """How far a job is, or why it failed."""
    if job.status is JobStatus.FAILED:
        return Markup("<br>{}").format(job.failure or "why is not known")
    if job.status is JobStatus.QUEUED or job.status.is_final:
        return Markup("")
    bar = progress_bar(job.share, job.stage or "begins")
    if job.failure is None:
        return bar
    return Markup('{}<br><span class="soft">begun again: {}</span>').format(bar, job.failure)


def _when(job: Job) -> Markup:
    """When a job was begun and ended, as far as it was."""
    if job.started_at is None:
        return Markup('<span class="soft">asked for</span> {}').format(
            markup.moment(job.created_at)
        )
    begun = Markup('<span class="soft">started</span> {}').format(markup.moment(job.started_at))
    if job.ended_at is None:
        return begun
    return Markup('{}<br><span class="soft">ended</span> {}').format(
        begun, markup.moment(job.ended_at)
    )


def _name(job: Job) -> Markup:
    """What a job is, about what, and who asked for it."""
    about = [_KINDS[job.kind], str(job.payload["event_type"])]
    if job.kind is JobKind.BATCH_PREDICTION:
        about.append(f"by {job.payload['detector']} {job.payload['version']}")
    paths = [str(job.payload[name]) for name in ("input_path", "output_path")
             if name in job.payload]  # fmt: skip
    return Markup('<b title="{}">{}</b><br><span class="soft">{}; asked for by {}</span>').format(
        " to ".join(paths), job.job_id, ", ".join(about), job.created_by
    )


def _key(job: Job) -> tuple[JobKind, str]:
    return job.kind, job.job_id
