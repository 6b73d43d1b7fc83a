"""Who is calling, and what they may do."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Scope(StrEnum):
    """Something that a caller may be allowed to do."""

    DECISIONS = "decisions"  # send events and read their decisions
    CASES_READ = "cases:read"
    CASES_WRITE = "cases:write"
    CARDS_READ = "cards:read"
    CARDS_WRITE = "cards:write"
    RULES_READ = "rules:read"
    RULES_WRITE = "rules:write"
    MODELS_READ = "models:read"
    MODELS_WRITE = "models:write"
    PHONES = "phones"  # answer calls as a browser phone
    METRICS = "metrics"
    ACCESS = "access"  # manage keys and users


_VIEWER = frozenset(
    {Scope.CASES_READ, Scope.CARDS_READ, Scope.RULES_READ, Scope.MODELS_READ, Scope.METRICS}
)
_ANALYST = _VIEWER | {Scope.CASES_WRITE, Scope.CARDS_WRITE, Scope.PHONES}


class Role(StrEnum):
    """What a user is; each role has its scopes."""

    ADMIN = "admin"
    ANALYST = "analyst"
    VIEWER = "viewer"

    @property
    def scopes(self) -> frozenset[Scope]:
        """Everything for an admin; reading, cases, cards and phones for an analyst; reading for a
        viewer."""
        return _SCOPES[self]


_SCOPES = {Role.ADMIN: frozenset(Scope), Role.ANALYST: _ANALYST, Role.VIEWER: _VIEWER}


class Principal(msgspec.Struct, frozen=True):
    """A caller that has been recognised. `role` is None for an API key."""

    name: str
    scopes: frozenset[Scope]
    role: Role | None = None

    def allows(self, scope: Scope) -> bool:
        """Whether the caller has `scope`."""
        return scope in self.scopes
