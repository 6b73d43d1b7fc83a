"""Charts of a shadow beside the version that decides: the champion in grey, the challenger in the
accent colour, everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ringfence.detectors.shadows.ranking import BIN_WIDTH, BINS, Distribution, Ranking
from ringfence.detectors.shadows.report import ShadowDay
from ringfence.web.console.charts import axis, legend, theme_colour

_CHAMPION, _CHALLENGER = "--soft", "--accent"
# Where a share is nothing, so that a logarithmic axis can show it at the bottom.
_LEAST = 0.001


def scores(ranking: Ranking | None) -> dict[str, Any]:
    """Of all events, how many per cent each version put into each band of scores; the axis is
    logarithmic, for what matters is rare."""
    shapes = (ranking.champion, ranking.challenger) if ranking else (None, None)
    return _overlaid([_together(shape) for shape in shapes], "Share of events, %", logarithmic=True)


def fraud_scores(ranking: Ranking | None) -> dict[str, Any]:
    """The same of labelled frauds, on a plain axis."""
    shapes = (ranking.champion, ranking.challenger) if ranking else (None, None)
    return _overlaid(
        [shape.frauds if shape else () for shape in shapes], "Share of frauds, %", logarithmic=False
    )


def alerts(days: Sequence[ShadowDay]) -> dict[str, Any]:
    """Alerts of both versions on each day."""
    series = [
        _bars("champion", [float(day.champion_alerts) for day in days], _CHAMPION),
        _bars("challenger", [float(day.challenger_alerts) for day in days], _CHALLENGER),
    ]
    return {
        **_frame(),
        "xAxis": {**axis("", gap=24), "type": "category",
                  "data": [day.date.isoformat() for day in days]},
        "yAxis": {**axis("Alerts", gap=36), "minInterval": 1},
        "series": series,
    }  # fmt: skip


def _overlaid(counts: Sequence[Sequence[int]], name: str, *, logarithmic: bool) -> dict[str, Any]:
    shown = [_shares(of, _LEAST if logarithmic else 0.0) for of in counts]
    value_axis = axis(name, gap=40)
    if logarithmic:
        value_axis |= {"type": "log", "min": _LEAST, "max": 100}
    return {
        **_frame(),
        "tooltip": {"trigger": "axis", ":valueFormatter": "v => v.toFixed(2) + ' %'"},
        "xAxis": {**axis("Score", gap=24), "type": "category",
                  "data": [f"{place * BIN_WIDTH}" for place in range(BINS)]},
        "yAxis": value_axis,
        "series": [
            _steps("champion", shown[0], _CHAMPION),
            _steps("challenger", shown[1], _CHALLENGER),
        ],
    }  # fmt: skip


def _together(of: Distribution | None) -> Sequence[int]:
    if of is None:
        return ()
    return [sum(parts) for parts in zip(of.frauds, of.legits, of.unlabelled, strict=True)]


def _shares(counts: Sequence[int], least: float) -> list[float]:
    total = sum(counts)
    return [max(least, round(count / total * 100, 4)) for count in counts] if total else []


def _frame() -> dict[str, Any]:
    return {
        "animation": False,
        "grid": {"left": 58, "right": 12, "top": 34, "bottom": 38},
        "legend": legend(),
        "tooltip": {"trigger": "axis"},
    }


def _bars(name: str, values: list[float], colour: str) -> dict[str, Any]:
    return {
        "type": "bar",
        "name": name,
        "data": values,
        "barMaxWidth": 22,
        "itemStyle": {":color": theme_colour(colour), "borderRadius": [3, 3, 0, 0]},
    }


def _steps(name: str, values: list[float], colour: str) -> dict[str, Any]:
    return {
        "type": "line",
        "name": name,
        "data": values,
        "step": "middle",
        "symbol": "none",
        "lineStyle": {"width": 2, ":color": theme_colour(colour)},
        "itemStyle": {":color": theme_colour(colour)},
        "areaStyle": {"opacity": 0.12, ":color": theme_colour(colour)},
    }
