"""Questions before something is changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui import ui

from ringfence.errors import InvalidInput
from ringfence.web.console.forms import Form, text_field
from ringfence.web.console.layout import attempt, button, html


def confirm(
    title: str, text: object, action: str, work: Callable[[], Awaitable[None]], *, danger: bool
) -> None:
    """Ask before doing `work`."""
    with _dialog(title) as dialog, _sheet(title):
        html(text, "p")

        async def go() -> None:
            if await attempt(work):
                dialog.close()

        _buttons(dialog, action, go, danger=danger)
    dialog.on("hide", dialog.delete)


def ask_reason(
    title: str,
    text: object,
    action: str,
    work: Callable[[str], Awaitable[None]],
    *,
    danger: bool,
) -> None:
    """Ask why before doing `work(reason)`."""
    form = Form()
    with _dialog(title) as dialog, _sheet(title):
        html(text, "p")
        reason = form.add("reason", text_field("Reason", hint="Kept with the change"))
        reason.props("autofocus maxlength=300")

        async def go() -> None:
            async def checked() -> None:
                if not form.text("reason"):
                    raise InvalidInput("empty", field="reason", expected="why, in a few words")
                await work(form.text("reason"))

            if await form.submit(checked):
                dialog.close()

        reason.on("keydown.enter", go)
        _buttons(dialog, action, go, danger=danger)
    dialog.on("hide", dialog.delete)


def ask_text(
    title: str,
    text: object,
    label: str,
    action: str,
    work: Callable[[str], Awaitable[None]],
    *,
    field: str,
    hint: str = "",
) -> None:
    """Ask for a line of text before doing `work(line)`; `field` is what its errors name."""
    form = Form()
    with _dialog(title) as dialog, _sheet(title):
        html(text, "p")
        line = form.add(field, text_field(label, hint=hint))
        line.props("autofocus maxlength=256")
        form.place_general_error()

        async def go() -> None:
            async def checked() -> None:
                if not form.text(field):
                    raise InvalidInput("empty", field=field, expected=label.lower())
                await work(form.text(field))

            if await form.submit(checked):
                dialog.close()

        line.on("keydown.enter", go)
        _buttons(dialog, action, go, danger=False)
    dialog.on("hide", dialog.delete)


def _dialog(title: str) -> ui.dialog:
    # Not where the question arises: a row of a table goes as soon as the table is filled anew.
    with ui.context.client.content:
        dialog = ui.dialog(value=True)
    dialog.props["aria-label"] = title
    return dialog


def _sheet(title: str) -> ui.element:
    sheet = ui.element("div").classes("sheet")
    with sheet:
        html(title, "h2")
    return sheet


def _buttons(
    dialog: ui.dialog, action: str, go: Callable[[], Awaitable[None]], *, danger: bool
) -> None:
    with ui.element("div").classes("bar"):
        button("Cancel", dialog.close)
        button(action, go, "danger solid" if danger else "primary")
