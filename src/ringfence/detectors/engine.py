"""The hot path: an event in, a durable decision out.

Requests that arrive together are scored as one batch and committed as one transaction: the event,
what profiles learn from it, the decision, and the opening of a case when an outcome calls for one.
Nothing is answered before it is on disk, and one event id has one decision.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import msgspec
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError, OperationalError

from ringfence.detectors.building import ProfileBuilder
from ringfence.detectors.decisions import (
    Decision,
    insert_decisions,
    matched_rules,
    outcomes_of,
    seen_values,
    stored_decision,
    stored_values,
)
from ringfence.detectors.external import Asked
from ringfence.detectors.known import known_decisions, other_content, repeated
from ringfence.detectors.profiles import Profiles
from ringfence.detectors.runtime import Catalog, DetectorRuntime, Scored
from ringfence.detectors.shadows.scoring import Deliberation, ShadowStage
from ringfence.detectors.versions import version_that_decided
from ringfence.events.log import append_events, stored_event
from ringfence.events.reading import Entity, Event, SentEvent
from ringfence.models import Contribution, Scorer
from ringfence.models.external import Body, ExternalCalls
from ringfence.profiles import ProfilePlan
from ringfence.rules import RuleResult
from ringfence.storage import Database, GroupCommit, now

_NOTE_CHARACTERS = 512


class Resolved(msgspec.Struct, frozen=True):
    """Who an event turned out to be about, and what to tell the client about that."""

    entities: tuple[Entity, ...]
    note: str | None = None


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One event to decide about.

    `resolve(connection, fresh)` finds the entities inside the deciding transaction, for a client
    that names the card by its number; what it raises is the answer to this request alone. `fresh`
    is false when the event id is known already: a repeat must get its answer even if the card has
    been blocked since. `variables_field` is where the variables stand in the client's document.
    `bodies` are those for external models that look at no variables, by the model's name.
    """

    event_type: str
    sent: SentEvent
    detector_id: str | None = None
    resolve: Callable[[Connection, bool], Resolved] | None = None
    variables_field: str = "variables"
    bodies: Mapping[str, Body] | None = None


class Suspicion(msgspec.Struct, frozen=True, kw_only=True):
    """An event whose decision has an outcome, handed to whoever opens cases."""

    event: Event
    outcomes: tuple[str, ...]
    decided_at: datetime


class CaseOpener(Protocol):
    """Opens cases. Implemented by `cases`, of which this room knows nothing else."""

    def watched_outcomes(self, connection: Connection) -> frozenset[str]:
        """The outcomes that can open a case."""

    def open_case(self, connection: Connection, suspicion: Suspicion) -> tuple[str | None, str]:
        """Open a case, or join the open one of that card, in the given transaction.

        Returns the case's id, or None and why there is none.
        """

    def opened(self, case_id: str) -> None:
        """Told after the commit, on the event loop."""


class DecisionEngine:
    """Decides about events. One per process; close it to finish what is queued."""

    def __init__(self, database: Database, opener: CaseOpener | None = None):
        self._database = database
        self._opener = opener
        self.catalog = Catalog()
        self.external = ExternalCalls()
        self._profiles = Profiles()
        self._builder = ProfileBuilder(database, self.catalog.reconsider)
        self._shadows = ShadowStage(database, self.catalog)
        self._commit: GroupCommit[_Prepared, Decision] = GroupCommit(database, self._decide_batch)

    async def decide(self, request: Request) -> Decision:
        """The decision about an event, durable when this returns.

        The same event id with the same content returns the stored decision (`repeated`); with
        other content it raises `Conflict`. Raises `InvalidInput` naming the field, `NotFound`,
        `Unavailable` for an external model without which nothing is to be decided.
        """
        runtime = self.catalog.cached(request.event_type, request.detector_id)
        if runtime is None:
            runtime = await asyncio.to_thread(self._active, request)
        event = runtime.reader.read(request.sent, now(), field=request.variables_field)
        asked: Asked = {}
        # What is decided already is not asked again; the stored decision is the answer.
        if runtime.external.are_asked_ahead and not await asyncio.to_thread(self._is_known, event):
            asked = await runtime.external.ask(self.external, event.variables, request.bodies)
        prepared = _Prepared(request, event, runtime, asked)
        try:
            decision = await self._commit.submit(prepared)
        except (IntegrityError, OperationalError):
            # On PostgreSQL another server may have stored this event, or opened a case for this
            # card, in the same moment; by now that is known, and the answer follows from it.
            decision = await self._commit.submit(prepared)
        if self._opener and decision.case_id and not decision.repeated:
            self._opener.opened(decision.case_id)
        return decision

    async def explain(self, decision: Decision) -> dict[str, tuple[Contribution, ...]]:
        """What the scores of a stored decision are made of, from what was stored.

        Raises `VersionGone` when the version that decided was deleted or changed since.
        """
        return await asyncio.to_thread(self._explain, decision)

    def close(self) -> None:
        """Finish what was accepted."""
        self._builder.close()
        self._shadows.close()
        self._commit.close()
        self.external.close()

    def _active(self, request: Request) -> DetectorRuntime:
        with self._database.read() as connection:
            runtime = self.catalog.active(connection, request.event_type, request.detector_id)
            self._shadows.look(connection, runtime.version.detector_id)
        self._builder.ask(self.catalog.lacking())
        if runtime.external.endpoints:
            self.external.open()
        return runtime

    def _is_known(self, event: Event) -> bool:
        with self._database.read() as connection:
            return bool(known_decisions(connection, [(event.event_type, event.event_id)]))

    def _explain(self, decision: Decision) -> dict[str, tuple[Contribution, ...]]:
        with self._database.read() as connection:
            version_that_decided(
                connection,
                decision.detector_id,
                decision.detector_version,
                decision.decided_at,
            )
            runtime = self.catalog.version(
                connection, decision.detector_id, decision.detector_version
            )
            stored = stored_event(connection, decision.event_type, decision.event_id)
            if runtime.plans and decision.profile_values is None:
                decision = stored_decision(connection, decision.event_type, decision.event_id)
        return runtime.explain(
            Event(
                event_type=stored.event_type,
                event_id=stored.event_id,
                at=stored.at,
                entities=stored.entities,
                variables=stored.variables,
                content_hash=b"",
            ),
            seen_values(decision),
            decision.scores,
        )

    def _decide_batch(
        self, connection: Connection, batch: Sequence[_Prepared]
    ) -> list[Decision | BaseException]:
        answers: list[Decision | BaseException | None] = [None] * len(batch)
        kept = self._profiles.hold(connection, {item.event.event_type for item in batch})
        known = known_decisions(
            connection, [(item.event.event_type, item.event.event_id) for item in batch]
        )
        fresh: dict[tuple[str, str], int] = {}
        repeats: list[tuple[int, int]] = []
        events: dict[int, Event] = {}
        notes: dict[int, str | None] = {}
        for position, item in enumerate(batch):
            key = (item.event.event_type, item.event.event_id)
            try:
                event, notes[position] = _resolve(connection, item, key not in known)
            except Exception as error:
                answers[position] = error
                continue
            if key in known:
                answers[position] = repeated(known[key], event)
            elif key in fresh:
                repeats.append((position, fresh[key]))
                events[position] = event
            else:
                fresh[key] = position
                events[position] = event
        decided = self._decide_fresh(connection, batch, fresh.values(), events, notes, kept)
        for position, decision in decided.items():
            answers[position] = decision
        for position, first in repeats:
            same = events[position].content_hash == events[first].content_hash
            answers[position] = (
                msgspec.structs.replace(decided[first], repeated=True)
                if same
                else other_content(events[position].event_id)
            )
        return [answer for answer in answers if answer is not None]

    def _decide_fresh(
        self,
        connection: Connection,
        batch: Sequence[_Prepared],
        positions: Collection[int],
        events: Mapping[int, Event],
        notes: Mapping[int, str | None],
        kept: Mapping[str, Sequence[str]],
    ) -> dict[int, Decision]:
        if not positions:
            return {}
        by_runtime: dict[DetectorRuntime, list[int]] = {}
        for position in positions:
            by_runtime.setdefault(batch[position].runtime, []).append(position)
        watched = self._opener.watched_outcomes(connection) if self._opener else frozenset()
        # Read while the plans are held: profiles take events in the order of these times.
        decided_at = now()
        append_events(connection, [events[position] for position in positions], decided_at)
        profiles = self._advance(connection, by_runtime, events, kept, decided_at)
        decided: dict[int, Decision] = {}
        deliberations = []
        for runtime, places in by_runtime.items():
            of_runtime = [events[place] for place in places]
            seen = {
                plan_id: [values[place] for place in places]
                for plan_id, values in profiles.items()
                if places[0] in values
            }
            of_plans = {plan_id: seen[plan_id] for plan_id in runtime.plans}
            scored: dict[Scorer, Scored] = {}
            asked = [batch[place].asked for place in places]
            said = runtime.external.answer([event.variables for event in of_runtime], asked)
            for number, (scores, results) in enumerate(
                runtime.decide(of_runtime, of_plans, scored, said)
            ):
                place = places[number]
                decided[place] = self._decision(
                    connection,
                    runtime,
                    events[place],
                    scores,
                    results,
                    watched,
                    decided_at,
                    _joined(notes[place], said[number].note),
                    stored_values(of_plans, number),
                )
            decisions = [decided[place] for place in places]
            deliberations.append(Deliberation(runtime, of_runtime, decisions, seen, asked, scored))
        insert_decisions(connection, list(decided.values()))
        self._shadows.score(connection, deliberations)
        return decided

    def _advance(
        self,
        connection: Connection,
        by_runtime: Mapping[DetectorRuntime, Sequence[int]],
        events: Mapping[int, Event],
        kept: Mapping[str, Sequence[str]],
        received_at: datetime,
    ) -> Mapping[str, Mapping[int, Sequence[float]]]:
        """By plan id, the values of the events at their positions in the batch."""
        positions: dict[str, list[int]] = {}
        needed: dict[str, dict[str, ProfilePlan]] = {}
        for runtime, places in by_runtime.items():
            event_type = runtime.reader.event_type.name
            if runtime.plans or event_type in kept:
                positions.setdefault(event_type, []).extend(places)
                needed.setdefault(event_type, {}).update(runtime.plans)
        found: dict[str, Mapping[int, Sequence[float]]] = {}
        for event_type in sorted(positions):
            places = positions[event_type]
            values = self._profiles.advance(
                connection,
                kept.get(event_type, ()),
                needed[event_type],
                [events[place] for place in places],
                received_at,
            )
            for plan_id, of_events in values.items():
                found[plan_id] = dict(zip(places, of_events, strict=True))
        return found

    def _decision(
        self,
        connection: Connection,
        runtime: DetectorRuntime,
        event: Event,
        scores: dict[str, float],
        results: Sequence[RuleResult],
        watched: frozenset[str],
        decided_at: datetime,
        note: str | None,
        profile_values: Mapping[str, Sequence[float | None]] | None,
    ) -> Decision:
        matched = matched_rules(results)
        outcomes = outcomes_of(matched)
        case_id = None
        if self._opener and not watched.isdisjoint(outcomes):
            case_id, reason = self._opener.open_case(
                connection, Suspicion(event=event, outcomes=outcomes, decided_at=decided_at)
            )
            note = _joined(note, reason)
        return Decision(
            event_type=event.event_type,
            event_id=event.event_id,
            detector_id=runtime.version.detector_id,
            detector_version=runtime.version.version,
            decided_at=decided_at,
            scores=scores,
            rules=matched,
            outcomes=outcomes,
            case_id=case_id,
            note=note,
            profile_values=profile_values,
        )


class _Prepared:
    __slots__ = ("asked", "event", "request", "runtime")

    def __init__(self, request: Request, event: Event, runtime: DetectorRuntime, asked: Asked):
        self.request = request
        self.event = event
        self.runtime = runtime
        self.asked = asked


def _resolve(connection: Connection, item: _Prepared, fresh: bool) -> tuple[Event, str | None]:
    if item.request.resolve is None:
        return item.event, None
    resolved = item.request.resolve(connection, fresh)
    content = item.event.content_hash + msgspec.msgpack.encode(resolved.entities)
    return (
        msgspec.structs.replace(
            item.event,
            entities=resolved.entities,
            content_hash=hashlib.blake2b(content, digest_size=16).digest(),
        ),
        resolved.note,
    )


def _joined(*notes: str | None) -> str | None:
    return "; ".join(note for note in notes if note)[:_NOTE_CHARACTERS] or None
