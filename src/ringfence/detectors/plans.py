"""Which profile plans are kept up to date, and when one ceases to be.

A plan is kept from the moment its states begin to be built from the event log: from then on every
event of its type is added to it in the transaction that stores the event, whichever detector
decides, so that what was built stays complete. It is given up when it is neither used by an active
detector version nor by the version that decided before, to which one may want to go back at once,
nor by a version that runs as a shadow, nor by a model version that is deployed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import chain

import msgspec
from sqlalchemy import Connection, bindparam, delete, select, text, update

from ringfence.detectors import tables
from ringfence.events.revisions import raise_revision
from ringfence.models import load_artifact
from ringfence.models.trainings import deployed_versions
from ringfence.profiles import ProfilePlan, rebuild
from ringfence.profiles.states import delete_states, locked_plan, new_states_id
from ringfence.profiles.tables import profile_plans
from ringfence.storage import Database, now

Progress = Callable[[int, int], None]
_DELETED_AT_ONCE = 20_000

# Asked with every batch of decisions, so it is built once. Others who decide about events of these
# types wait, always in the order of the plans, until the transaction ends.
_PLANS = (
    select(
        profile_plans.c.plan_id,
        profile_plans.c.event_type,
        profile_plans.c.built_at,
        profile_plans.c.building_id,
    )
    .where(profile_plans.c.event_type.in_(bindparam("types", expanding=True)))
    .order_by(profile_plans.c.plan_id)
    .with_for_update()
)


def hold_plans(connection: Connection, event_types: Collection[str]) -> Mapping[str, Sequence[str]]:
    """The ids of the plans that events of these types are added to, by event type; held until the
    transaction ends.

    On PostgreSQL a transaction that decides, or labels an event, calls this before it locks
    anything else: whoever comes first is waited for, and nobody waits in a circle.
    """
    kept: dict[str, list[str]] = {}
    for plan_id, event_type, built_at, building_id in connection.execute(
        _PLANS, {"types": sorted(event_types)}
    ):
        if built_at is not None or building_id is not None:
            kept.setdefault(event_type, []).append(plan_id)
    return kept


def read_plan(connection: Connection, plan_id: str) -> ProfilePlan:
    """A plan that is known to be stored."""
    definition = connection.execute(
        select(profile_plans.c.definition).where(profile_plans.c.plan_id == plan_id)
    ).scalar_one()
    return msgspec.convert(definition, ProfilePlan)


def unbuilt(connection: Connection, plans: Iterable[ProfilePlan]) -> list[ProfilePlan]:
    """Those of the plans whose states were never built, or have been given up since."""
    by_id = {plan.plan_id: plan for plan in plans}
    if not by_id:
        return []
    built = set(
        connection.execute(
            select(profile_plans.c.plan_id).where(
                profile_plans.c.plan_id.in_(by_id), profile_plans.c.built_at.is_not(None)
            )
        ).scalars()
    )
    return [plan for plan_id, plan in by_id.items() if plan_id not in built]


def outdated_plans(connection: Connection, plans: Iterable[ProfilePlan]) -> list[ProfilePlan]:
    """Those of the plans whose states hold events that have been deleted since."""
    by_id = {plan.plan_id: plan for plan in plans}
    if not by_id:
        return []
    outdated = connection.execute(
        select(profile_plans.c.plan_id).where(
            profile_plans.c.plan_id.in_(by_id), profile_plans.c.outdated_at.is_not(None)
        )
    ).scalars()
    return [by_id[plan_id] for plan_id in outdated]


def note_deletion(connection: Connection, event_type: str) -> None:
    """Note that events of this type are gone from the log, whose plans must be held: servers build
    the profiles that are kept anew, and go on deciding by those that they have meanwhile."""
    kept = hold_plans(connection, [event_type]).get(event_type, ())
    if not kept:
        return
    begin_building_anew(connection, kept)
    marked = connection.execute(
        update(profile_plans)
        .where(profile_plans.c.plan_id.in_(kept), profile_plans.c.outdated_at.is_(None))
        .values(outdated_at=now())
    )
    if marked.rowcount:
        raise_revision(connection)


def begin_building_anew(connection: Connection, plan_ids: Collection[str]) -> None:
    """Let those who build these plans from the log at present begin again: something has changed
    there that they may have passed already. The plans must be held."""
    connection.execute(
        update(profile_plans)
        .where(profile_plans.c.plan_id.in_(plan_ids), profile_plans.c.building_id.is_not(None))
        .values(building_id=new_states_id())
    )


def build_plan(database: Database, plan: ProfilePlan, progress: Progress = lambda *_: None) -> int:
    """Keep a plan from now on, with the states that the event log gives; how many events it had.

    Servers go on deciding meanwhile. Raises what `profiles.rebuild` raises.
    """
    with database.write() as connection:
        if not database.is_sqlite:
            # Transactions that are under way do not know the plan yet: what they store must be in
            # the log before it is read. All of them hold this table a little, by `hold_plans`.
            connection.execute(text(f"LOCK TABLE {profile_plans.name} IN EXCLUSIVE MODE"))
        if locked_plan(connection, plan).building_id is None:
            connection.execute(
                update(profile_plans)
                .where(profile_plans.c.plan_id == plan.plan_id)
                .values(building_id=new_states_id())
            )
    return rebuild(database, plan, progress)


def stop_building(connection: Connection, plan: ProfilePlan) -> None:
    """Leave a plan that somebody was building for later use, unless a version in use needs it."""
    if plan in plans_in_use(connection, plan.event_type):
        return
    connection.execute(
        update(profile_plans)
        .where(profile_plans.c.plan_id == plan.plan_id, profile_plans.c.built_at.is_(None))
        .values(building_id=None)
    )


def give_up_unused_plans(connection: Connection, event_type: str) -> None:
    """Cease to keep the plans of an event type that no version in use, or lately in use, needs."""
    kept = hold_plans(connection, [event_type]).get(event_type)
    if not kept:
        return
    used = {plan.plan_id for plan in plans_in_use(connection, event_type)}
    given_up = [plan_id for plan_id in kept if plan_id not in used]
    if given_up:
        connection.execute(
            update(profile_plans)
            .where(
                profile_plans.c.plan_id.in_(given_up),
                # Somebody is about to use it.
                profile_plans.c.building_id.is_(None),
            )
            .values(built_at=None)
        )


def plans_in_use(connection: Connection, event_type: str) -> list[ProfilePlan]:
    """The plans of the active detector versions of an event type, of those before them, of those
    that run as shadows, and of the model versions that are deployed."""
    detectors, versions = tables.detectors, tables.detector_versions
    rows = connection.execute(
        select(versions.c.detector_id, versions.c.status, versions.c.models)
        .join(detectors, detectors.c.detector_id == versions.c.detector_id)
        .where(detectors.c.event_type == event_type, versions.c.activated_at.is_not(None))
        .order_by(versions.c.activated_at.desc())
    )
    newest: dict[tuple[str, str], Sequence[Mapping[str, str]]] = {}
    for row in rows:
        newest.setdefault((row.detector_id, row.status), row.models)
    shadows = connection.execute(
        select(versions.c.models)
        .join(detectors, detectors.c.detector_id == versions.c.detector_id)
        .join(
            tables.shadows,
            (tables.shadows.c.detector_id == versions.c.detector_id)
            & (tables.shadows.c.version == versions.c.version),
        )
        .where(detectors.c.event_type == event_type, tables.shadows.c.stopped_at.is_(None))
    ).scalars()
    models = {
        (model["model_id"], model["version"])
        for model in chain(chain.from_iterable(newest.values()), chain.from_iterable(shadows))
    }
    models.update(deployed_versions(connection, event_type))
    return list(plans_of(connection, sorted(models)).values())


def plans_of(
    connection: Connection, models: Iterable[tuple[str, str]]
) -> Mapping[str, ProfilePlan]:
    """The plans, by their ids, of model versions, which are given as model id and version."""
    plans: dict[str, ProfilePlan] = {}
    for model_id, version in models:
        plan = load_artifact(connection, model_id, version).plan
        if plan is not None:
            plans[plan.plan_id] = plan
    return plans


def clear_given_up_plans(database: Database, event_type: str) -> None:
    """Delete what is stored of plans that are given up, in parts, so that nobody waits long."""
    with database.read() as connection:
        used = {plan.plan_id for plan in plans_in_use(connection, event_type)}
        stored = connection.execute(
            select(profile_plans.c.plan_id).where(profile_plans.c.event_type == event_type)
        ).scalars()
        given_up = [plan_id for plan_id in stored if plan_id not in used]
    for plan_id in given_up:
        while _clear_some(database, plan_id):
            pass


def _clear_some(database: Database, plan_id: str) -> bool:
    """Whether there may be more to delete of the plan."""
    of_plan = profile_plans.c.plan_id == plan_id
    with database.write() as connection:
        # Looked at anew each time: somebody may take the plan up again.
        row = connection.execute(
            select(profile_plans)
            .where(
                of_plan, profile_plans.c.built_at.is_(None), profile_plans.c.building_id.is_(None)
            )
            .with_for_update()
        ).first()
        if row is None:
            return False
        if delete_states(connection, row.states_id, _DELETED_AT_ONCE) == _DELETED_AT_ONCE:
            return True
        connection.execute(delete(profile_plans).where(of_plan))
        return False
