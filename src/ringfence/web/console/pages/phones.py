"""Phone: open the browser phone of a cardholder, to take the call that a case makes."""

from __future__ import annotations

from urllib.parse import quote

from markupsafe import Markup
from nicegui import ui

from ringfence.access import Scope
from ringfence.cards import Customer, list_customers
from ringfence.web.console.layout import button, console_page, empty, heading, html, rewrite
from ringfence.web.console.visit import Visit

_LISTED = 200


@console_page("/phones", title="Phone", section="phones", scope=Scope.PHONES)
async def phones(visit: Visit) -> None:
    """The page."""
    heading("Phone", "A phone in the browser, on which you hear what a cardholder would hear.")
    customers: list[Customer] = []
    if visit.allows(Scope.CARDS_READ):
        customers = list(
            await visit.read(lambda connection: list_customers(connection, limit=_LISTED))
        )
    numbers = {of.phone_number: _name(of) for of in customers}
    first = visit.query.get("number") or next(iter(numbers), "")
    with ui.element("section").classes("panel").props('aria-label="Open a phone"'):
        if not numbers:
            empty(
                "No customer yet",
                Markup('Any number will do; <a href="/new-customer">add a customer</a> to be rung'),
            )
        number = ui.input("Phone number", value=first, autocomplete=list(numbers)).props(
            'outlined dense type="tel" autocomplete="off"'
        )
        whose = html("", "p").classes("soft")

        def open_phone() -> None:
            visit.active()
            ui.navigate.to(f"/phone?number={quote(str(number.value or '').strip())}", new_tab=True)

        def show() -> None:
            rewrite(whose, numbers.get(str(number.value or "").strip(), ""))

        number.on_value_change(show)
        number.on("keydown.enter", open_phone)
        with ui.element("div").classes("bar"):
            button("Open the phone", open_phone, "primary")
        show()
    if numbers:
        with ui.element("section").classes("panel flush"):
            rows = Markup("").join(
                Markup(
                    '<tr><td class="tight">{}</td><td>{}</td><td class="tight">'
                    '<a href="/phone?number={}" target="_blank">Open</a></td></tr>'
                ).format(phone, name, quote(phone))
                for phone, name in numbers.items()
            )
            with ui.element("div").classes("scroll"):
                html(
                    Markup(
                        "<thead><tr><th>Number</th><th>Customer</th><th></th></tr></thead>"
                        "<tbody>{}</tbody>"
                    ).format(rows),
                    "table",
                ).props('aria-label="Phone numbers of customers"')


def _name(of: Customer) -> str:
    name = " ".join(part for part in (of.salutation, of.first_name, of.last_name) if part)
    return f"{name} ({of.customer_id})"
