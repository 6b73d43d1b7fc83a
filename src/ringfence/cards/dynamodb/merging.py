"""What follows from an item of the table and our copy of it: three-way merging, a pure function.

For each attribute there are three values: what the item was last seen to hold, what it holds now,
and what we have. Where only one side has changed, that change counts. Where both have:

- **A block counts more than anything.** It is undone only by a release that came after it: theirs
  when the item was known to be blocked and is not any more, ours when it still is as we knew it.
  (A flag has no history: a block that is lifted and set again elsewhere while a release of ours is
  on its way looks like the one that we release.)
- **Of two edits of the same attribute the later one counts.** Items do not say when they were
  edited. Ours counts as the later one when it comes to the table within `PROMPT` of being made;
  after that, say after an outage, the table's does, since people have gone on working there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from ringfence.cards.customers import MIRRORED
from ringfence.cards.dynamodb.items import Attributes, TableItem, detail, is_blocked, kept
from ringfence.cards.records import Card, CardState, Customer
from ringfence.cards.writes import PendingWrite

PROMPT = timedelta(seconds=10)


class Base(msgspec.Struct, frozen=True, kw_only=True):
    """What the item of a card was last seen to hold, or was made to hold.

    `version` grows with every time that this is noted. `as_of` is when the reading or the writing
    began: what was changed here later, the table had no chance to know.
    """

    sort_key: str
    attributes: Attributes
    gone: bool
    version: int
    as_of: datetime


class LocalCard(msgspec.Struct, frozen=True, kw_only=True):
    """A card of ours, and what its item was last seen to hold; None when it was never seen."""

    card: Card
    number_hash: bytes
    base: Base | None

    @property
    def blocked(self) -> bool:
        """Whether it is blocked here."""
        return self.card.state is CardState.BLOCKED


class LocalCopy(msgspec.Struct, frozen=True, kw_only=True):
    """A customer as we have them: `customer` is None for one whom we do not know."""

    customer_id: str
    customer: Customer | None
    cards: Mapping[bytes, LocalCard]
    write: PendingWrite | None

    @property
    def versions(self) -> dict[bytes, int]:
        """Which state of the bases this is: a reading that began with another one is stale."""
        return {key: card.base.version for key, card in self.cards.items() if card.base}


class Merged(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done here, and whether something is to be done there.

    `details` are to be taken over, `block` and `release` are ids of cards, `new` are items of cards
    that we do not have, `seen` and `gone` say what to note as the bases. `write` asks for a note
    that the table is to be written. `overruled` names attributes of which an edit of ours lost.
    """

    details: Mapping[str, str]
    block: tuple[str, ...]
    release: tuple[str, ...]
    new: tuple[TableItem, ...]
    seen: tuple[tuple[str, TableItem], ...]
    gone: tuple[str, ...]
    write: bool
    overruled: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to be done."""
        return not (
            self.details
            or self.block
            or self.release
            or self.new
            or self.seen
            or self.gone
            or self.write
        )


def merge(
    local: LocalCopy, items: Sequence[TableItem], gone: Collection[str], at: datetime
) -> Merged:
    """Merge the items of a customer, as they were read at `at`, into our copy.

    `gone` are the ids of cards whose items are known to be in the table no more.
    """
    details, overruled = _details(local, items, at)
    block, release, write = [], [], False
    new, seen = [], []
    for item in items:
        card = local.cards.get(item.number_hash)
        if card is None:
            if item.number is not None:  # a token alone makes no card
                new.append(item)
            continue
        base = card.base
        theirs = is_blocked(item.attributes)
        was = base is not None and is_blocked(base.attributes)
        # Active here, blocked there as we knew it, and a write waits: a release of ours.
        if theirs and not card.blocked and not (was and local.write):
            block.append(card.card.card_id)
        elif card.blocked and not theirs:
            if base is not None and was and card.card.state_at <= base.as_of:
                release.append(card.card.card_id)
            elif not local.write:  # blocked here before the table was ours to write
                write = True
        if base is None or base.gone or not _same(base, item):
            seen.append((card.card.card_id, item))
    return Merged(
        details=details,
        block=tuple(block),
        release=tuple(release),
        new=tuple(new),
        seen=tuple(seen),
        gone=tuple(
            card.card.card_id
            for card in local.cards.values()
            if card.card.card_id in gone and card.base and not card.base.gone
        ),
        write=write,
        overruled=overruled,
    )


def _details(
    local: LocalCopy, items: Sequence[TableItem], at: datetime
) -> tuple[dict[str, str], tuple[str, ...]]:
    taken: dict[str, str] = {}
    overruled: list[str] = []
    for name in MIRRORED:
        edit = local.write.edits.get(name) if local.write else None
        for item in items:
            value = detail(item.attributes, name)
            if value is None:
                continue
            if local.customer is None:
                # The first item that has it; the others of a new customer have no say.
                if not taken.get(name):
                    taken[name] = value
                continue
            card = local.cards.get(item.number_hash)
            base = card.base if card else None
            unchanged = base is not None and detail(base.attributes, name) == value
            if unchanged or value == getattr(local.customer, name):
                continue
            # What we ourselves had before is no edit of theirs: it is an earlier one of ours.
            if edit and (value in edit.was or at - edit.at <= PROMPT):
                continue
            taken[name] = value
            if edit and name not in overruled:
                overruled.append(name)
    return taken, tuple(overruled)


def _same(base: Base, item: TableItem) -> bool:
    return base.sort_key == item.sort_key and base.attributes == kept(item.attributes)
