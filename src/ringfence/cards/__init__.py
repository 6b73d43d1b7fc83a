"""Cardholders and their cards: find, hold, block, release.

Knows storage only. A card's number is sealed in the vault, found by keyed hash, and shown as its
last four digits; nothing here logs it. Why a card is held or blocked is decided elsewhere (`cases`
and the people at the console); this room keeps who said so.
"""

from ringfence.cards.customers import (
    StoredCustomer,
    StoreResult,
    put_customer,
    store_customers,
    update_customer,
)
from ringfence.cards.details import CustomerChanges, CustomerDetails, CustomerDocument
from ringfence.cards.documents import read_customers
from ringfence.cards.finding import (
    AddedCard,
    add_card,
    card_number,
    cards_of,
    counts_of_cards,
    customers_with_number,
    get_card,
    get_customer,
    list_customers,
    matching,
)
from ringfence.cards.masters import CustomerMaster, LocalMaster, Refreshed, open_master
from ringfence.cards.numbers import CardNumber, read_card_number
from ringfence.cards.records import (
    Card,
    CardAction,
    CardEntry,
    CardState,
    Change,
    Customer,
    Match,
    article_view,
)
from ringfence.cards.states import (
    block,
    card_history,
    expire_holds,
    hold,
    lift_hold,
    release,
)
from ringfence.cards.vault import Vault, check_vault, open_vault
from ringfence.cards.writes import (
    PendingWrite,
    WritesWaiting,
    master_here,
    master_in,
    mastered_in,
    note_unwritten,
    pending_write,
    writes_waiting,
)

__all__ = [
    "AddedCard",
    "Card",
    "CardAction",
    "CardEntry",
    "CardNumber",
    "CardState",
    "Change",
    "Customer",
    "CustomerChanges",
    "CustomerDetails",
    "CustomerDocument",
    "CustomerMaster",
    "LocalMaster",
    "Match",
    "PendingWrite",
    "Refreshed",
    "StoreResult",
    "StoredCustomer",
    "Vault",
    "WritesWaiting",
    "add_card",
    "article_view",
    "block",
    "card_history",
    "card_number",
    "cards_of",
    "check_vault",
    "counts_of_cards",
    "customers_with_number",
    "expire_holds",
    "get_card",
    "get_customer",
    "hold",
    "lift_hold",
    "list_customers",
    "master_here",
    "master_in",
    "mastered_in",
    "matching",
    "note_unwritten",
    "open_master",
    "open_vault",
    "pending_write",
    "put_customer",
    "read_card_number",
    "read_customers",
    "release",
    "store_customers",
    "update_customer",
    "writes_waiting",
]
