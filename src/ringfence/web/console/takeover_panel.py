"""What a model of account takeovers shows instead of a ROC curve: challenges against strangers.

Part of the page of a model version. The threshold is moved by pointer or keys, and at once it says
how many would be challenged and how many strangers found.
"""

from __future__ import annotations

from typing import Any

from markupsafe import Markup
from nicegui import ui

from ringfence.models import (
    Importance,
    ModelVersion,
    TakeoverMetrics,
    TakeoverRow,
    suggest_challenges,
)
from ringfence.web.console import charts, markup
from ringfence.web.console.layout import html, rewrite
from ringfence.web.console.threshold import ThresholdSlider


class TakeoverPanel:
    """The threshold of a model of takeovers, and what it would do."""

    def __init__(self, metrics: TakeoverMetrics):
        self._metrics = metrics
        self._rows = {int(row.threshold): row for row in metrics.rows}
        suggested = suggest_challenges(metrics)
        start = int(suggested[0].threshold) if suggested else 750
        with ui.element("div").classes("bar"):
            html("What would this threshold challenge?", "h2")
            html(
                Markup(
                    "Anomaly separation index <b>{:.4f}</b> "
                    "<span>(95 % range {:.4f} to {:.4f})</span>"
                ).format(metrics.asi, metrics.asi_low, metrics.asi_high),
                "span",
            ).classes("soft push")
        with ui.element("div").classes("columns"):
            with ui.element("div").classes("stack"):
                slider = ThresholdSlider(
                    start,
                    "Suggested, by share of logins challenged",
                    [(markup.share(row.cr), int(row.threshold)) for row in suggested],
                    self._show,
                )
                self._measures = (
                    html("").classes("measures").props('aria-live="polite" data-part="challenges"')
                )
                html(_explained(metrics)).classes("soft")
            self._chart = charts.chart(
                _discovery(metrics.rows, self._at(start)),
                "Strangers found by share of logins challenged, with the chosen threshold",
            ).classes("tall")
        slider.begin()

    def _at(self, threshold: int) -> TakeoverRow:
        return self._rows[min(self._rows, key=lambda known: abs(known - threshold))]

    def _show(self, threshold: int) -> None:
        row = self._at(threshold)
        rewrite(self._measures, _measures(row))
        self._chart.options["series"][-1] = _point(row)
        self._chart.update()


def group_importance(version: ModelVersion) -> tuple[Importance, ...]:
    """What a version looks at together, as shares of all that it adds or takes away; the shares of
    single variables for a version that is not of takeovers."""
    takeover = version.metrics.takeover
    if takeover is None:
        return version.importance
    total = sum(group.log_odds for group in takeover.groups) or 1.0
    return tuple(
        Importance(" + ".join(group.variables), "PROFILE", group.log_odds / total)
        for group in takeover.groups
    )


def named_distribution(version: ModelVersion) -> dict[str, Any]:
    """The chart of scores, its two classes called what they are in this version."""
    options = charts.score_distribution(version.metrics.rows)
    if version.metrics.takeover is not None:
        for series, name in zip(options["series"], ("logins", "made-up strangers"), strict=True):
            series["name"] = name
    return options


def _measures(row: TakeoverRow) -> Markup:
    pairs = [
        (markup.share(row.cr, 2), "of logins challenged (challenge rate)"),
        (markup.share(row.adr), "of strangers found (anomaly discovery rate)"),
        (
            "unknown" if row.atodr is None else markup.share(row.atodr),
            "of labelled takeovers found (account takeover discovery rate)",
        ),
    ]
    return Markup("").join(
        Markup("<div><b>{}</b><span>{}</span></div>").format(value, what) for value, what in pairs
    )


def _explained(metrics: TakeoverMetrics) -> Markup:
    labelled = (
        f"{metrics.takeovers:,} held-out logins are labelled takeovers."
        if metrics.accounts_taken_over
        else "No login is labelled a takeover."
    )
    return Markup(
        "Measured by {:,} strangers made up for the latest logins: other owners' networks and "
        "browsers, on devices that the account does not know. {}"
    ).format(metrics.anomalies, labelled)


def _discovery(rows: tuple[TakeoverRow, ...], at: TakeoverRow) -> dict[str, Any]:
    """Strangers found, and labelled takeovers where they are known, by challenge rate."""
    lines = [("strangers", sorted({(row.cr, row.adr) for row in rows} | {(0.0, 0.0)}), "--accent")]
    confirmed = sorted({(row.cr, row.atodr) for row in rows if row.atodr is not None})
    if confirmed:
        lines.append(("labelled takeovers", confirmed, "--bad-mark"))
    return {
        "animation": False,
        "grid": {"left": 46, "right": 18, "top": 34, "bottom": 40},
        "legend": {
            "top": 0,
            "right": 0,
            "data": [name for name, _, _ in lines],
            "textStyle": {":color": charts.theme_colour("--ink")},
        },
        "tooltip": {"trigger": "item", ":formatter": _TOOLTIP},
        # Nobody challenges more than every fifth login: the rest of the way says nothing.
        "xAxis": charts.axis("Logins challenged", maximum=0.2, gap=26),
        "yAxis": charts.axis("Found", maximum=1, gap=32),
        "series": [
            *(
                {
                    "type": "line",
                    "name": name,
                    "data": [list(point) for point in points],
                    "symbol": "none",
                    "lineStyle": {"width": 2, ":color": charts.theme_colour(colour)},
                    "itemStyle": {":color": charts.theme_colour(colour)},
                }
                for name, points, colour in lines
            ),
            _point(at),
        ],
    }


def _point(at: TakeoverRow) -> dict[str, Any]:
    """The series that marks a threshold on the curve of strangers."""
    return {
        "type": "scatter",
        "name": f"threshold {at.threshold:.0f}",
        "data": [[at.cr, at.adr]],
        "symbolSize": 14,
        "z": 5,
        "itemStyle": {
            ":color": charts.theme_colour("--bad-mark"),
            ":borderColor": charts.theme_colour("--card"),
            "borderWidth": 2,
        },
    }


_TOOLTIP = (
    "p => p.seriesName + '<br>challenged ' + (p.value[0] * 100).toFixed(2) + ' %"
    "<br>found ' + (p.value[1] * 100).toFixed(2) + ' %'"
)
