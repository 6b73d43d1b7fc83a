"""The world as it stands before anyone pays: options, merchants, customers."""

from __future__ import annotations

from dataclasses import dataclass

from ringfence.simulation.chance import Random
from ringfence.simulation.customers import Customers, settle_customers
from ringfence.simulation.merchants import Merchants, open_merchants
from ringfence.simulation.options import Options


@dataclass(frozen=True, slots=True)
class World:
    """Who there is to pay and to be paid."""

    options: Options
    merchants: Merchants
    customers: Customers


def build_world(options: Options, random: Random) -> World:
    """The world of these options."""
    merchants = open_merchants(random, options.merchant_count)
    customers = settle_customers(random, options.customer_count, merchants, options.days)
    return World(options=options, merchants=merchants, customers=customers)
