"""Whether a customer may be contacted: what is in force, what was recorded, and changing it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from markupsafe import Markup
from nicegui import ui

from ringfence.access import Scope
from ringfence.cards.permissions import (
    ContactChannel,
    Permission,
    permission_history,
    record_permission,
)
from ringfence.storage import now
from ringfence.web.console import markup
from ringfence.web.console.dialogs import ask_reason
from ringfence.web.console.layout import button, done, html, rewrite
from ringfence.web.console.visit import Visit

_NAMES = {ContactChannel.VOICE: "Calls", ContactChannel.SMS: "SMS"}


class PermissionPanel:
    """The panel. Buttons only for those who may."""

    def __init__(self, visit: Visit, customer_id: str):
        self._visit = visit
        self._customer_id = customer_id
        self._shown: Sequence[Permission] | None = None
        self._buttons: dict[ContactChannel, tuple[ui.button, ui.button]] = {}
        with ui.element("section").classes("panel flush").props('aria-label="Consent"'):
            html("Consent", "h2")
            if visit.allows(Scope.CARDS_WRITE):
                with ui.element("div").classes("bar"):
                    for channel, name in _NAMES.items():
                        self._buttons[channel] = (
                            button(f"Allow {name}", partial(self._ask, channel, True)),
                            button(f"Stop {name}", partial(self._ask, channel, False)),
                        )
            with ui.element("div").classes("scroll"):
                self._history = html("", "table").props('aria-label="Consent of this customer"')

    async def show(self) -> None:
        """Show what is recorded now."""
        entries = await self._visit.read(
            lambda connection: permission_history(connection, self._customer_id)
        )
        if entries == self._shown:
            return
        self._shown = entries
        in_force = {entry.channel: entry for entry in entries}
        for channel, (allow, stop) in self._buttons.items():
            given = channel in in_force and in_force[channel].given
            allow.set_visibility(not given)
            stop.set_visibility(given)
        rows = Markup("").join(
            _row(each, each == in_force[each.channel]) for each in reversed(entries)
        )
        rewrite(self._history, _HEAD + Markup("<tbody>{}</tbody>").format(rows or _NOTHING))

    def _ask(self, channel: ContactChannel, given: bool) -> None:
        name = _NAMES[channel]

        async def work(reason: str) -> None:
            await self._visit.write(
                Scope.CARDS_WRITE,
                lambda connection, by: record_permission(
                    connection,
                    self._customer_id,
                    channel,
                    given=given,
                    source=reason,
                    by=by,
                    at=now(),
                ),
            )
            done(f"{name} are allowed." if given else f"{name} are stopped.")
            await self.show()

        if given:
            ask_reason(
                f"Allow {name}",
                "Say what the consent rests on, such as a form or a visit.",
                f"Allow {name}",
                work,
                danger=False,
            )
        else:
            ask_reason(
                f"Stop {name}",
                "From now on no case contacts this customer so. Say how they told us.",
                f"Stop {name}",
                work,
                danger=True,
            )


_HEAD = Markup(
    "<thead><tr><th>When</th><th>For</th><th>Consent</th><th>Source</th><th>By</th></tr></thead>"
)
_NOTHING = Markup('<tr><td colspan="5">Nothing is recorded.</td></tr>')


def _row(entry: Permission, in_force: bool) -> Markup:
    tone = ("good" if entry.given else "bad") if in_force else "plain"
    return Markup(
        '<tr><td class="tight">{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>'
    ).format(
        markup.moment(entry.at),
        _NAMES[entry.channel],
        markup.pill("given" if entry.given else "withdrawn", tone),
        entry.source,
        entry.by,
    )
