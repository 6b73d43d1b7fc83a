"""One model version: what it was made of, how good it is, and what a threshold would do."""

from __future__ import annotations

from markupsafe import Markup
from nicegui import ui
from sqlalchemy import Connection

from ringfence.access import Scope
from ringfence.detectors.deployments import ModelStatus
from ringfence.models import (
    MetricRow,
    ModelVersion,
    get_version,
    output_variable,
    suggest_thresholds,
)
from ringfence.web.console import charts, markup
from ringfence.web.console.layout import console_page, every, heading, html, rewrite
from ringfence.web.console.queries import VersionLife, lives_of
from ringfence.web.console.takeover_panel import (
    TakeoverPanel,
    group_importance,
    named_distribution,
)
from ringfence.web.console.threshold import ThresholdSlider
from ringfence.web.console.training_panel import (
    is_there,
    messages_list,
    request_facts,
    state_pill,
    stop_button,
    training_progress,
)
from ringfence.web.console.visit import Visit


@console_page("/models/{model_id}/{version}", title="Model", section="models",
              scope=Scope.MODELS_READ)  # fmt: skip
async def model(visit: Visit) -> None:
    """The page."""
    model_id, number = visit.path["model_id"], visit.path["version"]

    def read(connection: Connection) -> tuple[VersionLife, ModelVersion | None]:
        (life,) = lives_of(connection, model_id, number)
        made = get_version(connection, model_id, number) if is_there(life) else None
        return life, made

    life, version = await visit.read(read)
    if version is None:
        _Unfinished(visit, life).begin()
        return
    heading(
        f"{model_id}, version {number}",
        f"Its score is {output_variable(model_id)} in rules, from 0 to 1000.",
    )
    here = markup.path("models", model_id, number)
    links = (markup.link(f"{here}/card", "Model card"), markup.link(f"{here}/drift", "Drift"))
    html(markup.joined(links, " · "), "p")
    _follow_state(visit, life)
    with ui.element("section").classes("panel").props('aria-label="Threshold"'):
        if version.metrics.takeover is not None:
            TakeoverPanel(version.metrics.takeover)
        else:
            _ThresholdPanel(version)
    with ui.element("div").classes("columns"):
        with ui.element("section").classes("panel"):
            html("Which variables matter", "h2")
            charts.chart(
                charts.importance(group_importance(version)), "Share of each variable in the model"
            )
        with ui.element("section").classes("panel"):
            html("Scores of held-out events", "h2")
            charts.chart(
                named_distribution(version), "Shares of legit and of fraud events by score"
            )
        with ui.element("section").classes("panel"):
            html("What it was made of", "h2")
            html(_facts(version))
        with ui.element("section").classes("panel"):
            html("What validation said", "h2")
            html(_messages(version))


class _Unfinished:
    """A version that is in training, or whose training came to nothing."""

    def __init__(self, visit: Visit, life: VersionLife):
        self._visit = visit
        self._life = life
        heading(f"{life.training.model_id}, version {life.training.version}")
        self._body = ui.element("div").classes("columns")
        self._progress: ui.html | None = None

    def begin(self) -> None:
        """Show it, and how it goes on."""
        self._fill()
        every(self._visit, 1.0, self._refresh)

    async def _refresh(self) -> None:
        before = self._life
        self._life = await self._visit.read(lambda connection: _life(connection, before))
        if is_there(self._life):
            ui.navigate.reload()
        elif self._life.status is not before.status:
            self._body.clear()
            self._fill()
        elif self._progress is not None:
            rewrite(self._progress, training_progress(self._life.job))

    def _fill(self) -> None:
        life = self._life
        self._progress = None
        with self._body:
            with ui.element("section").classes("panel").props('aria-label="Training"'):
                with ui.element("div").classes("bar"):
                    html("Training", "h2")
                    html(state_pill(life), "span")
                    with ui.element("div").classes("push"):
                        stop_button(self._visit, life)
                if life.status is ModelStatus.TRAINING_IN_PROGRESS:
                    self._progress = html(training_progress(life.job))
                    html("Its measures are shown here once it is trained.", "p").classes("soft")
                elif life.messages:
                    html(messages_list(life.messages))
                else:
                    html("Nothing comes of it: it was given up.", "p").classes("soft")
            with ui.element("section").classes("panel"):
                html("What was asked for", "h2")
                html(request_facts(life))


def _follow_state(visit: Visit, life: VersionLife) -> None:
    """Whether the version is deployed, and who uses it, as it is now."""
    shown = html(_state(life), "p").props('aria-live="polite" data-part="state"')

    async def refresh() -> None:
        rewrite(shown, _state(await visit.read(lambda connection: _life(connection, life))))

    every(visit, 5.0, refresh)


def _life(connection: Connection, before: VersionLife) -> VersionLife:
    (life,) = lives_of(connection, before.training.model_id, before.training.version)
    return life


def _state(life: VersionLife) -> Markup:
    users = ", ".join(life.users)
    return Markup('{} <span class="soft">{}</span>').format(
        state_pill(life), f"Used by {users}." if users else "No detector version uses it."
    )


class _ThresholdPanel:
    """The threshold, moved by pointer or keys, and at once what it would do."""

    def __init__(self, version: ModelVersion):
        metrics = version.metrics
        self._rows = {int(row.threshold): row for row in metrics.rows}
        suggested = suggest_thresholds(metrics)
        start = int(suggested[0].threshold) if suggested else 500
        with ui.element("div").classes("bar"):
            html("What would this threshold do?", "h2")
            html(
                Markup("AUC <b>{:.4f}</b> <span>(95 % range {:.4f} to {:.4f})</span>").format(
                    metrics.auc, metrics.auc_low, metrics.auc_high
                ),
                "span",
            ).classes("soft push")
        with ui.element("div").classes("columns"):
            with ui.element("div").classes("stack"):
                slider = ThresholdSlider(
                    start,
                    "Suggested, by false positive rate",
                    [(f"{each.fpr:.0%}", int(each.threshold)) for each in suggested],
                    self._show,
                )
                self._matrix = html("").props('aria-live="polite" data-part="matrix"')
                self._measures = html("").classes("measures")
            self._roc = charts.chart(
                charts.roc(metrics.rows, self._at(start)), "ROC curve with the chosen threshold"
            ).classes("tall")
        slider.begin()

    def _at(self, threshold: int) -> MetricRow:
        nearest = min(self._rows, key=lambda known: abs(known - threshold))
        return self._rows[nearest]

    def _show(self, threshold: int) -> None:
        row = self._at(threshold)
        rewrite(self._matrix, _matrix(row))
        rewrite(self._measures, _measures(row))
        point = charts.roc_point(row)
        self._roc.options["series"][-1] = point
        self._roc.update()


def _matrix(row: MetricRow) -> Markup:
    frauds = row.true_positives + row.false_negatives
    legits = row.false_positives + row.true_negatives

    def cell(kind: str, count: int, of: int, what: str) -> Markup:
        return Markup('<div class="cell {}"><b>{:,}</b><span>{} {}</span></div>').format(
            kind, count, markup.share(count / of if of else 0.0, 2), what
        )

    return Markup(
        '<div class="matrix"><span></span><span class="axis top">flagged</span>'
        '<span class="axis top">passed</span><span class="axis">fraud</span>{}{}'
        '<span class="axis">legit</span>{}{}</div>'
    ).format(
        cell("good", row.true_positives, frauds, "of frauds caught"),
        cell("bad", row.false_negatives, frauds, "of frauds missed"),
        cell("bad", row.false_positives, legits, "of legit flagged"),
        cell("good", row.true_negatives, legits, "of legit passed"),
    )


def _measures(row: MetricRow) -> Markup:
    flagged = row.true_positives + row.false_positives
    everything = flagged + row.true_negatives + row.false_negatives
    pairs = (
        (markup.share(row.precision), "precision"),
        (markup.share(row.tpr), "recall (true positive rate)"),
        (markup.share(row.fpr, 2), "false positive rate"),
        (markup.share(flagged / everything if everything else 0.0, 2), "of all events flagged"),
    )
    return Markup("").join(
        Markup("<div><b>{}</b><span>{}</span></div>").format(value, what) for value, what in pairs
    )


def _facts(version: ModelVersion) -> Markup:
    made = version.facts
    return markup.facts(
        (
            ("Source", made.source),
            (f"SHA-256 of the {made.sha256_of}", Markup('<code class="clip" title="{0}">{0}</code>')
             .format(made.sha256)),
            ("Events", f"{made.rows:,}"),
            ("Labelled takeovers" if version.metrics.takeover is not None else "Frauds",
             f"{made.frauds:,} ({markup.share(made.frauds / made.rows, 2)})"),
            ("From", markup.moment(made.first_at)),
            ("To", markup.moment(made.last_at)),
            ("Trained on, to measure", f"{made.training_rows:,}"),
            ("Held out, each in turn" if made.crossed else "Held out, the latest",
             f"{made.held_out_rows:,}"),
            *([("The version learned from", f"{made.final_rows:,}")] if made.final_rows else []),
            *([("Recipes tried", f"{len(made.tuning.trials):,}")] if made.tuning else []),
            ("Variables", f"{len(made.variables)}"),
            ("Trees", f"{made.best_iteration}"),
            ("Seed", f"{made.seed}"),
            ("Training took", f"{made.duration_seconds:.1f} s"),
            *([] if version.metrics.takeover is not None else
              [("Average precision", f"{version.metrics.average_precision:.4f}")]),
            ("Libraries", ", ".join(f"{k} {v}" for k, v in made.library_versions.items())),
            ("Trained", markup.moment(version.created_at)),
        )
    )  # fmt: skip


def _messages(version: ModelVersion) -> Markup:
    if not version.messages:
        return Markup('<p class="soft">Nothing: the data looked as it should.</p>')
    return messages_list(version.messages)
