"""One card of a customer: its state, what can be done about it, and its history."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup
from nicegui import ui
from sqlalchemy import Connection

from ringfence.access import Scope
from ringfence.cards import Card, CardEntry, CardState, block, card_history, release
from ringfence.cases import get_case
from ringfence.errors import NotFound
from ringfence.storage import now
from ringfence.web.console import markup
from ringfence.web.console.dialogs import ask_reason
from ringfence.web.console.layout import button, done, html, rewrite
from ringfence.web.console.visit import Visit


class CardPanel:
    """The panel. Buttons only for those who may."""

    def __init__(self, visit: Visit, card: Card):
        self._visit = visit
        self._card = card
        self._shown: Card | None = None
        label = f'aria-label="Card ending in {card.last4}"'
        with ui.element("section").classes("panel flush").props(label):
            with ui.element("div").classes("bar"):
                self._title = html("", "h2")
                self._about = html("", "span").classes("soft")
                if visit.allows(Scope.CARDS_WRITE):
                    self._block: ui.button | None = button("Block", self._ask_block, "danger")
                    self._release: ui.button | None = button("Release", self._ask_release)
                    self._block.classes("push")
                else:
                    self._block = self._release = None
            with ui.element("div").classes("scroll"):
                self._history = html("", "table").props('aria-label="History of the card"')

    async def show(self, card: Card) -> None:
        """Show the card as it is now; reads the history only when the card has changed."""
        if card == self._shown:
            return
        entries, references = await self._visit.read(
            lambda connection: _history(connection, card.card_id)
        )
        self._card = self._shown = card
        rewrite(
            self._title,
            markup.joined((markup.last_four(card.last4), markup.card_state(card.state))),
        )
        rewrite(
            self._about,
            Markup("until {}").format(markup.moment(card.hold_expires_at))
            if card.state is CardState.HELD
            else "",
        )
        if self._block is not None and self._release is not None:
            self._block.set_visibility(card.state is not CardState.BLOCKED)
            self._release.set_visibility(card.state is not CardState.ACTIVE)
            self._release.classes(
                add="push" if card.state is CardState.BLOCKED else "",
                remove="" if card.state is CardState.BLOCKED else "push",
            )
        rows = Markup("").join(_history_row(entry, references) for entry in reversed(entries))
        rewrite(self._history, _HISTORY_HEAD + Markup("<tbody>{}</tbody>").format(rows))

    def _ask_block(self) -> None:
        card = self._card

        async def work(reason: str) -> None:
            change = await self._visit.write(
                Scope.CARDS_WRITE,
                lambda connection, name: block(
                    connection, card.card_id, by=name, reason=reason, case_id=None, at=now()
                ),
            )
            done("The card is blocked." if change.changed else "The card was blocked already.")

        ask_reason(
            f"Block the card ending in {card.last4}",
            "Every further payment is refused until somebody releases it.",
            "Block the card",
            work,
            danger=True,
        )

    def _ask_release(self) -> None:
        card = self._card

        async def work(reason: str) -> None:
            change = await self._visit.write(
                Scope.CARDS_WRITE,
                lambda connection, name: release(
                    connection, card.card_id, by=name, reason=reason, case_id=None, at=now()
                ),
            )
            done("The card is released." if change.changed else "The card was active already.")

        ask_reason(
            f"Release the card ending in {card.last4}",
            "The card can be used again, and every hold on it ends.",
            "Release the card",
            work,
            danger=False,
        )


def _history(connection: Connection, card_id: str) -> tuple[Sequence[CardEntry], dict[str, str]]:
    entries = card_history(connection, card_id)
    references: dict[str, str] = {}
    for entry in entries:
        if entry.case_id and entry.case_id not in references:
            try:
                references[entry.case_id] = get_case(connection, entry.case_id).reference
            except NotFound:
                continue
    return entries, references


_HISTORY_HEAD = Markup(
    "<thead><tr><th>When</th><th>What</th><th>By</th><th>Why</th><th>Case</th></tr></thead>"
)


def _history_row(entry: CardEntry, references: dict[str, str]) -> Markup:
    reference = references.get(entry.case_id or "")
    return Markup(
        '<tr><td class="tight">{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>'
    ).format(
        markup.moment(entry.at),
        markup.pill(entry.action.value, _ACTION_TONES.get(entry.action.value, "plain")),
        entry.by,
        entry.reason,
        markup.link(markup.path("cases", entry.case_id or ""), reference) if reference else "",
    )


_ACTION_TONES = {"held": "warn", "blocked": "bad", "released": "good", "lifted": "good"}
