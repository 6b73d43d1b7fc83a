"""Live: decisions as they are made, and how things stand."""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import datetime

from markupsafe import Markup
from nicegui import ui

from ringfence.access import Scope
from ringfence.detectors import list_outcomes
from ringfence.storage import now
from ringfence.web.console import markup
from ringfence.web.console.forms import choice_field
from ringfence.web.console.layout import button, console_page, empty, every, heading, html, rewrite
from ringfence.web.console.queries import FeedRow, Totals, feed, totals
from ringfence.web.console.visit import Visit

_SHOWN = 60
_SEARCHED = 2000
_ANY = "any outcome"


@console_page("/", title="Live", section="live", scope=Scope.CASES_READ)
async def live(visit: Visit) -> None:
    """The page."""
    heading("Live", "Decisions as they are made. Times are UTC.")
    counts = html("").classes("totals")
    outcomes = await visit.read(list_outcomes)
    page = _Feed(visit, counts, [_ANY, *outcomes, "none"])
    page.show_totals(await visit.read(lambda connection: totals(connection, now())))
    every(visit, 0.7, page.refresh)
    every(visit, 2.0, page.count)


class _Feed:
    """The table of decisions, which takes in new ones at the top."""

    def __init__(self, visit: Visit, counts: ui.html, outcomes: list[str]):
        self._visit = visit
        self._counts = counts
        self._rows: deque[ui.html] = deque()
        self._newest: datetime | None = None
        self._seen: set[tuple[str, str]] = set()
        self._paused = False
        self._waiting = 0
        self._lock = asyncio.Lock()
        with ui.element("section").classes("panel flush").props('aria-label="Decisions"'):
            with ui.element("div").classes("filters"):
                self._outcome = choice_field("Outcome", outcomes, _ANY)
                self._least = ui.number("Least score", min=0, max=1000, step=50, value=0)
                self._least.props("outlined dense")
                self._note = html("", "span").classes("soft").props('role="status"')
                self._pause = button("Pause", self._toggle).classes("push")
                self._pause.props('aria-pressed="false"')
            with (
                ui.element("div").classes("scroll"),
                ui.element("table").classes("spare-2 spare-6"),
            ):
                html(_HEAD, "thead")
                self._body = ui.element("tbody")
            self._empty = empty(
                "No decisions yet",
                Markup(
                    "Send one to <code>POST /v1/transactions</code>, as "
                    '<a href="/docs">the API</a> describes, once a detector is active. '
                    "<code>ringfence demo</code> shows the whole way by itself."
                ),
            )
            self._none_match = empty(
                "No decision matches",
                f"Looked at the latest {_SEARCHED:,} decisions. Widen the filter to see more.",
            )
            self._none_match.set_visibility(False)
        self._outcome.on_value_change(self._refill)
        self._least.on_value_change(self._refill)

    async def refresh(self) -> None:
        """Take in what is new."""
        async with self._lock:
            since = self._newest
            rows = await self._visit.read(lambda connection: feed(connection, since, _SEARCHED))
            fresh = [row for row in rows if row.key not in self._seen]
            if self._paused:
                self._waiting = len(fresh)
                rewrite(self._note, f"paused; {self._waiting} new" if fresh else "paused")
                return
            first_load = since is None
            if rows:
                self._newest = rows[0].decided_at
                self._seen = {row.key for row in rows}
                self._empty.set_visibility(False)
            matching = [row for row in fresh if self._matches(row)][:_SHOWN]
            for row in reversed(matching):
                self._add(row, fresh=not first_load)
            if first_load:
                self._none_match.set_visibility(bool(rows) and not matching)
            elif matching:
                self._none_match.set_visibility(False)

    async def count(self) -> None:
        """Bring the totals up to date."""
        self.show_totals(await self._visit.read(lambda connection: totals(connection, now())))

    def show_totals(self, of: Totals) -> None:
        """Show how things stand."""
        rewrite(
            self._counts,
            markup.joined(
                (
                    _total(of.last_minute, "decisions this minute"),
                    _total(of.open_cases, "open cases"),
                    _total(of.for_analyst, "for an analyst", alert=of.for_analyst > 0),
                    _total(of.held, "cards held"),
                    _total(of.blocked, "cards blocked"),
                )
            ),
        )

    def _add(self, row: FeedRow, *, fresh: bool) -> None:
        with self._body:
            made = html(_cells(row), "tr")
        if fresh:
            made.classes("fresh")
        made.move(target_index=0)
        self._rows.appendleft(made)
        while len(self._rows) > _SHOWN:
            self._rows.pop().delete()

    def _matches(self, row: FeedRow) -> bool:
        wanted = self._outcome.value
        if wanted == "none" and row.outcomes:
            return False
        if wanted not in (_ANY, "none", None) and wanted not in row.outcomes:
            return False
        return not self._least.value or (row.score or 0) >= self._least.value

    async def _refill(self) -> None:
        self._visit.active()
        async with self._lock:
            self._body.clear()
            self._rows.clear()
            self._newest, self._seen = None, set()
        await self.refresh()

    async def _toggle(self) -> None:
        self._paused = not self._paused
        self._pause.text = "Go on" if self._paused else "Pause"
        self._pause.props(f'aria-pressed="{str(self._paused).lower()}"')
        rewrite(self._note, "paused" if self._paused else "")
        if not self._paused:
            await self.refresh()


_HEAD = Markup(
    "<tr><th>Time</th><th>Event</th><th class=number>Amount</th><th>Merchant</th><th>Score</th>"
    "<th>Rule</th><th>Outcome</th><th>Case</th></tr>"
)


def _cells(row: FeedRow) -> Markup:
    case = (
        markup.link(markup.path("cases", row.case_id), row.reference)
        if row.case_id
        else Markup('<span class="soft" title="{}">{}</span>').format(
            row.note, "none, see note" if row.note.startswith("no case") else ""
        )
    )
    outcomes = markup.joined(
        markup.outcome_pill(outcome, row.case_id is not None) for outcome in row.outcomes
    )
    return Markup(
        '<td class="tight">{}</td><td><span class="clip short mono" title="{}">{}</span></td>'
        '<td class="number">{}</td><td><span class="clip">{}</span></td><td>{}</td>'
        '<td><span class="clip">{}</span></td><td>{}</td><td class="tight">{}</td>'
    ).format(
        markup.clock(row.decided_at),
        row.event_id,
        row.event_id,
        markup.money(row.amount, row.currency),
        row.merchant or "-",
        markup.score_bar(row.score),
        ", ".join(row.rules) or "none matched",
        outcomes or Markup('<span class="soft">none</span>'),
        case,
    )


def _total(count: int, what: str, *, alert: bool = False) -> Markup:
    return Markup('<div class="total{}"><b>{}</b><span>{}</span></div>').format(
        " alert" if alert else "", f"{count:,}", what
    )
