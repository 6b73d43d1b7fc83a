"""Store customer input, as the oldest exports name it."""

from __future__ import annotations

from dataclasses import replace

from ringfence.flows.blocks import store_user_input
from ringfence.flows.kinds import LegacyForm

BLOCK = replace(
    store_user_input.BLOCK,
    legacy=LegacyForm(
        "StoreCustomerInput",
        parameters=store_user_input.store_input_from_legacy,
        branches={"InvalidNumber": store_user_input.INVALID_NUMBER},
    ),
    chosen_by=lambda _: False,
)
