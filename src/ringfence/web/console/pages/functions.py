"""Functions: what contact flows invoke by the names in their ARNs."""

from __future__ import annotations

from markupsafe import Markup
from nicegui import ui

from ringfence.access import Scope
from ringfence.functions import (
    Definition,
    Function,
    HttpFunction,
    PythonFunction,
    list_functions,
)
from ringfence.web.console import markup
from ringfence.web.console.layout import console_page, empty, heading, html
from ringfence.web.console.visit import Visit


@console_page("/functions", title="Functions", section="functions", scope=Scope.RULES_READ)
async def functions(visit: Visit) -> None:
    """The page."""
    heading(
        "Functions",
        "What contact flows invoke by the name in an ARN of AWS Lambda; block-credit-card is "
        "built in unless it is registered.",
    )
    found = await visit.read(list_functions)
    with ui.element("section").classes("panel flush"):
        if found:
            rows = Markup("").join(map(_row, found))
            with ui.element("div").classes("scroll"):
                html(_HEAD + Markup("<tbody>{}</tbody>").format(rows), "table").props(
                    'aria-label="Functions"'
                )
        else:
            empty(
                "No function yet",
                Markup(
                    "Register a handler as it runs on AWS Lambda: <code>ringfence functions add "
                    "block-credit-card --python handlers/block.py</code>"
                ),
            )


def kind_of(definition: Definition) -> str:
    """What kind of function it is, in a word or two."""
    if isinstance(definition, PythonFunction):
        return "Python"
    return "HTTP endpoint" if isinstance(definition, HttpFunction) else "AWS Lambda"


def place_of(definition: Definition) -> str:
    """Where it runs."""
    if isinstance(definition, PythonFunction):
        return definition.file or f"{definition.handler} below {definition.working_folder}"
    return definition.url if isinstance(definition, HttpFunction) else definition.function


_HEAD = Markup(
    '<thead><tr><th scope="col">Function</th><th scope="col">Kind</th><th scope="col">Where</th>'
    '<th scope="col" class=number>Time limit</th><th scope="col">Since</th>'
    '<th scope="col">By</th></tr></thead>'
)


def _row(function: Function) -> Markup:
    definition = function.definition
    return Markup(
        '<tr><td><b>{}</b></td><td class="tight">{}</td><td>{}</td>'
        '<td class="number">{:g} s</td><td class="tight">{}</td><td>{}</td></tr>'
    ).format(
        markup.link(markup.path("functions", function.name), function.name),
        kind_of(definition),
        place_of(definition),
        definition.timeout_seconds,
        markup.moment(function.updated_at),
        function.updated_by,
    )
