"""Contact flows: what callers hear, by name, and a way to bring in more."""

from __future__ import annotations

from markupsafe import Markup
from nicegui import events, ui
from sqlalchemy import Connection

from ringfence.access import Scope
from ringfence.contacts.flows import (
    FlowKind,
    StoredFlow,
    create_flow,
    find_flow,
    list_stored_flows,
    publish,
)
from ringfence.contacts.instances import default_instance, ensure_instance
from ringfence.errors import InvalidInput, NotFound
from ringfence.flows import FlowInvalid, load_flow
from ringfence.web.console import markup
from ringfence.web.console.forms import Form, choice_field, text_field
from ringfence.web.console.layout import button, console_page, done, empty, heading, html, rewrite
from ringfence.web.console.visit import Visit

_LARGEST = 2_000_000  # bytes of a flow's file


@console_page("/flows", title="Flows", section="flows", scope=Scope.RULES_READ)
async def flows(visit: Visit) -> None:
    """The page."""
    heading(
        "Contact flows",
        "What a call says, asks and does. They are Amazon Connect's: exports of either format run "
        "as they are.",
    )
    if visit.allows(Scope.RULES_WRITE):
        _Import(visit)
    found = await visit.read(_stored)
    with ui.element("section").classes("panel flush").props('aria-label="Contact flows"'):
        if not found:
            empty("No contact flow yet", "Bring in a flow that Amazon Connect has exported.")
            return
        head = Markup(
            '<thead><tr><th scope="col">Name</th><th scope="col">Type</th>'
            '<th scope="col" class="number">Version</th><th scope="col">State</th>'
            '<th scope="col">Changed</th></tr></thead>'
        )
        body = Markup("").join(_row(flow) for flow in found)
        with ui.element("div").classes("scroll"):
            html(head + Markup("<tbody>{}</tbody>").format(body), "table").classes("spare-5")


def _stored(connection: Connection) -> list[StoredFlow]:
    try:
        instance_id = default_instance(connection).instance_id
    except NotFound:
        return []
    return list_stored_flows(connection, instance_id, kind=None)


def _row(flow: StoredFlow) -> Markup:
    kind = "module" if flow.kind is FlowKind.MODULE else flow.type.replace("_", " ").lower()
    state = [markup.pill("published", "good")] if flow.published_version else []
    if flow.has_draft:
        state.append(markup.pill("draft", "warn"))
    if flow.archived:
        state.append(markup.pill("archived"))
    return Markup(
        '<tr><td>{}<br><span class="soft">{}</span></td><td>{}</td><td class="number">{}</td>'
        '<td>{}</td><td class="tight">{}</td></tr>'
    ).format(
        markup.link(markup.path("flows", flow.flow_id), flow.name),
        flow.description,
        kind,
        flow.published_version or "-",
        markup.joined(state),
        markup.moment(flow.updated_at),
    )


class _Import:
    """A file, or what was pasted, becomes the published version of a name."""

    def __init__(self, visit: Visit):
        self._visit = visit
        self._form = Form()
        with ui.element("details").classes("panel").props('aria-label="Bring in a flow"'):
            html("Bring in a flow", "summary")
            html(
                "The name of a flow that is here gets a new version, which callers hear from the "
                "next call on.",
                "p",
            ).classes("soft")
            upload = ui.upload(
                label="A file that Amazon Connect exported",
                auto_upload=True,
                max_file_size=_LARGEST,
                on_upload=self._read,
                on_rejected=lambda: self._say(Markup("The file is larger than 2 MB.")),
            )
            upload.props("flat bordered")
            self._content = ui.textarea("Or its content").props(
                'outlined spellcheck="false" input-class="expression" rows=6 debounce="300"'
            )
            self._content.classes("mono").on_value_change(self._check)
            self._result = html("").props('role="status" data-part="check"')
            with ui.element("div").classes("form"):
                self._form.add("name", text_field("Name", hint="As plans and flows name it"))
                kinds = {FlowKind.FLOW.value: "contact flow", FlowKind.MODULE.value: "flow module"}
                self._form.add("kind", choice_field("Kind", kinds, FlowKind.FLOW.value))
            self._form.place_general_error()
            with ui.element("div").classes("bar"):
                button("Publish", self._publish, "primary")

    async def _read(self, upload: events.UploadEventArguments) -> None:
        self._visit.active()
        data = await upload.file.read()
        try:
            self._content.value = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            self._say(Markup("The file is not text in UTF-8."))
            return
        if not self._form.text("name"):
            name = upload.file.name.rpartition(".")[0] or upload.file.name
            self._form.fields["name"].value = name

    def _check(self) -> None:
        self._visit.active()
        content = str(self._content.value or "")
        if not content.strip():
            self._say(Markup(""))
            return
        try:
            flow = load_flow(content)
        except FlowInvalid as error:
            problems = Markup("").join(Markup("<li>{}</li>").format(str(p)) for p in error.problems)
            self._say(
                Markup('<p class="error">This cannot be run:</p><ul>{}</ul>').format(problems)
            )
            return
        if not self._form.text("name") and flow.name:
            self._form.fields["name"].value = flow.name
        said = f"{len(flow.blocks)} blocks, in the format {flow.format}"
        self._say(markup.pill("This can be run", "good") + Markup(" {}").format(said))

    def _say(self, text: Markup) -> None:
        rewrite(self._result, text)

    async def _publish(self) -> None:
        name, kind = self._form.text("name"), FlowKind(str(self._form.fields["kind"].value))
        content = str(self._content.value or "")

        async def work() -> None:
            if not content.strip():
                raise InvalidInput("there is no flow to publish", expected="a file, or its content")
            version = await self._visit.write(
                Scope.RULES_WRITE,
                lambda connection, by: _published(connection, name, kind, content, by),
            )
            done(f"{name} is published as version {version}.")
            ui.navigate.to("/flows")

        await self._form.submit(work)


def _published(connection: Connection, name: str, kind: FlowKind, content: str, by: str) -> int:
    instance_id = ensure_instance(connection).instance_id
    try:
        flow = find_flow(connection, name, kind=kind)
    except NotFound:
        type_ = load_flow(content).type if kind is FlowKind.FLOW else "CONTACT_FLOW"
        flow = create_flow(connection, instance_id, name, kind=kind, type=type_)
    return publish(connection, flow.flow_id, content, by=by)
