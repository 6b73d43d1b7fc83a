"""Customer documents: plain JSON, or the typed JSON of DynamoDB as the article's table has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec

from ringfence.carddata import looks_like_card_number
from ringfence.cards.details import CustomerDetails, CustomerDocument, checked
from ringfence.cards.numbers import CardNumber, read_card_number
from ringfence.errors import InvalidInput

_FIELDS = (
    "customer_id",
    "card_number",
    "card_numbers",
    "is_blocked",
    "last_name",
    "first_name",
    "phone_number",
    "salutation",
    "time_zone",
    "language",
    "consent",
)
_REQUIRED = ("customer_id", "phone_number", "last_name")
_LISTS = ("customers", "Items")
# What DynamoDB's Scan and Query say beside the items.
_BESIDE_ITEMS = {"Count", "ScannedCount", "ConsumedCapacity", "LastEvaluatedKey", "NextToken"}
_DOCUMENT = "a customer, a list of customers, or an object with customers or Items"
_MOST_CARDS = 100


def read_customers(document: bytes | str) -> list[CustomerDocument]:
    """The customers of a JSON document.

    The document is one customer, a list, `{"customers": [...]}`, or DynamoDB's `{"Item": {...}}`
    and `{"Items": [...]}`; one document per line will do as well. Values may be plain or typed
    (`{"S": "Mrs"}`, `{"BOOL": false}`, `{"N": "1"}`, `{"NULL": true}`, lists and sets of them).

    Raises `InvalidInput` naming the field, such as `customers[2].phone_number`, for what is
    missing, malformed, unknown or named twice.
    """
    content = _decode(document)
    many = isinstance(content, list)
    customers: list[CustomerDocument] = []
    ids: set[str] = set()
    numbers: dict[CardNumber, str] = {}
    for index, item in enumerate(content if many else [content]):
        place = f"customers[{index}]" if many else ""
        prefix = f"{place}." if many else ""
        customer = _read_customer(item, place, prefix)
        customer_id = customer.details.customer_id
        if customer_id in ids:
            raise InvalidInput("named twice", field=f"{prefix}customer_id", expected="one of each")
        ids.add(customer_id)
        for number in customer.card_numbers:
            if numbers.setdefault(number, customer_id) != customer_id:
                raise InvalidInput(
                    f"the card ending in {number.last4} is another customer's, too",
                    field=f"{prefix}card_number",
                    expected="a card of one customer",
                )
        customers.append(customer)
    return customers


def _decode(document: bytes | str) -> Any:
    """One customer as a mapping, or a list of what should be customers."""
    try:
        data = document.encode() if isinstance(document, str) else document
        data = data.removeprefix(b"\xef\xbb\xbf").strip()
        try:
            content = msgspec.json.decode(data)
        except msgspec.DecodeError:
            first, _, rest = data.partition(b"\n")
            if not rest or not isinstance(msgspec.json.decode(first), dict):
                raise
            content = [_unwrap_item(line) for line in msgspec.json.Decoder().decode_lines(data)]
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise InvalidInput(f"not JSON: {_safe(str(error))}", expected=_DOCUMENT) from None
    if isinstance(content, dict):
        content = _unwrap_item(content)
    if isinstance(content, dict):
        for name in _LISTS:
            if name in content:
                beside = set(content) - {name} - _BESIDE_ITEMS
                if beside:
                    raise _unknown_field(min(beside), "", (name,))
                content = content[name]
                if not isinstance(content, list):
                    raise InvalidInput("not a list", field=name, expected="a list of customers")
                break
    if isinstance(content, list):
        return [_unwrap_item(item) for item in content]
    if not isinstance(content, dict):
        raise InvalidInput("not a customer", expected=_DOCUMENT)
    return content


def _unwrap_item(content: Any) -> Any:
    if isinstance(content, dict) and set(content) - {"ConsumedCapacity"} == {"Item"}:
        return content["Item"]
    return content


def _read_customer(item: object, place: str, prefix: str) -> CustomerDocument:
    if not isinstance(item, dict):
        raise InvalidInput("not a customer", field=place or None, expected="an object")
    for name in item:
        if name not in _FIELDS:
            raise _unknown_field(name, prefix, _FIELDS)
    values = {name: _plain(value, f"{prefix}{name}") for name, value in item.items()}
    given = {name: value for name, value in values.items() if value is not None}
    for name in _REQUIRED:
        if name not in given:
            raise InvalidInput(
                "missing", field=f"{prefix}{name}", expected="one of " + ", ".join(_REQUIRED)
            )
    blocked = _take_truth(given, "is_blocked", prefix)
    consent = _take_truth(given, "consent", prefix)
    numbers = _read_numbers(given, prefix)
    for name, value in given.items():
        if not isinstance(value, str):
            raise InvalidInput("not a text", field=f"{prefix}{name}", expected="a string")
    texts = cast("Mapping[str, str]", given)
    return CustomerDocument(
        details=checked(CustomerDetails(**texts, consent=consent), prefix=prefix),
        card_numbers=numbers,
        is_blocked=blocked,
    )


def _take_truth(given: dict[str, Any], name: str, prefix: str) -> bool | None:
    value = given.pop(name, None)
    if value is not None and not isinstance(value, bool):
        raise InvalidInput("not a truth value", field=f"{prefix}{name}", expected="true or false")
    return value


def _read_numbers(given: dict[str, Any], prefix: str) -> tuple[CardNumber, ...]:
    """Takes `card_number` and `card_numbers` out of `given`."""
    numbers = []
    if "card_number" in given:
        number = given.pop("card_number")
        numbers.append(read_card_number(_digits(number), field=f"{prefix}card_number"))
    if "card_numbers" in given:
        field = f"{prefix}card_numbers"
        several = given.pop("card_numbers")
        if not isinstance(several, list) or len(several) > _MOST_CARDS:
            raise InvalidInput(
                "not a list of card numbers", field=field, expected=f"up to {_MOST_CARDS} numbers"
            )
        for index, number in enumerate(several):
            numbers.append(read_card_number(_digits(number), field=f"{field}[{index}]"))
    return tuple(dict.fromkeys(numbers))


def _digits(number: object) -> object:
    # A spreadsheet or DynamoDB's N may have made a JSON number of it.
    return str(number) if isinstance(number, int) and not isinstance(number, bool) else number


def _plain(value: Any, field: str) -> Any:
    """A value without its DynamoDB type."""
    if isinstance(value, list):
        return [_plain(element, f"{field}[{index}]") for index, element in enumerate(value)]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        kind, content = next(iter(value.items()))
        if kind in ("S", "N") and isinstance(content, str):
            return content
        if kind == "BOOL" and isinstance(content, bool):
            return content
        if kind == "NULL" and content is True:
            return None
        if kind == "L" and isinstance(content, list):
            return [_plain(element, f"{field}[{index}]") for index, element in enumerate(content)]
        if kind in ("SS", "NS") and isinstance(content, list):
            return content
    raise InvalidInput(
        "not a value of DynamoDB",
        field=field,
        expected='a plain value, or one such as {"S": "text"} or {"BOOL": true}',
    )


def _unknown_field(name: str, prefix: str, known: Sequence[str]) -> InvalidInput:
    import difflib

    near = difflib.get_close_matches(name[:64], known, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return InvalidInput(
        f"there is no such field{hint}",
        field=f"{prefix}{_safe(name)}",
        expected="one of " + ", ".join(known),
    )


def _safe(text: str) -> str:
    if looks_like_card_number(text):
        return "…"
    return text if len(text) <= 120 else text[:120] + "…"
