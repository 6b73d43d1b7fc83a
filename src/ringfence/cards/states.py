"""What happens to a card: held, lifted, blocked, released; each change with its history.

A block outlasts everything but a release. A hold belongs to the case that placed it: a card may
carry several, and is held until the last has been lifted or has expired. Every change locks the
card's row first, so changes of one card follow each other; the history is written in the same
transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from ringfence.carddata import mask_card_numbers
from ringfence.cards import tables
from ringfence.cards.records import CardAction, CardEntry, CardState, Change
from ringfence.cards.writes import mastered_in, note_write
from ringfence.errors import InvalidInput, NotFound

_cards = tables.cards
_holds = tables.card_holds

# Run for each case, so they are built once.
_OF_CARD = _cards.c.card_id == bindparam("of_card")
_LOCKED_STATE = select(_cards.c.state).where(_OF_CARD).with_for_update()
_OWNER = select(_cards.c.customer_id).where(_OF_CARD)
_SET_STATE = update(_cards).where(_OF_CARD)
_FORCE_STATE = _SET_STATE.where(_cards.c.state != bindparam("but_not"))
_ADD_HOLD = insert(_holds)
_HOLDS_OF_CARD = _holds.c.card_id == bindparam("of_card")
_OWN_HOLD = (_HOLDS_OF_CARD, _holds.c.hold_case_id == bindparam("of_case"))
_OWN_EXPIRY = select(_holds.c.expires_at).where(*_OWN_HOLD)
_LIFT_HOLD = delete(_holds).where(*_OWN_HOLD)
_LIFT_HOLDS = delete(_holds).where(_HOLDS_OF_CARD)
_LAST_HOLD = (
    select(_holds.c.hold_case_id, _holds.c.expires_at)
    .where(_HOLDS_OF_CARD)
    .order_by(_holds.c.expires_at.desc(), _holds.c.hold_case_id)
    .limit(1)
)
_WRITE_HISTORY = insert(tables.card_history)


def hold(
    connection: Connection,
    card_id: str,
    hold_case_id: str,
    *,
    by: str,
    reason: str,
    case_id: str | None,
    at: datetime,
    expires_at: datetime,
) -> Change:
    """Hold a card for a case until `expires_at`. A blocked card stays as it is.

    The same case holding again can only make its hold longer. Raises `NotFound`.
    """
    state = _lock(connection, card_id)
    if state is CardState.BLOCKED:
        return Change(False, state)
    own = {"of_card": card_id, "of_case": hold_case_id}
    expiry = connection.execute(_OWN_EXPIRY, own).scalar()
    if expiry is not None and expiry >= expires_at:
        return Change(False, state)
    if expiry is None:
        connection.execute(
            _ADD_HOLD,
            {
                "card_id": card_id,
                "hold_case_id": hold_case_id,
                "held_by": by[:128],
                "held_at": at,
                "expires_at": expires_at,
            },
        )
    else:
        connection.execute(update(_holds).where(*_OWN_HOLD).values(expires_at=expires_at), own)
    return _settle(connection, card_id, CardAction.HELD, by, reason, case_id, at)


def lift_hold(
    connection: Connection,
    card_id: str,
    hold_case_id: str,
    *,
    by: str,
    reason: str,
    case_id: str | None,
    at: datetime,
) -> Change:
    """Lift the hold of one case; never a block, never the hold of another. Raises `NotFound`."""
    state = _lock(connection, card_id)
    lifted = connection.execute(_LIFT_HOLD, {"of_card": card_id, "of_case": hold_case_id})
    if lifted.rowcount == 0:
        return Change(False, state)
    return _settle(connection, card_id, CardAction.LIFTED, by, reason, case_id, at)


def block(
    connection: Connection,
    card_id: str,
    *,
    by: str,
    reason: str,
    case_id: str | None = None,
    at: datetime,
) -> Change:
    """Block a card, whatever holds it. A blocked card stays as it is; where customers are mastered
    in a table, it is blocked there again. Raises `NotFound`."""
    change = force(
        connection, card_id, CardState.BLOCKED, by=by, reason=reason, case_id=case_id, at=at
    )
    if change.changed:
        _note(connection, card_id, at)
    elif mastered_in(connection) is not None:
        # It may have been released there, which we have not read yet: it is blocked there anew.
        connection.execute(_SET_STATE, {"of_card": card_id, "state_at": at})
        _note(connection, card_id, at)
    return change


def release(
    connection: Connection,
    card_id: str,
    *,
    by: str,
    reason: str,
    case_id: str | None = None,
    at: datetime,
) -> Change:
    """Make a blocked or held card usable, as a person decided. An active one stays as it is.

    Raises `InvalidInput` naming `reason` when there is none, `NotFound`.
    """
    if not reason.strip():
        raise InvalidInput("empty", field="reason", expected="why, in a few words")
    change = force(
        connection, card_id, CardState.ACTIVE, by=by, reason=reason, case_id=case_id, at=at
    )
    if change.changed:
        _note(connection, card_id, at)
    return change


def force(
    connection: Connection,
    card_id: str,
    state: CardState,
    *,
    by: str,
    reason: str,
    case_id: str | None,
    at: datetime,
) -> Change:
    """Block or release a card, noting nothing for the table in which customers are mastered.

    `state` is blocked or active. Raises `NotFound`.
    """
    kept = readable_reason(reason)
    forced = connection.execute(
        _FORCE_STATE,
        {
            "of_card": card_id,
            "but_not": state,
            "state": state,
            "state_by": by[:128],
            "state_at": at,
            "state_reason": kept,
            "hold_case_id": None,
            "hold_expires_at": None,
        },
    )
    if forced.rowcount == 0:
        return Change(False, _lock(connection, card_id))
    connection.execute(_LIFT_HOLDS, {"of_card": card_id})
    action = CardAction.BLOCKED if state is CardState.BLOCKED else CardAction.RELEASED
    write_history(connection, card_id, action, state, by, kept, case_id, at)
    return Change(True, state)


def expire_holds(connection: Connection, at: datetime) -> Sequence[str]:
    """End the holds whose time has come; returns the ids of their cards."""
    due = connection.execute(
        select(_holds.c.card_id).where(_holds.c.expires_at <= at).distinct().order_by("card_id")
    ).scalars()
    expired = []
    for card_id in due.all():
        _lock(connection, card_id)
        mine = (_holds.c.card_id == card_id, _holds.c.expires_at <= at)
        ended = connection.execute(
            select(_holds.c.hold_case_id).where(*mine).order_by(_holds.c.expires_at)
        ).scalars()
        for case_id in ended.all():
            connection.execute(_LIFT_HOLD, {"of_card": card_id, "of_case": case_id})
            _settle(
                connection,
                card_id,
                CardAction.EXPIRED,
                "ringfence",
                "the hold has expired",
                case_id,
                at,
            )
            expired.append(card_id)
    return list(dict.fromkeys(expired))


def card_history(connection: Connection, card_id: str) -> Sequence[CardEntry]:
    """Every change of a card, oldest first. Raises `NotFound`."""
    history = tables.card_history
    rows = connection.execute(
        select(history).where(history.c.card_id == card_id).order_by(history.c.entry_id)
    ).all()
    if not rows:  # a card has an entry from the moment it is added
        raise NotFound(f"there is no card {card_id!r}", field="card_id")
    return [
        CardEntry(
            at=row.at,
            by=row.by,
            action=CardAction(row.action),
            state=CardState(row.state),
            reason=row.reason,
            case_id=row.case_id,
        )
        for row in rows
    ]


def write_history(
    connection: Connection,
    card_id: str,
    action: CardAction,
    state: CardState,
    by: str,
    reason: str,
    case_id: str | None,
    at: datetime,
) -> None:
    """Add an entry to the history of a card. `reason` is one that `readable_reason` gave."""
    connection.execute(
        _WRITE_HISTORY,
        {
            "card_id": card_id,
            "at": at,
            "by": by[:128],
            "action": action,
            "state": state,
            "reason": reason,
            "case_id": case_id,
        },
    )


def readable_reason(reason: str) -> str:
    """A reason as it is kept: never with a card number in it, and never too long to keep."""
    return mask_card_numbers(reason.strip())[:512]


def _note(connection: Connection, card_id: str, at: datetime) -> None:
    customer_id = connection.execute(_OWNER, {"of_card": card_id}).scalar_one()
    note_write(connection, customer_id, urgent=True, at=at)


def _lock(connection: Connection, card_id: str) -> CardState:
    state = connection.execute(_LOCKED_STATE, {"of_card": card_id}).scalar()
    if state is None:
        raise NotFound(f"there is no card {card_id!r}", field="card_id")
    return CardState(state)


def _settle(
    connection: Connection,
    card_id: str,
    action: CardAction,
    by: str,
    reason: str,
    case_id: str | None,
    at: datetime,
) -> Change:
    """Bring a card that is not blocked in line with its holds."""
    kept = readable_reason(reason)
    last = connection.execute(_LAST_HOLD, {"of_card": card_id}).first()
    state = CardState.ACTIVE if last is None else CardState.HELD
    connection.execute(
        _SET_STATE,
        {
            "of_card": card_id,
            "state": state,
            "state_by": by[:128],
            "state_at": at,
            "state_reason": kept,
            "hold_case_id": last.hold_case_id if last else None,
            "hold_expires_at": last.expires_at if last else None,
        },
    )
    write_history(connection, card_id, action, state, by, kept, case_id, at)
    return Change(True, state)
