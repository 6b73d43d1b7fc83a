"""DETECTORPL, the rule language of Amazon Fraud Detector: parsed once, compiled, evaluated.

On the way of a transaction, rules stand after the models, whose scores are variables to them, and
before the outcome, which is the detector's business. The room knows what variables and lists are;
it knows no detector, no model, no database and no clock: the event's time is given to it.
"""

from ringfence.rules.errors import RuleInvalid
from ringfence.rules.functions import FUNCTIONS, Function
from ringfence.rules.rule import (
    CompiledRule,
    ExecutionMode,
    References,
    Rule,
    RuleResult,
    RuleSet,
    check,
    compile_rule,
    format_with_values,
    references,
)

__all__ = [
    "FUNCTIONS",
    "CompiledRule",
    "ExecutionMode",
    "Function",
    "References",
    "Rule",
    "RuleInvalid",
    "RuleResult",
    "RuleSet",
    "check",
    "compile_rule",
    "format_with_values",
    "references",
]
