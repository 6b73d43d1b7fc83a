"""The table itself: every request that we make of DynamoDB, and what can come of one.

Endpoint, region and credentials are found by boto3's own rules (`AWS_ENDPOINT_URL_DYNAMODB`,
`AWS_DEFAULT_REGION`, profiles, roles). Retrying is left to whoever asks, who knows how long it may
take.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec

from ringfence.carddata import mask_card_numbers
from ringfence.cards.details import DEFAULT_LANGUAGE
from ringfence.cards.dynamodb.items import BLOCKED, CARD, CUSTOMER, Attributes
from ringfence.errors import Conflict, InvalidInput, NotFound, RingfenceError, Unavailable

_THROTTLED = (
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "RequestLimitExceeded",
    "LimitExceededException",
)
_KEYS = {CUSTOMER: "HASH", CARD: "RANGE"}
_CREATION_SECONDS = 60


class ItemChanged(Conflict):
    """The item is not as it was when it was last seen."""


class TableFacts(msgspec.Struct, frozen=True):
    """What DynamoDB says of the table; it counts `items` every six hours or so."""

    name: str
    status: str
    items: int


class CustomerTable:
    """The table of that name. Safe to use from several threads.

    `timeout_seconds` bounds connecting, and each wait for an answer; `language` is that of its
    customers, of whom it tells none. Raises `InvalidInput` naming
    `customers_url` when boto3 finds no region, or something else that is wrong with its settings.
    """

    def __init__(
        self,
        name: str,
        *,
        timeout_seconds: float,
        connections: int = 10,
        language: str = DEFAULT_LANGUAGE,
    ):
        from boto3.session import Session
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError

        for logger in ("boto3", "botocore", "urllib3"):
            # On the debug level they log whole requests, with card numbers.
            logging.getLogger(logger).setLevel(logging.WARNING)
        self.name = name
        self.language = language
        try:
            self._client = Session().client(
                "dynamodb",
                config=Config(
                    connect_timeout=timeout_seconds,
                    read_timeout=timeout_seconds,
                    retries={"total_max_attempts": 1},
                    max_pool_connections=connections,
                ),
            )
        except (BotoCoreError, ValueError) as error:
            raise InvalidInput(
                f"DynamoDB cannot be used: {error}",
                field="customers_url",
                expected="AWS_DEFAULT_REGION and the rest of boto3's settings",
            ) from None

    def facts(self) -> TableFacts:
        """How the table stands.

        Raises `NotFound` when there is none of that name, `InvalidInput` when its keys are not
        those of the article's table, `Unavailable` when DynamoDB cannot be asked.
        """
        with self._asking():
            found = self._client.describe_table(TableName=self.name)["Table"]
        kinds = {
            one["AttributeName"]: one["AttributeType"] for one in found["AttributeDefinitions"]
        }
        keys = {one["AttributeName"]: one["KeyType"] for one in found["KeySchema"]}
        if keys != _KEYS or any(kinds.get(name) != "S" for name in _KEYS):
            raise InvalidInput(
                f"the table {self.name} has the keys "
                + ", ".join(f"{name} ({kinds.get(name)}, {keys[name]})" for name in keys),
                field="customers_url",
                expected=f"the partition key {CUSTOMER} (S) and the sort key {CARD} (S)",
            )
        return TableFacts(self.name, found["TableStatus"], found.get("ItemCount", 0))

    def create(self) -> TableFacts:
        """Make the table, billed by request, and wait until it can be used.

        Raises `Conflict` when it is there already, `Unavailable`.
        """
        from botocore.exceptions import WaiterError

        with self._asking():
            self._client.create_table(
                TableName=self.name,
                KeySchema=[
                    {"AttributeName": name, "KeyType": kind} for name, kind in _KEYS.items()
                ],
                AttributeDefinitions=[
                    {"AttributeName": name, "AttributeType": "S"} for name in _KEYS
                ],
                BillingMode="PAY_PER_REQUEST",
            )
            try:
                self._client.get_waiter("table_exists").wait(
                    TableName=self.name,
                    WaiterConfig={"Delay": 1, "MaxAttempts": _CREATION_SECONDS},
                )
            except WaiterError as error:
                raise Unavailable(
                    f"the table {self.name} is not ready yet: {error}", field="customers_url"
                ) from None
        return self.facts()

    def items_of(self, customer_id: str) -> list[Mapping[str, Any]]:
        """All items of a customer, by their sort keys, as they are now (consistent reads)."""
        items: list[Mapping[str, Any]] = []
        further: dict[str, Any] = {}
        with self._asking():
            while True:
                page = self._client.query(
                    TableName=self.name,
                    ConsistentRead=True,
                    KeyConditionExpression="#c = :c",
                    ExpressionAttributeNames={"#c": CUSTOMER},
                    ExpressionAttributeValues={":c": {"S": customer_id}},
                    **further,
                )
                items += page["Items"]
                if "LastEvaluatedKey" not in page:
                    return items
                further = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def page(
        self, after: Mapping[str, Any] | None, limit: int
    ) -> tuple[list[Mapping[str, Any]], Mapping[str, Any] | None]:
        """Some items of the whole table, and where the next ones begin; None after the last."""
        further = {"ExclusiveStartKey": after} if after else {}
        with self._asking():
            page = self._client.scan(
                TableName=self.name, ConsistentRead=True, Limit=limit, **further
            )
        return page["Items"], page.get("LastEvaluatedKey")

    def block(self, key: Mapping[str, Any]) -> None:
        """Set `is_blocked`, whatever else the item holds. Raises `ItemChanged` when it is gone."""
        with self._asking():
            self._client.update_item(
                TableName=self.name,
                Key=key,
                UpdateExpression="SET #b = :true",
                ConditionExpression="attribute_exists(#c)",
                ExpressionAttributeNames={"#b": BLOCKED, "#c": CUSTOMER},
                ExpressionAttributeValues={":true": {"BOOL": True}},
            )

    def change(self, key: Mapping[str, Any], values: Attributes, seen: Attributes) -> None:
        """Set some attributes, provided that each still is as it was `seen`, and nothing else.

        Raises `ItemChanged` when one is not, or the item is gone.
        """
        names, bound = {"#c": CUSTOMER}, {}
        settings, conditions = [], ["attribute_exists(#c)"]
        for index, (name, value) in enumerate(values.items()):
            names[f"#{index}"] = name
            bound[f":{index}"] = value
            settings.append(f"#{index} = :{index}")
            if name in seen:
                bound[f":was{index}"] = seen[name]
                conditions.append(f"#{index} = :was{index}")
            else:
                conditions.append(f"attribute_not_exists(#{index})")
        with self._asking():
            self._client.update_item(
                TableName=self.name,
                Key=key,
                UpdateExpression="SET " + ", ".join(settings),
                ConditionExpression=" AND ".join(conditions),
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=bound,
            )

    def put(self, key: Mapping[str, Any], attributes: Attributes) -> None:
        """Make an item. Raises `ItemChanged` when there is one already."""
        with self._asking():
            self._client.put_item(
                TableName=self.name,
                Item={**key, **attributes},
                ConditionExpression="attribute_not_exists(#c)",
                ExpressionAttributeNames={"#c": CUSTOMER},
            )

    @contextmanager
    def _asking(self) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except ClientError as error:
            raise self._refusal(error.response.get("Error", {})) from None
        except BotoCoreError as error:
            raise Unavailable(
                f"DynamoDB cannot be asked: {mask_card_numbers(str(error))}", field="customers_url"
            ) from None

    def _refusal(self, error: Mapping[str, str]) -> RingfenceError:
        code, said = error.get("Code", ""), mask_card_numbers(error.get("Message", ""))
        if code == "ConditionalCheckFailedException":
            return ItemChanged("the item was changed elsewhere", field="customers_url")
        if code == "ResourceNotFoundException":
            return NotFound(
                f"there is no table {self.name} in DynamoDB",
                field="customers_url",
                expected="a table, as made by: ringfence customers table --create",
            )
        if code == "ResourceInUseException":
            return Conflict(f"there is a table {self.name} already", field="customers_url")
        what = "is asked too much" if code in _THROTTLED else "refuses"
        return Unavailable(f"DynamoDB {what}: {code}: {said}", field="customers_url")
