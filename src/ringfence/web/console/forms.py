"""Forms: what was wrong is said at the field where it stands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from nicegui import ui
from nicegui.elements.mixins.validation_element import ValidationElement

from ringfence.errors import RingfenceError, Unauthenticated
from ringfence.web.console.layout import attempt, html

Field = ValidationElement[Any]


def text_field(label: str, value: str = "", hint: str = "", *, kind: str = "text") -> ui.input:
    """A field for a line of text. `kind` is an input type such as `password`."""
    made = ui.input(label, value=value)
    made.props(f'outlined dense type="{kind}" autocomplete="{_autocomplete(kind)}"')
    if hint:
        made.props["hint"] = hint
    return made


def choice_field(
    label: str, options: Mapping[str, str] | list[str], value: Any, *, several: bool = False
) -> ui.select:
    """A field for one of `options`, or for several."""
    shown = options if isinstance(options, list) else dict(options)
    made = ui.select(shown, label=label, value=value, multiple=several)
    return made.props("outlined dense options-dense" + (" use-chips" if several else ""))


class Form:
    """Named fields, and a line for what is wrong with none of them in particular."""

    def __init__(self) -> None:
        self.fields: dict[str, Field] = {}
        self._general: ui.html | None = None

    def add(self, name: str, field: Any) -> Any:
        """Name a field as the errors name it."""
        self.fields[name] = field
        return field

    def place_general_error(self) -> None:
        """Where an error goes that names no field of this form."""
        self._general = html("", "p").classes("error").props('role="alert"')
        self._general.set_visibility(False)

    def text(self, name: str) -> str:
        """What was typed, without blanks around it."""
        return str(self.fields[name].value or "").strip()

    async def submit(self, work: Callable[[], Awaitable[None]]) -> bool:
        """Do `work`; when it fails, say so at the field. Returns whether it went well."""
        for field in self.fields.values():
            field.error = None
        if self._general is not None:
            self._general.set_visibility(False)

        async def marked() -> None:
            try:
                await work()
            except Unauthenticated:
                raise
            except RingfenceError as error:
                if not self._mark(error):
                    raise

        before = self._errors()
        return await attempt(marked) and self._errors() == before == 0

    def _errors(self) -> int:
        general = self._general is not None and self._general.visible
        return sum(field.error is not None for field in self.fields.values()) + general

    def _mark(self, error: RingfenceError) -> bool:
        name = (error.field or "").rpartition(".")[2].partition("[")[0]
        text = error.message
        if error.expected:
            text = f"{text}; expected {error.expected}"
        text = text[:1].upper() + text[1:]
        field = self.fields.get(name)
        if field is not None:
            field.error = text
            field.run_method("focus")
            return True
        if self._general is not None:
            self._general.set_content(str(html_escaped(f"{name}: {text}" if name else text)))
            self._general.set_visibility(True)
            return True
        return False


def html_escaped(text: str) -> str:
    """Text for an element that takes markup."""
    from markupsafe import escape

    return str(escape(text))


def _autocomplete(kind: str) -> str:
    return "new-password" if kind == "password" else "off"
