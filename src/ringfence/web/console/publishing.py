"""Making a detector version: which rules in which order, which models, which mode."""

from __future__ import annotations

from collections.abc import Sequence

from nicegui import ui
from sqlalchemy import Connection

from ringfence.access import Scope
from ringfence.cases import put_suggested_rules
from ringfence.detectors import (
    DetectorVersion,
    ModelRef,
    RuleRef,
    activate_detector_version,
    create_detector_version,
)
from ringfence.errors import InvalidInput
from ringfence.models import get_version
from ringfence.rules import ExecutionMode, Rule
from ringfence.web.console.forms import Form, choice_field, text_field
from ringfence.web.console.layout import button, done, html
from ringfence.web.console.visit import Visit

_MODES = {
    ExecutionMode.FIRST_MATCHED.value: "stop at the first rule that matches",
    ExecutionMode.ALL_MATCHED.value: "evaluate all rules",
}


class PublishingPanel:
    """The form. It starts from the newest version, with the latest version of each rule."""

    def __init__(
        self,
        visit: Visit,
        detector_id: str,
        versions: Sequence[DetectorVersion],
        rules: Sequence[Rule],
        models: Sequence[ModelRef],
        external: Sequence[str] = (),
    ):
        self._visit = visit
        self._detector_id = detector_id
        self._latest = {rule.rule_id: rule for rule in rules}
        newest = versions[-1] if versions else None
        used = [ref.rule_id for ref in newest.rules] if newest else list(self._latest)
        self._order = [rule_id for rule_id in used if rule_id in self._latest]
        self._order += [rule_id for rule_id in self._latest if rule_id not in self._order]
        self._used = set(used)
        self._form = Form()
        by_name = {f"{ref.model_id} {ref.version}": ref for ref in models}
        self._models = by_name
        chosen = [name for name, ref in by_name.items() if newest is None or ref in newest.models]
        with ui.element("section").classes("panel").props('aria-label="Publish a version"'):
            html("Publish a version", "h2")
            html("Rules are tried from the top. Each is used in its latest version.", "p").classes(
                "soft"
            )
            self._list = ui.element("div").props('data-part="order"')
            self._form.add(
                "models",
                choice_field("Models", list(by_name), chosen[:1], several=True),
            )
            if external:
                used_before = [
                    name for name in external if newest and name in newest.external_models
                ]
                self._form.add(
                    "external_models",
                    choice_field("External models", list(external), used_before, several=True),
                )
            self._form.add(
                "mode",
                choice_field("Rules", _MODES, newest.mode.value if newest else next(iter(_MODES))),
            )
            self._form.add("description", text_field("What is new"))
            self._form.place_general_error()
            with ui.element("div").classes("bar"):
                if models:
                    button("Suggest rules", self._suggest)
                button("Keep as a draft", lambda: self._publish(activate=False))
                button("Publish and activate", lambda: self._publish(activate=True), "primary")
        self._show_order()

    def _show_order(self) -> None:
        self._list.clear()
        with self._list:
            if not self._order:
                html(
                    "There is no rule yet. Thresholds can come from what a model was measured to "
                    "do: choose it, then Suggest rules.",
                    "p",
                )
            for position, rule_id in enumerate(self._order):
                with ui.element("div").classes("bar"):
                    box = ui.checkbox(
                        f"{rule_id}, version {self._latest[rule_id].version}",
                        value=rule_id in self._used,
                    )
                    box.on_value_change(
                        lambda change, rule_id=rule_id: self._use(rule_id, change.value)
                    )
                    if position > 0:
                        up = button("Up", lambda position=position: self._lift(position))  # type: ignore[misc]
                        up.classes("push").props(f'aria-label="Move {rule_id} up"')

    def _use(self, rule_id: str, used: bool) -> None:
        if used:
            self._used.add(rule_id)
        else:
            self._used.discard(rule_id)

    def _lift(self, position: int) -> None:
        order = self._order
        order[position - 1], order[position] = order[position], order[position - 1]
        self._show_order()

    async def _suggest(self) -> None:
        stored: list[Rule] = []

        async def work() -> None:
            chosen: list[str] = list(self._form.fields["models"].value or ())
            if len(chosen) != 1:
                raise InvalidInput(
                    f"{len(chosen)} models are chosen",
                    field="models",
                    expected="one, whose measures the thresholds come from",
                )
            ref = self._models[chosen[0]]
            stored.extend(
                await self._visit.write(
                    Scope.RULES_WRITE,
                    lambda connection, _name: put_suggested_rules(
                        connection,
                        self._detector_id,
                        get_version(connection, ref.model_id, ref.version),
                    ),
                )
            )

        if await self._form.submit(work):
            # A rule that was there keeps its place: what stands above may be meant to.
            self._order += [rule.rule_id for rule in stored if rule.rule_id not in self._latest]
            self._latest |= {rule.rule_id: rule for rule in stored}
            self._used |= {rule.rule_id for rule in stored}
            self._show_order()
            names = ", ".join(rule.rule_id for rule in stored)
            done(f"Suggested: {names}. Publish a version to use them.")

    async def _publish(self, *, activate: bool) -> None:
        async def work() -> None:
            rules = [
                RuleRef(rule_id, self._latest[rule_id].version)
                for rule_id in self._order
                if rule_id in self._used
            ]
            models = [self._models[name] for name in self._form.fields["models"].value or ()]
            external = self._form.fields.get("external_models")
            mode = ExecutionMode(self._form.fields["mode"].value)
            description = self._form.text("description")

            def make(connection: Connection, _name: str) -> DetectorVersion:
                version = create_detector_version(
                    connection,
                    self._detector_id,
                    rules=rules,
                    models=models,
                    external_models=external.value or () if external else (),
                    mode=mode,
                    description=description,
                )
                if activate:
                    activate_detector_version(connection, self._detector_id, version.version)
                return version

            version = await self._visit.write(Scope.RULES_WRITE, make)
            done(
                f"Version {version.version} {'decides from now on' if activate else 'is a draft'}."
            )
            ui.navigate.reload()

        await self._form.submit(work)
