"""The contact flows that come with Ringfence.

`verify-card-payment` is ours: in English under that name, and in the languages whose tags follow
it (`verify-card-payment.de`), block for block the same. So are `leave-message`, for answering
machines, and `answer-call-back`, for cardholders who call back. `credit-card-fraud` is the
unchanged flow of AWS's sample for event-based fraud detection with customer calls (licence MIT-0).
"""

from __future__ import annotations

from importlib.resources import files


def shipped_flows() -> dict[str, str]:
    """The text of each flow by its name: `verify-card-payment.de`, `credit-card-fraud`."""
    flows = sorted(files(__name__).iterdir(), key=lambda each: each.name)
    return {
        each.name.removesuffix(".json"): each.read_text(encoding="utf-8")
        for each in flows
        if each.name.endswith(".json")
    }
