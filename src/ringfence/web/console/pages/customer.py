"""One customer: what we know, the cards, and what has happened to them."""

from __future__ import annotations

from urllib.parse import quote

import msgspec
from markupsafe import Markup
from nicegui import ui
from sqlalchemy import Connection

from ringfence.access import Scope
from ringfence.cards import (
    AddedCard,
    Customer,
    CustomerChanges,
    PendingWrite,
    StoredCustomer,
    add_card,
    cards_of,
    get_customer,
    pending_write,
    update_customer,
)
from ringfence.cases import Case, list_cases
from ringfence.storage import now
from ringfence.web.console import markup
from ringfence.web.console.card_panel import CardPanel
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
from ringfence.web.console.permission_panel import PermissionPanel
from ringfence.web.console.queries import can_phone
from ringfence.web.console.visit import Visit

_EDITED = ("salutation", "first_name", "last_name", "phone_number", "time_zone", "language")


@console_page(
    "/customers/{customer_id}", title="Customer", section="customers", scope=Scope.CARDS_READ
)
async def customer(visit: Visit) -> None:
    """The page."""
    customer_id = visit.path["customer_id"]
    await visit.services.customers.refresh(customer_id)
    found = await visit.read(lambda connection: get_customer(connection, customer_id))
    heading(f"{found.first_name} {found.last_name}".strip(), f"Customer {customer_id}")
    with ui.element("div").classes("columns lead"):
        with ui.element("section").classes("panel").props('aria-label="Details"'):
            _details(visit, found)
            waiting = html("")
        with ui.element("div").classes("stack"):
            shown: dict[str, CardPanel] = {}
            place = ui.element("div").classes("stack")
            with ui.element("section").classes("panel flush") as cases_panel:
                html("Cases", "h2")
                with ui.element("div").classes("scroll"):
                    cases = html("", "table").props('aria-label="Cases of this customer"')
            nothing = empty("No card yet", "Events of this customer need a card to be decided on.")
            if visit.allows(Scope.CARDS_WRITE):
                _card_form(visit, customer_id)
            consent = PermissionPanel(visit, customer_id)

    async def refresh() -> None:
        await visit.services.customers.refresh(customer_id)
        now_there, opened, write = await visit.read(
            lambda connection: (
                cards_of(connection, customer_id),
                _cases_of(connection, customer_id),
                pending_write(connection, customer_id),
            )
        )
        rewrite(waiting, _waiting(write))
        cases_panel.set_visibility(bool(opened))
        rows = Markup("").join(_case_row(case) for case in opened)
        rewrite(cases, _CASES_HEAD + Markup("<tbody>{}</tbody>").format(rows))
        nothing.set_visibility(not now_there)
        for card in now_there:
            if card.card_id not in shown:
                with place:
                    shown[card.card_id] = CardPanel(visit, card)
            await shown[card.card_id].show(card)
        await consent.show()

    await refresh()
    every(visit, 1.0, refresh)


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


def _waiting(write: PendingWrite | None) -> Markup:
    """What the table that customers are mastered in has not taken at the first try."""
    if write is None or not write.tries:
        return Markup("")
    return Markup("<p>{} <span class=soft>{}</span></p>").format(
        markup.pill("waits for the customer table", "warn"), write.failure or ""
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
