"""ARNs: those that clients are told of what an instance holds, and what others' ARNs name.

Forms: "Resource types defined by Amazon Connect", "... AWS Lambda" and "... Amazon Lex V2",
AWS Service Authorization Reference.
"""

from __future__ import annotations

import re

from ringfence.flows import ResourceKind

_WORDS = {
    ResourceKind.FLOW: "contact-flow",
    ResourceKind.MODULE: "flow-module",
    ResourceKind.QUEUE: "queue",
    ResourceKind.HOURS: "operating-hours",
    ResourceKind.PROMPT: "prompt",
}
# Where an ARN ends with `:` and a version or an alias, which is not part of what it names.
_QUALIFIER = re.compile(r":(\$LATEST|\$SAVED|[0-9]+)\Z")
_LEX = re.compile(r"arn:[^:]*:lex:[^:]*:[^:]*:(?:bot(?:-alias)?/([^/]+)|bot:([^:]+)).*")
_FUNCTION = re.compile(r"(arn:[^:]*:lambda:[^:]*:[^:]*:function:[^:]+)(:.*)?")


def instance_arn(region: str, account: str, instance_id: str) -> str:
    """The ARN of an instance."""
    return f"arn:aws:connect:{region}:{account}:instance/{instance_id}"


def resource_arn(instance: str, kind: ResourceKind, resource_id: str) -> str:
    """The ARN of a flow, module, queue, prompt or hours of operation; `instance` is an ARN."""
    return f"{instance}/{_WORDS[kind]}/{resource_id}"


def agent_arn(instance: str, agent_id: str) -> str:
    """The ARN of an agent; `instance` is an ARN."""
    return f"{instance}/agent/{agent_id}"


def phone_number_arn(region: str, account: str, number_id: str) -> str:
    """The ARN of a phone number, which belongs to an account rather than to an instance."""
    return f"arn:aws:connect:{region}:{account}:phone-number/{number_id}"


def unqualified(reference: str) -> str:
    """An ARN or an id without the version or the alias that it ends with.

    `arn:.../contact-flow/F` of `arn:.../contact-flow/F:$LATEST`; a name that has a colon stays.
    """
    if function := _FUNCTION.fullmatch(reference):
        return function[1]
    if reference.startswith("arn:"):
        head, slash, last = reference.rpartition("/")
        return f"{head}{slash}{last.partition(':')[0]}" if slash else reference
    return _QUALIFIER.sub("", reference)


def id_within(reference: str) -> str:
    """What an ARN names: the id of `arn:.../queue/ID`, the name of a function or of a Lex bot.

    Anything else is an id, or a name, itself.
    """
    if lex := _LEX.fullmatch(reference):
        return lex[1] or lex[2]
    plain = unqualified(reference)
    if not plain.startswith("arn:"):
        return plain
    return plain.rpartition("/")[2] if "/" in plain else plain.rpartition(":")[2]
