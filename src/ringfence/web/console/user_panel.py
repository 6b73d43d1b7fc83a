"""Users: take in, change the role, give a new password, shut out."""

from __future__ import annotations

from markupsafe import Markup
from nicegui import ui
from sqlalchemy import Connection

from ringfence.access import (
    Role,
    Scope,
    User,
    create_user,
    disable_user,
    enable_user,
    list_users,
    set_password,
    set_role,
)
from ringfence.storage import now
from ringfence.web.console import markup
from ringfence.web.console.dialogs import confirm
from ringfence.web.console.forms import Form, choice_field, text_field
from ringfence.web.console.layout import attempt, button, done, html
from ringfence.web.console.tables import actions, row, table
from ringfence.web.console.visit import Visit

_ROLES = {
    Role.VIEWER.value: "viewer: sees everything",
    Role.ANALYST.value: "analyst: also settles cases and blocks cards",
    Role.ADMIN.value: "admin: may do everything",
}


class UserPanel:
    """The list of users and the form for another."""

    def __init__(self, visit: Visit):
        self._visit = visit
        self._form = Form()
        with ui.element("section").classes("panel flush").props('aria-label="Users"'):
            html("Users", "h2")
            self._list = ui.element("div")
        with ui.element("section").classes("panel").props('aria-label="New user"'):
            html("New user", "h2")
            with ui.element("div").classes("form"):
                self._form.add("name", text_field("Name", hint="As they sign in"))
                self._form.add(
                    "password",
                    text_field("Password", hint="At least 12 characters", kind="password"),
                )
                self._form.add("role", choice_field("Role", _ROLES, Role.VIEWER.value))
            self._form.place_general_error()
            with ui.element("div").classes("bar"):
                button("Add the user", self._add, "primary")

    async def refresh(self) -> None:
        """Show all users as they are now."""
        users = await self._visit.read(list_users)
        self._list.clear()
        with (
            self._list,
            table(
                "Name",
                "Role",
                "State",
                "Last signed in",
                "Made by",
                "",
                label="Users",
                spare="spare-3 spare-4 spare-5",
            ),
        ):
            for user in users:
                self._row(user)

    def _row(self, user: User) -> None:
        own = user.name == self._visit.principal.name
        state = (
            markup.pill("shut out", "bad") if user.disabled else markup.pill("may sign in", "good")
        )
        with (
            row(
                Markup("<b>{}</b>{}").format(user.name, " (you)" if own else ""),
                user.role.value,
                state,
                markup.moment(user.signed_in_at),
                user.created_by,
            ),
            actions(),
        ):
            button("Role", lambda: self._ask_role(user))
            button("Password", lambda: self._ask_password(user))
            if user.disabled:
                button("Let in", lambda: self._enable(user))
            elif not own:
                button("Shut out", lambda: self._ask_disable(user), "danger")

    async def _add(self) -> None:
        async def work() -> None:
            name, role = self._form.text("name"), Role(self._form.fields["role"].value)
            password = str(self._form.fields["password"].value or "")

            def make(connection: Connection, by: str) -> User:
                return create_user(connection, name, password, role, by=by, at=now())

            user = await self._visit.write(Scope.ACCESS, make)
            self._form.fields["name"].value = self._form.fields["password"].value = ""
            done(f"{user.name} may sign in.")
            await self.refresh()

        await self._form.submit(work)

    def _ask_role(self, user: User) -> None:
        form = Form()
        with ui.dialog(value=True) as dialog, ui.element("div").classes("sheet"):
            html(f"Role of {user.name}", "h2")
            html("Open sessions end; the person signs in again.", "p").classes("soft")
            form.add("role", choice_field("Role", _ROLES, user.role.value))
            form.place_general_error()

            async def save() -> None:
                role = Role(form.fields["role"].value)

                async def work() -> None:
                    await self._visit.write(
                        Scope.ACCESS,
                        lambda connection, by: set_role(
                            connection, user.name, role, by=by, at=now()
                        ),
                    )

                if await form.submit(work):
                    await self._changed(dialog, f"{user.name} is {role.value}.")

            _close_or(dialog, "Save", save)

    def _ask_password(self, user: User) -> None:
        form = Form()
        with ui.dialog(value=True) as dialog, ui.element("div").classes("sheet"):
            html(f"New password of {user.name}", "h2")
            html("Open sessions end; the person signs in again.", "p").classes("soft")
            form.add(
                "password", text_field("Password", hint="At least 12 characters", kind="password")
            )
            form.place_general_error()

            async def save() -> None:
                password = str(form.fields["password"].value or "")

                async def work() -> None:
                    await self._visit.write(
                        Scope.ACCESS,
                        lambda connection, by: set_password(
                            connection, user.name, password, by=by, at=now()
                        ),
                    )

                if await form.submit(work):
                    await self._changed(dialog, f"{user.name} has a new password.")

            _close_or(dialog, "Save", save)

    def _ask_disable(self, user: User) -> None:
        async def work() -> None:
            await self._visit.write(
                Scope.ACCESS,
                lambda connection, by: disable_user(connection, user.name, by=by, at=now()),
            )
            await self.refresh()

        confirm(
            f"Shut {user.name} out?",
            "Open sessions end at once, and the person cannot sign in until you let them in again.",
            "Shut out",
            work,
            danger=True,
        )

    async def _enable(self, user: User) -> None:
        async def work() -> None:
            await self._visit.write(
                Scope.ACCESS,
                lambda connection, by: enable_user(connection, user.name, by=by, at=now()),
            )
            await self.refresh()

        await attempt(work)

    async def _changed(self, dialog: ui.dialog, text: str) -> None:
        dialog.close()
        done(text)
        await attempt(self.refresh)


def _close_or(dialog: ui.dialog, action: str, go: object) -> None:
    with ui.element("div").classes("bar"):
        button("Cancel", dialog.close)
        button(action, go, "primary")  # type: ignore[arg-type]
    dialog.on("hide", dialog.delete)
