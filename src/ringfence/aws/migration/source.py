"""Reading an account of Fraud Detector through a client of boto3, page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ringfence.errors import InvalidInput, Unavailable

# A resource as the service describes it, by the names of its members.
Resource: TypeAlias = Mapping[str, Any]
Tell: TypeAlias = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class SourceDetector:
    """A detector with all versions of its rules and of itself, oldest first."""

    detector: Resource
    rules: list[Resource]
    versions: list[Resource]


@dataclass(frozen=True, slots=True)
class Account:
    """What an account has, but for its events. `tags` are by ARN."""

    variables: list[Resource]
    labels: list[Resource]
    entity_types: list[Resource]
    event_types: list[Resource]
    outcomes: list[Resource]
    lists: list[Resource]
    models: list[Resource]
    model_versions: list[Resource]
    external_models: list[Resource]
    detectors: list[SourceDetector]
    imports: list[Resource]
    kms_key: str | None
    tags: dict[str, list[dict[str, str]]] = field(default_factory=dict)


def open_source(profile: str | None, region: str | None, endpoint_url: str | None) -> Any:
    """A client for an account, with boto3's own rules for what is not given.

    Raises `InvalidInput` naming `profile` or `region`, or what boto3 finds wrong.
    """
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    try:
        session = boto3.Session(profile_name=profile, region_name=region)
        return session.client(
            "frauddetector",
            endpoint_url=endpoint_url,
            config=Config(retries={"mode": "adaptive", "total_max_attempts": 8}),
        )
    except BotoCoreError as error:
        raise InvalidInput(
            str(error),
            field="region" if "region" in str(error) else "profile",
            expected="what `aws configure` sets up, or the options",
        ) from None


def read_account(client: Any, tell: Tell) -> Account:
    """All that an account has. `tell` is told what is being read.

    Raises `Unavailable` when the endpoint does not answer, or does not let this caller read.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return _read_account(client, tell)
    except (BotoCoreError, ClientError) as error:
        raise Unavailable(f"the account cannot be read: {error}", field="profile") from None


def _read_account(client: Any, tell: Tell) -> Account:
    def read(what: str, method: Callable[..., Any], member: str, **given: Any) -> list[Resource]:
        tell(what)
        return list(pages(method, member, **given))

    models = read("models", client.get_models, "models")
    account = Account(
        variables=read("variables", client.get_variables, "variables"),
        labels=read("labels", client.get_labels, "labels"),
        entity_types=read("entity types", client.get_entity_types, "entityTypes"),
        event_types=read("event types", client.get_event_types, "eventTypes"),
        outcomes=read("outcomes", client.get_outcomes, "outcomes"),
        lists=[
            {**one, "elements": list(pages(client.get_list_elements, "elements", name=one["name"]))}
            for one in read("lists", client.get_lists_metadata, "lists")
        ],
        models=models,
        model_versions=[
            version
            for model in models
            for version in read(
                f"versions of model {model['modelId']}",
                client.describe_model_versions,
                "modelVersionDetails",
                modelId=model["modelId"],
                modelType=model["modelType"],
            )
        ],
        external_models=read("external models", client.get_external_models, "externalModels"),
        detectors=[
            _detector(client, detector, tell)
            for detector in read("detectors", client.get_detectors, "detectors")
        ],
        imports=read("batch imports", client.get_batch_import_jobs, "batchImports"),
        kms_key=client.get_kms_encryption_key().get("kmsKey", {}).get("kmsEncryptionKeyArn"),
    )
    tell("tags")
    for name in _arns(account):
        tags = list(pages(client.list_tags_for_resource, "tags", resourceARN=name))
        if tags:
            account.tags[name] = tags
    return account


def pages(method: Callable[..., Any], member: str, **given: Any) -> Iterator[Any]:
    """The items of all pages that a method of a client has."""
    while True:
        page = method(**given)
        yield from page.get(member, ())
        if not page.get("nextToken"):
            return
        given["nextToken"] = page["nextToken"]


def _detector(client: Any, detector: Resource, tell: Tell) -> SourceDetector:
    detector_id = detector["detectorId"]
    tell(f"detector {detector_id}")
    rules = pages(client.get_rules, "ruleDetails", detectorId=detector_id)
    summaries = pages(client.describe_detector, "detectorVersionSummaries", detectorId=detector_id)
    numbers = sorted((one["detectorVersionId"] for one in summaries), key=int)
    return SourceDetector(
        detector,
        sorted(rules, key=lambda rule: (rule["ruleId"], int(rule["ruleVersion"]))),
        [
            client.get_detector_version(detectorId=detector_id, detectorVersionId=number)
            for number in numbers
        ],
    )


def _arns(account: Account) -> list[str]:
    resources = [
        *account.variables,
        *account.labels,
        *account.entity_types,
        *account.event_types,
        *account.outcomes,
        *account.lists,
        *account.models,
        *account.model_versions,
        *account.external_models,
    ]
    for one in account.detectors:
        resources += [one.detector, *one.rules, *one.versions]
    return [resource["arn"] for resource in resources if resource.get("arn")]
