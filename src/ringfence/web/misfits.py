"""What was sent and does not fit: where it stands, and what was expected there.

msgspec decodes and checks in one pass and says what is wrong in a sentence. Here that sentence
becomes an error that names the field. All of this runs only for a request that is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import inspect

from ringfence.errors import InvalidInput
from ringfence.places import Place, path_of

_SENTENCE = re.compile(r"(?P<what>.*?)(?: - at `\$(?P<place>[^`]*)`)?", re.DOTALL)
_STEP = re.compile(r"\.(?P<name>[^.\[]+)|\[(?P<index>\d+)\]|(?P<any>\[\.\.\.\])")
_WRONG_TYPE = re.compile(r"Expected `(?P<expected>[^`]*)`, got `(?P<got>[^`]*)`")
_WRONG_FIELD = re.compile(r"Object (?P<how>missing|contains).* field `(?P<name>.*)`", re.DOTALL)
_TIME = "RFC 3339 such as 2026-11-24T09:30:00Z"
_SOME_KEY = "..."
_LISTS = (inspect.ListType, inspect.VarTupleType, inspect.SetType)


def misfit(error: msgspec.ValidationError, of_type: Any, sent: object) -> InvalidInput:
    """What msgspec says of `sent`, which should be an `of_type`, as an error that names the field.

    `sent` is the decoded document, or None when it is not to be had.
    """
    sentence = _SENTENCE.fullmatch(str(error))
    assert sentence is not None
    what = sentence["what"]
    steps = _steps(sentence["place"] or "")
    place = _with_keys(steps, of_type, sent, str(error))
    kind = _type_at(inspect.type_info(of_type), place)
    wrong_field = _WRONG_FIELD.fullmatch(what)
    if wrong_field is not None:
        place = (*place, wrong_field["name"])
        if wrong_field["how"] == "missing":
            return InvalidInput("missing", field=path_of(place), expected="a value")
        return InvalidInput("there is no such field", field=path_of(place), expected=_choice(kind))
    wrong_type = _WRONG_TYPE.fullmatch(what)
    if wrong_type is not None:
        return InvalidInput(
            f"the value is of type {wrong_type['got']}",
            field=path_of(place) or "body",
            expected=wrong_type["expected"].replace(" | ", " or "),
        )
    if what.startswith("Expected "):
        return InvalidInput(
            "out of range",
            field=path_of(place) or "body",
            expected=what.removeprefix("Expected ").replace("`", ""),
        )
    if what.startswith("Invalid enum value"):
        return InvalidInput("not a known value", field=path_of(place), expected=_choice(kind))
    expected = _TIME if "RFC3339" in what else None
    return InvalidInput(what, field=path_of(place) or "body", expected=expected)


def refuse_unknown_fields(of_type: Any, sent: object) -> None:
    """Raise `InvalidInput` naming a field of `sent` that an `of_type` does not have.

    Structs that are also read from the database pass over what they do not know; a person's
    misspelt field must not be passed over.
    """
    waiting: list[tuple[inspect.Type, object, Place]] = [(inspect.type_info(of_type), sent, ())]
    while waiting:
        kind, part, place = waiting.pop()
        for one in _alternatives(kind):
            if isinstance(one, inspect.StructType) and isinstance(part, dict):
                if one.tag_field is not None and part.get(one.tag_field) != one.tag:
                    continue
                fields = {field.encode_name: field.type for field in one.fields}
                for name, value in part.items():
                    if name == one.tag_field:
                        continue
                    if name not in fields:
                        raise InvalidInput(
                            "there is no such field",
                            field=path_of((*place, name)),
                            expected=_choice(one),
                        )
                    waiting.append((fields[name], value, (*place, name)))
            elif isinstance(one, inspect.DictType) and isinstance(part, dict):
                waiting += [(one.value_type, value, (*place, key)) for key, value in part.items()]
            elif isinstance(one, _LISTS) and isinstance(part, list):
                waiting += [(one.item_type, v, (*place, index)) for index, v in enumerate(part)]


def _steps(text: str) -> Place:
    return tuple(
        int(step["index"]) if step["index"] else step["name"] or _SOME_KEY
        for step in _STEP.finditer(text)
    )


def _with_keys(steps: Place, of_type: Any, sent: object, said: str) -> Place:
    """The place with the keys of dicts, which msgspec does not tell."""
    place: Place = ()
    for step in steps:
        if step == _SOME_KEY:
            key = _first_misfit(place, of_type, sent, said)
            if key is None:
                return place
            step = key
        place = (*place, step)
    return place


def _first_misfit(place: Place, of_type: Any, sent: object, said: str) -> str | None:
    """The key of the first value that does not fit, of the dict at `place`."""
    part = sent
    for step in place:
        try:
            part = part[step]  # type: ignore[index]
        except (LookupError, TypeError):
            return None
    if not isinstance(part, dict):
        return None
    keys = list(part)

    def fits(count: int) -> bool:
        some = {key: part[key] for key in keys[:count]}
        try:
            msgspec.convert(_replaced(sent, place, some), of_type)
        except msgspec.ValidationError as error:
            return str(error) != said
        return True

    if fits(len(keys)):
        return None
    low, high = 0, len(keys) - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if fits(middle + 1) else (low, middle)
    return str(keys[low])


def _replaced(sent: Any, place: Place, part: object) -> object:
    if not place:
        return part
    changed = sent.copy()
    changed[place[0]] = _replaced(sent[place[0]], place[1:], part)
    return changed


def _type_at(kind: inspect.Type, place: Place) -> inspect.Type | None:
    for step in place:
        kinds = tuple(_alternatives(kind))
        found: inspect.Type | None = None
        for one in kinds:
            if isinstance(one, inspect.StructType):
                found = next((f.type for f in one.fields if f.encode_name == step), None)
            elif isinstance(one, inspect.DictType):
                found = one.value_type
            elif isinstance(one, _LISTS):
                found = one.item_type
            if found is not None:
                break
        if found is None:
            return None
        kind = found
    return kind


def _alternatives(kind: inspect.Type) -> Iterator[inspect.Type]:
    if isinstance(kind, inspect.UnionType):
        for one in kind.types:
            yield from _alternatives(one)
    elif isinstance(kind, inspect.Metadata):
        yield from _alternatives(kind.type)
    else:
        yield kind


def _choice(kind: inspect.Type | None) -> str | None:
    """What may stand here: the values of an enumeration, the fields of an object."""
    for one in _alternatives(kind) if kind is not None else ():
        if isinstance(one, inspect.EnumType):
            return "one of " + ", ".join(str(member.value) for member in one.cls)
        if isinstance(one, inspect.StructType):
            return "one of " + ", ".join(field.encode_name for field in one.fields)
    return None
