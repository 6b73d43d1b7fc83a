"""What `GetEventPredictionMetadata` tells of a prediction: from what was stored with it, and from
the detector version that made it, as far as that is still there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from ringfence.aws.frauddetector.explanations import EVENT_SOURCE, explanations
from ringfence.aws.frauddetector.sent_events import written
from ringfence.aws.wire.times import instant
from ringfence.detectors import Prediction, get_detector_version, stored_rule
from ringfence.detectors.catalog import Catalog
from ringfence.detectors.runtime import DetectorRuntime
from ringfence.detectors.versions import version_that_decided
from ringfence.errors import NotFound, RingfenceError
from ringfence.events.variables import Value
from ringfence.models import Scorer, output_variable
from ringfence.models.external import ExternalModel, get_external_model
from ringfence.models.external.templates import Template
from ringfence.rules import RuleResult, format_with_values

# How the output variables of our own models end.
_OUTPUT = output_variable("")


def described(connection: Connection, catalog: Catalog, prediction: Prediction) -> dict[str, Any]:
    """The members of the output. Takes some milliseconds for each model."""
    runtime = _runtime(connection, catalog, prediction)
    values = {**prediction.variables, **prediction.scores}
    entity = next(iter(prediction.entities), None)
    return {
        "eventId": prediction.event_id,
        "eventTypeName": prediction.event_type,
        "entityId": entity and entity.entity_id,
        "entityType": entity and entity.entity_type,
        "eventTimestamp": instant(prediction.event_at),
        "detectorId": prediction.detector_id,
        "detectorVersionId": prediction.detector_version,
        "detectorVersionStatus": _status(connection, prediction),
        "eventVariables": [
            {"name": name, "value": written(value), "source": EVENT_SOURCE}
            for name, value in prediction.variables.items()
            if value is not None
        ],
        "rules": [
            _rule(connection, prediction, result, values)
            for result in _results(prediction, runtime, values)
        ],
        "ruleExecutionMode": None if runtime is None else str(runtime.version.mode),
        "outcomes": list(prediction.outcomes),
        "evaluatedModelVersions": _models(prediction, runtime),
        "evaluatedExternalModels": _external(connection, prediction, runtime),
        "predictionTimestamp": instant(prediction.predicted_at),
    }


def _runtime(
    connection: Connection, catalog: Catalog, prediction: Prediction
) -> DetectorRuntime | None:
    detector_id, version = prediction.detector_id, prediction.detector_version
    try:
        version_that_decided(connection, detector_id, version, prediction.predicted_at)
        return catalog.version(connection, detector_id, version)
    except RingfenceError:
        # Deleted or changed since, or a model of it is gone: what was stored has to do.
        return None


def _status(connection: Connection, prediction: Prediction) -> str | None:
    try:
        return get_detector_version(
            connection, prediction.detector_id, prediction.detector_version
        ).status
    except NotFound:
        return None


def _results(
    prediction: Prediction, runtime: DetectorRuntime | None, values: Mapping[str, Value]
) -> list[RuleResult]:
    """The result of every rule. A decision has kept only which ones matched: whether the others
    could be evaluated follows from the same values."""
    stored = {(result.rule_id, result.version): result for result in prediction.rules}
    if runtime is None:
        return list(prediction.rules)
    found = runtime.all_rules(runtime.rule_set.evaluate(values, prediction.event_at))
    return [stored.get((result.rule_id, result.version), _not_matched(result)) for result in found]


def _not_matched(result: RuleResult) -> RuleResult:
    return RuleResult(
        result.rule_id, result.version, result.outcomes, matched=False, evaluated=result.evaluated
    )


def _rule(
    connection: Connection,
    prediction: Prediction,
    result: RuleResult,
    values: Mapping[str, Value],
) -> dict[str, Any]:
    try:
        expression = stored_rule(
            connection, prediction.detector_id, result.rule_id, result.version
        ).rule.expression
    except NotFound:
        expression = None
    return {
        "ruleId": result.rule_id,
        "ruleVersion": result.version,
        "expression": expression,
        "expressionWithValues": expression and format_with_values(expression, values),
        "outcomes": list(result.outcomes),
        "evaluated": result.evaluated,
        "matched": result.matched,
    }


def _models(prediction: Prediction, runtime: DetectorRuntime | None) -> list[dict[str, Any]]:
    if runtime is None:
        return [
            {
                "modelId": variable.removesuffix(_OUTPUT),
                "evaluations": [_score(prediction, variable)],
            }
            for variable in prediction.scores
            if variable.endswith(_OUTPUT)
        ]
    return [
        {
            "modelId": ref.model_id,
            "modelVersion": ref.version,
            "modelType": runtime.model_types[ref.model_id],
            "evaluations": [
                {
                    **_score(prediction, output_variable(ref.model_id)),
                    "predictionExplanations": _explained(
                        prediction, runtime.scorers[output_variable(ref.model_id)]
                    ),
                }
            ],
        }
        for ref in runtime.version.models
        if output_variable(ref.model_id) in prediction.scores
    ]


def _score(prediction: Prediction, variable: str) -> dict[str, Any]:
    return {
        "outputVariableName": variable,
        "evaluationScore": str(prediction.scores[variable]),
    }


def _explained(prediction: Prediction, scorer: Scorer) -> dict[str, Any] | None:
    remembered = None
    if scorer.plan is not None:
        stored = (prediction.profile_values or {}).get(scorer.plan.plan_id)
        if stored is None:
            return None
        remembered = [math.nan if value is None else value for value in stored]
    return explanations(scorer, prediction.variables, prediction.event_at, remembered)


def _external(
    connection: Connection, prediction: Prediction, runtime: DetectorRuntime | None
) -> list[dict[str, Any]]:
    found = []
    texts = prediction.external_texts or {}
    for name, variables in () if runtime is None else runtime.external.outputs.items():
        model = get_external_model(connection, name)
        found.append(
            {
                "modelEndpoint": name,
                "useEventVariables": model.endpoint is None or model.endpoint.use_event_variables,
                "inputVariables": {
                    name: written(prediction.variables[name])
                    for name in _inputs(model)
                    if prediction.variables.get(name) is not None
                },
                "outputVariables": {
                    variable: texts.get(variable, written(prediction.scores[variable]))
                    for variable in variables
                    if variable in prediction.scores
                },
            }
        )
    return found


def _inputs(model: ExternalModel) -> list[str]:
    """The variables that a model looks at."""
    if model.endpoint is not None and model.endpoint.template is not None:
        return list(dict.fromkeys(Template(model.endpoint.template, json=False).variables))
    return list(dict.fromkeys(given.variable for given in model.inputs))
