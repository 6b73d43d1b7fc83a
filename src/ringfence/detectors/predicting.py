"""Predicting: what a detector version says of events that are not stored.

An event is read, scored and judged as if it were decided about now, and then forgotten: no profile
learns from it, no case opens. What was said is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from ringfence.detectors.announcing import Announcer
from ringfence.detectors.decisions import matched_rules, outcomes_of, stored_values
from ringfence.detectors.predictions import Prediction, insert_predictions
from ringfence.detectors.profiles import Profiles
from ringfence.detectors.requests import Prepared, joined
from ringfence.detectors.runtime import DetectorRuntime
from ringfence.events.reading import Event
from ringfence.storage import now


class Predictor:
    """Predicts about batches of events. Used by one thread at a time."""

    def __init__(self, profiles: Profiles, announcer: Announcer | None):
        self._profiles = profiles
        self._announcer = announcer

    def predict(
        self, connection: Connection, batch: Sequence[Prepared]
    ) -> list[Prediction | BaseException]:
        """The answer to each request, in their order, as group commit wants them."""
        answers: dict[int, Prediction | BaseException] = {}
        remembering = {item.event.event_type for item in batch if item.runtime.plans}
        if remembering:
            self._profiles.hold(connection, remembering)
        predicted_at = now()
        events: dict[int, Event] = {}
        notes: dict[int, str | None] = {}
        by_runtime: dict[DetectorRuntime, list[int]] = {}
        for position, item in enumerate(batch):
            try:
                events[position], notes[position] = item.resolved(connection, fresh=False)
            except Exception as error:
                answers[position] = error
            else:
                by_runtime.setdefault(item.runtime, []).append(position)
        predictions: dict[int, Prediction] = {}
        for runtime, places in by_runtime.items():
            of_runtime = [(events[p], batch[p], notes[p]) for p in places]
            found = self._predict(connection, runtime, of_runtime, predicted_at)
            predictions |= zip(places, found, strict=True)
        if predictions:
            insert_predictions(connection, list(predictions.values()))
        answers |= predictions
        return [answers[position] for position in range(len(batch))]

    def _predict(
        self,
        connection: Connection,
        runtime: DetectorRuntime,
        items: Sequence[tuple[Event, Prepared, str | None]],
        predicted_at: datetime,
    ) -> list[Prediction]:
        events = [event for event, _, _ in items]
        profiles = self._profiles.preview(connection, runtime.plans, events, predicted_at)
        said = runtime.external.answer(
            [event.variables for event in events], [item.asked for _, item, _ in items]
        )
        predictions = []
        for number, (scores, results) in enumerate(runtime.decide(events, profiles, external=said)):
            event, _, note = items[number]
            prediction = Prediction(
                event_type=event.event_type,
                event_id=event.event_id,
                event_at=event.at,
                entities=event.entities,
                variables=event.variables,
                detector_id=runtime.version.detector_id,
                detector_version=runtime.version.version,
                predicted_at=predicted_at,
                scores=scores,
                rules=runtime.all_rules(results),
                outcomes=outcomes_of(matched_rules(results)),
                note=joined(note, said[number].note),
                profile_values=stored_values(profiles, number),
                external_texts=said[number].texts,
            )
            predictions.append(prediction)
            if self._announcer is not None and runtime.reader.event_type.event_orchestration:
                self._announcer.announce(
                    connection, runtime.reader.event_type, event, prediction.as_decision()
                )
        return predictions
