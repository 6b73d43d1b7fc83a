"""`ringfence models import`, `external`, `try` and `remove`: models that were made elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringfence.cli.options import DataDir, open_database, read_text, settings_of

if TYPE_CHECKING:
    from ringfence.models.external import ExternalModel

Name = Annotated[str, typer.Argument(help="Name of the external model.")]


def import_model(
    file: Annotated[Path | None, typer.Argument(help="ONNX file; none for an endpoint.")] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the model; the name of the file when left out.")
    ] = None,
    event_type: Annotated[
        str | None, typer.Option(help="Event type whose events it scores; card_payment by default.")
    ] = None,
    url: Annotated[str | None, typer.Option(help="Address of an HTTP endpoint to ask.")] = None,
    maps: Annotated[
        list[str],
        typer.Option(
            "--map",
            help="VARIABLE or VARIABLE=INPUT: a variable and the ONNX input or JSON key that it "
            "goes to. Variables of one ONNX input fill its columns in the given order.",
        ),
    ] = [],  # noqa: B006 - typer copies it
    defaults: Annotated[
        list[str],
        typer.Option("--default", help="VARIABLE=VALUE: what stands in where it is missing."),
    ] = [],  # noqa: B006
    pictures: Annotated[
        list[str],
        typer.Option(
            "--picture",
            help="VARIABLE=WIDTHxHEIGHT or ...x3: read it as a grey or colour picture.",
        ),
    ] = [],  # noqa: B006
    outputs: Annotated[
        list[str],
        typer.Option(
            "--output",
            help="VARIABLE or VARIABLE=KEY: the name for rules, and the ONNX output, the JSON key "
            "or the CSV column that it comes from.",
        ),
    ] = [],  # noqa: B006
    as_is: Annotated[
        bool, typer.Option(help="Outputs are not probabilities: rules see them as they are.")
    ] = False,
    fallback: Annotated[
        float | None, typer.Option(help="What rules see when it fails; missing when left out.")
    ] = None,
    header: Annotated[
        list[str],
        typer.Option(help="'NAME: VALUE' for requests; ${RINGFENCE_SECRET_X} is read when asked."),
    ] = [],  # noqa: B006
    template: Annotated[
        str | None, typer.Option(help="Body of requests, with {{variable}} where values go.")
    ] = None,
    csv: Annotated[bool, typer.Option(help="Requests and replies are CSV, not JSON.")] = False,
    timeout: Annotated[
        float | None, typer.Option(help="Seconds that a decision waits for it at most.")
    ] = None,
    definition: Annotated[
        Path | None,
        typer.Option(help="JSON file that says all this, as the API does; options add to it."),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Import an ONNX file, or name an HTTP endpoint, as a model for rules and detectors.

    A file is loaded and run once before it is stored. Importing under a name that is taken replaces
    the model, unless a detector version uses it and would decide otherwise.

    Examples:

        ringfence models import risk.onnx --map amount --map age_days --output risk

        ringfence models import id_check.onnx --event-type inspection --picture image=32x32

        ringfence models import --name remote --url http://127.0.0.1:9000/score
        --map amount --map merchant=shop --output remote_score=score --fallback 500
    """
    from ringfence.cli.screen import console
    from ringfence.detectors.external import define_external_model
    from ringfence.errors import InvalidInput

    if (file is None) == (url is None) and definition is None:
        raise InvalidInput(
            "one of both", field="file", expected="an ONNX file, or --url with an address"
        )
    given: dict[str, Any] = _read_definition(definition) if definition else {}
    scaled = {"scale": "AS_IS"} if as_is else {}
    wanted = {
        "event_type": event_type or given.get("event_type", "card_payment"),
        "kind": "HTTP" if url or given.get("endpoint") else "ONNX",
        "inputs": _inputs(maps, defaults, pictures) or given.get("inputs", ()),
        "outputs": [
            {"variable": variable, "key": key, "fallback": fallback, **scaled}
            for variable, key in map(_pair, outputs)
        ]
        or given.get("outputs", ()),
    }
    endpoint = {**(given.get("endpoint") or {}), **_endpoint(url, header, template, timeout, csv)}
    document = {**given, **wanted, **({"endpoint": endpoint} if endpoint else {})}
    name = name or given.get("name") or (file.stem.lower() if file else None)
    if name is None:
        raise InvalidInput("missing", field="name", expected="--name and a name for the model")
    model = _model(document, name)
    if not outputs and fallback is not None:
        model = _with_fallback(model, fallback)
    content = None if file is None else _read_file(file)
    with open_database(settings_of(data_dir=data_dir)).write() as connection:
        stored = define_external_model(connection, model, content)
    console.print(
        f"External model [bold]{stored.name}[/] gives "
        f"{', '.join('$' + variable for variable in stored.variables)} to rules about events of "
        f"type {stored.event_type}."
    )


def show_external(data_dir: DataDir = None) -> None:
    """List external models: ONNX files and endpoints.

    Examples:

        ringfence models external
    """
    from ringfence.cli.screen import console, table
    from ringfence.models.external import list_external_models

    with open_database(settings_of(data_dir=data_dir)).read() as connection:
        models = list_external_models(connection)
    if not models:
        console.print("No external model yet. Import one: ringfence models import FILE.onnx")
        return
    table(
        ("model", "event type", "kind", "from", "looks at", "gives"),
        (
            (
                model.name,
                model.event_type or "any",
                model.kind.value,
                model.endpoint.url
                if model.endpoint
                else f"{model.size_bytes or 0:,} bytes, SHA-256 {(model.sha256 or '')[:12]}",
                ", ".join(given.variable for given in model.inputs) or "its template",
                ", ".join(model.variables),
            )
            for model in models
        ),
    )


def try_model(
    name: Name,
    variables: Annotated[
        Path, typer.Option(help="JSON file: an event, or its variables, by name.")
    ],
    data_dir: DataDir = None,
) -> None:
    """Ask an external model about one event, and show what rules would see; nothing is stored.

    The exit code is 2 when the model fails.

    Examples:

        ringfence models try id_check --variables inspection.json
    """
    import msgspec

    from ringfence.cli.screen import console
    from ringfence.errors import InvalidInput
    from ringfence.models.external import ExternalCalls, try_external_model

    try:
        document = msgspec.json.decode(read_text(variables), type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise InvalidInput(str(error), field=str(variables), expected="a JSON object") from None
    inner = document.get("variables", document)
    calls = ExternalCalls()
    try:
        trial = try_external_model(
            open_database(settings_of(data_dir=data_dir)), calls, name, inner
        )
    finally:
        calls.close()
    for variable, value in trial.values.items():
        console.print(f"${variable} = {value:g}")
    if trial.failure:
        console.print(f"[red]failed[/]: {trial.failure}; these are the fallbacks, if any.")
        raise typer.Exit(2)
    console.print(f"Answered in {trial.seconds * 1000:.1f} ms.")


def remove(name: Name, data_dir: DataDir = None) -> None:
    """Take away an external model that no detector version uses.

    Examples:

        ringfence models remove id_check
    """
    from ringfence.cli.screen import console
    from ringfence.detectors.external import remove_external_model

    with open_database(settings_of(data_dir=data_dir)).write() as connection:
        remove_external_model(connection, name)
    console.print(f"External model {name} is gone.")


def _model(document: dict[str, Any], name: str) -> ExternalModel:
    import msgspec

    from ringfence.errors import InvalidInput
    from ringfence.models.external import ExternalModel

    known = ("event_type", "kind", "inputs", "outputs", "endpoint", "on_failure", "description")
    unknown = sorted(document.keys() - {*known, "name"})
    if unknown:
        raise InvalidInput(
            "is not known", field=unknown[0], expected="one of name, " + ", ".join(known)
        )
    try:
        return msgspec.convert({**document, "name": name}, ExternalModel)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$.")
        raise InvalidInput(message, field=place.rstrip("`") or "definition") from None


def _with_fallback(model: ExternalModel, fallback: float) -> ExternalModel:
    import msgspec

    outputs = tuple(
        msgspec.structs.replace(output, fallback=fallback) for output in model.completed().outputs
    )
    return msgspec.structs.replace(model, outputs=outputs)


def _inputs(maps: list[str], defaults: list[str], pictures: list[str]) -> list[dict[str, Any]]:
    from ringfence.errors import InvalidInput

    inputs = {variable: {"variable": variable, "input": to} for variable, to in map(_pair, maps)}
    for variable, size in map(_pair, pictures):
        sides = size.lower().split("x")
        if len(sides) not in (2, 3) or not all(side.isdigit() for side in sides):
            raise InvalidInput(
                f"{size!r} is not a size", field="--picture", expected="such as image=32x32"
            )
        width, height, channels = (int(side) for side in [*sides, "1"][:3])
        of_variable: dict[str, Any] = inputs.setdefault(
            variable, {"variable": variable, "input": ""}
        )
        of_variable["picture"] = {"width": width, "height": height, "channels": channels}
    for variable, value in map(_pair, defaults):
        if variable not in inputs:
            raise InvalidInput(
                f"{variable!r} is not mapped", field="--default", expected="--map " + variable
            )
        given: dict[str, Any] = inputs[variable]
        given["default"] = _number(value)
    return list(inputs.values())


def _endpoint(
    url: str | None, headers: list[str], template: str | None, timeout: float | None, csv: bool
) -> dict[str, Any]:
    from ringfence.errors import InvalidInput

    endpoint: dict[str, Any] = {}
    if url is not None:
        endpoint["url"] = url
    if template is not None:
        endpoint["template"] = template
    if timeout is not None:
        endpoint["timeout_seconds"] = timeout
    if csv:
        endpoint |= {"request_format": "TEXT_CSV", "reply_format": "TEXT_CSV"}
    for line in headers:
        name, colon, value = line.partition(":")
        if not colon:
            raise InvalidInput("not a header", field="--header", expected="'NAME: VALUE'")
        endpoint.setdefault("headers", {})[name.strip()] = value.strip()
    return endpoint


def _read_definition(path: Path) -> dict[str, Any]:
    import msgspec

    from ringfence.errors import InvalidInput

    try:
        return msgspec.json.decode(read_text(path), type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise InvalidInput(str(error), field=str(path), expected="a JSON object") from None


def _read_file(path: Path) -> bytes:
    from ringfence.errors import InvalidInput

    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error}", field="file") from None


def _pair(text: str) -> tuple[str, str]:
    first, _, second = text.partition("=")
    return first, second


def _number(text: str) -> object:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
