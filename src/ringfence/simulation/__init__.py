"""A world of card payments to train and try on: customers, merchants, and those who defraud them.

Stands before the way of a transaction: it makes the history that the other rooms learn from, with
the columns of the event type `card_payment`. It knows nothing of events, models or storage, so
nothing here can fit the world to what a model happens to see.
"""

from ringfence.simulation.files import write
from ringfence.simulation.generation import COLUMNS, VARIABLES, generate
from ringfence.simulation.options import Options
from ringfence.simulation.patterns import PATTERN_NAMES

__all__ = ["COLUMNS", "PATTERN_NAMES", "VARIABLES", "Options", "generate", "write"]
