"""One customer: what we know, the cards, and what has happened to them."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

import msgspec
from markupsafe import Markup
from nicegui import ui
from sqlalchemy import Connection

from ringfence.access import Scope
from ringfence.cards import (
    AddedCard,
    Card,
    CardHistoryEntry,
    CardState,
    Customer,
    CustomerChanges,
    StoredCustomer,
    add_card,
    block,
    card_history,
    cards_of,
    get_customer,
    release,
    update_customer,
)
from ringfence.cases import Case, get_case, list_cases
from ringfence.errors import NotFound
from ringfence.storage import now
from ringfence.web.console import markup
from ringfence.web.console.dialogs import ask_reason
from ringfence.web.console.forms import Form, text_field
from ringfence.web.console.layout import (
    button,
    console_page,
    done,
    empty,
    every,
    heading,
    html,
    rewrite,
)
from ringfence.web.console.queries import can_phone
from ringfence.web.console.visit import Visit

_EDITED = ("salutation", "first_name", "last_name", "phone_number", "time_zone", "language")


@console_page(
    "/customers/{customer_id}", title="Customer", section="customers", scope=Scope.CARDS_READ
)
async def customer(visit: Visit) -> None:
    """The page."""
    customer_id = visit.path["customer_id"]
    found = await visit.read(lambda connection: get_customer(connection, customer_id))
    heading(f"{found.first_name} {found.last_name}".strip(), f"Customer {customer_id}")
    with ui.element("div").classes("columns lead"):
        with ui.element("section").classes("panel").props('aria-label="Details"'):
            _details(visit, found)
        with ui.element("div").classes("stack"):
            shown: dict[str, _CardPanel] = {}
            place = ui.element("div").classes("stack")
            with ui.element("section").classes("panel flush") as cases_panel:
                html("Cases", "h2")
                with ui.element("div").classes("scroll"):
                    cases = html("", "table").props('aria-label="Cases of this customer"')
            nothing = empty("No card yet", "Events of this customer need a card to be decided on.")
            if visit.allows(Scope.CARDS_WRITE):
                _card_form(visit, customer_id)

    async def refresh() -> None:
        now_there, opened = await visit.read(
            lambda connection: (
                cards_of(connection, customer_id),
                _cases_of(connection, customer_id),
            )
        )
        cases_panel.set_visibility(bool(opened))
        rows = Markup("").join(_case_row(case) for case in opened)
        rewrite(cases, _CASES_HEAD + Markup("<tbody>{}</tbody>").format(rows))
        nothing.set_visibility(not now_there)
        for card in now_there:
            if card.card_id not in shown:
                with place:
                    shown[card.card_id] = _CardPanel(visit, card)
            await shown[card.card_id].show(card)

    await refresh()
    every(visit, 1.0, refresh)


class _CardPanel:
    """One card with its state, what can be done, and its history."""

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


def _details(visit: Visit, found: Customer) -> None:
    view = ui.element("div").classes("stack")
    form = Form()
    edit = ui.element("div").classes("stack")
    with view:
        shown = html(_facts(found))
        with ui.element("div").classes("bar"):
            if visit.allows(Scope.CARDS_WRITE):
                button("Edit", lambda: _switch(view, edit))
            if can_phone(visit):
                html(
                    Markup(
                        '<a class="button" href="/phone?number={}" target="_blank">Open the phone'
                        "</a>"
                    ).format(quote(found.phone_number))
                )
    if not visit.allows(Scope.CARDS_WRITE):
        return

    async def save() -> None:
        async def work() -> None:
            changes = msgspec.convert({name: form.text(name) for name in _EDITED}, CustomerChanges)

            def store(connection: Connection, name: str) -> tuple[StoredCustomer, Customer]:
                stored = update_customer(connection, found.customer_id, changes, by=name, at=now())
                return stored, get_customer(connection, found.customer_id)

            stored, after = await visit.write(Scope.CARDS_WRITE, store)
            rewrite(shown, _facts(after))
            for remark in stored.remarks:
                ui.notify(remark, type="warning", position="top", timeout=8000)
            done("Saved.")

        if await form.submit(work):
            _switch(edit, view)

    edit.set_visibility(False)
    with edit:
        with ui.element("div").classes("form"):
            for name in _EDITED:
                label = name.replace("_", " ").capitalize()
                form.add(name, text_field(label, getattr(found, name)))
        form.place_general_error()
        with ui.element("div").classes("bar"):
            button("Cancel", lambda: _switch(edit, view))
            button("Save", save, "primary")


def _card_form(visit: Visit, customer_id: str) -> None:
    form = Form()

    async def add() -> None:
        async def work() -> None:
            number = form.text("card_number")

            def store(connection: Connection, name: str) -> AddedCard:
                return add_card(
                    connection, visit.services.vault, customer_id, number, by=name, at=now()
                )

            added = await visit.write(Scope.CARDS_WRITE, store)
            form.fields["card_number"].value = ""
            for remark in added.remarks:
                ui.notify(remark, type="warning", position="top", timeout=8000)
            done("The card is added." if added.added else "The customer had this card already.")

        await form.submit(work)

    panel = ui.element("section").classes("panel").props('aria-label="Add a card"')
    with panel, ui.element("div").classes("bar"):
        form.add("card_number", text_field("Another card number")).classes("grow")
        button("Add the card", add)


def _switch(hidden: ui.element, visible: ui.element) -> None:
    hidden.set_visibility(False)
    visible.set_visibility(True)


def _history(
    connection: Connection, card_id: str
) -> tuple[Sequence[CardHistoryEntry], dict[str, str]]:
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


def _history_row(entry: CardHistoryEntry, references: dict[str, str]) -> Markup:
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


def _facts(of: Customer) -> Markup:
    return markup.facts(
        (
            ("Salutation", of.salutation or "-"),
            ("First name", of.first_name or "-"),
            ("Last name", of.last_name),
            ("Phone", of.phone_number),
            ("Number since", markup.moment(of.phone_changed_at)),
            ("Number verified", markup.moment(of.phone_verified_at)),
            ("Time zone", of.time_zone),
            ("Language", of.language),
            ("Changed by", of.updated_by),
            ("Changed at", markup.moment(of.updated_at)),
        )
    )


_CASES_HEAD = Markup(
    "<thead><tr><th>Opened</th><th>Case</th><th class=number>Amount</th><th>Merchant</th>"
    "<th>Verdict</th></tr></thead>"
)


def _case_row(case: Case) -> Markup:
    said = case.attributes
    return Markup(
        '<tr><td class="tight">{}</td><td>{}</td><td class="number">{}</td><td>{}</td>'
        "<td>{}</td></tr>"
    ).format(
        markup.moment(case.opened_at),
        markup.link(markup.path("cases", case.case_id), case.reference),
        markup.money(said.get("Amount", ""), said.get("Currency", "")),
        said.get("Merchant") or "-",
        markup.verdict_pill(case.verdict),
    )


def _cases_of(connection: Connection, customer_id: str) -> list[Case]:
    return [
        case
        for card in cards_of(connection, customer_id)
        for case in list_cases(connection, card_id=card.card_id)
    ]
