"""One request for each operation of Fraud Detector, naming what an empty server does not have."""

from __future__ import annotations

from typing import Any

ROLE = "arn:aws:iam::123456789012:role/reader"
ARN = "arn:aws:frauddetector:eu-west-1:000000000000"
ONLINE = "ONLINE_FRAUD_INSIGHTS"
RULE = {"detectorId": "absent", "ruleId": "absent", "ruleVersion": "1"}
SCHEMA = {
    "modelVariables": ["amount", "city"],
    "labelSchema": {"labelMapper": {"FRAUD": ["fraud"], "LEGIT": ["legit"]}},
}
WINDOW = {
    "ingestedEventsTimeWindow": {
        "startTime": "2026-01-01T00:00:00Z",
        "endTime": "2026-02-01T00:00:00Z",
    }
}
EVENT = {
    "eventId": "absent",
    "eventTypeName": "absent",
    "eventTimestamp": "2026-11-24T09:30:00Z",
    "eventVariables": {"amount": "1"},
    "entities": [{"entityType": "customer", "entityId": "c-1"}],
}
MODEL = {"modelId": "absent", "modelType": ONLINE}
VERSION = {**MODEL, "modelVersionNumber": "1.0"}
DETECTOR_VERSION = {"detectorId": "absent", "detectorVersionId": "1"}
JOB = {
    "jobId": "absent",
    "inputPath": "s3://bucket/in.csv",
    "outputPath": "s3://bucket/out",
    "eventTypeName": "absent",
    "iamRoleArn": ROLE,
}

REQUESTS: dict[str, dict[str, Any]] = {
    "BatchCreateVariable": {
        "variableEntries": [
            {"name": "x", "dataType": "STRING", "dataSource": "EVENT", "defaultValue": ""}
        ]
    },
    "BatchGetVariable": {"names": ["absent"]},
    "CancelBatchImportJob": {"jobId": "absent"},
    "CancelBatchPredictionJob": {"jobId": "absent"},
    "CreateBatchImportJob": JOB,
    "CreateBatchPredictionJob": {**JOB, "detectorName": "absent"},
    "CreateDetectorVersion": {"detectorId": "absent", "rules": [RULE]},
    "CreateList": {"name": "absent"},
    "CreateModel": {**MODEL, "eventTypeName": "absent"},
    "CreateModelVersion": {
        **MODEL,
        "trainingDataSource": "INGESTED_EVENTS",
        "trainingDataSchema": SCHEMA,
        "ingestedEventsDetail": WINDOW,
    },
    "CreateRule": {
        "ruleId": "absent",
        "detectorId": "absent",
        "expression": "1 == 5",
        "language": "DETECTORPL",
        "outcomes": ["absent"],
    },
    "CreateVariable": {
        "name": "absent",
        "dataType": "STRING",
        "dataSource": "EVENT",
        "defaultValue": "",
    },
    "DeleteBatchImportJob": {"jobId": "absent"},
    "DeleteBatchPredictionJob": {"jobId": "absent"},
    "DeleteDetector": {"detectorId": "absent"},
    "DeleteDetectorVersion": DETECTOR_VERSION,
    "DeleteEntityType": {"name": "absent"},
    "DeleteEvent": {"eventId": "absent", "eventTypeName": "absent"},
    "DeleteEventType": {"name": "absent"},
    "DeleteEventsByEventType": {"eventTypeName": "absent"},
    "DeleteExternalModel": {"modelEndpoint": "absent"},
    "DeleteLabel": {"name": "absent"},
    "DeleteList": {"name": "absent"},
    "DeleteModel": MODEL,
    "DeleteModelVersion": VERSION,
    "DeleteOutcome": {"name": "absent"},
    "DeleteRule": {"rule": RULE},
    "DeleteVariable": {"name": "absent"},
    "DescribeDetector": {"detectorId": "absent"},
    "DescribeModelVersions": MODEL,
    "GetBatchImportJobs": {"jobId": "absent"},
    "GetBatchPredictionJobs": {"jobId": "absent"},
    "GetDeleteEventsByEventTypeStatus": {"eventTypeName": "absent"},
    "GetDetectorVersion": DETECTOR_VERSION,
    "GetDetectors": {"detectorId": "absent"},
    "GetEntityTypes": {"name": "absent"},
    "GetEvent": {"eventId": "absent", "eventTypeName": "absent"},
    "GetEventPrediction": {**EVENT, "detectorId": "absent"},
    "GetEventPredictionMetadata": {
        "eventId": "absent",
        "eventTypeName": "absent",
        **DETECTOR_VERSION,
        "predictionTimestamp": "2026-11-24T09:30:00.000Z",
    },
    "GetEventTypes": {"name": "absent"},
    "GetExternalModels": {"modelEndpoint": "absent"},
    "GetKMSEncryptionKey": {},
    "GetLabels": {"name": "absent"},
    "GetListElements": {"name": "absent"},
    "GetListsMetadata": {"name": "absent"},
    "GetModelVersion": VERSION,
    "GetModels": MODEL,
    "GetOutcomes": {"name": "absent"},
    "GetRules": {"detectorId": "absent"},
    "GetVariables": {"name": "absent"},
    "ListEventPredictions": {},
    "ListTagsForResource": {"resourceARN": f"{ARN}:label/absent"},
    "PutDetector": {"detectorId": "absent", "eventTypeName": "absent"},
    "PutEntityType": {"name": "absent"},
    "PutEventType": {
        "name": "absent",
        "eventVariables": ["absent"],
        "entityTypes": ["absent"],
        "labels": ["absent"],
    },
    "PutExternalModel": {
        "modelEndpoint": "absent",
        "modelSource": "SAGEMAKER",
        "invokeModelEndpointRoleArn": ROLE,
        "inputConfiguration": {
            "useEventVariables": True,
            "eventTypeName": "absent",
            "format": "TEXT_CSV",
            "csvInputTemplate": "{{amount}}",
        },
        "outputConfiguration": {"format": "TEXT_CSV", "csvIndexToVariableMap": {"0": "absent"}},
        "modelEndpointStatus": "ASSOCIATED",
    },
    "PutKMSEncryptionKey": {"kmsEncryptionKeyArn": "DEFAULT"},
    "PutLabel": {"name": "absent"},
    "PutOutcome": {"name": "absent"},
    "SendEvent": EVENT,
    "TagResource": {
        "resourceARN": f"{ARN}:label/absent",
        "tags": [{"key": "team", "value": "fraud"}],
    },
    "UntagResource": {"resourceARN": f"{ARN}:label/absent", "tagKeys": ["team"]},
    "UpdateDetectorVersion": {**DETECTOR_VERSION, "externalModelEndpoints": [], "rules": [RULE]},
    "UpdateDetectorVersionMetadata": {**DETECTOR_VERSION, "description": "new"},
    "UpdateDetectorVersionStatus": {**DETECTOR_VERSION, "status": "ACTIVE"},
    "UpdateEventLabel": {
        "eventId": "absent",
        "eventTypeName": "absent",
        "assignedLabel": "fraud",
        "labelTimestamp": "2026-11-24T09:30:00Z",
    },
    "UpdateList": {"name": "absent", "elements": ["a"], "updateMode": "APPEND"},
    "UpdateModel": {**MODEL, "description": "new"},
    "UpdateModelVersion": {**MODEL, "majorVersionNumber": "1"},
    "UpdateModelVersionStatus": {**VERSION, "status": "ACTIVE"},
    "UpdateRuleMetadata": {"rule": RULE, "description": "new"},
    "UpdateRuleVersion": {
        "rule": RULE,
        "expression": "1 == 5",
        "language": "DETECTORPL",
        "outcomes": ["absent"],
    },
    "UpdateVariable": {"name": "absent", "defaultValue": "1"},
}
