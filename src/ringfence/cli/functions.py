"""`ringfence functions ...`: what contact flows invoke."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringfence.cli.function_definitions import definition_of, pairs
from ringfence.cli.options import DataDir, open_database, read_text, settings_of
from ringfence.errors import InvalidInput

if TYPE_CHECKING:
    from ringfence.functions import Answer, Definition
    from ringfence.settings import Settings

app = typer.Typer(
    help="Functions that contact flows invoke: Python handlers, HTTP endpoints, AWS Lambda.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(help="Name of the function, as the ARN in a flow has it.")]


@app.command("add")
def add(
    name: Name,
    python: Annotated[
        str | None,
        typer.Option(
            help="A file such as handlers/block.py, or module.function below --folder as AWS "
            "Lambda writes it: block.lambda_handler."
        ),
    ] = None,
    http: Annotated[
        str | None, typer.Option(help="Address that is sent each event by POST.")
    ] = None,
    lambda_: Annotated[
        str | None,
        typer.Option("--lambda", help="Name or ARN of a real function of AWS Lambda."),
    ] = None,
    definition: Annotated[
        Path | None, typer.Option(help="JSON file that says all this, as the API does.")
    ] = None,
    handler: Annotated[
        str | None, typer.Option(help="Function in the file; lambda_handler when left out.")
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(help="Where it runs and imports from; the file's folder when left out."),
    ] = None,
    executable: Annotated[
        Path | None,
        typer.Option(help="The Python that runs it, 3.8 or later; this one when left out."),
    ] = None,
    environment: Annotated[
        list[str], typer.Option("--env", help="NAME=VALUE that the handler sees; several times.")
    ] = [],  # noqa: B006 - typer copies it
    passed: Annotated[
        list[str],
        typer.Option(
            "--pass-env",
            help="Name of a variable of the server that it sees, such as a secret; several times.",
        ),
    ] = [],  # noqa: B006
    timeout: Annotated[
        float | None,
        typer.Option(help="Seconds after which it is ended; 8, or 60 for AWS Lambda."),
    ] = None,
    memory: Annotated[int | None, typer.Option(help="Megabytes it may use; 256.")] = None,
    processes: Annotated[
        int | None, typer.Option(help="How many events are worked on at once; 2.")
    ] = None,
    secret: Annotated[
        str | None,
        typer.Option(
            help="Signs what an endpoint is sent, as Standard Webhooks does.",
            envvar="RINGFENCE_FUNCTION_SECRET",
            show_envvar=True,
        ),
    ] = None,
    header: Annotated[
        list[str], typer.Option(help="'NAME: VALUE' that an endpoint is sent; several times.")
    ] = [],  # noqa: B006
    region: Annotated[str | None, typer.Option(help="Region of the AWS Lambda function.")] = None,
    endpoint_url: Annotated[
        str | None, typer.Option(help="Address of what stands in for AWS Lambda.")
    ] = None,
    unchecked: Annotated[
        bool, typer.Option("--unchecked", help="Store Python code without loading it once.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Register a function, or replace it. A flow finds it by the name in its ARN.

    Code is loaded once before it is stored. After changing it, add the function again: a running
    server takes the new code with the next event.

    Examples:

        ringfence functions add block-credit-card --python handlers/block.py

        ringfence functions add lookup --python lookup.main --folder handlers
        --env TABLE=cards --pass-env AWS_ACCESS_KEY_ID --pass-env AWS_SECRET_ACCESS_KEY

        ringfence functions add notify --http https://bank.example/hooks/notify --timeout 3

        ringfence functions add legacy --lambda
        arn:aws:lambda:eu-west-1:123456789012:function:legacy
    """
    from ringfence.cards import open_vault
    from ringfence.cli.retraining import who
    from ringfence.cli.screen import console
    from ringfence.functions import put_function
    from ringfence.storage import now

    wanted = definition_of(
        python=python,
        http=http,
        lambda_=lambda_,
        definition=definition,
        timeout=timeout,
        secret=secret,
        options={
            "--handler": handler,
            "--folder": folder,
            "--executable": executable,
            "--env": environment,
            "--pass-env": passed,
            "--memory": memory,
            "--processes": processes,
            "--header": header,
            "--region": region,
            "--endpoint-url": endpoint_url,
        },
    )
    settings = settings_of(data_dir=data_dir)
    database = open_database(settings)
    if not unchecked:
        _load_once(name, wanted, settings)
    vault = open_vault(settings.data_dir, settings.vault_secret, database)
    with database.write() as connection:
        stored = put_function(connection, vault, name, wanted, by=who(), at=now())
    console.print(
        f"Function {stored.name} is {_what(stored.definition)}. "
        f"Try it: ringfence functions invoke {stored.name}",
        markup=False,
    )


@app.command("list")
def list_all(data_dir: DataDir = None) -> None:
    """List the functions that flows can invoke, beside those that are built in.

    Examples:

        ringfence functions list
    """
    from ringfence.cli.screen import console, table
    from ringfence.functions import list_functions

    with open_database(settings_of(data_dir=data_dir)).read() as connection:
        functions = list_functions(connection)
    if not functions:
        console.print("No function yet. Add one: ringfence functions add NAME --python FILE")
        return
    table(
        ("function", "is", "seconds>", "since", "by"),
        (
            (
                each.name,
                _what(each.definition),
                f"{each.definition.timeout_seconds:g}",
                f"{each.updated_at:%Y-%m-%d %H:%M}",
                each.updated_by,
            )
            for each in functions
        ),
    )


@app.command("show")
def show(name: Name, data_dir: DataDir = None) -> None:
    """Show a function as JSON, without secrets, as `add --definition` and the API take it.

    Examples:

        ringfence functions show block-credit-card
    """
    from ringfence.functions import get_function

    with open_database(settings_of(data_dir=data_dir)).read() as connection:
        _print_json(get_function(connection, name).definition)


@app.command("remove")
def remove(name: Name, data_dir: DataDir = None) -> None:
    """Take a function away. Flows that invoke it take their error branches from then on.

    Examples:

        ringfence functions remove block-credit-card
    """
    from ringfence.cli.screen import console
    from ringfence.functions import delete_function

    with open_database(settings_of(data_dir=data_dir)).write() as connection:
        delete_function(connection, name)
    console.print(f"Function {name} is gone.", markup=False)


@app.command("invoke")
def invoke(
    name: Name,
    event: Annotated[
        Path | None,
        typer.Option(help="JSON file with the event; the one of a call when left out."),
    ] = None,
    attribute: Annotated[
        list[str],
        typer.Option("--attribute", "-a", help="NAME=VALUE: a contact attribute of that call."),
    ] = [],  # noqa: B006
    parameter: Annotated[
        list[str],
        typer.Option("--parameter", "-p", help="NAME=VALUE: what the block passes to it."),
    ] = [],  # noqa: B006
    data_dir: DataDir = None,
) -> None:
    """Invoke a function here, once, and print its answer; what it logs goes to standard error.

    It does what it does. The exit code is 2 when it fails.

    Examples:

        ringfence functions invoke block-credit-card -a Customer=customer-7

        ringfence functions invoke block-credit-card --event event.json
    """
    import msgspec

    if event is not None and (attribute or parameter):
        raise InvalidInput(
            "the file is the whole event", field="--event", expected="no attributes beside it"
        )
    if event is not None:
        payload = read_text(event).encode()
        try:
            msgspec.json.decode(payload)
        except (msgspec.DecodeError, RecursionError) as error:
            raise InvalidInput(str(error), field=str(event), expected="JSON") from None
    else:
        sent = _event_of_a_call(
            dict(pairs("--attribute", attribute, "=")), dict(pairs("--parameter", parameter, "="))
        )
        payload = msgspec.json.encode(sent)
    answer = _invoked(settings_of(data_dir=data_dir), name, payload)
    _print_json(answer.document)
    if answer.error is not None:
        raise typer.Exit(2)


@app.command("logs")
def logs(
    name: Name,
    url: Annotated[
        str, typer.Option(help="The server on which it ran.", envvar="RINGFENCE_URL")
    ] = "http://127.0.0.1:8750",
    api_key: Annotated[
        str | None, typer.Option(help="API key for the server.", envvar="RINGFENCE_API_KEY")
    ] = None,
) -> None:
    """Show the last 200 lines that a function has logged on a running server.

    Examples:

        ringfence functions logs block-credit-card --url http://127.0.0.1:8750
    """
    from urllib.parse import quote

    from ringfence.cli.client import Client
    from ringfence.cli.screen import console

    with Client(url, api_key) as client:
        lines = client.get(f"/v1/functions/{quote(name, safe='')}/logs")
    if not lines:
        console.print(f"{name} has logged nothing since the server started.", markup=False)
    for line in lines:
        typer.echo(f"{line['at'][:23]}Z  {line['text']}")


def _load_once(name: str, definition: Definition, settings: Settings) -> None:
    import asyncio

    from ringfence.functions import PythonFunction, try_loading

    definition.check()
    if isinstance(definition, PythonFunction):
        asyncio.run(try_loading(name, definition, settings.aws_region))


def _invoked(settings: Settings, name: str, payload: bytes) -> Answer:
    import asyncio

    from ringfence.cards import open_vault
    from ringfence.functions import FunctionLogs, FunctionRunner

    database = open_database(settings)
    vault = open_vault(settings.data_dir, settings.vault_secret, database)

    async def run() -> Answer:
        runner = FunctionRunner(
            database,
            vault,
            region=settings.aws_region,
            account=settings.aws_account_id,
            logs=FunctionLogs(lambda _, line: typer.echo(line.text, err=True)),
        )
        try:
            return await runner.run(name, payload)
        finally:
            await runner.close()

    return asyncio.run(run())


def _event_of_a_call(attributes: dict[str, str], parameters: dict[str, str]) -> dict[str, Any]:
    import uuid

    from ringfence.flows import Contact, ContactState
    from ringfence.flows.functions import function_event

    contact = Contact(
        contact_id=str(uuid.uuid4()),
        attributes=attributes,
        customer_number="+14155550123",
        system_number="+15550100000",
        instance_arn=f"arn:aws:connect:us-east-1:000000000000:instance/{uuid.uuid4()}",
    )
    return function_event(ContactState.of(contact), parameters)


def _what(definition: Definition) -> str:
    from ringfence.functions import HttpFunction, PythonFunction

    if isinstance(definition, PythonFunction):
        if definition.file:
            return f"Python, {definition.handler} in {definition.file}"
        return f"Python, {definition.handler} below {definition.working_folder}"
    if isinstance(definition, HttpFunction):
        return f"HTTP, {definition.url}" + (", signed" if definition.signed else "")
    return f"AWS Lambda, {definition.function}"


def _print_json(document: object) -> None:
    import msgspec

    typer.echo(msgspec.json.format(msgspec.json.encode(document)).decode())
