"""One function: what it is, trying it out, and what it logs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec
from markupsafe import Markup
from nicegui import ui
from sqlalchemy import Connection

from ringfence.access import Scope
from ringfence.errors import InvalidInput
from ringfence.flows import Contact, ContactState
from ringfence.flows.functions import function_event
from ringfence.functions import (
    Answer,
    Definition,
    HttpFunction,
    LambdaFunction,
    LogLine,
    PythonFunction,
    delete_function,
    get_function,
)
from ringfence.web.console import markup
from ringfence.web.console.dialogs import confirm
from ringfence.web.console.forms import Form
from ringfence.web.console.layout import (
    button,
    console_page,
    empty,
    every,
    heading,
    html,
    rewrite,
)
from ringfence.web.console.pages.functions import kind_of, place_of
from ringfence.web.console.visit import Visit


@console_page("/functions/{name}", title="Function", section="functions", scope=Scope.RULES_READ)
async def function(visit: Visit) -> None:
    """The page."""
    page = _Page(visit, visit.path["name"])
    await page.refresh()
    every(visit, 1.0, page.refresh)


class _Page:
    def __init__(self, visit: Visit, name: str):
        self._visit = visit
        self._name = name
        self._form = Form()
        heading(name, "A function that contact flows invoke.")
        with ui.element("section").classes("panel").props('aria-label="Definition"'):
            self._facts = html("")
            if visit.allows(Scope.RULES_WRITE):
                with ui.element("div").classes("bar"):
                    button("Remove the function", self._ask_remove, "danger")
        if visit.allows(Scope.RULES_WRITE):
            self._trial_panel()
        with ui.element("section").classes("panel flush").props('aria-label="Log"'):
            with ui.element("div").classes("filters"):
                html("Log", "h2")
            with ui.element("div").classes("scroll"):
                self._log = html("", "table").props('aria-label="Log" aria-live="polite"')
            self._nothing = empty(
                "Nothing is logged", "What it prints is shown here, the last 200 lines."
            )

    async def refresh(self) -> None:
        """Show the function as it is now, and what it has logged."""
        found = await self._visit.read(lambda connection: get_function(connection, self._name))
        facts = [
            *_facts(found.definition),
            ("Since", markup.moment(found.updated_at)),
            ("By", found.updated_by),
        ]
        rewrite(self._facts, markup.facts(facts))
        lines = self._visit.services.functions.logs(self._name)
        self._log.set_visibility(bool(lines))
        self._nothing.set_visibility(not lines)
        rewrite(self._log, _table(lines))

    def _trial_panel(self) -> None:
        with ui.element("section").classes("panel").props('aria-label="Try it"'):
            html("Try it", "h2")
            html("It is invoked once, and does what it does.", "p").classes("soft")
            event = ui.textarea("Event", value=json.dumps(_example(), indent=2))
            event.props('outlined autogrow spellcheck="false" input-class="expression"')
            self._form.add("event", event.classes("mono"))
            self._form.place_general_error()
            with ui.element("div").classes("bar"):
                button("Invoke", self._try, "primary")
            self._result = html("").props('role="status" aria-label="Answer"')

    async def _try(self) -> None:
        async def work() -> None:
            payload = self._form.text("event").encode()
            try:
                msgspec.json.decode(payload)
            except (msgspec.DecodeError, RecursionError) as error:
                raise InvalidInput(str(error), field="event", expected="JSON") from None
            await self._visit.write(
                Scope.RULES_WRITE, lambda connection, _: get_function(connection, self._name)
            )
            answer = await self._visit.services.functions.run(self._name, payload)
            rewrite(self._result, _result(answer))
            await self.refresh()

        await self._form.submit(work)

    def _ask_remove(self) -> None:
        async def work() -> None:
            def remove(connection: Connection, _by: str) -> None:
                delete_function(connection, self._name)

            await self._visit.write(Scope.RULES_WRITE, remove)
            ui.navigate.to("/functions")

        confirm(
            f"Remove {self._name}?",
            "Flows that invoke it take their error branches from then on.",
            "Remove the function",
            work,
            danger=True,
        )


def _facts(definition: Definition) -> list[tuple[str, object]]:
    facts: list[tuple[str, object]] = [
        ("Kind", kind_of(definition)),
        ("Where", place_of(definition)),
        ("Time limit", f"{definition.timeout_seconds:g} s"),
    ]
    if isinstance(definition, PythonFunction):
        facts += [
            ("Handler", definition.handler),
            ("Memory", f"{definition.memory_mb:,} MB"),
            ("At once", f"{definition.processes}"),
        ]
        variables = (*definition.environment, *definition.pass_environment)
        if variables:
            facts.append(("Environment", ", ".join(variables)))
    elif isinstance(definition, HttpFunction):
        facts.append(("Signed", "yes" if definition.signed else "no"))
        if definition.headers:
            facts.append(("Headers", ", ".join(definition.headers)))
    elif isinstance(definition, LambdaFunction) and definition.region:
        facts.append(("Region", definition.region))
    return facts


def _example() -> dict[str, Any]:
    contact = Contact(
        contact_id="00000000-0000-0000-0000-000000000000",
        attributes={"Customer": "customer-7"},
        customer_number="+14155550123",
        system_number="+15550100000",
        instance_arn="arn:aws:connect:us-east-1:000000000000:instance/example",
    )
    return function_event(ContactState.of(contact), {})


def _result(answer: Answer) -> Markup:
    pill = markup.pill("failed", "bad") if answer.error else markup.pill("answered", "good")
    text = json.dumps(answer.document, indent=2, ensure_ascii=False)
    return Markup('<p>{}</p><pre class="mono">{}</pre>').format(pill, text)


def _table(lines: Sequence[LogLine]) -> Markup:
    head = Markup('<thead><tr><th scope="col">Time</th><th scope="col">Line</th></tr></thead>')
    rows = (
        Markup('<tr title="request {}"><td class="tight">{}</td><td class="mono">{}</td></tr>')
        .format(line.request_id or "none", markup.clock(line.at, fraction=True), line.text)
        for line in lines
    )  # fmt: skip
    return head + Markup("<tbody>{}</tbody>").format(Markup("").join(rows))
