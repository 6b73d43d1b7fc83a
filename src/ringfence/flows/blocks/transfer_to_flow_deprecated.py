"""Transfer to flow, as the oldest exports have it."""

from __future__ import annotations

from dataclasses import replace

from ringfence.flows.blocks import transfer_to_flow
from ringfence.flows.kinds import LegacyForm

BLOCK = replace(
    transfer_to_flow.BLOCK,
    legacy=LegacyForm(
        "TransferToFlow", parameters=lambda given: given.renamed(ContactFlowId="ContactFlowId")
    ),
    chosen_by=lambda _: False,
)
