"""Access keys of AWS clients: make one, copy what the client needs while it is shown, revoke."""

from __future__ import annotations

from markupsafe import Markup
from nicegui import ui
from sqlalchemy import Connection

from ringfence.access import (
    DEFAULT_PERMISSIONS,
    NEEDED_SCOPES,
    AccessKey,
    Scope,
    create_access_key,
    list_access_keys,
    revoke_access_key,
)
from ringfence.errors import InvalidInput
from ringfence.storage import now
from ringfence.web.console import markup
from ringfence.web.console.dialogs import confirm
from ringfence.web.console.forms import Form, text_field
from ringfence.web.console.key_validity import add_lifetime, days_of, expiry, validity
from ringfence.web.console.layout import button, done, empty, html
from ringfence.web.console.tables import actions, row, table
from ringfence.web.console.visit import Visit

_WHATEVER_REGION = "us-east-1"


class AccessKeyPanel:
    """The list of access keys and the form for another."""

    def __init__(self, visit: Visit):
        self._visit = visit
        self._form = Form()
        with ui.element("section").classes("panel flush").props('aria-label="Access keys"'):
            html("Access keys", "h2")
            self._list = ui.element("div")
        with ui.element("section").classes("panel").props('aria-label="New access key"'):
            html("New access key", "h2")
            with ui.element("div").classes("form"):
                self._form.add("name", text_field("Name", hint="Which AWS client signs with it"))
                add_lifetime(self._form)
                self._form.add(
                    "permissions",
                    text_field(
                        "Permissions",
                        " ".join(DEFAULT_PERMISSIONS),
                        hint="As IAM writes them, such as frauddetector:Get*",
                    ),
                ).classes("wide")
            self._form.place_general_error()
            with ui.element("div").classes("bar"):
                button("Make the access key", self._make, "primary")

    async def refresh(self) -> None:
        """Show all access keys as they are now."""
        keys = await self._visit.read(list_access_keys)
        self._list.clear()
        with self._list:
            if not keys:
                empty(
                    "No access key yet",
                    "Make one below for boto3, the AWS CLI or another client of AWS.",
                )
                return
            with table(
                "Name",
                "Id",
                "Permissions",
                "State",
                "Last used",
                "Made",
                "",
                label="Access keys",
                spare="spare-2 spare-3 spare-5 spare-6",
            ):
                for key in keys:
                    self._row(key)

    def _row(self, key: AccessKey) -> None:
        with (
            row(
                Markup("<b>{}</b>").format(key.name),
                Markup("<code>{}</code>").format(key.access_key_id),
                markup.joined(
                    [Markup("<code>{}</code>").format(pattern) for pattern in key.permissions]
                ),
                validity(key.revoked_by, key.expires_at),
                markup.moment(key.last_used_at) if key.last_used_at else "never",
                Markup("{}<br>by {}").format(markup.moment(key.created_at), key.created_by),
            ),
            actions(),
        ):
            if key.revoked_at is None:
                button("Revoke", lambda: self._ask_revoke(key), "danger")

    async def _make(self) -> None:
        async def work() -> None:
            name = self._form.text("name")
            permissions = self._form.text("permissions").replace(",", " ").split()
            days = days_of(self._form)
            beyond = NEEDED_SCOPES - self._visit.principal.scopes
            if beyond:
                raise InvalidInput(
                    f"you do not have {min(beyond)}",
                    field="permissions",
                    expected="a user with " + ", ".join(sorted(NEEDED_SCOPES)),
                )

            vault = self._visit.services.vault

            def make(connection: Connection, by: str) -> tuple[AccessKey, str]:
                at = now()
                return create_access_key(
                    connection, vault, name, permissions, by=by, at=at, expires_at=expiry(days, at)
                )

            key, secret = await self._visit.write(Scope.ACCESS, make)
            self._form.fields["name"].value = ""
            _show_secret(key, secret, self._visit.origin)
            await self.refresh()

        await self._form.submit(work)

    def _ask_revoke(self, key: AccessKey) -> None:
        async def work() -> None:
            await self._visit.write(
                Scope.ACCESS,
                lambda connection, by: revoke_access_key(
                    connection, key.access_key_id, by=by, at=now()
                ),
            )
            done(f"{key.name} is revoked.")
            await self.refresh()

        confirm(
            f"Revoke {key.name}?",
            "Clients that sign with this key are refused at once. It cannot be undone.",
            "Revoke the access key",
            work,
            danger=True,
        )


def _show_secret(key: AccessKey, secret: str, endpoint: str) -> None:
    environment = (
        f"export AWS_ACCESS_KEY_ID={key.access_key_id}\n"
        f"export AWS_SECRET_ACCESS_KEY={secret}\n"
        f"export AWS_DEFAULT_REGION={_WHATEVER_REGION}\n"
        f"export AWS_ENDPOINT_URL_FRAUDDETECTOR={endpoint}"
    )
    with ui.dialog(value=True).props("persistent") as dialog, ui.element("div").classes("sheet"):
        html(f"The access key {key.name}", "h2")
        html("Copy it now: it is shown only this once, and nobody can read it again.", "p")
        _copied("Access key ID", key.access_key_id, "access-key-id")
        _copied("Secret access key", secret, "secret-access-key")
        _copied("For a shell", environment, "environment")
        with ui.element("div").classes("bar"):
            button("I have it", dialog.close, "primary")
    dialog.on("hide", dialog.delete)


def _copied(label: str, text: str, part: str) -> None:
    def copy() -> None:
        ui.clipboard.write(text)
        done("Copied.")

    with ui.element("div").classes("secret"):
        html(label, "h3")
        button("Copy", copy).props(f'aria-label="Copy: {label}"')
        html(text, "pre").classes("token").props(f'data-part="{part}"')
