"""`ringfence profiles ...`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ringfence.cli.options import DataDir, open_database, settings_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ringfence.profiles import ProfilePlan

app = typer.Typer(help="Profiles: what is remembered of each entity.", no_args_is_help=True)

EventTypeFilter = Annotated[
    str | None, typer.Option("--event-type", help="Only of this event type; of all if left out.")
]


@app.command("rebuild")
def rebuild(event_type: EventTypeFilter = None, data_dir: DataDir = None) -> None:
    """Make the profiles anew from the event log; a running server goes on deciding meanwhile.

    Profiles of detector versions that are in use are built by the server itself; this command is
    for states that were lost or damaged, and for labels that were changed in the database by hand.

    Examples:

        ringfence profiles rebuild

        ringfence profiles rebuild --event-type card_payment
    """
    from ringfence.cli.screen import console, progress_bar
    from ringfence.detectors.plans import build_plan, clear_given_up_plans

    database = open_database(settings_of(data_dir=data_dir))
    with database.read() as connection:
        plans = _plans(connection, event_type)
    if not plans:
        console.print("No detector version in use looks at profiles: there is nothing to rebuild.")
        return
    for plan in plans:
        with progress_bar(f"Profiles of {plan.event_type}") as advance:
            events = build_plan(
                database,
                plan,
                lambda done, of, advance=advance: advance(done / of if of else 1.0, ""),  # type: ignore[misc]
            )
        console.print(
            f"{plan.event_type}: {events:,} events in {len(plan.aggregates)} aggregates "
            f"(plan {plan.plan_id})"
        )
    for name in sorted({plan.event_type for plan in plans}):
        clear_given_up_plans(database, name)


@app.command("show")
def show(
    entity_type: Annotated[str, typer.Argument(help="Entity type, or the name of a variable.")],
    entity_id: Annotated[str, typer.Argument(help="Which entity, or which value.")],
    event_type: EventTypeFilter = None,
    data_dir: DataDir = None,
) -> None:
    """Show what is remembered of an entity, as an event that comes now would find it.

    What compares an event with a habit, or belongs to a pair of entities, has no value here.

    Examples:

        ringfence profiles show card card_5f0c

        ringfence profiles show merchant "Corner Shop" --event-type card_payment
    """
    from ringfence.cli.screen import console, table
    from ringfence.detectors.profiles import current_values
    from ringfence.errors import NotFound
    from ringfence.events import Entity, Event
    from ringfence.storage import now

    database = open_database(settings_of(data_dir=data_dir))
    at = now()
    shown = 0
    with database.write() as connection:
        for plan in _plans(connection, event_type):
            mine = [
                place
                for place, aggregate in enumerate(plan.aggregates)
                if len(aggregate.by) == 1
                and aggregate.by[0].part is None
                and entity_type in (aggregate.by[0].entity, aggregate.by[0].variable)
            ]
            if not mine:
                continue
            event = Event(
                event_type=plan.event_type,
                event_id="now",
                at=at,
                entities=(Entity(entity_type, entity_id),),
                variables={entity_type: entity_id},
                content_hash=b"",
            )
            values = current_values(connection, [plan], [event], at)[plan.plan_id][0]
            table(
                ("aggregate", "kind", "value>"),
                (
                    (plan.names[place], plan.aggregates[place].kind, f"{values[place]:,.6g}")
                    for place in mine
                    if values[place] == values[place]
                ),
                title=f"{entity_type} {entity_id}, by events of type {plan.event_type}",
            )
            shown += 1
    if not shown:
        raise NotFound(
            f"no profile in use is about {entity_type!r}",
            field="entity_type",
            expected="an entity type or a variable that a model in use looks at",
        )
    console.print(f"As of {at:%Y-%m-%d %H:%M:%S} UTC.")


def _plans(connection: Connection, event_type: str | None) -> list[ProfilePlan]:
    from ringfence.detectors.plans import plans_in_use
    from ringfence.events import get_event_type, list_event_types

    names = (
        [known.name for known in list_event_types(connection)]
        if event_type is None
        else [get_event_type(connection, event_type).name]
    )
    return [plan for name in names for plan in plans_in_use(connection, name)]
