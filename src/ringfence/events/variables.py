"""Variables: the named, typed facts that an event carries.

Words and types are those of Amazon Fraud Detector (`GetVariables`): a *data type* says how the
value is written, a *variable type* says what it means and so which enrichment applies.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TypeAlias, TypeGuard

import msgspec

from ringfence.errors import InvalidInput

Value: TypeAlias = str | int | float | bool | None


class DataType(StrEnum):
    """How a variable's value is written."""

    STRING = "STRING"
    INTEGER = "INTEGER"
    FLOAT = "FLOAT"
    BOOLEAN = "BOOLEAN"
    DATETIME = "DATETIME"


class VariableType(StrEnum):
    """What a variable means. The 35 types that Amazon Fraud Detector documents."""

    ARE_CREDENTIALS_VALID = "ARE_CREDENTIALS_VALID"
    AUTH_CODE = "AUTH_CODE"
    AVS = "AVS"
    BILLING_ADDRESS_L1 = "BILLING_ADDRESS_L1"
    BILLING_ADDRESS_L2 = "BILLING_ADDRESS_L2"
    BILLING_CITY = "BILLING_CITY"
    BILLING_COUNTRY = "BILLING_COUNTRY"
    BILLING_NAME = "BILLING_NAME"
    BILLING_PHONE = "BILLING_PHONE"
    BILLING_STATE = "BILLING_STATE"
    BILLING_ZIP = "BILLING_ZIP"
    CARD_BIN = "CARD_BIN"
    CATEGORICAL = "CATEGORICAL"
    CURRENCY_CODE = "CURRENCY_CODE"
    EMAIL_ADDRESS = "EMAIL_ADDRESS"
    FINGERPRINT = "FINGERPRINT"
    FRAUD_LABEL = "FRAUD_LABEL"
    FREE_FORM_TEXT = "FREE_FORM_TEXT"
    IP_ADDRESS = "IP_ADDRESS"
    NUMERIC = "NUMERIC"
    ORDER_ID = "ORDER_ID"
    PAYMENT_TYPE = "PAYMENT_TYPE"
    PHONE_NUMBER = "PHONE_NUMBER"
    PRICE = "PRICE"
    PRODUCT_CATEGORY = "PRODUCT_CATEGORY"
    SESSION_ID = "SESSION_ID"
    SHIPPING_ADDRESS_L1 = "SHIPPING_ADDRESS_L1"
    SHIPPING_ADDRESS_L2 = "SHIPPING_ADDRESS_L2"
    SHIPPING_CITY = "SHIPPING_CITY"
    SHIPPING_COUNTRY = "SHIPPING_COUNTRY"
    SHIPPING_NAME = "SHIPPING_NAME"
    SHIPPING_PHONE = "SHIPPING_PHONE"
    SHIPPING_STATE = "SHIPPING_STATE"
    SHIPPING_ZIP = "SHIPPING_ZIP"
    USERAGENT = "USERAGENT"


class Variable(msgspec.Struct, frozen=True):
    """A declared variable. `default` is used where an event leaves the variable out."""

    name: str
    data_type: DataType
    variable_type: VariableType
    default: Value = None
    description: str = ""


_TRUE = frozenset({"true", "1", "yes"})
_FALSE = frozenset({"false", "0", "no"})


def coerce(variable: Variable, raw: object) -> Value:
    """The value of `variable` read from `raw`, in the variable's data type.

    Clients of Amazon Fraud Detector send every value as a string, so `"12.5"` is a valid FLOAT;
    a JSON number is accepted as well. `None` stays `None` (an explicit null).

    Raises `InvalidInput` naming the variable, the value's type and the expected data type.
    """
    if raw is None:
        return None
    kind = variable.data_type
    if kind is DataType.FLOAT:
        if _may_be_number(raw):
            try:
                number = float(raw)
            except (ValueError, OverflowError):
                number = math.nan
            if math.isfinite(number):
                return number
    elif kind is DataType.INTEGER:
        if _may_be_number(raw):
            try:
                whole = int(raw)
                if (isinstance(raw, str) or whole == raw) and abs(whole) < 2**63:
                    return whole
            except (ValueError, OverflowError):
                pass
    elif kind is DataType.BOOLEAN:
        if isinstance(raw, bool):
            return raw
        if isinstance(raw, str) and raw.lower() in _TRUE | _FALSE:
            return raw.lower() in _TRUE
    elif isinstance(raw, str):  # STRING and DATETIME are kept as written
        return raw
    elif isinstance(raw, int) and not isinstance(raw, bool):
        if abs(raw) < 2**63:
            return str(raw)
    elif isinstance(raw, float) and math.isfinite(raw):
        return str(raw)
    raise InvalidInput(
        f"the value cannot be read as {kind}",
        field=f"variables.{variable.name}",
        expected=_EXPECTED[kind],
    )


def _may_be_number(raw: object) -> TypeGuard[str | int | float]:
    # Python also reads `1_000` and digits of other scripts, which no other reader does and which
    # would carry a card number past those who look for one.
    if isinstance(raw, str):
        return raw.isascii() and "_" not in raw
    return isinstance(raw, (int, float)) and not isinstance(raw, bool)


_EXPECTED = {
    DataType.STRING: "a string",
    DataType.INTEGER: "a whole number such as 42",
    DataType.FLOAT: "a finite number such as 12.50",
    DataType.BOOLEAN: "true or false",
    DataType.DATETIME: "an ISO 8601 time such as 2026-11-24T09:30:00Z",
}
