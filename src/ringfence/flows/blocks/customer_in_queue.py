"""Transfer to queue, as the oldest exports have it."""

from __future__ import annotations

from dataclasses import replace

from ringfence.flows.blocks import transfer_to_queue
from ringfence.flows.kinds import LegacyForm

BLOCK = replace(
    transfer_to_queue.BLOCK,
    legacy=LegacyForm("CustomerInQueue", branches={"AtCapacity": transfer_to_queue.AT_CAPACITY}),
    chosen_by=lambda _: False,
)
