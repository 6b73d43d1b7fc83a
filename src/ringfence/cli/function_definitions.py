"""The definition of a function that options on the command line make."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ringfence.cli.options import read_text
from ringfence.errors import InvalidInput

if TYPE_CHECKING:
    from ringfence.functions import Definition

_OPTIONS = {
    "python": (
        "--handler",
        "--folder",
        "--executable",
        "--env",
        "--pass-env",
        "--memory",
        "--processes",
    ),
    "http": ("--header",),
    "lambda": ("--region", "--endpoint-url"),
    "definition": (),
}


def definition_of(
    *,
    python: str | None,
    http: str | None,
    lambda_: str | None,
    definition: Path | None,
    timeout: float | None,
    secret: str | None,
    options: Mapping[str, Any],
) -> Definition:
    """The function that is meant; `options` are those that belong to one kind, by their names.

    Relative paths are those of the folder in which the command runs. Raises `InvalidInput` naming
    an option.
    """
    kinds = {"python": python, "http": http, "lambda": lambda_, "definition": definition}
    chosen = [kind for kind, given in kinds.items() if given is not None]
    if len(chosen) != 1:
        raise InvalidInput(
            "which kind of function is meant is not clear",
            field="--python",
            expected="one of --python, --http, --lambda and --definition",
        )
    kind = chosen[0]
    for option, given in {**options, "--timeout": timeout}.items():
        own = (*_OPTIONS[kind], *(() if kind == "definition" else ("--timeout",)))
        if given not in (None, []) and option not in own:
            raise InvalidInput(
                f"says nothing about --{kind}", field=option, expected="it to be left out"
            )
    if definition is not None:
        return _read(definition)
    if python is not None:
        document = _python(python, options)
    elif http is not None:
        headers = dict(pairs("--header", options["--header"], ":"))
        document = {"url": http, "headers": headers, "secret": secret}
    else:
        document = {
            "function": lambda_,
            "region": options["--region"],
            "endpoint_url": options["--endpoint-url"],
        }
    document |= {"kind": kind, "timeout_seconds": timeout}
    return _converted({name: value for name, value in document.items() if value is not None})


def pairs(option: str, given: list[str], sign: str) -> list[tuple[str, str]]:
    """Names and values of `NAME=VALUE`, or `NAME: VALUE`. Raises `InvalidInput` naming `option`."""
    found = []
    for text in given:
        name, is_there, value = text.partition(sign)
        if not is_there or not name.strip():
            expected = "NAME=VALUE" if sign == "=" else "'NAME: VALUE'"
            raise InvalidInput("not a pair", field=option, expected=expected)
        found.append((name.strip(), value if sign == "=" else value.strip()))
    return found


def _python(source: str, options: Mapping[str, Any]) -> dict[str, Any]:
    handler, folder, executable = (
        options["--handler"],
        options["--folder"],
        options["--executable"],
    )
    at = str(folder.absolute()) if folder else None
    if source.endswith(".py"):
        where = {"file": str(Path(source).absolute()), "handler": handler, "folder": at}
    elif handler is not None:
        raise InvalidInput(
            f"{source!r} names the function already", field="--handler", expected="none"
        )
    else:
        where = {"handler": source, "folder": at or str(Path.cwd())}
    return {
        **where,
        "python": str(executable.absolute()) if executable else None,
        "environment": dict(pairs("--env", options["--env"], "=")),
        "pass_environment": tuple(options["--pass-env"]),
        "memory_mb": options["--memory"],
        "processes": options["--processes"],
    }


def _read(path: Path) -> Definition:
    import msgspec

    from ringfence.functions import HttpFunction, LambdaFunction, PythonFunction

    try:
        document = msgspec.json.decode(read_text(path), type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise InvalidInput(str(error), field=str(path), expected="a JSON object") from None
    for kind in (PythonFunction, HttpFunction, LambdaFunction):
        unknown = sorted(document.keys() - {"kind", *kind.__struct_fields__})
        if kind.__struct_config__.tag == document.get("kind") and unknown:
            raise InvalidInput(
                "there is no such field",
                field=unknown[0],
                expected="one of kind, " + ", ".join(kind.__struct_fields__),
            )
    return _converted(document)


def _converted(document: dict[str, Any]) -> Definition:
    import msgspec

    from ringfence.functions import Definition as AnyDefinition

    try:
        converted: Definition = msgspec.convert(document, AnyDefinition)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$.")
        raise InvalidInput(message, field=place.rstrip("`") or "definition") from None
    return converted
