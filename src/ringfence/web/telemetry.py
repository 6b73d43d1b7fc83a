"""What `/metrics` says: counts and times of this process, and how things stand in the database."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, GCCollector, Histogram, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from ringfence.cards import counts_of_cards, writes_waiting
from ringfence.cases import counts_of_attempts, counts_of_cases
from ringfence.detectors.drift.alerts import counts_of_alerts
from ringfence.detectors.drift.checks import list_checks
from ringfence.models.external import ExternalCalls
from ringfence.storage import Database
from ringfence.streams import DECISIONS, seconds_waiting

_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Telemetry:
    """The instruments of one server process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        decisions = Counter(
            "ringfence_decisions",
            "Requests for a decision, by how they ended.",
            ["result"],
            registry=self.registry,
        )
        self._decisions = {result: decisions.labels(result) for result in ("decided", "error")}
        self._seconds = Histogram(
            "ringfence_decision_seconds",
            "From the request to the durable reply.",
            buckets=_BUCKETS,
            registry=self.registry,
        )

        self._aws = Histogram(
            "ringfence_aws_request_seconds",
            "Requests of AWS clients, by operation and error; an empty error is a success.",
            ["service", "operation", "error"],
            buckets=_BUCKETS,
            registry=self.registry,
        )

    def aws_answered(self, service: str, operation: str, error: str, seconds: float) -> None:
        """Count a request of an AWS client."""
        self._aws.labels(service, operation, error).observe(seconds)

    def decided(self, result: str, seconds: float) -> None:
        """Count a request for a decision: `decided` or `error`."""
        self._decisions[result].inc()
        self._seconds.observe(seconds)

    def watch(self, database: Database) -> None:
        """Also tell how cases, attempts, cards and drift stand, read at each scrape."""
        self.registry.register(_Standing(database))
        self.registry.register(_Drift(database))
        self.registry.register(_Outbox(database))

    def watch_external(self, calls: ExternalCalls) -> None:
        """Also tell how the endpoints of external models answer."""
        self.registry.register(_Endpoints(calls))

    def exposition(self) -> bytes:
        """The text format of Prometheus."""
        return generate_latest(self.registry)


class _Standing(Collector):
    def __init__(self, database: Database):
        self._database = database

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterable[Metric]:
        with self._database.read() as connection:
            cases = counts_of_cases(connection)
            attempts = counts_of_attempts(connection)
            cards = counts_of_cards(connection)
            writes = writes_waiting(connection)
        yield _gauge("ringfence_cases", "Cases by verdict; `open` has none.", "verdict", cases)
        yield _gauge("ringfence_attempts", "Attempts by how they ended.", "end", attempts)
        yield _gauge("ringfence_cards", "Cards by state.", "state", cards)
        yield GaugeMetricFamily(
            "ringfence_customer_writes",
            "Customers with changes that the table they are mastered in does not have yet.",
            value=writes.customers,
        )


class _Drift(Collector):
    """What the last checks found; a version that was not checked has no line."""

    def __init__(self, database: Database):
        self._database = database

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterable[Metric]:
        of_version = ["model", "version"]
        moved = GaugeMetricFamily(
            "ringfence_drift_psi",
            "Stability index against training, of each variable and of the `score`.",
            labels=[*of_version, "variable"],
        )
        frauds = GaugeMetricFamily(
            "ringfence_drift_calibration",
            "Labelled frauds by those expected of their scores; no line for too few.",
            labels=of_version,
        )
        checked = GaugeMetricFamily(
            "ringfence_drift_checked_seconds",
            "When a version was last checked, in seconds since 1970.",
            labels=of_version,
        )
        opened = GaugeMetricFamily(
            "ringfence_drift_alerts", "Open alerts of drift.", labels=of_version
        )
        with self._database.read() as connection:
            checks, alerts = list_checks(connection), counts_of_alerts(connection)
        for check in checks:
            report = check.report
            names = [report.model_id, report.version]
            for of in (report.score, *report.variables):
                moved.add_metric([*names, of.name], of.psi)
            if report.calibration.ratio is not None:
                frauds.add_metric(names, report.calibration.ratio)
            checked.add_metric(names, check.checked_at.timestamp())
            opened.add_metric(names, alerts.get((report.model_id, report.version), 0))
        yield from (moved, frauds, checked, opened)


class _Outbox(Collector):
    """What is still to be published of decisions."""

    def __init__(self, database: Database):
        self._database = database

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterable[Metric]:
        with self._database.read() as connection:
            standing = DECISIONS.standing(connection)
        yield _gauge(
            "ringfence_decision_messages",
            "Decisions that wait to be published, or were refused by the target.",
            "state",
            {"waiting": standing.waiting, "refused": standing.refused},
        )
        yield GaugeMetricFamily(
            "ringfence_decision_message_seconds",
            "For how long the oldest decision has been waiting to be published.",
            value=seconds_waiting(standing),
        )


class _Endpoints(Collector):
    def __init__(self, calls: ExternalCalls):
        self._calls = calls

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterable[Metric]:
        asked = CounterMetricFamily(
            "ringfence_external_model_answers",
            "Events that an external model was asked about over HTTP, by what came of it.",
            labels=["model", "result"],
        )
        seconds = SummaryMetricFamily(
            "ringfence_external_model_seconds",
            "From a request to an external model to its reply or failure.",
            labels=["model"],
        )
        left_alone = GaugeMetricFamily(
            "ringfence_external_model_left_alone",
            "1 while a model is left alone after repeated failures, else 0.",
            labels=["model"],
        )
        for model, counts in self._calls.counts().items():
            for result, count in tuple(counts.by_result.items()):
                asked.add_metric([model, result], count)
            seconds.add_metric([model], counts.requests, counts.seconds)
            left_alone.add_metric([model], 0 if counts.state == "closed" else 1)
        yield from (asked, seconds, left_alone)


def _gauge(name: str, help_text: str, label: str, counts: dict[str, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, help_text, labels=[label])
    for value, count in counts.items():
        family.add_metric([value], count)
    return family
