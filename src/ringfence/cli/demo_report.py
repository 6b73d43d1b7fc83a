"""What the demo says at its end."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from ringfence.cli.screen import console, table
from ringfence.models.explanations import BIAS

if TYPE_CHECKING:
    from ringfence.cli.demo_call import Outcome
    from ringfence.cli.stopwatch import Stopwatch

_WORDS = {
    "fraud": "The cardholder said that it was fraud.",
    "legit": "The cardholder said that the payment was theirs.",
    "unreached": "Nobody answered; the plan hands the case to an analyst and keeps the hold.",
    "undecided": "Somebody answered but gave no answer; the plan hands the case to an analyst.",
}


def show_outcome(outcome: Outcome, watch: Stopwatch) -> None:
    """Decision, scores, rule, reasons, transcript with times, card, and how long each step took."""
    decision, case = outcome.decision, outcome.view["case"]
    console.rule("What happened")
    for name, score in decision["scores"].items():
        console.print(f"Score      {score:.0f} of 1000  ({name})")
    for rule in decision["rules"]:
        console.print(
            f"Rule       {rule['rule_id']} version {rule['version']} -> "
            f"{', '.join(rule['outcomes'])}",
            markup=False,
        )
    for contributions in (decision.get("reasons") or {}).values():
        for number, why in enumerate([c for c in contributions if c["variable"] != BIAS][:4]):
            value = "missing" if why["value"] is None else f"= {why['value']}"
            console.print(
                f"{'' if number else 'Because':10} {why['variable']} {value}: {why['text']}",
                markup=False,
            )
    if decision.get("note"):
        console.print(f"Note       {decision['note']}", markup=False)
    console.print(f"Case       {case['reference']}  ({case['case_id']})")
    opened_at = datetime.fromisoformat(case["opened_at"])
    console.print("\nTimeline, in seconds after the decision")
    for entry in outcome.view["timeline"]:
        seconds = (datetime.fromisoformat(entry["at"]) - opened_at).total_seconds()
        console.print(f"  {seconds:7.2f}  {entry['kind']:11} {entry['text']}", markup=False)
    console.print(f"\nVerdict    {case['verdict']}: {_WORDS[case['verdict']]}")
    console.print(f"Card       ending in {outcome.card['last4']}: [bold]{outcome.card['state']}[/]")
    console.print()
    table(("step", "seconds>"), ((what, f"{seconds:.3f}") for what, seconds in watch.laps))
