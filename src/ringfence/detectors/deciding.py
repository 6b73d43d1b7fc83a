"""Deciding: a batch of requests in, their decisions out, in one transaction.

Requests that arrive together are scored as one batch and committed as one transaction: the event,
what profiles learn from it, the decision, and the opening of a case when an outcome calls for one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from ringfence.detectors.announcing import Announcer
from ringfence.detectors.decisions import (
    Decision,
    insert_decisions,
    matched_rules,
    outcomes_of,
    stored_values,
)
from ringfence.detectors.known import answer_again, known_events, other_content, repeated
from ringfence.detectors.profiles import Profiles
from ringfence.detectors.requests import CaseOpener, Prepared, Suspicion, joined
from ringfence.detectors.runtime import DetectorRuntime, Scored
from ringfence.detectors.shadows.scoring import Deliberation, ShadowStage
from ringfence.events.log import append_events
from ringfence.events.reading import Event
from ringfence.models import Scorer
from ringfence.profiles import ProfilePlan
from ringfence.rules import RuleResult
from ringfence.storage import now


class Decider:
    """Decides about batches of events. Used by one thread at a time."""

    def __init__(
        self,
        profiles: Profiles,
        shadows: ShadowStage,
        opener: CaseOpener | None,
        announcer: Announcer | None,
    ):
        self._profiles = profiles
        self._shadows = shadows
        self._opener = opener
        self._announcer = announcer

    def decide(
        self, connection: Connection, batch: Sequence[Prepared]
    ) -> list[Decision | BaseException]:
        """The answer to each request, in their order, as group commit wants them."""
        answers: list[Decision | BaseException | None] = [None] * len(batch)
        kept = self._profiles.hold(connection, {item.event.event_type for item in batch})
        known = known_events(
            connection, [(item.event.event_type, item.event.event_id) for item in batch]
        )
        fresh: dict[tuple[str, str], int] = {}
        repeats: list[tuple[int, int]] = []
        events: dict[int, Event] = {}
        notes: dict[int, str | None] = {}
        for position, item in enumerate(batch):
            key = (item.event.event_type, item.event.event_id)
            try:
                event, notes[position] = item.resolved(connection, fresh=key not in known)
            except Exception as error:
                answers[position] = error
                continue
            if key in known:
                answers[position] = repeated(known[key], event, item.request)
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
            again = msgspec.structs.replace(decided[first], repeated=True)
            answers[position] = (
                answer_again(again, batch[position].request)
                if same
                else other_content(events[position].event_id)
            )
        return [answer for answer in answers if answer is not None]

    def _decide_fresh(
        self,
        connection: Connection,
        batch: Sequence[Prepared],
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
                    joined(notes[place], said[number].note),
                    stored_values(of_plans, number),
                    said[number].texts,
                )
            self._announce(connection, runtime, [(events[p], decided[p]) for p in places])
            decisions = [decided[place] for place in places]
            deliberations.append(Deliberation(runtime, of_runtime, decisions, seen, asked, scored))
        insert_decisions(connection, list(decided.values()))
        self._shadows.score(connection, deliberations)
        return decided

    def _announce(
        self,
        connection: Connection,
        runtime: DetectorRuntime,
        decided: Sequence[tuple[Event, Decision]],
    ) -> None:
        event_type = runtime.reader.event_type
        if self._announcer is not None and event_type.event_orchestration:
            for event, decision in decided:
                self._announcer.announce(connection, event_type, event, decision)

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
        external_texts: Mapping[str, str] | None,
    ) -> Decision:
        matched = matched_rules(results)
        outcomes = outcomes_of(matched)
        case_id = None
        if self._opener and not watched.isdisjoint(outcomes):
            case_id, reason = self._opener.open_case(
                connection,
                Suspicion(
                    event_type=runtime.reader.event_type,
                    event=event,
                    outcomes=outcomes,
                    decided_at=decided_at,
                ),
            )
            note = joined(note, reason)
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
            external_texts=external_texts,
        )
