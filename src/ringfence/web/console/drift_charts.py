"""Charts of drift, and the table of variables by week, in the colours of the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from ringfence.detectors.drift.report import Drift, DriftReport
from ringfence.models.stability import Bounds, State
from ringfence.web.console import markup
from ringfence.web.console.charts import axis, bars, legend, theme_colour

TONES = {State.ALERT: "bad", State.WATCH: "warn", State.STABLE: "good", State.TOO_FEW: "plain"}
_LONGEST_LABEL = 22
STYLE = """
td.heat { border: 2px solid var(--card); border-radius: 6px; color: var(--ink); }
td.heat.good { background: var(--good-wash); }
td.heat.warn { background: var(--warn-wash); }
td.heat.bad { background: var(--bad-wash); }
abbr { text-decoration: none; color: var(--accent); }
"""


def state_pill(state: State) -> Markup:
    """What a comparison came to."""
    return markup.pill(state.value, TONES[state])


def score_over_time(report: DriftReport) -> dict[str, Any]:
    """The stability index of the score by slice, with the two bounds."""
    values = [of.score_excess for of in report.slices]
    return {
        "animation": False,
        "grid": {"left": 52, "right": 44, "top": 20, "bottom": 34},
        "tooltip": {
            "trigger": "axis",
            ":valueFormatter": "v => v == null ? 'too few' : v.toFixed(3)",
        },
        "xAxis": {**axis("", gap=24), "type": "category", "data": _days(report)},
        "yAxis": {**axis("Stability index", gap=38), "min": 0, ":max": _room(report.bounds.alert)},
        "series": [
            {
                "type": "line",
                "name": "score",
                "data": values,
                "symbolSize": 8,
                "lineStyle": {"width": 2, ":color": theme_colour("--accent")},
                "itemStyle": {":color": theme_colour("--accent")},
                "markLine": _bounds(report.bounds),
            }
        ],
    }


def frauds_over_time(report: DriftReport) -> dict[str, Any]:
    """Frauds among the labelled events of each slice, beside those expected of their scores."""
    seen = [of.calibration.frauds for of in report.slices]
    expected = [round(of.calibration.expected, 1) for of in report.slices]
    return _beside(
        _days(report), "Labelled frauds", ("seen", seen), ("expected of the scores", expected)
    )


def calibration(report: DriftReport) -> dict[str, Any]:
    """The share of fraud in each score bin, of the labelled events and expected of them, in per
    cent."""
    bins = [of for of in report.score_bins if of.events]
    seen = [round(of.frauds / of.events * 100, 2) for of in bins]
    expected = [round(of.expected / of.events * 100, 2) for of in bins]
    return _beside([of.label for of in bins], "Fraud, %", ("seen", seen), ("expected", expected))


def distribution(of: Drift) -> dict[str, Any]:
    """The share of events in each bin of a variable, in training and in the window, in per cent."""
    return _beside(
        [_short(each.label) for each in of.bins],
        "Share of events, %",
        ("in the window", [round(each.actual * 100, 2) for each in of.bins]),
        ("expected", [round(each.expected * 100, 2) for each in of.bins]),
    )


def heat_table(report: DriftReport) -> Markup:
    """The stability index of each variable in each slice, the newest first; a row for each
    variable, the most moved first."""
    heads = Markup("").join(
        Markup('<th class="number" title="{} to {}">{}{}</th>').format(
            f"{of.since:%Y-%m-%d %H:%M}",
            f"{of.until:%Y-%m-%d %H:%M}",
            f"{of.since:%d %b}",
            Markup(' <abbr title="the window that is judged">●</abbr>') if of.judged else "",
        )
        for of in reversed(report.slices)
    )
    ordered = sorted(report.variables, key=lambda of: (-of.excess, of.name))
    rows = Markup("").join(_heat_row(of, report.bounds) for of in (report.score, *ordered))
    return Markup(
        "<thead><tr><th>Variable</th><th>State</th><th class=number>Index</th>"
        "<th class=number>Missing</th><th class=number>New</th>{}</tr></thead>"
        "<tbody>{}</tbody>"
    ).format(heads, rows)


def _heat_row(of: Drift, bounds: Bounds) -> Markup:
    cells = Markup("").join(_heat_cell(value, bounds) for value in reversed(of.by_slice))
    return Markup(
        '<tr><td><span class="clip" title="{}">{}</span></td><td>{}</td>'
        '<td class="number">{}</td><td class="number">{}</td><td class="number">{}</td>{}</tr>'
    ).format(
        f"{of.name}: {of.part}" + (", remembered" if of.remembered else ""),
        of.name,
        state_pill(of.state),
        f"{of.psi:.3f}",
        "" if of.name == "score" else _moved(of.missing, of.missing_expected),
        "" if of.new is None or of.new_expected is None else _moved(of.new, of.new_expected),
        cells,
    )


def _heat_cell(value: float | None, bounds: Bounds) -> Markup:
    if value is None:
        return Markup('<td class="number soft heat" title="too few events">·</td>')
    tone = "bad" if value >= bounds.alert else "warn" if value >= bounds.watch else "good"
    return Markup('<td class="number heat {}">{}</td>').format(tone, f"{value:.2f}")


def _moved(now: float, expected: float) -> Markup:
    return Markup('{} <small class="soft">of {}</small>').format(
        markup.share(now), markup.share(expected)
    )


def _beside(
    labels: Sequence[str],
    name: str,
    first: tuple[str, Sequence[float]],
    second: tuple[str, Sequence[float]],
) -> dict[str, Any]:
    return {
        "animation": False,
        "grid": {"left": 52, "right": 12, "top": 34, "bottom": 8, "containLabel": True},
        "legend": legend(),
        "tooltip": {"trigger": "axis"},
        "xAxis": {
            **axis("", gap=24),
            "type": "category",
            "data": list(labels),
            "axisLabel": {
                ":color": theme_colour("--soft"),
                "rotate": 35 if len(labels) > 8 else 0,
                "hideOverlap": True,
            },
        },
        "yAxis": axis(name, gap=36),
        "series": [
            bars(first[0], list(first[1]), "--accent"),
            bars(second[0], list(second[1]), "--soft"),
        ],
    }


def _bounds(bounds: Bounds) -> dict[str, Any]:
    def line(at: float, colour: str) -> dict[str, Any]:
        return {
            "yAxis": at,
            "lineStyle": {"type": "dashed", ":color": theme_colour(colour)},
            "label": {":color": theme_colour("--soft"), "formatter": f"{at:g}"},
        }

    return {
        "silent": True,
        "symbol": "none",
        "data": [line(bounds.watch, "--warn-mark"), line(bounds.alert, "--bad-mark")],
    }


def _room(alert: float) -> str:
    """An axis that always shows the upper bound."""
    return f"v => Math.ceil(Math.max({alert * 1.3:.3f}, v.max * 1.1) * 10) / 10"


def _days(report: DriftReport) -> list[str]:
    return [f"{of.since:%d %b}" for of in report.slices]


def _short(label: str) -> str:
    return label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1]}…"
