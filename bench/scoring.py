"""What scoring costs: microseconds a row, beside LightGBM's own predict on the ready matrix.

    python bench/scoring.py [events]

Trains 300 trees on synthetic payments in a temporary place, then scores events that no memory has
seen. `ours` is from variables to scores; `trees` is LightGBM's C call alone through our binding;
`predict` is `lightgbm.Booster.predict` on one thread. Also the memory that a scoring process needs.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ringfence.events import DataType, EventType, Variable, VariableType
from ringfence.models.artifact import Artifact, pack, unpack
from ringfence.models.scoring import Scorer

_TYPES = {
    "transaction_amt": VariableType.PRICE,
    "transaction_adj_amt": VariableType.PRICE,
    "ip_address": VariableType.IP_ADDRESS,
    "email_address": VariableType.EMAIL_ADDRESS,
    "phone_number": VariableType.PHONE_NUMBER,
    "merchant_id": VariableType.CATEGORICAL,
    "merchant_name": VariableType.FREE_FORM_TEXT,
    "billing_city": VariableType.BILLING_CITY,
    "billing_postal": VariableType.BILLING_ZIP,
    "billing_state": VariableType.BILLING_STATE,
    "billing_address": VariableType.BILLING_ADDRESS_L1,
    "currency": VariableType.CURRENCY_CODE,
    "cvv": VariableType.CATEGORICAL,
    "signature_image": VariableType.CATEGORICAL,
    "transaction_type": VariableType.CATEGORICAL,
    "transaction_env": VariableType.CATEGORICAL,
    "applicant_name": VariableType.BILLING_NAME,
    "card_bin": VariableType.CARD_BIN,
    "device_id": VariableType.FINGERPRINT,
}
EVENT_TYPE = EventType(
    name="card_payment",
    variables=tuple(
        Variable(name, DataType.FLOAT if kind is VariableType.PRICE else DataType.STRING, kind)
        for name, kind in _TYPES.items()
    ),
)
_SYLLABLES = ["ba", "ke", "li", "mo", "nu", "ra", "se", "ti", "vo", "wu"]
_STATES = ["Ohio", "Texas", "Nevada", "Maine", "Oregon", "Iowa", "Kansas", "Utah"]


def payments(count: int, seed: int) -> Iterator[tuple[datetime, bool, dict[str, Any]]]:
    """Payments whose fraud shows, weakly, in many variables at once."""
    chance = random.Random(seed)
    at = datetime(2026, 1, 1, tzinfo=UTC)

    def word() -> str:
        return "".join(chance.choices(_SYLLABLES, k=3))

    for _ in range(count):
        at += timedelta(seconds=chance.randint(1, 90))
        fraud = chance.random() < 0.05
        odd = fraud and chance.random() < 0.5
        amount = round(chance.lognormvariate(4.2 if odd else 3.4, 1.1), 2)
        first, last = word(), word()
        local = word() if odd else f"{first}{last}"
        yield (
            at,
            fraud,
            {
                "transaction_amt": amount,
                "transaction_adj_amt": round(amount * chance.uniform(0.4 if odd else 0.9, 1), 2),
                "ip_address": f"{chance.randint(20, 220 if odd else 90)}.{chance.randint(0, 60)}."
                f"{chance.randint(0, 255)}.{chance.randint(1, 254)}",
                "email_address": f"{local}{chance.randint(0, 99)}@"
                + chance.choice(("gmail.com", "yahoo.com", f"{word()}.com", "example.org")),
                "phone_number": f"({chance.randint(201, 989)}){chance.randint(200, 999)}-"
                f"{chance.randint(1000, 9999)}",
                "merchant_id": f"m-{int(chance.paretovariate(0.8)) % 3000}",
                "merchant_name": f"{word().title()} Shop",
                "billing_city": word().title(),
                "billing_postal": str(chance.randint(10_000, 99_999)),
                "billing_state": chance.choice(_STATES),
                "billing_address": f"{chance.randint(1, 9999)} {word().title()} Street",
                "currency": chance.choice(("usd", "eur") if odd else ("usd", "usd", "usd", "eur")),
                "cvv": chance.choice("MMNVPU" if odd else "MMMMMMMNPU"),
                "signature_image": chance.choice("ABN"),
                "transaction_type": chance.choice("PTT" if odd else "PPCRT"),
                "transaction_env": chance.choice("CLSEMU"),
                "applicant_name": f"{first.title()} {last.title()}",
                "card_bin": str(chance.randint(400_000, 559_999)),
                "device_id": f"d{chance.randint(0, 30_000)}",
            },
        )


def trained(events: int) -> Artifact:
    """A model of 300 trees: grown so slowly that it is never stopped early."""
    import polars as pl

    from ringfence.models import boosting, read_data, train

    boosting._PARAMETERS["learning_rate"] = 0.005
    with TemporaryDirectory() as folder:
        path = Path(folder) / "payments.csv"
        pl.DataFrame(
            [
                {
                    "EVENT_TIMESTAMP": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "EVENT_LABEL": "fraud" if fraud else "legit",
                    **variables,
                }
                for at, fraud, variables in payments(events, seed=1)
            ]
        ).write_csv(path)
        data = read_data(path, EVENT_TYPE)
    return train(data).artifact


def cost(call: Callable[[int], object], batches: int, batch: int) -> float:
    """Microseconds a row, the best of three runs over different batches."""
    best = float("inf")
    for run in range(3):
        started = time.perf_counter()
        for number in range(run * batches, (run + 1) * batches):
            call(number)
        best = min(best, (time.perf_counter() - started) / (batches * batch))
    return best * 1e6


def main() -> None:
    """Print the table."""
    import lightgbm
    import numpy as np

    artifact = trained(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
    booster = lightgbm.Booster(model_str=artifact.trees, params={"num_threads": 1})
    print(f"{booster.num_trees()} trees, {len(artifact.features)} features")
    print("batch   ours  trees  predict   (us a row)")
    for batch in (1, 8, 64):
        batches = max(1, 1_280 // batch)
        events = list(payments(3 * batches * batch, seed=batch + 1))
        rows = [variables for _, _, variables in events]
        ats = [at for at, _, _ in events]
        scorer = Scorer(artifact)
        flat = [
            value for row, at in zip(rows, ats, strict=True) for value in scorer._values(row, at)
        ]
        width = len(artifact.features)
        matrix = np.array(flat).reshape(-1, width)
        parts = [flat[i * width : (i + batch) * width] for i in range(0, len(rows), batch)]
        scorer = Scorer(artifact)

        def ours(
            n: int, s: Scorer = scorer, r: Any = rows, a: Any = ats, size: int = batch
        ) -> object:
            return s.score(r[n * size : (n + 1) * size], a[n * size : (n + 1) * size])

        def trees(n: int, s: Scorer = scorer, p: Any = parts, size: int = batch) -> object:
            return s._trees.log_odds(p[n], size)

        def predict(n: int, m: Any = matrix, size: int = batch) -> object:
            return booster.predict(m[n * size : (n + 1) * size], raw_score=True, num_threads=1)

        figures = [cost(call, batches, batch) for call in (ours, trees, predict)]
        print(f"{batch:5}  {figures[0]:5.1f}  {figures[1]:5.1f}  {figures[2]:7.1f}")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "artifact"
        path.write_bytes(pack(artifact))
        subprocess.run([sys.executable, __file__, "--memory", str(path)], check=True)


def memory(path: str) -> None:
    """Print what a process that only scores needs."""

    def resident_megabytes() -> float:
        status = Path("/proc/self/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    before, started = resident_megabytes(), time.perf_counter()
    scorer = Scorer(unpack(Path(path).read_bytes()))
    loaded = time.perf_counter() - started
    at, _, variables = next(payments(1, seed=9))
    scorer.score([variables], [at])
    heavy = sorted({"numpy", "scipy", "lightgbm", "polars"} & set(sys.modules))
    print(
        f"memory {before:.0f} MB before, {resident_megabytes():.0f} MB with the model;"
        f" loaded in {loaded * 1000:.0f} ms; heavy imports: {', '.join(heavy) or 'none'}"
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--memory"]:
        memory(sys.argv[2])
    else:
        main()
