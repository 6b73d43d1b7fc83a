"""Champion and challenger side by side: each figure of a report with its difference, as texts."""

from __future__ import annotations

from ringfence.detectors.shadows.report import ShadowReport

_TOTALS = (
    ("alerts", "alerts", "count"),
    ("frauds caught", "caught", "count"),
    ("frauds missed", "missed", "count"),
    ("false alerts", "false_alerts", "count"),
    ("alerts without a label", "unjudged", "count"),
    ("calls", "calls", "count"),
    ("customers disturbed", "customers_disturbed", "count"),
    ("precision", "precision", "share"),
    ("recall", "recall", "share"),
    ("fraud amount saved", "saved_amount", "money"),
    ("fraud amount missed", "missed_amount", "money"),
    ("legitimate amount interrupted", "interrupted_amount", "money"),
)


def side_by_side(report: ShadowReport) -> list[tuple[str, str, str, str]]:
    """What it is, what the champion came to, what the challenger did, and by how much more."""
    rows = []
    for label, name, kind in _TOTALS:
        first, second = (getattr(side, name) for side in (report.champion, report.challenger))
        less = None if first is None or second is None else second - first
        rows.append((label, cell(first, kind), cell(second, kind), cell(less, kind, sign="+")))
    return rows


def cell(value: float | None, kind: str, *, sign: str = "") -> str:
    """A figure of a kind: `share`, `money` or `count`; a dash where there is none."""
    if value is None:
        return "-"
    if kind == "share":
        return f"{value * 100:{sign}.2f} %"
    return f"{value:{sign},.2f}" if kind == "money" else f"{value:{sign},.0f}"
