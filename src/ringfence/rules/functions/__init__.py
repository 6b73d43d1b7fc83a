"""The functions of the rule language, by name.

A function is never given null: where an argument is null, so is the result. To add one, write it
beside those of its subject and register it here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ringfence.rules.functions import dates, texts
from ringfence.rules.functions.function import Function

FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {function.name: function for function in (*texts.FUNCTIONS, *dates.FUNCTIONS)}
)

__all__ = ["FUNCTIONS", "Function"]
