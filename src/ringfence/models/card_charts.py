"""Charts of a model card as SVG, drawn with nothing but text: a card is one file that opens
anywhere. Colours are CSS variables of the page around."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ringfence.models.baseline import Period
from ringfence.models.card import CalibrationPoint, CardVariable, ModelCard, Moved

_WIDTH, _HEIGHT = 460, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 12, 42
_MOST_BARS = 14
_SMALLEST_SHARE = 0.0005


def charts_of(card: ModelCard) -> dict[str, str]:
    """Every chart that there is data for: `curve`, `importance`, `calibration`, `periods`,
    `stability`; each an SVG element."""
    drawn = {
        "curve": curve(card.curve),
        "importance": importance(card.variables),
        "calibration": calibration(card.calibration),
        "periods": periods(card.periods),
        "stability": stability(card.moved, card.periods),
    }
    return {name: svg for name, svg in drawn.items() if svg}


def curve(points: Sequence[tuple[float, float]]) -> str:
    """The share of frauds found by the share of legitimate events flagged."""
    if len(points) < 3:
        return ""
    line = " ".join(f"{_x(fpr):.1f},{_y(tpr):.1f}" for fpr, tpr in points)
    body = [
        _axes("Share of legitimate events flagged", "Share of frauds found"),
        f'<line class="faint" x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}"/>',
        f'<polyline class="line" points="{line}"/>',
    ]
    return _svg("ROC curve of the held-out events", body)


def importance(variables: Sequence[CardVariable]) -> str:
    """Bars, the most important variable first."""
    shown = [of for of in variables if of.importance > 0][:_MOST_BARS]
    if not shown:
        return ""
    most = max(of.importance for of in shown)
    step = 20
    body = []
    for place, of in enumerate(shown):
        y = 6 + place * step
        width = 200 * of.importance / most
        body.append(
            f'<text x="176" y="{y + 11}" text-anchor="end">{escape(_short(of.name))}</text>'
            f'<rect class="bar" x="182" y="{y}" width="{width:.1f}" height="14" rx="2"/>'
            f'<text class="soft" x="{188 + width:.1f}" y="{y + 11}">{of.importance:.1%}</text>'
        )
    return _svg("Importance of each variable", body, height=12 + len(shown) * step)


def calibration(points: Sequence[CalibrationPoint]) -> str:
    """The share of fraud in each score bin, with its range."""
    if not any(of.events for of in points):
        return ""
    width = (_WIDTH - _LEFT - _RIGHT) / len(points)
    body = [_axes("Score", "Share of fraud", x_labels=("0", "250", "500", "750", "1000"))]
    for place, of in enumerate(points):
        if not of.events:
            continue
        middle = _LEFT + (place + 0.5) * width
        share = of.frauds / of.events
        body.append(
            f'<line class="range" x1="{middle:.1f}" y1="{_y(of.low):.1f}" x2="{middle:.1f}" '
            f'y2="{_y(of.high):.1f}"/><circle class="dot" cx="{middle:.1f}" cy="{_y(share):.1f}" '
            f'r="3.5"><title>{of.label}: {of.frauds:,} of {of.events:,}</title></circle>'
        )
    return _svg("Share of fraud by score, with 95 % ranges", body)


def periods(known: Sequence[Period]) -> str:
    """The share of fraud in each period of training."""
    if len(known) < 2:
        return ""
    shares = [of.frauds / of.events if of.events else 0.0 for of in known]
    most = max(*shares, _SMALLEST_SHARE) * 1.15
    width = (_WIDTH - _LEFT - _RIGHT) / len(known)
    labels = (known[0].label, known[-1].label)
    body = [
        _axes("", "Share of fraud", x_labels=labels, y_labels=(f"{0:.0%}", f"{most:.1%}"), rotate=0)
    ]
    for place, (of, share) in enumerate(zip(known, shares, strict=True)):
        y = _y(share / most)
        body.append(
            f'<rect class="bar" x="{_LEFT + place * width + width * 0.12:.1f}" y="{y:.1f}" '
            f'width="{width * 0.76:.1f}" height="{_y(0) - y:.1f}" rx="2">'
            f"<title>{escape(of.label)}: {of.frauds:,} of {of.events:,}</title></rect>"
        )
    return _svg("Share of fraud by period of training", body)


def stability(moved: Sequence[Moved], known: Sequence[Period]) -> str:
    """The stability index of the variables that moved most, by period."""
    if not moved or len(known) < 2:
        return ""
    step, left = 22, 160
    width = (_WIDTH - left - _RIGHT) / len(known)
    body = []
    for row, of in enumerate(moved):
        y = 4 + row * step
        body.append(
            f'<text x="{left - 8}" y="{y + 14}" text-anchor="end">{escape(_short(of.name))}</text>'
        )
        for place, (value, period) in enumerate(zip(of.by_period, known, strict=False)):
            tone = "bad" if value >= 0.25 else "warn" if value >= 0.1 else "good"
            body.append(
                f'<rect class="{tone}" x="{left + place * width:.1f}" y="{y}" '
                f'width="{max(1.0, width - 2):.1f}" height="{step - 3}" rx="2">'
                f"<title>{escape(of.name)}, {escape(period.label)}: {value:.3f}</title></rect>"
            )
            if width > 34:
                body.append(
                    f'<text class="in" x="{left + (place + 0.5) * width - 1:.1f}" y="{y + 14}" '
                    f'text-anchor="middle">{value:.2f}</text>'
                )
    bottom = 4 + len(moved) * step + 14
    body.append(f'<text class="soft" x="{left}" y="{bottom}">{escape(known[0].label)}</text>')
    body.append(
        f'<text class="soft" x="{_WIDTH - _RIGHT}" y="{bottom}" text-anchor="end">'
        f"{escape(known[-1].label)}</text>"
    )
    return _svg("Stability index by variable and period", body, height=bottom + 6)


def _axes(
    x_name: str,
    y_name: str,
    *,
    x_labels: Sequence[str] = ("0 %", "25 %", "50 %", "75 %", "100 %"),
    y_labels: Sequence[str] = ("0 %", "25 %", "50 %", "75 %", "100 %"),
    rotate: int = -90,
) -> str:
    parts = []
    for place, label in enumerate(y_labels):
        y = _y(place / (len(y_labels) - 1))
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y}" y2="{y}"/>')
        parts.append(
            f'<text class="soft" x="{_LEFT - 6}" y="{y + 4}" text-anchor="end">{label}</text>'
        )
    for place, label in enumerate(x_labels):
        x = _x(place / (len(x_labels) - 1))
        anchor = "start" if not place else "end" if place == len(x_labels) - 1 else "middle"
        parts.append(
            f'<text class="soft" x="{x:.1f}" y="{_HEIGHT - _BOTTOM + 16}" '
            f'text-anchor="{anchor}">{escape(label)}</text>'
        )
    if x_name:
        parts.append(
            f'<text class="soft" x="{_x(0.5)}" y="{_HEIGHT - 6}" text-anchor="middle">'
            f"{escape(x_name)}</text>"
        )
    if y_name and rotate:
        parts.append(
            f'<text class="soft" transform="translate(11 {_y(0.5)}) rotate({rotate})" '
            f'text-anchor="middle">{escape(y_name)}</text>'
        )
    return "".join(parts)


def _svg(label: str, body: Sequence[str], *, height: float = _HEIGHT) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height:.0f}" role="img" aria-label="{escape(label)}">'
        f"{''.join(body)}</svg>"
    )


def _x(share: float) -> float:
    return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)


def _y(share: float) -> float:
    return _HEIGHT - _BOTTOM - share * (_HEIGHT - _BOTTOM - _TOP)


def _short(name: str) -> str:
    return name if len(name) <= 25 else f"{name[:24]}…"
