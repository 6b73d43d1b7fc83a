"""Model versions before they are there, and how they are used afterwards.

What is under way is shown as it goes on: only texts change, so that who is at a button stays there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup
from nicegui import ui
from sqlalchemy import Connection

from ringfence.access import Scope
from ringfence.aws.jobs.job import Job, JobStatus
from ringfence.aws.training import stop_training
from ringfence.detectors.deployments import ModelStatus
from ringfence.models.messages import Message, MessageKind
from ringfence.models.trainings import DataSource, TrainingRequest, get_training
from ringfence.web.console import markup
from ringfence.web.console.dialogs import confirm
from ringfence.web.console.layout import button, done, html, rewrite
from ringfence.web.console.queries import VersionLife
from ringfence.web.console.tables import actions, row, table
from ringfence.web.console.visit import Visit

_WORDS = {
    ModelStatus.TRAINING_IN_PROGRESS: ("in training", "info"),
    ModelStatus.TRAINING_COMPLETE: ("trained", "plain"),
    ModelStatus.TRAINING_CANCELLED: ("cancelled", "plain"),
    ModelStatus.ERROR: ("failed", "bad"),
    ModelStatus.ACTIVATE_REQUESTED: ("waits to be deployed", "info"),
    ModelStatus.ACTIVATE_IN_PROGRESS: ("being deployed", "info"),
    ModelStatus.ACTIVE: ("deployed", "good"),
}
_MESSAGE_TONES = {MessageKind.ERROR: "bad", MessageKind.WARNING: "warn", MessageKind.INFO: "info"}
_THERE = frozenset(ModelStatus) - {
    ModelStatus.TRAINING_IN_PROGRESS,
    ModelStatus.TRAINING_CANCELLED,
    ModelStatus.ERROR,
}
_SHOWN_ENDED = 8


class TrainingPanel:
    """The trainings of all models that are under way or came to nothing; hidden without any."""

    def __init__(self, visit: Visit):
        self._visit = visit
        self._shown: list[object] = []
        self._progress: dict[tuple[str, str], ui.html] = {}
        self._panel = ui.element("section").classes("panel flush").props('aria-label="Trainings"')
        with self._panel:
            html("Trainings", "h2")
            self._body = ui.element("div")

    def show(self, lives: Iterable[VersionLife]) -> None:
        """Show them as they are now."""
        found = _of_interest(lives)
        shape: list[object] = [(_key(of), of.status, of.messages) for of in found]
        if shape != self._shown:
            self._shown = shape
            self._fill(found)
        for of in found:
            if _key(of) in self._progress:
                rewrite(self._progress[_key(of)], _state(of))
        self._panel.set_visibility(bool(found))

    def _fill(self, found: Sequence[VersionLife]) -> None:
        self._body.clear()
        self._progress.clear()
        if not found:
            return
        with (
            self._body,
            table("Version", "State", "Asked for", "", label="Trainings", spare="spare-3"),
        ):
            for of in found:
                model_id, version = _key(of)
                link = markup.link(
                    markup.path("models", model_id, version), f"{model_id} {version}"
                )
                with row(Markup("<b>{}</b>").format(link)):
                    state = html(_state(of), "td")
                    if of.status is ModelStatus.TRAINING_IN_PROGRESS:
                        self._progress[_key(of)] = state
                    html(
                        Markup('{}<br><span class="soft">by {}</span>').format(
                            markup.moment(of.training.created_at), of.training.created_by
                        ),
                        "td",
                    ).classes("tight")
                    with actions():
                        stop_button(self._visit, of)


def is_there(life: VersionLife) -> bool:
    """Whether a training has ended well, so that there is a version to show."""
    return life.status in _THERE


def state_pill(life: VersionLife) -> Markup:
    """Where a version stands, in a word; who uses it is its tooltip."""
    word, tone = _WORDS[life.status]
    users = "Used by " + ", ".join(life.users) if life.users else ""
    return Markup('<span title="{}">{}</span>').format(users, markup.pill(word, tone))


def progress_bar(share: float, note: str) -> Markup:
    """A share of 0 to 1 as number and bar, and what is being done."""
    return Markup(
        '<span class="score"><b>{:.0%}</b><span class="track" aria-hidden="true">'
        '<i style="width:{:.1f}%"></i></span></span> <span class="soft">{}</span>'
    ).format(share, share * 100, note)


def training_progress(job: Job | None) -> Markup:
    """How far the job of a training is."""
    if job is None:
        return Markup('<span class="soft">nothing is heard of it</span>')
    if job.status is JobStatus.QUEUED:
        return Markup('<span class="soft">waits for its turn</span>')
    return progress_bar(job.share, job.stage or "begins")


def stop_button(visit: Visit, life: VersionLife) -> None:
    """A button that gives a training up, for who may while it is under way."""
    if life.status is not ModelStatus.TRAINING_IN_PROGRESS or not visit.allows(Scope.MODELS_WRITE):
        return
    model_id, version = _key(life)

    async def work() -> None:
        def stop(connection: Connection, _name: str) -> None:
            stop_training(connection, get_training(connection, model_id, version))

        await visit.write(Scope.MODELS_WRITE, stop)
        done(f"The training of {model_id} {version} is cancelled.")

    def ask() -> None:
        confirm(
            f"Stop the training of {model_id} {version}?",
            "Nothing comes of it, and its number is not given again.",
            "Stop the training",
            work,
            danger=True,
        )

    button("Stop", ask, "danger").props(f'aria-label="Stop the training of {model_id} {version}"')


def messages_list(messages: Iterable[Message]) -> Markup:
    """What was said of the data, with the columns that are meant."""
    return Markup('<div class="stack">{}</div>').format(
        Markup("").join(
            Markup("<div>{} <b>{}</b>{}<p class=soft>{}</p></div>").format(
                markup.pill(of.kind.value, _MESSAGE_TONES[of.kind]),
                of.title,
                Markup(" <code>{}</code>").format(of.column) if of.column else "",
                of.text,
            )
            for of in messages
        )
    )


def request_facts(life: VersionLife) -> Markup:
    """What a version was asked to learn from, and by whom."""
    training = life.training
    return markup.facts(
        (
            ("Asked for", markup.moment(training.created_at)),
            ("By", training.created_by),
            *([] if training.request is None else _asked(training.request)),
            *([] if life.status is ModelStatus.TRAINING_IN_PROGRESS else
              [("Ended", markup.moment(training.updated_at))]),
        )
    )  # fmt: skip


def _asked(request: TrainingRequest) -> list[tuple[str, object]]:
    if request.source is DataSource.INGESTED_EVENTS:
        first: list[tuple[str, object]] = [
            ("Events", "those of the event log"),
            ("From", "the first" if request.since is None else markup.moment(request.since)),
            ("To", "the last" if request.until is None else markup.moment(request.until)),
        ]
    else:
        first = [("Events", request.location or "of a file")]
    return [
        *first,
        ("Variables", ", ".join(request.variables)),
        *([("Labels of fraud", ", ".join(request.fraud_labels))] if request.fraud_labels else []),
        *([("Labels of legit", ", ".join(request.legit_labels))] if request.legit_labels else []),
        *([("Events without a label", request.unlabelled.value)] if request.unlabelled else []),
    ]


def _of_interest(lives: Iterable[VersionLife]) -> list[VersionLife]:
    """What is under way, then what ended last, the latest first."""
    found = sorted(
        (of for of in lives if not is_there(of)),
        key=lambda of: of.training.created_at,
        reverse=True,
    )
    at_work = [of for of in found if of.status is ModelStatus.TRAINING_IN_PROGRESS]
    ended = [of for of in found if of.status is not ModelStatus.TRAINING_IN_PROGRESS]
    return at_work + ended[:_SHOWN_ENDED]


def _state(life: VersionLife) -> Markup:
    """Where a training is, and how far, or what became of it."""
    at_work = life.status is ModelStatus.TRAINING_IN_PROGRESS
    told = training_progress(life.job) if at_work else _in_short(life)
    return markup.joined((state_pill(life), told))


def _in_short(life: VersionLife) -> Markup:
    """Why a training came to nothing: the first reason, and how many more its page tells."""
    if not life.messages:
        return Markup("")
    first, *more = life.messages
    return Markup("<b>{}</b>{}: {}{}").format(
        first.title,
        Markup(" <code>{}</code>").format(first.column) if first.column else "",
        first.text,
        Markup(' <span class="soft">and {} more</span>').format(len(more)) if more else "",
    )


def _key(life: VersionLife) -> tuple[str, str]:
    return life.training.model_id, life.training.version
