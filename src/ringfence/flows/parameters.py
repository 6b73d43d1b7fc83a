"""Reading the parameters of a block when a flow is loaded, noting everything that is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ringfence.flows.instance import ResourceKind, Wanted
from ringfence.flows.references import Template, template

_TRUE = "true"
_FALSE = "false"
_LARGEST_WHOLE = 1e15


@dataclass(frozen=True, slots=True)
class WholeNumber:
    """A whole number from `low` to `high`, or a reference to one."""

    text: Template
    low: int
    high: int

    def value(self, data: Mapping[str, object]) -> int | None:
        """The number; None when the reference leads to no such number."""
        return _whole_number(self.text.fill(data), self.low, self.high)


@dataclass(frozen=True, slots=True)
class Resource:
    """Something of an instance that a flow names, with the name that the export carries."""

    kind: ResourceKind
    reference: Template
    label: str = ""

    def wanted(self, data: Mapping[str, object]) -> Wanted:
        """What is meant now; with an empty ARN where the reference leads to nothing."""
        return Wanted(self.kind, self.reference.fill(data).strip(), self.label)


class Parameters:
    """Parameters as a flow writes them: scalars are strings, now and then numbers or booleans.

    The methods return something of the right type in any case; what was wrong is in `problems`,
    and a flow with problems never runs. `labels` are the names that an export carries of what it
    names by ARN; every ARN that was read is in `resources`.
    """

    def __init__(
        self,
        values: Mapping[str, object],
        problems: list[str],
        within: str = "",
        labels: Mapping[str, str] | None = None,
        resources: list[Wanted] | None = None,
    ):
        self._values = values
        self._problems = problems
        self._within = within
        self._labels = labels or {}
        self.resources: list[Wanted] = [] if resources is None else resources

    def given(self, name: str) -> bool:
        """Whether there is such a parameter."""
        return self._values.get(name) is not None

    def raw(self, name: str) -> object:
        """The value as it stands, None without one."""
        return self._values.get(name)

    def wrong(self, message: str) -> None:
        """Note a problem."""
        self._problems.append(message)

    def optional(self, *names: str) -> Template | None:
        """The text of the first of these names that is there: one parameter, over the years."""
        for name in names:
            if self.given(name):
                value = self._values[name]
                text = written(value)
                if text is None:
                    self.wrong(f"the parameter {self._path(name)} is not a text")
                    return Template(())
                return template(text)
        return None

    def text(self, *names: str) -> Template:
        """The same, but there must be one, and it must not be empty."""
        found = self.optional(*names)
        if found is None:
            self.wrong(f"the parameter {self._path(names[0])} is missing")
            return Template(())
        if (found.literal or "-").strip() == "" or not found.parts:
            self.wrong(f"the parameter {self._path(names[0])} is empty")
        return found

    def resource(self, kind: ResourceKind, *names: str) -> Resource:
        """Something of an instance, by the first of these names; there must be one.

        An empty ARN is enough where the export carries the name.
        """
        if self._labels.get("") and any(self._values.get(name) == "" for name in names):
            return self._resource(kind, Template(()))
        return self._resource(kind, self.text(*names))

    def optional_resource(self, kind: ResourceKind, *names: str) -> Resource | None:
        """The same; None when there is none, or it is empty and has no name either."""
        text = self.optional(*names)
        if text is None:
            return None
        if not text.parts or (text.literal or "-").strip() == "":
            return self._resource(kind, Template(())) if self._labels.get("") else None
        return self._resource(kind, text)

    def _resource(self, kind: ResourceKind, text: Template) -> Resource:
        literal = text.literal
        label = self._labels.get(literal, "") if literal is not None else ""
        resource = Resource(kind, text, label)
        if literal is not None and (literal.strip() or label):
            self.resources.append(resource.wanted({}))
        return resource

    def whole_number(
        self, *names: str, low: int, high: int, default: int | None = None
    ) -> WholeNumber:
        """A whole number in the range, or a reference to one. Without `default` it is required."""
        if default is not None and not any(self.given(name) for name in names):
            return WholeNumber(template(str(default)), low, high)
        known = len(self._problems)
        text = self.text(*names)
        literal = text.literal
        if (
            len(self._problems) == known
            and literal is not None
            and _whole_number(literal, low, high) is None
        ):
            self.wrong(
                f"the parameter {self._path(names[0])} is {literal[:50]!r}, "
                f"not a whole number from {low} to {high}"
            )
        return WholeNumber(text, low, high)

    def flag(self, *names: str, default: bool = False) -> bool:
        """True or false, in any spelling."""
        return self.choice(*names, of=(_TRUE, _FALSE), default=str(default).lower()) == _TRUE

    def choice(self, *names: str, of: Sequence[str], default: str | None = None) -> str:
        """One of the words `of`, whatever its case. Without `default` it is required."""
        if default is not None and not any(self.given(name) for name in names):
            return default
        known = len(self._problems)
        literal = self.text(*names).literal
        for word in of:
            if literal is not None and literal.strip().lower() == word.lower():
                return word
        if len(self._problems) == known:
            self.wrong(f"the parameter {self._path(names[0])} is not one of {', '.join(of)}")
        return of[0]

    def inside(self, name: str) -> Parameters:
        """The parameters inside an object; none when there is no such object."""
        value = self._values.get(name)
        if value is None:
            value = {}
        if not isinstance(value, Mapping):
            self.wrong(f"the parameter {self._path(name)} is not an object")
            value = {}
        return Parameters(value, self._problems, self._path(name), self._labels, self.resources)

    def objects(self, name: str) -> tuple[Parameters, ...]:
        """The parameters inside each object of a list; none when there is no such list."""
        value = self._values.get(name)
        if value is None:
            return ()
        if isinstance(value, (list, tuple)) and all(isinstance(each, Mapping) for each in value):
            return tuple(
                Parameters(
                    each, self._problems, self._path(f"{name}[{at}]"), self._labels, self.resources
                )
                for at, each in enumerate(value)
            )
        self.wrong(f"the parameter {self._path(name)} is not a list of objects")
        return ()

    def words(self, name: str) -> tuple[str, ...]:
        """A list of texts; none when there is no such list."""
        value = self._values.get(name)
        if value is None:
            return ()
        if isinstance(value, (list, tuple)) and all(isinstance(each, str) for each in value):
            return tuple(value)
        self.wrong(f"the parameter {self._path(name)} is not a list of texts")
        return ()

    def names(self) -> tuple[str, ...]:
        """The names that are there."""
        return tuple(self._values)

    def texts(self, name: str, *, required: bool = False) -> tuple[tuple[Template, Template], ...]:
        """An object of texts: its names may be references too."""
        if required and not self.given(name):
            self.wrong(f"the parameter {self._path(name)} is missing")
        inner = self.inside(name)
        return tuple((template(key), inner.optional(key) or Template(())) for key in inner.names())

    def _path(self, name: str) -> str:
        return f"{self._within}.{name}" if self._within else name


def written(value: object) -> str | None:
    """A scalar as a flow writes it (`True`, `5`); None for what is no scalar."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < _LARGEST_WHOLE:
        return str(int(value))  # some tools write 5.0
    if isinstance(value, (bool, int, float)):
        return str(value)
    return None


def _whole_number(text: str, low: int, high: int) -> int | None:
    text = text.strip()
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        return None
    number = int(text)
    return number if low <= number <= high else None
