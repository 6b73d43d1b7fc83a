"""Cases: those that are open, those that wait for an analyst, all."""

from __future__ import annotations

from markupsafe import Markup
from nicegui import ui
from sqlalchemy import Connection

from ringfence.access import Scope
from ringfence.cards import Card, get_card
from ringfence.cases import Case, list_cases
from ringfence.errors import NotFound
from ringfence.web.console import markup
from ringfence.web.console.layout import console_page, empty, every, heading, html, rewrite
from ringfence.web.console.visit import Visit

_LIMIT = 200
_VIEWS = (
    ("open", "Open", "No open case", "A case opens when a rule's outcome has a contact plan."),
    (
        "analyst",
        "For an analyst",
        "Nothing waits for an analyst",
        "Cases come here when the cardholder was not reached or gave no answer.",
    ),
    ("all", "All", "No case yet", "A case opens when a rule's outcome has a contact plan."),
)


@console_page("/cases", title="Cases", section="cases", scope=Scope.CASES_READ)
async def cases(visit: Visit) -> None:
    """The page."""
    chosen = visit.query.get("view", "open")
    view = next((view for view in _VIEWS if view[0] == chosen), _VIEWS[0])
    heading("Cases", "One suspicion about one card, from outcome to verdict. Times are UTC.")
    with ui.element("section").classes("panel flush"):
        tabs = Markup("").join(
            Markup('<a href="/cases?view={}"{}>{}</a>').format(
                name, Markup(' aria-current="page"') if name == view[0] else "", label
            )
            for name, label, _, _ in _VIEWS
        )
        with ui.element("div").classes("filters"):
            html(tabs, "nav").classes("tabs").props('aria-label="Which cases"')
        with ui.element("div").classes("scroll"):
            table = html("", "table").classes("spare-6 spare-7 spare-9").props('aria-label="Cases"')
        nothing = empty(view[2], view[3])

    async def refresh() -> None:
        rows = await visit.read(lambda connection: _rows(connection, view[0]))
        table.set_visibility(bool(rows))
        nothing.set_visibility(not rows)
        rewrite(table, _HEAD + Markup("<tbody>{}</tbody>").format(Markup("").join(rows)))

    await refresh()
    every(visit, 1.0, refresh)


_HEAD = Markup(
    "<thead><tr><th>Opened</th><th>Case</th><th>Customer</th><th>Card</th><th class=number>Amount"
    "</th><th>Merchant</th><th>Outcome</th><th>Verdict</th><th>By</th></tr></thead>"
)


def _rows(connection: Connection, view: str) -> list[Markup]:
    found = list_cases(
        connection, open_only=view == "open", for_analyst=view == "analyst", limit=_LIMIT
    )
    return [_row(case, _card(connection, case.card_id)) for case in found]


def _card(connection: Connection, card_id: str) -> Card | None:
    try:
        return get_card(connection, card_id)
    except NotFound:
        return None


def _row(case: Case, card: Card | None) -> Markup:
    said = case.attributes
    return Markup(
        '<tr><td class="tight">{}</td><td class="tight"><b>{}</b></td><td>{}</td>'
        '<td class="tight">{} {}</td><td class="number">{}</td>'
        '<td><span class="clip">{}</span></td><td>{}</td><td>{}{}</td><td>{}</td></tr>'
    ).format(
        markup.moment(case.opened_at),
        markup.link(markup.path("cases", case.case_id), case.reference),
        markup.link(
            markup.path("customers", case.customer_id),
            f"{said.get('Salutation', '')} {said.get('Name', '')}".strip() or case.customer_id,
        ),
        markup.last_four(said.get("CardNo", "")),
        markup.card_state(card.state) if card else "",
        markup.money(said.get("Amount", ""), said.get("Currency", "")),
        said.get("Merchant") or "-",
        ", ".join(case.outcomes).replace("_", " "),
        markup.verdict_pill(case.verdict),
        Markup(" {}").format(markup.pill("analyst", "warn")) if case.for_analyst else "",
        case.verdict_by or "",
    )
