"""One case: what made it, and everything that happens, while it happens."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup
from nicegui import ui
from sqlalchemy import Connection

from ringfence.access import Scope
from ringfence.cases import Attempt, Entry, EntryKind, Verdict, record_answer
from ringfence.errors import NotFound, RingfenceError
from ringfence.models import Contribution
from ringfence.storage import now
from ringfence.web.console import markup
from ringfence.web.console.dialogs import ask_reason
from ringfence.web.console.layout import (
    button,
    console_page,
    done,
    every,
    heading,
    html,
    rewrite,
)
from ringfence.web.console.queries import CaseFacts, Suspicion, case_facts, suspicion
from ringfence.web.console.visit import Visit

_MOST_REASONS = 8
_BIAS = "bias"  # where every event starts, so no reason
_KINDS = {
    EntryKind.OPENED: ("warn", "Case opened"),
    EntryKind.JOINED: ("warn", "Another event"),
    EntryKind.HELD: ("warn", "Card held"),
    EntryKind.WAITING: ("", "Waiting"),
    EntryKind.POLICY: ("warn", "Not called"),
    EntryKind.DIALLED: ("call", "Dialled"),
    EntryKind.RINGING: ("call", "Ringing"),
    EntryKind.ANSWERED: ("call", "Answered"),
    EntryKind.ENDED: ("call", "Call ended"),
    EntryKind.INTERRUPTED: ("bad", "Interrupted"),
    EntryKind.CALLED_BACK: ("call", "Called back"),
    EntryKind.TEXTED: ("call", "SMS"),
    EntryKind.FUNCTION: ("", "Function"),
    EntryKind.CARD: ("warn", "Card"),
    EntryKind.LABEL: ("", "Label"),
    EntryKind.ANALYST: ("warn", "For an analyst"),
    EntryKind.CLOSED: ("", "Closed"),
}


@console_page("/cases/{case_id}", title="Case", section="cases", scope=Scope.CASES_READ)
async def case(visit: Visit) -> None:
    """The page."""
    found = await visit.read(lambda connection: case_facts(connection, visit.path["case_id"]))
    case_id = found.case.case_id
    heading(f"Case {found.case.reference}", f"Event {found.case.event_id}")
    with ui.element("div").classes("columns lead case"):
        with ui.element("section").classes("panel summary").props('aria-label="Summary"'):
            summary = html("")
            verdicts = ui.element("div").classes("verdict")
            if visit.allows(Scope.CASES_WRITE):
                with verdicts:
                    _verdict_buttons(visit, case_id)
        with ui.element("section").classes("panel story").props('aria-label="What happened"'):
            with ui.element("div").classes("bar"):
                html("What happened", "h2")
                status = html("").classes("push").props('role="status"')
            story = _Story(found)
        with ui.element("section").classes("panel why").props('aria-label="Why"'):
            html("Why it looked wrong", "h2")
            why = html("Reading the decision …").classes("soft")

    async def refresh() -> None:
        facts = await visit.read(lambda connection: case_facts(connection, case_id))
        rewrite(summary, _summary(facts))
        rewrite(status, _status(facts.attempts, facts.timeline))
        story.show(facts.timeline)
        verdicts.set_visibility(facts.case.verdict not in (Verdict.FRAUD, Verdict.LEGIT))

    async def explain() -> None:
        why.classes(remove="soft")
        rewrite(why, await _why(visit, found))

    await refresh()
    every(visit, 0.5, refresh)
    ui.timer(0.05, explain, once=True)


class _Story:
    """The timeline, to which entries are added as they come."""

    def __init__(self, facts: CaseFacts):
        self._opened_at = facts.case.opened_at
        self._shown = 0
        self._list = ui.element("div").classes("timeline").props('role="log" aria-live="polite"')

    def show(self, entries: Sequence[Entry]) -> None:
        """Add what is new."""
        with self._list:
            for entry in entries[self._shown :]:
                content, classes = self._entry(entry)
                html(content).classes(classes)
        self._shown = len(entries)

    def _entry(self, entry: Entry) -> tuple[Markup, str]:
        after = markup.offset((entry.at - self._opened_at).total_seconds())
        when = Markup('<span class="when">{}<em>{}</em></span>').format(
            markup.clock(entry.at, fraction=True), after
        )
        if entry.kind is EntryKind.SAID:
            what = Markup('<span class="bubble">{}</span>').format(entry.text)
            classes = "entry call"
        elif entry.kind is EntryKind.DIGIT:
            what = Markup(
                '<span class="bubble">The cardholder pressed <kbd>{}</kbd></span>'
            ).format(entry.text)
            classes = "entry call theirs"
        elif entry.kind is EntryKind.VERDICT:
            verdict, _, rest = entry.text.partition(" ")
            tone = {"fraud": "bad", "legit": "good"}.get(verdict, "warn")
            what = Markup('<span class="kind">Verdict</span> {} {}').format(
                markup.verdict_pill(verdict) if verdict in set(Verdict) else verdict, rest
            )
            classes = f"entry {tone}"
        else:
            tone, label = _KINDS[entry.kind]
            if entry.kind is EntryKind.CARD:
                tone = "bad" if "blocked" in entry.text else "good"
            what = Markup('<span class="kind">{}</span> <span class="soft">{}</span>').format(
                label, entry.text
            )
            classes = f"entry {tone}".strip()
        return Markup('{}<div class="what">{}</div>').format(when, what), classes


def _verdict_buttons(visit: Visit, case_id: str) -> None:
    def settle(verdict: Verdict) -> None:
        async def with_reason(reason: str) -> None:
            def work(connection: Connection, name: str) -> bool:
                return record_answer(
                    connection,
                    case_id,
                    verdict,
                    by=name,
                    source="analyst",
                    at=now(),
                    reason=reason,
                )

            first = await visit.write(Scope.CASES_WRITE, work)
            done("Settled." if first else "There was a verdict already; yours is noted.")

        fraud = verdict is Verdict.FRAUD
        ask_reason(
            "Settle as fraud" if fraud else "Settle as legit",
            "The card is blocked, the case closes, and the event is labelled fraud."
            if fraud
            else "The case's hold is lifted, the case closes, and the event is labelled legit.",
            "Block the card" if fraud else "Lift the hold",
            with_reason,
            danger=fraud,
        )

    button("It is fraud", lambda: settle(Verdict.FRAUD), "danger")
    button("It is legit", lambda: settle(Verdict.LEGIT))


def _summary(facts: CaseFacts) -> Markup:
    case, card, customer = facts.case, facts.card, facts.customer
    said = case.attributes
    name = " ".join(
        part
        for part in (
            said.get("Salutation", ""),
            customer.first_name if customer else "",
            said.get("Name", ""),
        )
        if part
    )
    pairs: list[tuple[str, object]] = [
        (
            "Verdict",
            markup.joined(
                piece
                for piece in (
                    markup.verdict_pill(case.verdict),
                    markup.pill("for an analyst", "warn") if case.for_analyst else "",
                )
                if piece
            ),
        ),
        (
            "Card",
            markup.joined(
                (
                    markup.last_four(card.last4 if card else said.get("CardNo", "")),
                    markup.card_state(card.state) if card else "",
                )
            ),
        ),
        ("Amount", markup.money(said.get("Amount", ""), said.get("Currency", ""))),
        ("Merchant", said.get("Merchant") or "-"),
        (
            "Customer",
            markup.link(markup.path("customers", case.customer_id), name or case.customer_id),
        ),
        ("Opened", markup.moment(case.opened_at)),
    ]
    if case.verdict_at is not None:
        pairs.append(("Settled by", f"{case.verdict_by}"))
        pairs.append(("Settled at", markup.moment(case.verdict_at)))
    pairs += [
        ("Contact plan", case.plan.name),
        ("Contact flow", f"{case.flow_name} v{case.flow_version}"),
        ("Attempts", f"{len(facts.attempts)} of {case.plan.attempts}"),
    ]
    return markup.facts(pairs)


def _status(attempts: Sequence[Attempt], entries: Sequence[Entry]) -> Markup | str:
    if not attempts or attempts[-1].ended_at is not None:
        return ""
    if attempts[-1].answered_at is not None:
        text = "On the phone"
    elif any(
        entry.kind is EntryKind.RINGING and entry.at >= attempts[-1].started_at for entry in entries
    ):
        text = "Ringing"
    else:
        text = "Dialling"
    return Markup('<span class="ringing"><i></i>{}</span>').format(text)


async def _why(visit: Visit, facts: CaseFacts) -> Markup:
    try:
        made = await visit.read(lambda connection: suspicion(connection, facts.case))
    except NotFound:
        return Markup("The decision is not stored any more.")
    pieces = [_decision(made)]
    try:
        reasons = await visit.services.engine.explain(made.decision)
    except RingfenceError as error:
        return Markup("").join([*pieces, Markup("<p class=soft>{}</p>").format(str(error))])
    pieces += [_reasons(contributions) for contributions in reasons.values()]
    return Markup('<div class="stack">{}</div>').format(Markup("").join(pieces))


def _decision(made: Suspicion) -> Markup:
    scores = [
        (variable.removesuffix("_insightscore"), markup.score_bar(score))
        for variable, score in made.decision.scores.items()
    ]
    decided_by = (
        f"{made.decision.detector_id}, version {made.decision.detector_version}",
        " + ".join(made.decision.outcomes),
    )
    rules = Markup("").join(
        Markup('<div class="rule"><h3>{}</h3><pre class="expression">{}</pre></div>').format(
            rule.rule_id, rule.expression
        )
        for rule in made.rules
    )
    return markup.facts([*scores, ("Detector", decided_by[0]), ("Outcome", decided_by[1])]) + rules


def _reasons(contributions: Sequence[Contribution]) -> Markup:
    named = [of for of in contributions if of.variable != _BIAS][:_MOST_REASONS]
    most = max((abs(of.log_odds) for of in named), default=1.0) or 1.0
    items = Markup("").join(
        Markup(
            '<li><span><b>{}</b> {}</span><span class="soft">{}</span>'
            '<span class="track" aria-hidden="true"><i class="{}" style="width:{:.1f}%"></i></span>'
            "</li>"
        ).format(
            of.variable,
            of.value or "missing",
            of.text,
            "bad" if of.log_odds > 0 else "good",
            abs(of.log_odds) / most * 100,
        )
        for of in named
    )
    return Markup('<ul class="reasons" aria-label="Reasons">{}</ul>').format(items)
