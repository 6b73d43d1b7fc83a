"""The article's customer table in DynamoDB: read before a decision, written after every change.

Cases, holds and the hot path work on the local tables of `cards`; here they are kept in step with a
table elsewhere, in which customers are mastered and which others read and write as well: another
system of the bank, or the article's Lambda handler that blocks a card. Neither side's change is
lost: `merging` decides, item by item, from what the item was last seen to hold, what it holds now,
and what we have changed since.

Only this package knows DynamoDB. It must not know decisions, cases or the web.
"""

from ringfence.cards.dynamodb.items import CardNumberForm
from ringfence.cards.dynamodb.location import read_customers_url
from ringfence.cards.dynamodb.pushing import Pushed, push_waiting
from ringfence.cards.dynamodb.syncing import Synced, sync_table
from ringfence.cards.dynamodb.table import CustomerTable, TableFacts
from ringfence.cards.dynamodb.tablemaster import TableMaster

__all__ = [
    "CardNumberForm",
    "CustomerTable",
    "Pushed",
    "Synced",
    "TableFacts",
    "TableMaster",
    "push_waiting",
    "read_customers_url",
    "sync_table",
]
