"""No request of an AWS client puts a card number where it would be kept."""

from __future__ import annotations

from typing import Any

import pytest
from api_servers import Server
from aws_clients import ClientOf
from botocore.exceptions import ClientError

CARD = "4539 1488 0343 6467"


@pytest.mark.parametrize(
    ("operation", "members", "field"),
    [
        ("put_label", {"name": "stolen", "description": f"seen on {CARD}"}, "description"),
        ("create_list", {"name": "bad_cards", "elements": ["ok", CARD]}, "elements[1]"),
        (
            "create_variable",
            {
                "name": "note",
                "dataType": "STRING",
                "dataSource": "EVENT",
                "defaultValue": CARD.replace(" ", ""),
            },
            "defaultValue",
        ),
        (
            "put_outcome",
            {"name": "stop", "tags": [{"key": "card", "value": CARD}]},
            "tags[0].value",
        ),
    ],
)
def test_a_card_number_in_a_definition_is_refused_and_not_repeated(
    frauddetector: ClientOf, operation: str, members: dict[str, Any], field: str
) -> None:
    with pytest.raises(ClientError) as error:
        getattr(frauddetector, operation)(**members)
    told = error.value.response["Error"]
    assert told["Code"] == "ValidationException"
    assert told["Message"].startswith(f"{field}: looks like card data")
    assert CARD[-9:] not in told["Message"]


def test_nothing_of_it_is_on_disk(frauddetector: ClientOf, aws_server: Server) -> None:
    with pytest.raises(ClientError):
        frauddetector.put_label(name="stolen", description=f"seen on {CARD}")
    for path in aws_server.data_dir.glob("ringfence.db*"):
        assert CARD.encode() not in path.read_bytes()
    assert CARD not in aws_server.log.read_text()
