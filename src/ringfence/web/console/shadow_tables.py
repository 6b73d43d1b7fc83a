"""Tables of a shadow beside the version that decides, as markup."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup

from ringfence.detectors.shadows.ranking import Ranking
from ringfence.detectors.shadows.report import Agreement, Example, ShadowReport
from ringfence.detectors.shadows.side_by_side import cell, side_by_side
from ringfence.web.console import markup

_SHOWN = 30


def totals(report: ShadowReport) -> Markup:
    """What both did: counts, shares, money, and how they rank."""
    rows: list[tuple[str, ...]] = [
        (label[0].upper() + label[1:], *cells) for label, *cells in side_by_side(report)
    ]
    if report.ranking is not None:
        rows += _ranks(report.ranking)
    return Markup(
        "<thead><tr><th></th><th class=number>Champion</th><th class=number>Challenger</th>"
        "<th class=number>Difference</th></tr></thead><tbody>{}</tbody>"
    ).format(
        Markup("").join(
            Markup("<tr><td>{}</td>{}</tr>").format(label, _numbers(cells))
            for label, *cells in rows
        )
    )


def agreements(report: ShadowReport) -> Markup:
    """What the challenger said where the champion said what, with events where they differ."""
    return Markup(
        "<thead><tr><th>Champion</th><th>Challenger</th><th class=number>Events</th>"
        "<th class=number>Frauds</th><th class=number>Legitimate</th>"
        "<th class=number>No label</th><th>Such as</th></tr></thead><tbody>{}</tbody>"
    ).format(
        Markup("").join(
            Markup("<tr><td>{}</td><td>{}</td>{}<td>{}</td></tr>").format(
                _outcomes(of.champion, alerting=of.champion_alerts),
                _outcomes(of.challenger, alerting=of.challenger_alerts),
                _numbers(
                    f"{count:,}"
                    for count in (
                        of.split.events,
                        of.split.frauds,
                        of.split.legits,
                        of.split.unlabelled,
                    )
                ),
                _examples(report, of),
            )
            for of in report.agreements[:_SHOWN]
        )
    )


def compared_on(report: ShadowReport) -> Markup:
    """How many events, decided by whom, with which labels."""
    labels = report.labels
    sources = ", ".join(f"{count:,} by {source}" for source, count in report.label_sources.items())
    champions = ", ".join(f"{of.version} ({of.events:,})" for of in report.champions)
    missing = report.decided - report.events - report.failed
    pairs: list[tuple[str, object]] = [
        ("Events that both judged", f"{report.events:,}"),
        ("First", markup.moment(report.first_at)),
        ("Last", markup.moment(report.last_at)),
        ("Decided by version", champions),
        ("Labelled", f"{labels.frauds:,} fraud, {labels.legits:,} legitimate"),
        ("Labels", sources or "none yet"),
        ("An alert is", ", ".join(report.alert_outcomes) or "nothing: no contact plan"),
        ("Decided meanwhile, not compared", f"{max(0, missing):,}"),
    ]
    if report.ranking is not None:
        pairs.append(("Stability index of the scores (PSI)", f"{report.ranking.psi:.3f}"))
    return markup.facts(pairs)


def label_pill(label: str | None, fraud_label: str | None = "fraud") -> Markup:
    """What an event turned out to be."""
    if label is None:
        return markup.pill("no label")
    return markup.pill(label, "bad" if label == fraud_label else "good")


def _ranks(ranking: Ranking) -> list[tuple[str, ...]]:
    first, second = ranking.champion_ranks, ranking.challenger_ranks
    rows: list[tuple[str, ...]] = []
    if first is not None and second is not None:
        low, high = ranking.auc_difference_low, ranking.auc_difference_high
        rows.append(
            (
                "Area under the ROC curve",
                f"{first.auc:.4f}",
                f"{second.auc:.4f}",
                f"{low:+.4f} to {high:+.4f}",
            )
        )
        one, other = first.average_precision, second.average_precision
        rows.append(("Average precision", f"{one:.4f}", f"{other:.4f}", f"{other - one:+.4f}"))
    else:
        rows.append(("Area under the ROC curve", "too few", "to tell", ""))
    at = (ranking.champion_at_volume, ranking.challenger_at_volume)
    rows.append(
        (
            f"Frauds in the {ranking.alerts:,} highest scores",
            *(f"{of.caught:,.0f}" for of in at),
            f"{at[1].caught - at[0].caught:+,.0f}",
        )
    )
    precisions = [of.precision for of in at]
    less = None if None in precisions else precisions[1] - precisions[0]  # type: ignore[operator]
    rows.append(
        (
            "Precision there",
            *(cell(precision, "share") for precision in precisions),
            cell(less, "share", sign="+"),
        )
    )
    return rows


def _examples(report: ShadowReport, of: Agreement) -> Markup:
    return markup.joined((_example(report, example) for example in of.examples), Markup("<br>"))


def _example(report: ShadowReport, of: Example) -> Markup:
    shadow = report.shadow
    where = markup.path("shadows", shadow.detector_id, shadow.version, "events", of.event_id)
    parts = [markup.link(where, Markup('<span class="clip short">{}</span>').format(of.event_id))]
    if of.champion_score is not None and of.challenger_score is not None:
        parts.append(
            Markup("<small class=soft>{:.0f} → {:.0f}</small>").format(
                of.champion_score, of.challenger_score
            )
        )
    if of.label is not None:
        parts.append(label_pill(of.label))
    if of.case_id is not None:
        parts.append(markup.link(markup.path("cases", of.case_id), "case"))
    return markup.joined(parts)


def _outcomes(outcomes: tuple[str, ...], *, alerting: bool) -> Markup:
    if not outcomes:
        return Markup("<span class=soft>no outcome</span>")
    return markup.joined(markup.outcome_pill(outcome, alerting) for outcome in outcomes)


def _numbers(cells: Iterable[str]) -> Markup:
    return Markup("").join(Markup('<td class="number">{}</td>').format(cell) for cell in cells)
