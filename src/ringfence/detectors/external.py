"""External models in a detector version: asked on the hot path, and kept as they are while used.

Endpoints, and files that take long, are asked before an event goes to be committed, so that no
transaction waits for them; other files are run with the batch, like models of our own. How a model
is asked is known to `models.external`; what is declared for its failures is applied here.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from sqlalchemy import Connection, select

from ringfence.detectors import tables
from ringfence.errors import Conflict, InvalidInput, NotFound, Unavailable
from ringfence.events.variables import Value
from ringfence.models import Contribution
from ringfence.models.external import (
    Answer,
    Body,
    ExternalCalls,
    ExternalKind,
    ExternalModel,
    Network,
    OnFailure,
    delete_external_model,
    get_external_model,
    load_external_model,
    load_network,
    put_external_model,
)

MAX_EXTERNAL_MODELS = 10
_NOTE_CHARACTERS = 300
# More would wait for each other until their time is over.
_ASKED_AT_ONCE = 32
# By the model's name, what it said of an event before the event went to be committed.
Asked = Mapping[str, Answer]


class LeftAlone(Unavailable):
    """An external model was not asked, for it has failed before; in a while it will be again."""


class Said(msgspec.Struct, frozen=True):
    """What all external models of a version say of an event: values by output variable, without
    those that are missing, and a note about those that failed; and what endpoints among them said
    word for word."""

    values: dict[str, float]
    note: str | None = None
    texts: Mapping[str, str] | None = None


class ExternalScores:
    """The external models of one detector version. Immutable, and safe to use from several
    threads."""

    def __init__(self, models: Sequence[ExternalModel], networks: Mapping[str, Network]):
        self._models = tuple(models)
        self.outputs = {model.name: model.variables for model in models}
        """By the model's name, the variables that it gives."""
        self.networks = {model.name: networks[model.name] for model in models if _is_file(model)}
        """The files among them, by name."""
        self.endpoints = tuple(model.name for model in models if not _is_file(model))
        """The names of those that are asked over HTTP."""
        slow = {name for name, network in self.networks.items() if network.is_slow}
        self._ahead = [m for m in models if m.name in slow or not _is_file(m)]
        self.names_asked_ahead = frozenset(model.name for model in self._ahead)
        self.are_asked_ahead = bool(self._ahead)
        """Whether one of them is to be asked before an event goes to be committed."""

    def __bool__(self) -> bool:
        return bool(self._models)

    def refuse_endpoints(self) -> None:
        """Raise `InvalidInput` if one of them is asked over HTTP: for whoever has past events, of
        which an endpoint would say what it says today, and be asked in their thousands."""
        for name in self.endpoints:
            raise _only_live(name)

    async def ask(
        self,
        calls: ExternalCalls,
        variables: Mapping[str, Value],
        bodies: Mapping[str, Body] | None = None,
    ) -> Asked:
        """What those that are asked ahead say of an event; all are asked at once.

        `bodies` are those that the client made, by the name of the model. Raises `Unavailable` for
        a failure that is declared to refuse the decision.
        """
        bodies = bodies or {}
        self._refuse_dissociated()
        answers = await asyncio.gather(
            *(self._asked(calls, model, variables, bodies.get(model.name)) for model in self._ahead)
        )
        for model, answer in zip(self._ahead, answers, strict=True):
            _refuse_if_declared(model, answer)
        return {model.name: answer for model, answer in zip(self._ahead, answers, strict=True)}

    def ask_all(self, calls: ExternalCalls, rows: Sequence[Mapping[str, Value]]) -> list[Said]:
        """What they say of many events, for a caller in a thread of its own. Raises like `ask`."""
        said: list[Said] = []
        for of_event in self.ask_each(calls, rows):
            if isinstance(of_event, Unavailable):
                raise of_event
            said.append(of_event)
        return said

    def ask_each(
        self, calls: ExternalCalls, rows: Sequence[Mapping[str, Value]]
    ) -> list[Said | Unavailable]:
        """What they say of each of many events, or why its decision is refused."""

        async def ask_one(row: Mapping[str, Value]) -> Asked | Unavailable:
            try:
                return await self.ask(calls, row)
            except Unavailable as error:
                return error

        async def ask_some(some: Sequence[Mapping[str, Value]]) -> list[Asked | Unavailable]:
            return await asyncio.gather(*(ask_one(row) for row in some))

        said: list[Said | Unavailable] = []
        for start in range(0, len(rows), _ASKED_AT_ONCE):
            some = rows[start : start + _ASKED_AT_ONCE]
            for row, asked in zip(some, asyncio.run(ask_some(some)), strict=True):
                said.append(asked if isinstance(asked, Unavailable) else self._said(row, asked))
        return said

    def _said(self, row: Mapping[str, Value], asked: Asked) -> Said | Unavailable:
        try:
            return self.answer([row], [asked])[0]
        except Unavailable as error:
            return error

    def answer(
        self, rows: Sequence[Mapping[str, Value]], asked: Sequence[Asked] | None = None
    ) -> list[Said]:
        """What they say of events, of which `rows` are the variables and `asked` what is known
        already; files are run for the rest.

        Raises `InvalidInput` when an endpoint would have to be asked, and `Unavailable` for a
        failure that is declared to refuse the decision.
        """
        self._refuse_dissociated()
        values: list[dict[str, float]] = [{} for _ in rows]
        texts: list[dict[str, str]] = [{} for _ in rows]
        notes: list[list[str]] = [[] for _ in rows]
        for model in self._models:
            for number, answer in enumerate(self._answers(model, rows, asked)):
                _refuse_if_declared(model, answer)
                values[number].update(answer.values)
                texts[number].update(answer.texts)
                if answer.failure:
                    notes[number].append(_note(model, answer.failure))
        return [
            Said(of_event, "; ".join(note)[:_NOTE_CHARACTERS] or None, said or None)
            for of_event, note, said in zip(values, notes, texts, strict=True)
        ]

    def explain(self, scores: Mapping[str, float]) -> dict[str, tuple[Contribution, ...]]:
        """What can be said of why they score as they do: that they do, and how."""
        return {
            variable: (
                Contribution(
                    model.name,
                    f"{scores[variable]:g}" if variable in scores else None,
                    0.0,
                    f"score of the external model {model.name}, which gives no reasons",
                ),
            )
            for model in self._models
            for variable in model.variables
        }

    def _refuse_dissociated(self) -> None:
        for model in self._models:
            if not model.is_associated:
                raise Unavailable(
                    f"external model {model.name!r} is dissociated", field="external_models"
                )

    async def _asked(
        self,
        calls: ExternalCalls,
        model: ExternalModel,
        variables: Mapping[str, Value],
        body: Body | None,
    ) -> Answer:
        network = self.networks.get(model.name)
        if network is None:
            return await calls.ask(model, variables, body)
        (answer,) = await asyncio.to_thread(network.ask, [variables])
        return answer

    def _answers(
        self,
        model: ExternalModel,
        rows: Sequence[Mapping[str, Value]],
        asked: Sequence[Asked] | None,
    ) -> Sequence[Answer]:
        if asked is not None and all(model.name in of_event for of_event in asked):
            return [of_event[model.name] for of_event in asked]
        network = self.networks.get(model.name)
        if network is None:
            raise _only_live(model.name)
        return network.ask(rows)


def _only_live(name: str) -> InvalidInput:
    return InvalidInput(
        f"external model {name!r} is asked over HTTP, which happens with live events only",
        field="detector",
        expected="a detector version whose external models are all files",
    )


def load_external(
    connection: Connection, names: Iterable[str], loaded: dict[str, Network]
) -> ExternalScores:
    """The external models of these names. Files are taken from `loaded` where it has them as they
    are stored, and added there. Raises `NotFound`, `Unavailable` when a file cannot be loaded."""
    models = [load_external_model(connection, name) for name in names]
    for model in models:
        known = loaded.get(model.name)
        if _is_file(model) and (known is None or known.model != model):
            loaded[model.name] = load_network(connection, model.name)
    return ExternalScores(models, loaded)


def files_of(connection: Connection, names: Iterable[str]) -> list[str]:
    """Those of the external models of these names that are files. Raises `NotFound`."""
    return [name for name in names if _is_file(get_external_model(connection, name))]


def waited_for(connection: Connection, names: Iterable[str]) -> set[str]:
    """Those of the external models of these names that are asked before an event goes to be
    committed. Raises `NotFound`."""
    models = [get_external_model(connection, name) for name in names]
    return {
        model.name
        for model in models
        if not _is_file(model) or any(given.picture is not None for given in model.inputs)
    }


def check_external(connection: Connection, names: Sequence[str], event_type: str) -> set[str]:
    """The variables that these external models give. Raises `InvalidInput` for one that does not
    exist, is named twice, or is for another event type."""
    if len(set(names)) != len(names) or len(names) > MAX_EXTERNAL_MODELS:
        raise InvalidInput(
            "too many, or one is named twice",
            field="external_models",
            expected=f"at most {MAX_EXTERNAL_MODELS} different ones",
        )
    given: set[str] = set()
    for name in names:
        try:
            model = get_external_model(connection, name)
        except NotFound as error:
            raise InvalidInput(error.message, field="external_models") from None
        if not model.is_associated:
            raise InvalidInput(
                f"external model {name!r} is DISSOCIATED",
                field="external_models",
                expected="external models that are ASSOCIATED",
            )
        if not model.is_for(event_type):
            raise InvalidInput(
                f"external model {name!r} is for another event type",
                field="external_models",
                expected=f"external models of event type {event_type!r}",
            )
        given.update(model.variables)
    return given


def define_external_model(
    connection: Connection, model: ExternalModel, content: bytes | None = None
) -> ExternalModel:
    """Create or replace an external model, as `put_external_model` does.

    What a detector version uses stays what it is: of a file only the description, the fallbacks and
    `on_failure` may change, of an endpoint everything but what it gives. Raises `Conflict`
    otherwise.
    """
    user = _user(connection, model.name)
    if user:
        before, after = get_external_model(connection, model.name), model.completed()
        for field, differs in (
            ("event_type", before.event_type != after.event_type),
            ("kind", before.kind is not after.kind),
            ("outputs", _lasting(before) != _lasting(after)),
            ("inputs", _is_file(before) and before.inputs != after.inputs),
            ("content", content is not None and _sha256(content) != before.sha256),
        ):
            if differs:
                raise Conflict(
                    f"{user} uses external model {model.name!r}, and would decide otherwise",
                    field=field,
                    expected="the same as before, or another name",
                )
    return put_external_model(connection, model, content)


def remove_external_model(connection: Connection, name: str) -> None:
    """Take an external model away. Raises `NotFound`, `Conflict` when a detector version uses
    it."""
    get_external_model(connection, name)
    user = _user(connection, name)
    if user:
        raise Conflict(
            f"{user} uses external model {name!r}",
            field="name",
            expected="an external model that no detector version names",
        )
    delete_external_model(connection, name)


def _user(connection: Connection, name: str) -> str | None:
    """A detector version that names an external model, in words; None if none does."""
    versions = tables.detector_versions
    rows = connection.execute(
        select(versions.c.detector_id, versions.c.version, versions.c.external_models)
        .where(versions.c.external_models.is_not(None))
        .order_by(versions.c.created_at.desc())
    )
    for row in rows:
        if name in row.external_models:
            return f"version {row.version} of detector {row.detector_id!r}"
    return None


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _lasting(model: ExternalModel) -> object:
    """What must stay of what a model gives."""
    if _is_file(model):
        return [msgspec.structs.replace(output, fallback=None) for output in model.outputs]
    return sorted((output.variable, output.scale) for output in model.outputs)


def _is_file(model: ExternalModel) -> bool:
    return model.kind is ExternalKind.ONNX


def _refuse_if_declared(model: ExternalModel, answer: Answer) -> None:
    if answer.failure and model.on_failure is OnFailure.REFUSE:
        family = LeftAlone if answer.left_alone else Unavailable
        raise family(
            f"external model {model.name!r} failed: {answer.failure}", field="external_models"
        )


def _note(model: ExternalModel, failure: str) -> str:
    so = "its fallback counts" if model.fallbacks else "what it says is missing"
    return f"external model {model.name} failed ({failure}): {so}"
