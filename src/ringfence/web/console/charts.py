"""Charts of a model version, in the colours of the page.

A key that starts with `:` is a JavaScript expression: the colours are looked up in the browser, so
that a chart follows the theme.
"""

from __future__ import annotations

from typing import Any

from nicegui import ui

from ringfence.models import Importance, MetricRow

_BUCKET = 50


def chart(options: dict[str, Any], label: str) -> ui.echart:
    """A chart that redraws itself when the colours change; `label` says what it shows."""
    made = ui.echart(options).classes("chart").props(f'role="img" aria-label="{label}"')
    ui.on("console_theme", made.update)
    return made


def roc(rows: tuple[MetricRow, ...], at: MetricRow) -> dict[str, Any]:
    """The ROC curve with the point of a threshold."""
    points = sorted({(row.fpr, row.tpr) for row in rows} | {(0.0, 0.0), (1.0, 1.0)})
    return {
        "animation": False,
        "grid": {"left": 46, "right": 18, "top": 14, "bottom": 40},
        "tooltip": {"trigger": "item", ":formatter": _ROC_TOOLTIP},
        "xAxis": axis("False positive rate", maximum=1, gap=26),
        "yAxis": axis("True positive rate", maximum=1, gap=32),
        "series": [
            {
                "type": "line",
                "name": "chance",
                "data": [[0, 0], [1, 1]],
                "symbol": "none",
                "silent": True,
                "lineStyle": {"type": "dashed", "width": 1, ":color": theme_colour("--soft")},
            },
            {
                "type": "line",
                "name": "ROC",
                "data": [list(point) for point in points],
                "symbol": "none",
                "lineStyle": {"width": 2, ":color": theme_colour("--accent")},
                "areaStyle": {"opacity": 0.12, ":color": theme_colour("--accent")},
            },
            roc_point(at),
        ],
    }


def roc_point(at: MetricRow) -> dict[str, Any]:
    """The series that marks a threshold on the ROC curve."""
    return {
        "type": "scatter",
        "name": f"threshold {at.threshold:.0f}",
        "data": [[at.fpr, at.tpr]],
        "symbolSize": 14,
        "z": 5,
        "itemStyle": {
            ":color": theme_colour("--bad-mark"),
            ":borderColor": theme_colour("--card"),
            "borderWidth": 2,
        },
    }


def importance(variables: tuple[Importance, ...], most: int = 16) -> dict[str, Any]:
    """How much each variable matters, as bars, the strongest at the top."""
    shown = sorted(variables, key=lambda of: of.share)[-most:]
    return {
        "animation": False,
        "grid": {"left": 8, "right": 48, "top": 6, "bottom": 6, "containLabel": True},
        "xAxis": {"type": "value", "show": False},
        "yAxis": {
            "type": "category",
            "data": [of.variable for of in shown],
            "axisLine": {"show": False},
            "axisTick": {"show": False},
            "axisLabel": {":color": theme_colour("--ink"), "fontSize": 12},
        },
        "series": [
            {
                "type": "bar",
                "data": [round(of.share * 100, 2) for of in shown],
                "barMaxWidth": 13,
                "itemStyle": {"borderRadius": [0, 4, 4, 0], ":color": theme_colour("--accent")},
                "label": {
                    "show": True,
                    "position": "right",
                    ":formatter": "p => p.value.toFixed(1) + ' %'",
                    ":color": theme_colour("--soft"),
                },
            }
        ],
    }


def score_distribution(rows: tuple[MetricRow, ...]) -> dict[str, Any]:
    """How many held-out events scored in each band of 50, as shares of their class."""
    by_threshold = {int(row.threshold): row for row in rows}
    starts = [start for start in range(0, 1000, _BUCKET) if start in by_threshold]
    first = by_threshold.get(0)
    frauds = (first.true_positives if first else 0) or 1
    legits = (first.false_positives if first else 0) or 1
    of_frauds, of_legits = [], []
    for start in starts:
        here, beyond = by_threshold[start], by_threshold.get(start + _BUCKET)
        last = beyond is None or start + _BUCKET >= 1000
        above_fraud = 0 if last or beyond is None else beyond.true_positives
        above_legit = 0 if last or beyond is None else beyond.false_positives
        of_frauds.append(round((here.true_positives - above_fraud) / frauds * 100, 3))
        of_legits.append(round((here.false_positives - above_legit) / legits * 100, 3))
    return {
        "animation": False,
        "grid": {"left": 46, "right": 12, "top": 34, "bottom": 38},
        "legend": legend(),
        "tooltip": {"trigger": "axis", ":valueFormatter": "v => v.toFixed(1) + ' %'"},
        "xAxis": {
            **axis("Score", gap=24),
            "type": "category",
            "data": [f"{start}" for start in starts],
        },
        "yAxis": axis("Share of the class, %", gap=32),
        "series": [
            bars("legit", of_legits, "--good-mark"),
            bars("fraud", of_frauds, "--bad-mark"),
        ],
    }


def bars(name: str, values: list[float], colour: str) -> dict[str, Any]:
    """A series of bars; `colour` names a variable of the style sheet."""
    return {
        "type": "bar",
        "name": name,
        "data": values,
        "itemStyle": {":color": theme_colour(colour), "borderRadius": [3, 3, 0, 0]},
    }


def legend() -> dict[str, Any]:
    """Which series is which, above a chart and to its right."""
    return {
        "top": 0,
        "right": 0,
        "itemWidth": 12,
        "itemHeight": 12,
        "textStyle": {":color": theme_colour("--ink")},
    }


def axis(name: str, *, gap: int, maximum: float | None = None) -> dict[str, Any]:
    """A value axis in the console's style; `gap` parts its name from its labels."""
    described: dict[str, Any] = {
        "type": "value",
        "name": name,
        "nameLocation": "middle",
        "nameGap": gap,
        "nameTextStyle": {":color": theme_colour("--soft")},
        "axisLabel": {":color": theme_colour("--soft")},
        "axisLine": {"lineStyle": {":color": theme_colour("--line")}},
        "splitLine": {"lineStyle": {":color": theme_colour("--line"), "opacity": 0.6}},
    }
    if maximum is not None:
        described |= {"min": 0, "max": maximum}
    return described


def theme_colour(variable: str) -> str:
    """The expression that reads a variable of the style sheet when the chart is drawn."""
    return f"consoleColour('{variable}')"


_ROC_TOOLTIP = (
    "p => p.seriesName + '<br>false positives ' + (p.value[0] * 100).toFixed(2) + ' %"
    "<br>true positives ' + (p.value[1] * 100).toFixed(2) + ' %'"
)
