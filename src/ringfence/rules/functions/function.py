"""What the language needs to know of a function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ringfence.rules.kinds import Kind


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the rule language.

    `apply` takes a str, int, float or bool for each parameter, or an aware datetime where the
    parameter is a `Kind.DATE`; it may raise `ValueError` or `ArithmeticError`, upon which the
    rule counts as not evaluated. `bind`, if given, makes `apply` of the first argument, which
    then must be a literal text; it may raise `ValueError` saying why it will not do.
    `extension` marks what Amazon Fraud Detector is not known to have.
    """

    name: str
    parameters: tuple[Kind, ...]
    result: Kind
    description: str
    apply: Callable[..., Any] | None = None
    bind: Callable[[str], Callable[..., Any]] | None = None
    extension: bool = False
