"""Tables whose rows may hold buttons."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from nicegui import ui

from ringfence.web.console.layout import html


@contextmanager
def table(*headings: str, label: str, spare: str = "") -> Iterator[ui.element]:
    """A table with these headings; yields its body. A heading that starts with `>` is of numbers.

    `label` tells a screen reader what the table is about; `spare` names the columns that narrow
    screens do without, as in `spare-4 spare-5`.
    """
    with ui.element("div").classes("scroll"):
        made = ui.element("table").props(f'aria-label="{label}"').classes(spare)
        with made:
            with ui.element("thead"), ui.element("tr"):
                for heading in headings:
                    cell = html(heading.removeprefix(">"), "th").props('scope="col"')
                    if heading.startswith(">"):
                        cell.classes("number")
            body = ui.element("tbody")
        with body:
            yield body


def row(*cells: object) -> ui.element:
    """A row of texts and markup; more cells can be added inside it."""
    made = ui.element("tr")
    with made:
        for cell in cells:
            html(cell, "td")
    return made


@contextmanager
def actions() -> Iterator[None]:
    """A last cell with buttons."""
    with ui.element("td").classes("tight"), ui.element("div").classes("actions"):
        yield
