"""Deciding: a detector version is models and rules, which turn an event into outcomes.

The hot path ends here. This room writes a decision, and tells whoever opens cases inside the same
transaction; it does not know what a case is.
"""

from ringfence.detectors.building import build_profiles
from ringfence.detectors.decisions import (
    Decision,
    MatchedRule,
    latest_decisions,
    stored_decision,
)
from ringfence.detectors.definitions import (
    Detector,
    get_detector,
    list_detectors,
    list_rules,
    put_detector,
    put_rule,
    rule_types,
)
from ringfence.detectors.engine import (
    CaseOpener,
    DecisionEngine,
    Request,
    Resolved,
    Suspicion,
)
from ringfence.detectors.labels import label_event
from ringfence.detectors.outcomes import list_outcomes, put_outcome
from ringfence.detectors.plans import hold_plans
from ringfence.detectors.shadows.running import (
    Shadow,
    ShadowState,
    clear_shadow_decisions,
    get_shadow,
    list_shadows,
    start_shadow,
    stop_shadow,
)
from ringfence.detectors.versions import (
    DetectorStatus,
    DetectorVersion,
    ModelRef,
    RuleRef,
    activate_detector_version,
    create_detector_version,
    get_detector_version,
    list_detector_versions,
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
    "Shadow",
    "ShadowState",
    "Suspicion",
    "activate_detector_version",
    "build_profiles",
    "clear_shadow_decisions",
    "create_detector_version",
    "get_detector",
    "get_detector_version",
    "get_shadow",
    "hold_plans",
    "label_event",
    "latest_decisions",
    "list_detector_versions",
    "list_detectors",
    "list_outcomes",
    "list_rules",
    "list_shadows",
    "put_detector",
    "put_outcome",
    "put_rule",
    "rule_types",
    "start_shadow",
    "stop_shadow",
    "stored_decision",
]
