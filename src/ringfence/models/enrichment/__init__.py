"""Enrichment: what each type of variable says, one small file per type.

`BY_TYPE` is the one place where types are given their enrichment.
"""

from __future__ import annotations

from ringfence.events.variables import VariableType
from ringfence.models.enrichment.address import ADDRESS, PLACE, POSTAL_CODE
from ringfence.models.enrichment.card_bin import CARD_BIN
from ringfence.models.enrichment.email import EMAIL
from ringfence.models.enrichment.ip_address import IP_ADDRESS
from ringfence.models.enrichment.part import Enrichment, Key, Number, Parts
from ringfence.models.enrichment.person_name import PERSON_NAME
from ringfence.models.enrichment.phone import PHONE
from ringfence.models.enrichment.price import NUMBER, PRICE
from ringfence.models.enrichment.text import CATEGORY, FREE_TEXT, IDENTIFIER
from ringfence.models.enrichment.user_agent import USER_AGENT

# A label among the variables is the answer itself: it has no enrichment and is left out.
BY_TYPE: dict[VariableType, Enrichment] = {
    VariableType.ARE_CREDENTIALS_VALID: CATEGORY,
    VariableType.AUTH_CODE: IDENTIFIER,
    VariableType.AVS: CATEGORY,
    VariableType.BILLING_ADDRESS_L1: ADDRESS,
    VariableType.BILLING_ADDRESS_L2: ADDRESS,
    VariableType.BILLING_CITY: PLACE,
    VariableType.BILLING_COUNTRY: PLACE,
    VariableType.BILLING_NAME: PERSON_NAME,
    VariableType.BILLING_PHONE: PHONE,
    VariableType.BILLING_STATE: PLACE,
    VariableType.BILLING_ZIP: POSTAL_CODE,
    VariableType.CARD_BIN: CARD_BIN,
    VariableType.CATEGORICAL: CATEGORY,
    VariableType.CURRENCY_CODE: PLACE,
    VariableType.EMAIL_ADDRESS: EMAIL,
    VariableType.FINGERPRINT: CATEGORY,
    VariableType.FREE_FORM_TEXT: FREE_TEXT,
    VariableType.IP_ADDRESS: IP_ADDRESS,
    VariableType.NUMERIC: NUMBER,
    VariableType.ORDER_ID: IDENTIFIER,
    VariableType.PAYMENT_TYPE: CATEGORY,
    VariableType.PHONE_NUMBER: PHONE,
    VariableType.PRICE: PRICE,
    VariableType.PRODUCT_CATEGORY: CATEGORY,
    VariableType.SESSION_ID: IDENTIFIER,
    VariableType.SHIPPING_ADDRESS_L1: ADDRESS,
    VariableType.SHIPPING_ADDRESS_L2: ADDRESS,
    VariableType.SHIPPING_CITY: PLACE,
    VariableType.SHIPPING_COUNTRY: PLACE,
    VariableType.SHIPPING_NAME: PERSON_NAME,
    VariableType.SHIPPING_PHONE: PHONE,
    VariableType.SHIPPING_STATE: PLACE,
    VariableType.SHIPPING_ZIP: POSTAL_CODE,
    VariableType.USERAGENT: USER_AGENT,
}

__all__ = ["BY_TYPE", "Enrichment", "Key", "Number", "Parts"]
