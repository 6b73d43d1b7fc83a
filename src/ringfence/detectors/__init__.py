"""Deciding: a detector version is models and rules, which turn an event into outcomes.

The hot path ends here. This room writes a decision, and tells whoever opens cases inside the same
transaction; it does not know what a case is.
"""

from ringfence.detectors.definitions import (
    Detector,
    DetectorStatus,
    DetectorVersion,
    ModelRef,
    RuleRef,
    activate_detector_version,
    create_detector_version,
    get_detector,
    get_detector_version,
    list_detector_versions,
    list_detectors,
    list_outcomes,
    list_rules,
    put_detector,
    put_outcome,
    put_rule,
    rule_types,
)
from ringfence.detectors.engine import (
    CaseOpener,
    Decision,
    DecisionEngine,
    MatchedRule,
    Request,
    Resolved,
    Suspicion,
    latest_decisions,
    stored_decision,
)

__all__ = [
    "CaseOpener",
    "Decision",
    "DecisionEngine",
    "Detector",
    "DetectorStatus",
    "DetectorVersion",
    "MatchedRule",
    "ModelRef",
    "Request",
    "Resolved",
    "RuleRef",
    "Suspicion",
    "activate_detector_version",
    "create_detector_version",
    "get_detector",
    "get_detector_version",
    "latest_decisions",
    "list_detector_versions",
    "list_detectors",
    "list_outcomes",
    "list_rules",
    "put_detector",
    "put_outcome",
    "put_rule",
    "rule_types",
    "stored_decision",
]
