"""Tables of the cards room."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
)

from ringfence.storage import Instant, Json, metadata

customers = Table(
    "customers",
    metadata,
    Column("customer_id", String(256), primary_key=True),
    Column("salutation", String(64), nullable=False),
    Column("first_name", String(128), nullable=False),
    Column("last_name", String(128), nullable=False),
    Column("phone_number", String(16), nullable=False),
    Column("phone_changed_at", Instant, nullable=False),
    Column("phone_verified_at", Instant),
    Column("time_zone", String(64), nullable=False),
    Column("language", String(35), nullable=False),
    Column("created_by", String(128), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_by", String(128), nullable=False),
    Column("updated_at", Instant, nullable=False),
    Index("ix_customers_phone_number", "phone_number"),
)

# `number_hash` is keyed and finds a card by its number; `sealed_number` can be read back with the
# vault's key alone. `key_id` says which key that is. `hold_case_id` and `hold_expires_at` repeat
# the hold that ends last, so that reading a card is one row.
cards = Table(
    "cards",
    metadata,
    Column("card_id", String(64), primary_key=True),
    Column("customer_id", String(256), ForeignKey("customers.customer_id"), nullable=False),
    Column("number_hash", LargeBinary(32), nullable=False, unique=True),
    Column("sealed_number", LargeBinary(64), nullable=False),
    Column("key_id", String(16), nullable=False),
    Column("last4", String(4), nullable=False),
    Column("bin", String(6), nullable=False),
    Column("state", String(16), nullable=False),
    Column("state_by", String(128), nullable=False),
    Column("state_at", Instant, nullable=False),
    Column("state_reason", String(512), nullable=False),
    Column("hold_case_id", String(64)),
    Column("hold_expires_at", Instant),
    Column("added_by", String(128), nullable=False),
    Column("added_at", Instant, nullable=False),
    CheckConstraint("state IN ('active', 'held', 'blocked')", name="state"),
    CheckConstraint("(state = 'held') = (hold_case_id IS NOT NULL)", name="held"),
    Index("ix_cards_customer_id", "customer_id"),
)

card_holds = Table(
    "card_holds",
    metadata,
    Column("card_id", String(64), ForeignKey("cards.card_id"), primary_key=True),
    Column("hold_case_id", String(64), primary_key=True),
    Column("held_by", String(128), nullable=False),
    Column("held_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Index("ix_card_holds_expires_at", "expires_at"),
)

card_history = Table(
    "card_history",
    metadata,
    Column("entry_id", Integer, primary_key=True, autoincrement=True),
    Column("card_id", String(64), ForeignKey("cards.card_id"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("by", String(128), nullable=False),
    Column("action", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", String(512), nullable=False),
    Column("case_id", String(64)),
    Index("ix_card_history_card_id", "card_id", "entry_id"),
)

# Which master key the card numbers are encrypted with: a check value, from which nothing about
# the key can be told.
vault_keys = Table(
    "vault_keys",
    metadata,
    Column("purpose", String(16), primary_key=True),
    Column("key_id", String(16), nullable=False),
    Column("since", Instant, nullable=False),
)

# Where customers are mastered, when that is not here: one row, or none.
customer_masters = Table(
    "customer_masters",
    metadata,
    Column("purpose", String(16), primary_key=True),
    Column("table_name", String(255), nullable=False),
    Column("since", Instant, nullable=False),
)

# What the master's item of a card held when it was last read or written: attributes in DynamoDB's
# typed JSON. `sort_key` is the form of the card number there, with `#` for each digit, or `token`;
# never the number. `gone` says that the item was deleted there.
customer_items = Table(
    "customer_items",
    metadata,
    Column("card_id", String(64), ForeignKey("cards.card_id"), primary_key=True),
    Column("customer_id", String(256), nullable=False),
    Column("sort_key", String(64), nullable=False),
    Column("attributes", Json, nullable=False),
    Column("gone", Boolean, nullable=False),
    Column("version", Integer, nullable=False),
    Column("as_of", Instant, nullable=False),
    Index("ix_customer_items_customer_id", "customer_id"),
)

# Customers of whom the master does not know everything yet. Noted in the transaction that changes
# them, gone when the master has taken the change. `edits` names the attributes, each with when it
# was changed and what it was here before; what is to be written is what the other tables say.
customer_writes = Table(
    "customer_writes",
    metadata,
    Column("customer_id", String(256), ForeignKey("customers.customer_id"), primary_key=True),
    Column("edits", Json, nullable=False),
    Column("urgent", Boolean, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("noted_at", Instant, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_try_at", Instant, nullable=False),
    Column("failure", String(512)),
    Index("ix_customer_writes_next_try_at", "next_try_at"),
)

# Consent to be contacted and its withdrawal; the latest of a customer and channel is in force.
contact_permissions = Table(
    "contact_permissions",
    metadata,
    Column("entry_id", Integer, primary_key=True, autoincrement=True),
    Column("customer_id", String(256), ForeignKey("customers.customer_id"), nullable=False),
    Column("channel", String(16), nullable=False),
    Column("purpose", String(32), nullable=False),
    Column("given", Boolean, nullable=False),
    Column("source", String(128), nullable=False),
    Column("by", String(128), nullable=False),
    Column("at", Instant, nullable=False),
    Index("ix_contact_permissions_customer_id", "customer_id", "entry_id"),
)

# Numbers that are never contacted, whoever has them.
do_not_call = Table(
    "do_not_call",
    metadata,
    Column("number", String(16), primary_key=True),
    Column("reason", String(256), nullable=False),
    Column("added_by", String(128), nullable=False),
    Column("added_at", Instant, nullable=False),
)
