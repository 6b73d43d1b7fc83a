"""Customers: find one, take one in."""

from __future__ import annotations

import msgspec
from markupsafe import Markup
from nicegui import ui
from sqlalchemy import Connection

from ringfence.access import Scope
from ringfence.cards import (
    Card,
    Customer,
    StoredCustomer,
    list_customers,
    read_customers,
    store_customers,
)
from ringfence.storage import now
from ringfence.web.console import markup
from ringfence.web.console.forms import Form, text_field
from ringfence.web.console.layout import button, console_page, empty, heading, html, rewrite
from ringfence.web.console.queries import customers_with_cards
from ringfence.web.console.visit import Visit

_PAGE = 50


@console_page("/customers", title="Customers", section="customers", scope=Scope.CARDS_READ)
async def customers(visit: Visit) -> None:
    """The page."""
    heading("Customers", "Cardholders and the state of their cards.")
    page = _Customers(visit)
    await page.search()


@console_page("/new-customer", title="New customer", section="customers", scope=Scope.CARDS_WRITE)
async def new_customer(visit: Visit) -> None:
    """The page with the form."""
    heading("New customer", "The card number is sealed at once; only its last four digits show.")
    form = Form()
    spoken = visit.services.settings.customer_language
    with ui.element("section").classes("panel"):
        with ui.element("div").classes("form"):
            form.add("customer_id", text_field("Customer id", hint="As your events name them"))
            form.add("card_number", text_field("Card number", hint="12 to 19 digits"))
            form.add("salutation", text_field("Salutation", hint="As the call says it: Mrs, Mr"))
            form.add("first_name", text_field("First name"))
            form.add("last_name", text_field("Last name"))
            form.add("phone_number", text_field("Phone number", hint="With country code: +49 30 …"))
            form.add("time_zone", text_field("Time zone", hint="Empty: that of the phone number"))
            form.add("language", text_field("Language", hint=f"Empty: {spoken}"))
        form.place_general_error()
        with ui.element("div").classes("bar"):
            html(Markup('<a class="button" href="/customers">Cancel</a>'))
            button("Add the customer", lambda: _add(visit, form), "primary")


class _Customers:
    """The list, searched while one types."""

    def __init__(self, visit: Visit):
        self._visit = visit
        self._found: list[tuple[Customer, list[Card]]] = []
        with ui.element("section").classes("panel flush").props('aria-label="Customers"'):
            with ui.element("div").classes("filters"):
                self._search = ui.input(
                    "Search id, name, phone, last four", value=visit.query.get("search", "")
                ).classes("broad")
                self._search.props('outlined dense clearable debounce="200" type="search"')
                self._search.on_value_change(self.search)
                if visit.allows(Scope.CARDS_WRITE):
                    html(
                        Markup('<a class="button primary" href="/new-customer">Add a customer</a>')
                    ).classes("push")
            with ui.element("div").classes("scroll"):
                self._table = (
                    html("", "table").classes("spare-4 spare-5").props('aria-label="Customers"')
                )
            self._nobody = empty(
                "No customer yet",
                Markup("Add one here, or load many: <code>ringfence customers add FILE</code>."),
            )
            self._no_match = empty("No customer matches", "Try a part of the name or of the id.")
            self._more = ui.element("div").classes("bar")
            with self._more:
                button("Show more", self._show_more)

    async def search(self) -> None:
        """Find from the start."""
        self._visit.active()
        self._found = []
        await self._show_more()

    async def _show_more(self) -> None:
        text = str(self._search.value or "").strip()
        after = self._found[-1][0].customer_id if self._found else None

        def find(connection: Connection) -> list[tuple[Customer, list[Card]]]:
            page = list_customers(connection, search=text, limit=_PAGE, after=after)
            return [(of, list(cards)) for of, cards in customers_with_cards(connection, page)]

        page = await self._visit.read(find)
        if text != str(self._search.value or "").strip():
            return
        self._found += page
        rows = Markup("").join(_row(customer, cards) for customer, cards in self._found)
        rewrite(self._table, _HEAD + Markup("<tbody>{}</tbody>").format(rows))
        self._table.set_visibility(bool(self._found))
        self._nobody.set_visibility(not self._found and not text)
        self._no_match.set_visibility(not self._found and bool(text))
        self._more.set_visibility(len(page) == _PAGE)


async def _add(visit: Visit, form: Form) -> None:
    async def work() -> None:
        told = {name: form.text(name) for name in form.fields if form.text(name)}
        for name in ("customer_id", "phone_number", "last_name"):
            told.setdefault(name, "")
        documents = read_customers(msgspec.json.encode(told))

        def store(connection: Connection, name: str) -> list[StoredCustomer]:
            return store_customers(
                connection,
                visit.services.vault,
                documents,
                by=name,
                at=now(),
                language=visit.services.settings.customer_language,
            )

        stored = await visit.write(Scope.CARDS_WRITE, store)
        form.fields["card_number"].value = ""
        for remark in stored[0].remarks:
            ui.notify(remark, type="warning", position="top", timeout=8000)
        ui.navigate.to(markup.path("customers", stored[0].customer_id))

    await form.submit(work)


_HEAD = Markup(
    "<thead><tr><th>Customer</th><th>Name</th><th>Phone</th><th>Language</th><th>Time zone</th>"
    "<th>Cards</th></tr></thead>"
)


def _row(customer: Customer, cards: list[Card]) -> Markup:
    name = " ".join(
        part for part in (customer.salutation, customer.first_name, customer.last_name) if part
    )
    shown = markup.joined(
        Markup('<span class="tight">{} {}</span>').format(
            markup.last_four(card.last4), markup.card_state(card.state)
        )
        for card in cards
    )
    return Markup(
        '<tr><td class="mono">{}</td><td>{}</td><td class="tight">{}</td><td>{}</td><td>{}</td>'
        "<td>{}</td></tr>"
    ).format(
        markup.link(markup.path("customers", customer.customer_id), customer.customer_id),
        name,
        customer.phone_number,
        customer.language,
        customer.time_zone,
        shown or Markup('<span class="soft">none</span>'),
    )
