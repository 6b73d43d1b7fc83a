"""Deciding: a detector version is models and rules, which turn an event into outcomes.

The hot path ends here. This room writes a decision, and tells whoever opens cases inside the same
transaction; it does not know what a case is.
"""

from ringfence.detectors.activation import (
    activate_detector_version,
    change_status,
    deactivate_detector_version,
)
from ringfence.detectors.building import build_profiles
from ringfence.detectors.decisions import (
    Decision,
    MatchedRule,
    latest_decisions,
    stored_decision,
)
from ringfence.detectors.definitions import (
    Detector,
    StoredDetector,
    get_detector,
    list_detectors,
    put_detector,
    stored_detector,
    stored_detectors,
)
from ringfence.detectors.deletion import (
    clear_before_deletion,
    delete_detector,
    delete_detector_version,
    delete_rule,
)
from ringfence.detectors.engine import DecisionEngine
from ringfence.detectors.known import KnownEvent
from ringfence.detectors.labels import label_event
from ringfence.detectors.outcomes import list_outcomes, put_outcome
from ringfence.detectors.plans import hold_plans
from ringfence.detectors.predictions import Prediction
from ringfence.detectors.requests import CaseOpener, Request, Resolved, Suspicion
from ringfence.detectors.rules import (
    NotLatest,
    RuleExists,
    StoredRule,
    create_rule,
    describe_rule,
    list_rules,
    put_rule,
    rule_types,
    rules_at,
    stored_rule,
    stored_rules,
    update_rule,
)
from ringfence.detectors.shadows.running import (
    Shadow,
    ShadowState,
    clear_shadow_decisions,
    get_shadow,
    list_shadows,
    start_shadow,
    stop_shadow,
)
from ringfence.detectors.storing import Arriving, Stored, store_events
from ringfence.detectors.versions import (
    DetectorStatus,
    DetectorVersion,
    ModelRef,
    RuleRef,
    VersionGone,
    create_detector_version,
    describe_detector_version,
    get_detector_version,
    list_detector_versions,
    update_detector_version,
    version_that_decided,
)

__all__ = [
    "Arriving",
    "CaseOpener",
    "Decision",
    "DecisionEngine",
    "Detector",
    "DetectorStatus",
    "DetectorVersion",
    "KnownEvent",
    "MatchedRule",
    "ModelRef",
    "NotLatest",
    "Prediction",
    "Request",
    "Resolved",
    "RuleExists",
    "RuleRef",
    "Shadow",
    "ShadowState",
    "Stored",
    "StoredDetector",
    "StoredRule",
    "Suspicion",
    "VersionGone",
    "activate_detector_version",
    "build_profiles",
    "change_status",
    "clear_before_deletion",
    "clear_shadow_decisions",
    "create_detector_version",
    "create_rule",
    "deactivate_detector_version",
    "delete_detector",
    "delete_detector_version",
    "delete_rule",
    "describe_detector_version",
    "describe_rule",
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
    "rules_at",
    "start_shadow",
    "stop_shadow",
    "store_events",
    "stored_decision",
    "stored_detector",
    "stored_detectors",
    "stored_rule",
    "stored_rules",
    "update_detector_version",
    "update_rule",
    "version_that_decided",
]
