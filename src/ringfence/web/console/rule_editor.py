"""The rule editor: says what is wrong while one types, and where."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence

from markupsafe import Markup
from nicegui import ui
from sqlalchemy import Connection

from ringfence.access import Scope
from ringfence.detectors import put_rule
from ringfence.events import DataType
from ringfence.rules import Rule, RuleInvalid, check
from ringfence.web.console.forms import Form, choice_field, text_field
from ringfence.web.console.layout import button, done, html, rewrite
from ringfence.web.console.visit import Visit


class RuleEditor:
    """Tries an expression, and stores it as a rule for those who may."""

    def __init__(
        self,
        visit: Visit,
        detector_id: str,
        outcomes: list[str],
        types: Mapping[str, DataType],
        lists: Mapping[str, Collection[str]],
        rules: Sequence[Rule],
    ):
        self._visit = visit
        self._detector_id = detector_id
        self._types = types
        self._lists = lists
        self._form = Form()
        may_write = visit.allows(Scope.RULES_WRITE)
        with ui.element("section").classes("panel").props('aria-label="Rule editor"'):
            html("Write a rule" if may_write else "Try a rule", "h2")
            if rules:
                latest = {rule.rule_id: rule for rule in rules}
                start = choice_field("Start from", ["", *latest], "")
                start.on_value_change(lambda change: self._start_from(latest.get(change.value)))
            self._expression = ui.textarea(
                "Expression", placeholder="$payments_insightscore > 950 and $transaction_amt > 100"
            ).props('outlined autogrow debounce="150" spellcheck="false" input-class="expression"')
            self._expression.classes("mono").on_value_change(self._check)
            self._result = html("").props('role="status" data-part="check"')
            self._names = html(_names(types, lists))
            if may_write:
                with ui.element("div").classes("form"):
                    self._form.add(
                        "rule_id", text_field("Rule id", hint="Letters a-z, digits, _ -")
                    )
                    self._form.add("outcomes", choice_field("Outcomes", outcomes, [], several=True))
                    self._form.add("description", text_field("Description"))
                self._form.place_general_error()
                with ui.element("div").classes("bar"):
                    button("Save the rule", self._save, "primary")

    async def _check(self) -> None:
        self._visit.active()
        expression = str(self._expression.value or "")
        if not expression.strip():
            rewrite(self._result, "")
            return
        try:
            await asyncio.to_thread(check, expression, self._types, self._lists)
        except RuleInvalid as error:
            if expression == self._expression.value:
                rewrite(self._result, _problem(error))
            return
        if expression == self._expression.value:
            rewrite(self._result, Markup('<span class="pill good">This is a rule</span>'))

    def _start_from(self, rule: Rule | None) -> None:
        if rule is None:
            return
        self._expression.value = rule.expression
        if "rule_id" in self._form.fields:
            self._form.fields["rule_id"].value = rule.rule_id
            self._form.fields["outcomes"].value = list(rule.outcomes)
            self._form.fields["description"].value = rule.description

    async def _save(self) -> None:
        async def work() -> None:
            rule = Rule(
                rule_id=self._form.text("rule_id"),
                version="1",
                expression=str(self._expression.value or ""),
                outcomes=tuple(self._form.fields["outcomes"].value or ()),
                description=self._form.text("description"),
            )

            def store(connection: Connection, _name: str) -> Rule:
                return put_rule(connection, self._detector_id, rule)

            stored = await self._visit.write(Scope.RULES_WRITE, store)
            done(f"Stored as version {stored.version}. Publish a version that uses it.")
            ui.navigate.reload()

        await self._form.submit(work)


def _problem(error: RuleInvalid) -> Markup:
    expected = f" Expected {error.expected}." if error.expected else ""
    return Markup('<p class="error">{}.{}</p><pre class="pointer">{}</pre>').format(
        error.message[:1].upper() + error.message[1:], expected, error.pointer
    )


def _names(types: Mapping[str, DataType], lists: Mapping[str, Collection[str]]) -> Markup:
    variables = Markup(", ").join(
        Markup('<code title="{}">${}</code>').format(data_type.value, name)
        for name, data_type in sorted(types.items())
    )
    named = Markup(", ").join(
        Markup('<code title="{} elements">@{}</code>').format(len(elements), name)
        for name, elements in sorted(lists.items())
    )
    return Markup(
        "<details><summary>Names that a rule may use</summary><p>{}</p>{}</details>"
    ).format(variables, Markup("<p>Lists: {}</p>").format(named) if named else "")
