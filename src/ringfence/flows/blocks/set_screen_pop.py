"""Set screen pop, as the oldest exports have it: an attribute that an agent's screen looks at."""

from __future__ import annotations

from dataclasses import replace

from ringfence.flows.blocks import set_attributes
from ringfence.flows.kinds import LegacyForm
from ringfence.flows.modules import LegacyParameters
from ringfence.flows.parameters import written


def _from_legacy(given: LegacyParameters) -> dict[str, object]:
    key = written(given.get("key")) or ""
    return {"Attributes": {key: given.get("value") or ""} if key else {}}


BLOCK = replace(
    set_attributes.BLOCK,
    legacy=LegacyForm("SetScreenPop", parameters=_from_legacy),
    chosen_by=lambda _: False,
    forgives=True,
)
