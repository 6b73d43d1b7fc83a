"""API keys: make one, copy its token while it is shown, revoke."""

from __future__ import annotations

from markupsafe import Markup
from nicegui import ui
from sqlalchemy import Connection

from ringfence.access import ApiKey, Scope, list_keys
from ringfence.errors import InvalidInput
from ringfence.storage import now
from ringfence.web.console import markup
from ringfence.web.console.dialogs import confirm
from ringfence.web.console.forms import Form, choice_field, text_field
from ringfence.web.console.key_validity import add_lifetime, days_of, expiry, validity
from ringfence.web.console.layout import button, done, empty, html
from ringfence.web.console.tables import actions, row, table
from ringfence.web.console.visit import Visit


class KeyPanel:
    """The list of keys and the form for another."""

    def __init__(self, visit: Visit):
        self._visit = visit
        self._form = Form()
        with ui.element("section").classes("panel flush").props('aria-label="API keys"'):
            html("API keys", "h2")
            self._list = ui.element("div")
        with ui.element("section").classes("panel").props('aria-label="New API key"'):
            html("New API key", "h2")
            with ui.element("div").classes("form"):
                self._form.add("name", text_field("Name", hint="Which program uses it"))
                add_lifetime(self._form)
                self._form.add(
                    "scopes",
                    choice_field(
                        "Scopes",
                        [scope.value for scope in Scope if visit.allows(scope)],
                        [Scope.DECISIONS.value],
                        several=True,
                    ),
                ).classes("wide")
            self._form.place_general_error()
            with ui.element("div").classes("bar"):
                button("Make the key", self._make, "primary")

    async def refresh(self) -> None:
        """Show all keys as they are now."""
        keys = await self._visit.read(list_keys)
        self._list.clear()
        with self._list:
            if not keys:
                empty("No API key yet", "Make one below for the program that sends events.")
                return
            with table(
                "Name",
                "Id",
                "Scopes",
                "State",
                "Made",
                "By",
                "",
                label="API keys",
                spare="spare-2 spare-3 spare-5 spare-6",
            ):
                for key in keys:
                    self._row(key)

    def _row(self, key: ApiKey) -> None:
        scopes = "everything" if set(key.scopes) == set(Scope) else ", ".join(key.scopes)
        with (
            row(
                Markup("<b>{}</b>").format(key.name),
                Markup("<code>{}</code>").format(key.key_id),
                scopes,
                validity(key.revoked_by, key.expires_at),
                markup.moment(key.created_at),
                key.created_by,
            ),
            actions(),
        ):
            if key.revoked_at is None:
                button("Revoke", lambda: self._ask_revoke(key), "danger")

    async def _make(self) -> None:
        async def work() -> None:
            name = self._form.text("name")
            scopes = frozenset(Scope(value) for value in self._form.fields["scopes"].value or ())
            days = days_of(self._form)
            beyond = scopes - self._visit.principal.scopes
            if beyond:
                raise InvalidInput(
                    f"you do not have {min(beyond)}", field="scopes", expected="your own scopes"
                )

            keys = self._visit.services.keys

            def make(connection: Connection, by: str) -> tuple[ApiKey, str]:
                at = now()
                return keys.create_key(
                    connection, name, scopes, by=by, at=at, expires_at=expiry(days, at)
                )

            key, token = await self._visit.write(Scope.ACCESS, make)
            self._form.fields["name"].value = ""
            _show_token(key, token)
            await self.refresh()

        await self._form.submit(work)

    def _ask_revoke(self, key: ApiKey) -> None:
        async def work() -> None:
            await self._visit.write(
                Scope.ACCESS,
                lambda connection, by: self._visit.services.keys.revoke_key(
                    connection, key.key_id, by=by, at=now()
                ),
            )
            done(f"{key.name} is revoked.")
            await self.refresh()

        confirm(
            f"Revoke {key.name}?",
            "Programs that use this key are refused at once. It cannot be undone.",
            "Revoke the key",
            work,
            danger=True,
        )


def _show_token(key: ApiKey, token: str) -> None:
    with ui.dialog(value=True).props("persistent") as dialog, ui.element("div").classes("sheet"):
        html(f"The key {key.name}", "h2")
        html("Copy it now: it is shown only this once, and nobody can read it again.", "p")
        html(token, "div").classes("token").props('data-part="token"')
        with ui.element("div").classes("bar"):

            def copy() -> None:
                ui.clipboard.write(token)
                done("Copied.")

            button("Copy", copy)
            button("I have it", dialog.close, "primary")
    dialog.on("hide", dialog.delete)
