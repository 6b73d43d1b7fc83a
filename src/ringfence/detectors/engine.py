"""The hot path: an event in, a durable decision out.

Requests that arrive together are answered in one transaction (`deciding`); nothing is answered
before it is on disk, and one event id has one decision. Events that are asked about without being
stored (`predicting`), and stored without being asked about (`storing`), go the same way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from sqlalchemy.exc import IntegrityError, OperationalError

from ringfence.detectors.active import all_active
from ringfence.detectors.announcing import Announcer
from ringfence.detectors.building import ProfileBuilder
from ringfence.detectors.catalog import Catalog
from ringfence.detectors.deciding import Decider
from ringfence.detectors.decisions import Decision, seen_values, stored_decision
from ringfence.detectors.external import Asked
from ringfence.detectors.known import known_events
from ringfence.detectors.predicting import Predictor
from ringfence.detectors.predictions import Prediction
from ringfence.detectors.profiles import Profiles
from ringfence.detectors.requests import CaseOpener, Prepared, Request
from ringfence.detectors.runtime import DetectorRuntime
from ringfence.detectors.shadows.scoring import ShadowStage
from ringfence.detectors.storing import Arriving, Stored, store_events
from ringfence.detectors.versions import version_that_decided
from ringfence.errors import Unavailable
from ringfence.events.log import stored_event
from ringfence.events.reading import Event, EventReader
from ringfence.models import Contribution
from ringfence.models.external import ExternalCalls
from ringfence.profiles import ProfilePlan
from ringfence.storage import Database, GroupCommit, now

# How long a request waits for profiles that are being built, and how often it looks.
_PATIENCE_SECONDS = 30.0
_LOOK_SECONDS = 0.1


class DecisionEngine:
    """Decides about events. One per process; close it to finish what is queued."""

    def __init__(
        self,
        database: Database,
        opener: CaseOpener | None = None,
        announcer: Announcer | None = None,
    ):
        self._database = database
        self._opener = opener
        self._announcer = announcer
        self.catalog = Catalog()
        self.external = ExternalCalls()
        self._builder = ProfileBuilder(database, self.catalog.reconsider)
        self._shadows = ShadowStage(database, self.catalog)
        profiles = Profiles()
        decider = Decider(profiles, self._shadows, opener, announcer)
        predictor = Predictor(profiles, announcer)
        self._decisions: GroupCommit[Prepared, Decision] = GroupCommit(database, decider.decide)
        self._predictions: GroupCommit[Prepared, Prediction] = GroupCommit(
            database, predictor.predict
        )
        self._arriving: GroupCommit[Arriving, Stored] = GroupCommit(
            database, lambda connection, batch: store_events(connection, batch, profiles)
        )

    async def decide(self, request: Request) -> Decision:
        """The decision about an event, durable when this returns.

        The same event id with the same content returns the stored decision (`repeated`); with
        other content, or when the event was stored for the record only, it raises `KnownEvent`, a
        `Conflict`. So it does when another version has decided than the one that is named. Raises
        `InvalidInput` naming the field, `NotFound`, `Unavailable` for an external model without
        which nothing is to be decided, or for a named version whose profiles take long to build.
        """
        runtime = await self._runtime(request)
        event = runtime.reader.read(request.sent, now(), field=request.variables_field)
        asked: Asked = {}
        # What is decided already is not asked again; the stored decision is the answer.
        if runtime.external.are_asked_ahead and not await asyncio.to_thread(self._is_known, event):
            asked = await runtime.external.ask(self.external, event.variables, request.bodies)
        prepared = Prepared(request, event, runtime, asked)
        try:
            decision = await self._decisions.submit(prepared)
        except (IntegrityError, OperationalError):
            # On PostgreSQL another server may have stored this event, or opened a case for this
            # card, in the same moment; by now that is known, and the answer follows from it.
            decision = await self._decisions.submit(prepared)
        if not decision.repeated:
            self._tell(runtime, decision.case_id)
        return decision

    async def predict(self, request: Request) -> Prediction:
        """What a detector version says of an event that is not to be stored; the prediction is
        durable when this returns, and is kept apart from decisions.

        Profiles are looked at and learn nothing, no case opens, and an event id may be asked about
        as often as one likes. Raises like `decide`, except for known events.
        """
        runtime = await self._runtime(request)
        event = runtime.reader.read(request.sent, now(), field=request.variables_field)
        asked: Asked = {}
        if runtime.external.are_asked_ahead:
            asked = await runtime.external.ask(self.external, event.variables, request.bodies)
        prediction = await self._predictions.submit(Prepared(request, event, runtime, asked))
        self._tell(runtime, None)
        return prediction

    async def store(self, arriving: Arriving) -> Stored:
        """Store an event that is not to be decided about, durably; see `store_events`."""
        try:
            return await self._arriving.submit(arriving)
        except (IntegrityError, OperationalError):
            # As with decisions: another server may have stored this event in the same moment.
            return await self._arriving.submit(arriving)

    async def reader(self, event_type: str) -> EventReader:
        """What reads events of a type that are to be stored. Raises `NotFound`."""
        found = self.catalog.cached_reader(event_type)
        if found is None:
            found = await asyncio.to_thread(self._reader, event_type)
        return found

    async def version(
        self, event_type: str, detector_id: str, version: str | None = None
    ) -> DetectorRuntime:
        """The version that decides, or the one that is named, once its profiles are built.

        Raises `NotFound`, `NothingActive` when none is named and none decides, `OtherEventType`,
        `Unavailable` when the profiles take long to build.
        """
        if version is None:
            runtime = self.catalog.cached(event_type, detector_id)
            if runtime is None:
                runtime = await asyncio.to_thread(self._active, event_type, detector_id)
            version = runtime.version.version
        return await self._ready(detector_id, version)

    async def explain(self, decision: Decision) -> dict[str, tuple[Contribution, ...]]:
        """What the scores of a stored decision are made of, from what was stored.

        Raises `VersionGone` when the version that decided was deleted or changed since.
        """
        return await asyncio.to_thread(self._explain, decision)

    def warm_up(self) -> None:
        """Load the versions that decide, lest the first event waits for them. Raises what keeps one
        from deciding."""
        with self._database.read() as connection:
            active = all_active(connection)
        for event_type, detector_id in active:
            self._active(event_type, detector_id)

    def build_profiles(self, plans: Iterable[ProfilePlan]) -> None:
        """See to it that these plans are built from the event log; returns at once."""
        self._builder.ask(plans)

    def close(self) -> None:
        """Finish what was accepted."""
        self._builder.close()
        self._shadows.close()
        for commit in (self._decisions, self._predictions, self._arriving):
            commit.close()
        self.external.close()

    async def _runtime(self, request: Request) -> DetectorRuntime:
        if request.detector_id is not None and request.detector_version is not None:
            return await self._ready(request.detector_id, request.detector_version)
        runtime = self.catalog.cached(request.event_type, request.detector_id)
        if runtime is None:
            runtime = await asyncio.to_thread(self._active, request.event_type, request.detector_id)
        return runtime

    async def _ready(self, detector_id: str, version: str) -> DetectorRuntime:
        found = self.catalog.cached_ready(detector_id, version)
        if found is not None:
            return found
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _PATIENCE_SECONDS
        while True:
            runtime, lacking = await asyncio.to_thread(self._look, detector_id, version)
            if not lacking:
                return runtime
            if loop.time() > deadline:
                raise Unavailable(
                    f"the profiles of version {version} of detector {detector_id!r} are still "
                    "being built from the stored events",
                    field="detector_version",
                )
            await asyncio.sleep(_LOOK_SECONDS)

    def _tell(self, runtime: DetectorRuntime, case_id: str | None) -> None:
        if self._opener and case_id:
            self._opener.opened(case_id)
        if self._announcer and runtime.reader.event_type.event_orchestration:
            self._announcer.announced()

    def _reader(self, event_type: str) -> EventReader:
        with self._database.read() as connection:
            return self.catalog.reader(connection, event_type)

    def _active(self, event_type: str, detector_id: str | None) -> DetectorRuntime:
        with self._database.read() as connection:
            runtime = self.catalog.active(connection, event_type, detector_id)
            self._shadows.look(connection, runtime.version.detector_id)
        self._prepare(runtime)
        return runtime

    def _look(self, detector_id: str, version: str) -> tuple[DetectorRuntime, list[ProfilePlan]]:
        with self._database.read() as connection:
            runtime, lacking = self.catalog.ready(connection, detector_id, version)
            self._shadows.look(connection, detector_id)
        self._prepare(runtime)
        return runtime, lacking

    def _prepare(self, runtime: DetectorRuntime) -> None:
        self._builder.ask(self.catalog.lacking())
        if runtime.external.endpoints:
            self.external.open()

    def _is_known(self, event: Event) -> bool:
        with self._database.read() as connection:
            return bool(known_events(connection, [(event.event_type, event.event_id)]))

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
