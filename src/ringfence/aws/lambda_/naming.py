"""How clients of AWS Lambda name a function: by name, by ARN, or by a part of one."""

from __future__ import annotations

import re

from ringfence.aws.wire.errors import AwsError
from ringfence.aws.wire.operations import Call

_NAME = re.compile(
    r"(?:arn:[a-z-]+:lambda:)?(?:[a-z0-9-]+-\d:)?(?:\d{12}:)?(?:function:)?"
    r"(?P<name>[A-Za-z0-9_.-]+)(?::(?P<qualifier>[A-Za-z0-9$_.-]+))?"
)


def named(call: Call) -> str:
    """The name of the function that a request is about. A version or an alias means the same one:
    there is one of each function here."""
    found = _NAME.fullmatch(call.members["FunctionName"])
    if found is None:
        raise not_found(call, call.members["FunctionName"])
    return found["name"]


def arn_of(call: Call, name: str) -> str:
    """The ARN by which a client finds a function, in the region that it speaks to."""
    return f"arn:aws:lambda:{call.region}:{call.account}:function:{name}"


def qualified_arn(call: Call, name: str) -> str:
    """The same with the version or the alias that a request names."""
    found = _NAME.fullmatch(call.members["FunctionName"])
    qualifier = call.members.get("Qualifier") or (found and found["qualifier"])
    return f"{arn_of(call, name)}:{qualifier}" if qualifier else arn_of(call, name)


def not_found(call: Call, name: str) -> AwsError:
    """What AWS Lambda says of a function that does not exist."""
    return AwsError("ResourceNotFoundException", f"Function not found: {arn_of(call, name)}", 404)
