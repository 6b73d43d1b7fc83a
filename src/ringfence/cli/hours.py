"""`ringfence hours ...`: hours of operation."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringfence.cli.instances import reading, writing
from ringfence.cli.options import DataDir
from ringfence.errors import InvalidInput

if TYPE_CHECKING:
    from ringfence.contacts.hours import Override, Period

app = typer.Typer(
    help="Hours of operation: when a queue, or whoever answers, is there.", no_args_is_help=True
)

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Name = Annotated[str, typer.Argument(help="Name of the hours, or their id.")]


@app.command("add")
def add(
    name: Name,
    time_zone: Annotated[str | None, typer.Option(help="Such as Europe/Berlin; UTC.")] = None,
    open_: Annotated[
        list[str] | None,
        typer.Option("--open", help="DAYS FROM-TO, such as 'mon-fri 08:00-18:00'; several times."),
    ] = None,
    closed: Annotated[
        list[str] | None,
        typer.Option(help="A day, or DAY..DAY, on which nobody is there; several times."),
    ] = None,
    description: Annotated[str | None, typer.Option(help="What they are for.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Add hours of operation, or change what is given of those that are here.

    Times are those of a clock on the wall in the time zone; 00:00-00:00 is the whole day.

    Examples:

        ringfence hours add "Office hours" --time-zone Europe/Berlin
        --open "mon-fri 08:00-18:00" --open "sat 09:00-13:00" --closed 2026-12-24..2026-12-26
    """
    from ringfence.cli.screen import console
    from ringfence.contacts.bindings import find_thing
    from ringfence.contacts.hours import create_hours, update_hours

    values: dict[str, Any] = {}
    if time_zone is not None:
        values["time_zone"] = time_zone
    if description is not None:
        values["description"] = description
    if open_ is not None:
        values["periods"] = [period for each in open_ for period in _periods(each)]
    if closed is not None:
        values["overrides"] = [_closed(each) for each in closed]
    with writing(data_dir) as (connection, instance_id):
        known = find_thing(connection, instance_id, "hours of operation", name)
        if known is None:
            values.setdefault("time_zone", "UTC")
            hours = create_hours(connection, instance_id, name, **values)
        else:
            hours = update_hours(connection, known, **values)
    console.print(f"Hours {hours.name}, {hours.time_zone}.", markup=False)


@app.command("list")
def list_all(data_dir: DataDir = None) -> None:
    """List hours of operation, and which are open now.

    Examples:

        ringfence hours list
    """
    from ringfence.cli.screen import console, table
    from ringfence.contacts.hours import is_open, list_hours
    from ringfence.storage import now

    with reading(data_dir) as (connection, instance_id):
        found = list_hours(connection, instance_id)
    if not found:
        console.print(
            "No hours yet. Add some: ringfence hours add NAME --open 'mon-fri 08:00-18:00'"
        )
        return
    at = now()
    table(
        ("hours", "now", "time zone", "open", "exceptions"),
        (
            (
                each.name,
                "open" if is_open(each, at) else "closed",
                each.time_zone,
                "; ".join(f"{p.day[:3].lower()} {p.start}-{p.end}" for p in each.periods),
                "; ".join(f"{o.begins}..{o.ends} {o.type.lower()}" for o in each.overrides),
            )
            for each in found
        ),
    )


@app.command("remove")
def remove(name: Name, data_dir: DataDir = None) -> None:
    """Remove hours of operation that no queue keeps.

    Examples:

        ringfence hours remove "Office hours"
    """
    from ringfence.cli.screen import console
    from ringfence.contacts.bindings import require_thing
    from ringfence.contacts.hours import delete_hours

    with writing(data_dir) as (connection, instance_id):
        hours_id = require_thing(connection, instance_id, "hours of operation", name)
        delete_hours(connection, hours_id)
    console.print(f"The hours {name} are gone.", markup=False)


def _periods(text: str) -> list[Period]:
    from ringfence.contacts.hours import Day, Period

    days, blank, times = text.strip().lower().rpartition(" ")
    start, dash, end = times.partition("-")
    chosen: list[int] = []
    for part in days.replace(" ", "").split(","):
        first, is_range, last = part.partition("-")
        known = first[:3] in _DAYS and (not is_range or last[:3] in _DAYS)
        if not known or not blank or not dash:
            raise InvalidInput(
                f"{text!r} is not understood",
                field="--open",
                expected="days and times such as 'mon-fri 08:00-18:00' or 'sat,sun 09:00-13:00'",
            )
        begin = _DAYS.index(first[:3])
        until = _DAYS.index(last[:3]) if is_range else begin
        chosen += [(begin + step) % 7 for step in range((until - begin) % 7 + 1)]
    return [Period(tuple(Day)[each], start, end) for each in chosen]


def _closed(text: str) -> Override:
    from ringfence.contacts.hours import Override

    first, is_range, last = text.partition("..")
    try:
        begins = date.fromisoformat(first.strip())
        ends = date.fromisoformat(last.strip()) if is_range else begins
    except ValueError:
        raise InvalidInput(
            f"{text!r} is no day", field="--closed", expected="such as 2026-12-24..2026-12-26"
        ) from None
    return Override(name=f"Closed {text}", begins=begins, ends=ends)
