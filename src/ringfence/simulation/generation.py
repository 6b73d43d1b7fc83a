"""From options to a table of labelled payments with the columns of the event type."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from ringfence.simulation import networks
from ringfence.simulation.chance import Floats, Integers, Random, Texts, happens, log_normal
from ringfence.simulation.habits import everyday_payments
from ringfence.simulation.identifiers import opaque_ids
from ringfence.simulation.incidents import plan_incidents
from ringfence.simulation.options import DAY_SECONDS, Options
from ringfence.simulation.patterns import PATTERNS
from ringfence.simulation.payments import Payments, blank
from ringfence.simulation.places import CURRENCY
from ringfence.simulation.world import World, build_world

VARIABLES = (
    "transaction_amt",
    "transaction_adj_amt",
    "ip_address",
    "email_address",
    "phone_number",
    "merchant_id",
    "merchant_name",
    "billing_city",
    "billing_postal",
    "billing_state",
    "billing_address",
    "currency",
    "cvv",
    "signature_image",
    "transaction_type",
    "transaction_env",
    "applicant_name",
    "card_bin",
    "device_id",
)
COLUMNS = (
    "EVENT_ID",
    "EVENT_TIMESTAMP",
    "ENTITY_TYPE",
    "ENTITY_ID",
    "EVENT_LABEL",
    "LABEL_TIMESTAMP",
    *VARIABLES,
    "customer_id",
    "card_id",
)
PATTERN_COLUMN = "fraud_pattern"

_PARTS = 200
# Complaints end 30 days after a payment; what nobody disputed until then is legitimate.
_LEGITIMATE_AFTER_DAYS = 30
_LATEST_REPORT_DAYS = 45


def generate(
    options: Options | None = None,
    *,
    with_pattern: bool = False,
    progress: Callable[[float], None] | None = None,
) -> pl.DataFrame:
    """Payments in the order of time, with `COLUMNS`; the same options give the same table.

    Amounts are in the merchant's currency, times are ISO 8601 in UTC. `with_pattern` adds the
    column `fraud_pattern`, one of `PATTERN_NAMES` or null, for analysis: it gives the label away.
    `progress` is told how much is done, 0 to 1. Raises `InvalidInput` for options out of range.
    """
    options = options or Options()
    options.check()
    tell = progress or _tell_nobody
    tell(0.0)
    seeds = np.random.SeedSequence(options.seed).spawn(4 + len(PATTERNS))
    of_world, of_habits, of_quotas, of_table, *of_patterns = map(np.random.default_rng, seeds)
    world = build_world(options, of_world)
    tell(0.2)
    quotas, densities = _quotas(options, of_quotas)
    legitimate = options.transactions - int(quotas.sum())
    parts = [everyday_payments(world, of_habits, legitimate)]
    tell(0.5)
    for pattern, quota, density, random in zip(
        PATTERNS, quotas.tolist(), densities, of_patterns, strict=True
    ):
        incidents = plan_incidents(
            random,
            options,
            quota,
            payments_each=pattern.payments_each,
            density=density,
            hours=pattern.hours,
        )
        parts.append(pattern.commit(world, incidents, random))
    tell(0.6)
    culprit = np.repeat(np.arange(-1, len(PATTERNS)), [legitimate, *quotas.tolist()])
    frame = _table(world, Payments.joined(parts), culprit, of_table)
    tell(1.0)
    return frame if with_pattern else frame.drop(PATTERN_COLUMN)


def _quotas(options: Options, random: Random) -> tuple[Integers, Floats]:
    """How many payments each pattern has, and when; shapes `(patterns,)`, `(patterns, parts)`.

    At every moment the shares sum to one, so that the rate of fraud stays what was asked for.
    """
    moments = (np.arange(_PARTS) + 0.5) / _PARTS
    shares = np.stack([pattern.share(moments) for pattern in PATTERNS])
    shares /= shares.sum(axis=0)
    fraud = round(options.transactions * options.fraud_share)
    exact = shares.mean(axis=1) * fraud
    quotas = np.floor(exact).astype(np.int64)
    # What is left goes by chance: in a very small world every pattern may occur.
    rest = fraud - int(quotas.sum())
    extra = random.choice(len(PATTERNS), rest, replace=False)
    quotas[extra] += 1
    return quotas, shares


def _table(world: World, payments: Payments, culprit: Integers, random: Random) -> pl.DataFrame:
    order = np.argsort(payments.at, kind="stable")
    customers, merchants = world.customers, world.merchants
    customer, card = payments.customer[order], payments.card[order]
    merchant, culprit = payments.merchant[order], culprit[order]
    count = len(order)
    mail = payments.transaction_type[order] == "T"
    contacts = payments.contacts.take(order)
    at = payments.at[order]
    columns: dict[str, Texts | Floats | pl.Series | pl.Expr] = {
        "EVENT_ID": _text(opaque_ids(random, "pay_", count)),
        "EVENT_TIMESTAMP": _written_times(world.options, at),
        "ENTITY_TYPE": pl.repeat("customer", count, dtype=pl.String, eager=True),
        "ENTITY_ID": _text(customers.customer_id[customer]),
        "EVENT_LABEL": _text(np.where(culprit < 0, "legit", "fraud")),
        "LABEL_TIMESTAMP": _written_times(world.options, at + _label_delays(random, culprit)),
        "transaction_amt": payments.amount[order],
        "transaction_adj_amt": payments.adjusted[order],
        "ip_address": networks.written(payments.address[order]),
        "email_address": _text(contacts.email),
        "phone_number": _text(contacts.phone),
        "merchant_id": _text(merchants.merchant_id[merchant]),
        # Keyed-in payments come with less.
        "merchant_name": _text(
            blank(happens(random, np.where(mail, 0.3, 0.03), count), merchants.name[merchant])
        ),
        "billing_city": _text(contacts.city),
        "billing_postal": _text(contacts.postal),
        "billing_state": _text(contacts.state),
        "billing_address": _text(contacts.address),
        "currency": _text(CURRENCY[merchants.place[merchant]]),
        "cvv": _text(payments.cvv[order]),
        "signature_image": _text(payments.signature[order]),
        "transaction_type": _text(payments.transaction_type[order]),
        "transaction_env": _text(payments.environment[order]),
        "applicant_name": _text(contacts.name),
        "card_bin": _text(
            blank(happens(random, np.where(mail, 0.3, 0.02), count), customers.bins[customer, card])
        ),
        "device_id": _text(payments.device[order]),
        "customer_id": _text(customers.customer_id[customer]),
        "card_id": _text(customers.cards[customer, card]),
        PATTERN_COLUMN: _text(_PATTERN_TEXTS[culprit]),
    }
    return pl.DataFrame(columns)


def _label_delays(random: Random, culprit: Integers) -> Integers:
    """Seconds from a payment to its label."""
    count = len(culprit)
    reported = np.array([*(pattern.report_days for pattern in PATTERNS), 1.0])[culprit]
    delay = np.minimum(log_normal(random, reported, 0.6, count), _LATEST_REPORT_DAYS)
    days = np.where(culprit < 0, _LEGITIMATE_AFTER_DAYS + random.random(count), delay)
    seconds: Integers = np.maximum(days * DAY_SECONDS, 60).astype(np.int64)
    return seconds


def _written_times(options: Options, at: Integers) -> pl.Series:
    start = options.start.replace(microsecond=0)
    since_epoch = int(start.timestamp()) + at
    times = pl.Series(since_epoch * 1_000_000).cast(pl.Datetime("us"))
    return times.dt.to_string("%Y-%m-%dT%H:%M:%SZ")


def _text(column: Texts) -> pl.Series:
    return pl.Series(values=column.tolist(), dtype=pl.String)


def _tell_nobody(done: float) -> None:
    del done


_PATTERN_TEXTS = np.array([*(pattern.name for pattern in PATTERNS), None], dtype=object)
