"""Pieces of HTML, escaped: states, scores, times and money as the console writes them."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from urllib.parse import quote

from markupsafe import Markup, escape

from ringfence.cards import CardState

_CARD_TONES = {CardState.ACTIVE: "good", CardState.HELD: "warn", CardState.BLOCKED: "bad"}
_VERDICT_TONES = {"fraud": "bad", "legit": "good", "unreached": "warn", "undecided": "warn"}


def pill(text: str, tone: str = "plain") -> Markup:
    """A word with a tone: `good`, `warn`, `bad`, `info` or `plain`."""
    return Markup('<span class="pill {}">{}</span>').format(tone, text)


def card_state(state: CardState) -> Markup:
    """Whether a card may be used."""
    return pill(state.value, _CARD_TONES[state])


def verdict_pill(verdict: str | None) -> Markup:
    """How a case came out, or that it is open."""
    return pill("open", "info") if verdict is None else pill(verdict, _VERDICT_TONES[verdict])


def outcome_pill(outcome: str, opens_case: bool) -> Markup:
    """An outcome; one that opened a case stands out."""
    return pill(outcome.replace("_", " "), "bad" if opens_case else "plain")


def score_bar(score: float | None) -> Markup:
    """A score of 0 to 1000 as number and bar; empty when there is no model."""
    if score is None:
        return Markup('<span class="soft">no score</span>')
    tone = "bad" if score >= 900 else "warn" if score >= 600 else "good"
    return Markup(
        '<span class="score"><b>{:.0f}</b><span class="track" aria-hidden="true">'
        '<i class="{}" style="width:{:.1f}%"></i></span></span>'
    ).format(score, tone, min(100.0, max(0.0, score / 10)))


def last_four(digits: str) -> Markup:
    """A card by its last four digits, all that is ever shown."""
    return Markup('<span class="pan"><span aria-hidden="true">••••</span>{}</span>').format(digits)


def clock(at: datetime, *, fraction: bool = False) -> Markup:
    """A time of day in UTC; the date is its tooltip."""
    at = at.astimezone(UTC)
    text = f"{at:%H:%M:%S}" + (f".{at.microsecond // 100_000}" if fraction else "")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        at.isoformat(), f"{at:%Y-%m-%d %H:%M:%S} UTC", text
    )


def moment(at: datetime | None) -> Markup:
    """Date and time in UTC."""
    if at is None:
        return Markup('<span class="soft">never</span>')
    at = at.astimezone(UTC)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        at.isoformat(), f"{at:%Y-%m-%d %H:%M:%S} UTC", f"{at:%Y-%m-%d %H:%M}"
    )


def offset(seconds: float) -> str:
    """How long after the opening: `+4.2 s`, `+3 min 05 s`, `+2 h 10 min`."""
    if seconds < 60:
        return f"+{max(0.0, seconds):.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"+{minutes} min {rest:02} s"
    return f"+{minutes // 60} h {minutes % 60:02} min"


def money(amount: str, currency: str) -> Markup:
    """An amount with its currency. `amount` is a decimal text, maybe empty."""
    if not amount:
        return Markup('<span class="soft">no amount</span>')
    with suppress(ValueError):
        amount = f"{float(amount):,.2f}"
    return Markup('<span class="money">{} <small>{}</small></span>').format(amount, currency)


def link(href: str, text: object) -> Markup:
    """A link within the console. Make `href` with `path`."""
    return Markup('<a href="{}">{}</a>').format(href, text)


def path(*parts: str) -> str:
    """A path of the console: `/cases/case_1`, each part quoted."""
    return "/" + "/".join(quote(part, safe="") for part in parts)


def facts(pairs: Iterable[tuple[str, object]]) -> Markup:
    """A list of terms and what they are."""
    inner = Markup("").join(
        Markup("<div><dt>{}</dt><dd>{}</dd></div>").format(term, value) for term, value in pairs
    )
    return Markup('<dl class="facts">{}</dl>').format(inner)


def joined(pieces: Iterable[str], between: str = " ") -> Markup:
    """Pieces one after the other, each escaped unless it is markup."""
    return escape(between).join(pieces)


def share(value: float, digits: int = 1) -> str:
    """A share of 0 to 1 in per cent."""
    return f"{value * 100:.{digits}f} %"
