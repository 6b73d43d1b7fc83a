"""What came of trying a flow out: for people to read as lines, for programs as plain values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ringfence.flows.laboratory.branches import Branch
from ringfence.flows.laboratory.coverage import Coverage, Stuck, endless, unreachable
from ringfence.flows.laboratory.exploring import Exploration
from ringfence.flows.laboratory.tracing import Note, Step
from ringfence.flows.laboratory.trial import Trial

_ELSEWHERE = {"Equals CHAT", "Equals TASK", "Equals EMAIL"}
_MOST_TOLD = 12  # choices that led to a dead end


def path_lines(trial: Trial) -> Iterator[str]:
    """The way of one call, block by block; times are seconds since the answer."""
    for step in trial.steps:
        inner = "  " * step.depth
        block = step.block
        told = f"{step.at_seconds:7.1f}  {inner}{block.block_id} ({block.log_type})"
        if len({each.flow for each in trial.steps}) > 1:
            told += f" in {step.flow}"
        yield told
        for note in step.notes:
            yield f"{note.at_seconds:7.1f}    {inner}{_told(note)}"
        yield f"{'':7}    {inner}{_came_out(step)}"
    detail = f" ({trial.detail})" if trial.detail else ""
    yield f"{trial.seconds:7.1f}  {trial.ended}{detail}"
    if trial.left_over:
        yield f"the call was over with {trial.left_over} step(s) of the script still to come"
    for name, value in trial.bound.items():
        yield f"taken for granted: {name} {value}"


def coverage_lines(coverage: Coverage) -> Iterator[str]:
    """What was taken and what never was, and every dead end that is known."""
    branches, never = coverage.branches, coverage.never_taken
    blocks = sum(len(flow.blocks) for flow in coverage.flows.values())
    yield (
        f"branches taken: {len(branches) - len(never)} of {len(branches)} "
        f"({coverage.share:.0%}); blocks run: {blocks - len(coverage.never_run)} of {blocks}"
    )
    several = len(coverage.flows) > 1
    for branch in never:
        why = "; a call is never of that channel" if branch.label in _ELSEWHERE else ""
        yield f"never taken: {_where(branch.flow, several)}{branch} -> {branch.next_id}{why}"
    for name, block_id in coverage.never_run:
        yield f"never run: {_where(name, several)}{block_id}"
    for stuck in coverage.stuck:
        yield f"dead end: {_where(stuck.flow, several)}{stuck.block_id}: no branch for {stuck.what}"
    for flow in coverage.flows.values():
        for block_id in unreachable(flow):
            yield f"no way leads to: {_where(flow.name, several)}{block_id}"
        if round_and_round := endless(flow):
            yield (
                f"goes round until somebody hangs up: {_where(flow.name, several)}"
                f"{', '.join(round_and_round)}"
            )


def exploration_lines(found: Exploration) -> Iterator[str]:
    """What was found by walking through a flow, and how its dead ends come about."""
    yield from coverage_lines(found.coverage)
    for stuck in found.coverage.stuck:
        way = [each for each in found.ways[stuck] if each]
        told = ", ".join(way[-_MOST_TOLD:]) or "nothing special"
        yield f"leads to the dead end {stuck.block_id}: {told}"
    if found.cut_short:
        yield f"went on for ever and were cut short: {found.cut_short} calls"
    for name, value in found.bound.items():
        yield f"taken for granted: {name} {value}"
    why = (
        "every branch was taken"
        if not found.coverage.never_taken
        else "there was nothing left to try"
        if found.exhausted
        else "nothing new came of it any more"
    )
    yield f"{found.calls} calls, {found.blocks} blocks; {why}"


def trial_values(trial: Trial) -> dict[str, Any]:
    """One call as plain values."""
    return {
        "flow": trial.flow.name,
        "ended": trial.ended,
        "detail": trial.detail,
        "seconds": round(trial.seconds, 3),
        "said": list(trial.said),
        "attributes": dict(trial.state.attributes),
        "stored": trial.stored,
        "functions": [
            {
                "name": each.name,
                "event": each.event,
                "answer": each.answer.answer if each.answer.error is None else None,
                "error": each.answer.error,
            }
            for each in trial.invocations
        ],
        "path": [_step_values(step) for step in trial.steps],
        "script_steps_left_over": trial.left_over,
        "taken_for_granted": dict(trial.bound),
    }


def coverage_values(coverage: Coverage) -> dict[str, Any]:
    """Coverage and dead ends as plain values."""
    return {
        "branches": [
            {**_branch_values(branch), "flow": branch.flow, "taken": coverage.taken[branch]}
            for branch in coverage.branches
        ],
        "share": round(coverage.share, 4),
        "never_run": [{"flow": flow, "block": block} for flow, block in coverage.never_run],
        "dead_ends": [_stuck_values(stuck) for stuck in coverage.stuck],
        "unreachable": {flow.name: list(unreachable(flow)) for flow in coverage.flows.values()},
        "endless": {flow.name: list(endless(flow)) for flow in coverage.flows.values()},
    }


def exploration_values(found: Exploration) -> dict[str, Any]:
    """An exploration as plain values."""
    return {
        **coverage_values(found.coverage),
        "dead_ends": [
            {**_stuck_values(stuck), "way": list(found.ways[stuck])}
            for stuck in found.coverage.stuck
        ],
        "calls": found.calls,
        "blocks": found.blocks,
        "cut_short": found.cut_short,
        "exhausted": found.exhausted,
        "taken_for_granted": dict(found.bound),
    }


def _told(note: Note) -> str:
    if note.what in ("said", "played"):
        return f"{note.what}: {note.text}"
    if note.what == "function":
        event = note.data.get("event")
        parameters = event["Details"]["Parameters"] if isinstance(event, Mapping) else {}
        passed = ", ".join(f"{name}={value}" for name, value in parameters.items())
        return f"invokes {note.text}" + (f" with {passed}" if passed else "")
    if note.what == "function answered":
        return f"{note.text} answers {note.data.get('answer')}"
    return f"{note.what}: {note.text}" if note.text else note.what


def _came_out(step: Step) -> str:
    result = step.result if step.result not in ("", "Success") else ""
    if step.forced:
        result = f"made to fail with {step.result}"
    detail = f" ({step.detail})" if step.detail and not step.forced else ""
    way = ""
    if step.branch is not None:
        way = f"-> {step.branch.next_id}  [{step.branch.label}]"
    elif step.stuck:
        way = f"dead end: no branch for {step.stuck}"
    return f"{result}{detail} {way}".strip() or "."


def _step_values(step: Step) -> dict[str, Any]:
    return {
        "number": step.number,
        "at_seconds": round(step.at_seconds, 3),
        "flow": step.flow,
        "block": step.block.block_id,
        "type": step.block.type,
        "log_type": step.block.log_type,
        "depth": step.depth,
        "result": step.result,
        "detail": step.detail,
        "branch": None if step.branch is None else _branch_values(step.branch),
        "no_branch_for": step.stuck,
        "notes": [
            {"at_seconds": round(note.at_seconds, 3), "what": note.what, "text": note.text}
            for note in step.notes
        ],
    }


def _branch_values(branch: Branch) -> dict[str, Any]:
    return {"block": branch.block_id, "branch": branch.label, "leads_to": branch.next_id}


def _stuck_values(stuck: Stuck) -> dict[str, Any]:
    return {"flow": stuck.flow, "block": stuck.block_id, "no_branch_for": stuck.what}


def _where(flow: str, several: bool) -> str:
    return f"{flow}: " if several else ""
