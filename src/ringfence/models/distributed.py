"""Growing trees on a Dask cluster: for data that one machine's memory does not hold.

The features are made here, some rows at a time, and sent to the workers, which keep all rows among
them and grow the trees together; nobody has more than its part. Workers need LightGBM and Dask, not
Ringfence, and must reach one another on any port. The same data, seed and number of workers give
the same trees. How many trees are best is found here afterwards: every worker would judge
by its own rows and stop elsewhere.

Dask calls what it is sent: use a cluster that only you can reach, or one that speaks TLS.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit
from uuid import uuid4

from ringfence.errors import InvalidInput, Unavailable
from ringfence.models.boosting import Grower, Grown
from ringfence.models.messages import Message, MessageKind
from ringfence.models.trials import Recipe

if TYPE_CHECKING:
    import lightgbm
    import numpy as np
    from numpy.typing import NDArray

    from ringfence.models.matrix import FeatureTable

# Dask is not typed.
Client: TypeAlias = Any
Future: TypeAlias = Any

_LOCAL = re.compile(r"local:([1-9][0-9]{0,2})")
_REMOTE = re.compile(r"(tcp|tls|ws|wss|ucx)://\S+")
_CONNECT_SECONDS = 15
# Rows that are sent at once; at least so many parts a worker, so that each has some of every time.
_ROWS, _PARTS = 50_000, 4
# How long a worker waits for the others before it gives up, and how often we look after them.
_SILENT_MINUTES, _LOOK_SECONDS = 20, 1.0
# Not for a cluster, where every worker uses the threads that it has.
_OWN = frozenset({"num_threads", "metric"})


@contextmanager
def cluster_at(address: str) -> Iterator[Client]:
    """A connection to the Dask scheduler at `tcp://host:port` (or `tls://`), or with `local:N` to
    a cluster of N processes on this machine, which lasts as long as the connection.

    Raises `InvalidInput` for another address, `Unavailable` when Dask is not installed or no
    scheduler with workers answers.
    """
    local = _LOCAL.fullmatch(address)
    if local is None and not _REMOTE.fullmatch(address):
        raise InvalidInput(
            f"{address!r} is no address of a Dask scheduler",
            field="dask",
            expected="tcp://host:port, or local:2 for two processes on this machine",
        )
    try:
        distributed = import_module("distributed")
    except ImportError as error:
        raise Unavailable(
            f"{error.name or 'a package'} is not installed",
            field="dask",
            expected="Dask support, as installed by: pip install 'ringfence[dask]'",
        ) from None
    if local is not None:
        with (
            distributed.LocalCluster(
                n_workers=int(local[1]),
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                # It warns of processes that take long to end; they are ended.
                silence_logs=logging.ERROR,
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            client.run(_silence())
            yield client
        return
    try:
        client = distributed.Client(address, timeout=_CONNECT_SECONDS)
    except (OSError, TimeoutError) as error:
        raise Unavailable(
            f"no Dask scheduler answers at {address}: {error}", field="dask"
        ) from None
    with client:
        if not _workers(client):
            raise Unavailable(
                f"the Dask scheduler at {address} has no workers",
                field="dask",
                expected="at least one: dask worker " + address,
            )
        yield client


class ClusterGrower(Grower):
    """Grows trees on the workers of a cluster, on some of a table's rows, as often as wanted."""

    def __init__(self, table: FeatureTable, client: Client):
        super().__init__(table)
        self._client = client

    def grow(
        self,
        recipe: Recipe,
        learned: NDArray[np.int64],
        trees: int,
        *,
        judged: NDArray[np.int64] | None = None,
        behind: Callable[[int, float], bool] | None = None,
    ) -> Grown | None:
        """`trees` trees on the `learned` rows; how well fewer of them would do is found on the
        `judged` ones. A recipe that falls behind is given up when all its trees are there."""
        most = recipe.averaged * trees
        grown: list[lightgbm.Booster] = []
        losses: tuple[float, ...] = ()
        with _sent(self.table, self._client, learned) as shares:
            for number in range(recipe.averaged):
                parameters = dict(recipe.parameters) | {"num_iterations": trees}
                parameters["seed"] = recipe.seed(number)

                def tell(done: int, number: int = number) -> None:
                    self.tell_trees(len(learned), number * trees + done, most)

                grown.append(_grown(self._client, shares, parameters, self._names(), tell))
                if number == 0 and judged is not None:
                    losses = losses_of(grown[0], self.table, judged)
                    if behind is not None and any(
                        behind(place + 1, loss) for place, loss in enumerate(losses)
                    ):
                        return None
        return Grown(tuple(grown), losses)

    def _names(self) -> list[str]:
        return [feature.name.replace("~", "_with_") for feature in self.table.features]


def grown_on(client: Client) -> Message:
    """What a version should say about where its trees were grown."""
    workers = len(_workers(client))
    return Message(
        MessageKind.INFO,
        None,
        "Grown on a cluster",
        f"its trees were grown by {workers} Dask workers; another number of workers, or one "
        "machine, would have given an equivalent model, not the same one",
    )


def losses_of(
    booster: lightgbm.Booster, table: FeatureTable, rows: NDArray[np.int64]
) -> tuple[float, ...]:
    """The log loss of some rows after each of the trees, with the weights of the rows."""
    import numpy as np

    trees = booster.current_iteration()
    sums, total = np.zeros(trees), 0.0
    for start in range(0, len(rows), _ROWS):
        some = rows[start : start + _ROWS]
        values = table.values(some)
        side = np.where(table.is_fraud[some], -1.0, 1.0)
        weights = np.ones(len(some)) if table.weights is None else table.weights[some]
        raw = np.zeros(len(some))
        for tree in range(trees):
            raw += booster.predict(values, start_iteration=tree, num_iteration=1, raw_score=True)
            sums[tree] += float((weights * np.logaddexp(0.0, side * raw)).sum())
        total += float(weights.sum())
    return tuple((sums / total).tolist())


@dataclass(frozen=True, slots=True)
class _Share:
    """The rows that one worker keeps: their features, labels and weights, in parts."""

    features: list[Future]
    labels: list[Future]
    weights: list[Future]


@contextmanager
def _sent(
    table: FeatureTable, client: Client, rows: NDArray[np.int64]
) -> Iterator[dict[str, _Share]]:
    """The rows on the workers, dealt in parts by turns, until they are no longer needed."""
    workers = _workers(client)
    size = max(1, min(_ROWS, len(rows) // (_PARTS * len(workers))))
    shares = {worker: _Share([], [], []) for worker in workers}
    with _watched():
        for place, start in enumerate(range(0, len(rows), size)):
            some, worker = rows[start : start + size], workers[place % len(workers)]
            send = partial(client.scatter, workers=[worker], hash=False)
            shares[worker].features.append(send(table.values(some)))
            shares[worker].labels.append(send(table.is_fraud[some].astype(float)))
            if table.weights is not None:
                shares[worker].weights.append(send(table.weights[some]))
    try:
        yield {worker: share for worker, share in shares.items() if share.features}
    finally:
        for share in shares.values():
            with suppress(OSError, RuntimeError):
                client.cancel([*share.features, *share.labels, *share.weights])


def _grown(
    client: Client,
    shares: Mapping[str, _Share],
    parameters: Mapping[str, Any],
    names: Sequence[str],
    tell: Callable[[int], None],
) -> lightgbm.Booster:
    import lightgbm

    find_port, grow = _on_a_worker()
    topic = f"ringfence-{uuid4()}"
    client.subscribe_topic(topic, lambda event: tell(int(event[1])))
    with _watched():
        ports = client.run(find_port, workers=list(shares))
        machines = [f"{urlsplit(worker).hostname}:{ports[worker]}" for worker in shares]
        given = {name: value for name, value in parameters.items() if name not in _OWN}
        given |= {"tree_learner": "data", "num_machines": len(shares), "machines": machines}
        futures = [
            client.submit(
                grow,
                share.features,
                share.labels,
                share.weights,
                given | {"local_listen_port": ports[worker], "time_out": _SILENT_MINUTES},
                list(names),
                topic if place == 0 else None,
                workers=[worker],
                allow_other_workers=False,
                pure=False,
            )
            for place, (worker, share) in enumerate(shares.items())
        ]
        _wait(client, futures, shares)
        texts = client.gather(futures)
    with suppress(OSError, RuntimeError, ValueError):
        client.unsubscribe_topic(topic)
    return lightgbm.Booster(model_str=texts[0])


def _on_a_worker() -> tuple[Callable[[], int], Callable[..., str]]:
    """What workers run: a free port, and trees on what a worker has. They are sent as they are, so
    that workers need not have this package."""

    def find_port() -> int:
        import socket

        with socket.socket() as free:
            free.bind(("", 0))
            port: int = free.getsockname()[1]
        return port

    def grow(
        features: list[Any],
        labels: list[Any],
        weights: list[Any],
        parameters: dict[str, Any],
        names: list[str],
        topic: str | None,
    ) -> str:
        import distributed
        import lightgbm
        import numpy

        worker = distributed.get_worker()

        def report(environment: Any) -> None:
            if topic is not None and (environment.iteration + 1) % 10 == 0:
                worker.log_event(topic, environment.iteration + 1)

        parameters = {**parameters, "num_threads": worker.state.nthreads}
        trees = parameters.pop("num_iterations")
        learned = lightgbm.Dataset(
            features,
            numpy.concatenate(labels),
            weight=numpy.concatenate(weights) if weights else None,
            feature_name=names,
        )
        booster = lightgbm.train(parameters, learned, trees, callbacks=[report])
        booster.free_network()
        return booster.model_to_string()

    return find_port, grow


def _silence() -> Callable[[], None]:
    """For processes of our own, which share our console: LightGBM prints that it listens."""

    def silence() -> None:
        import os

        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)

    return silence


def _wait(client: Client, futures: Sequence[Future], shares: Mapping[str, _Share]) -> None:
    """Until all are done or one has failed: the others would wait for it in vain."""
    distributed = import_module("distributed")
    while pending := [future for future in futures if future.status == "pending"]:
        for future in futures:
            if future.status not in ("pending", "finished"):
                future.result()
        if not shares.keys() <= set(_workers(client)):
            raise OSError("a worker is gone")
        with suppress(TimeoutError):
            distributed.wait(pending, timeout=_LOOK_SECONDS, return_when="FIRST_COMPLETED")


def _workers(client: Client) -> list[str]:
    return sorted(client.scheduler_info(n_workers=-1)["workers"])


@contextmanager
def _watched() -> Iterator[None]:
    """Says what it means when a worker or the connection is lost."""
    try:
        yield
    except (import_module("distributed").KilledWorker, OSError, TimeoutError) as error:
        text = f"the Dask cluster lost a worker or its data: {error}"
        raise Unavailable(text, field="dask") from error
