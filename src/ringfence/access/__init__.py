"""Who may come in: API keys of programs, users and sessions of people, and what each may do.

Knows storage only. It recognises callers; that a scope is asked for is the business of the edge
(`web`, later `aws`).
"""

from ringfence.access.keys import ApiKey, KeyRing, list_keys
from ringfence.access.principals import Principal, Role, Scope
from ringfence.access.sessions import (
    Sessions,
    close_session,
    close_sessions_of,
    open_session,
)
from ringfence.access.signin import authenticate
from ringfence.access.users import (
    User,
    create_user,
    disable_user,
    enable_user,
    ensure_admin,
    get_user,
    list_users,
    set_password,
    set_role,
)

__all__ = [
    "ApiKey",
    "KeyRing",
    "Principal",
    "Role",
    "Scope",
    "Sessions",
    "User",
    "authenticate",
    "close_session",
    "close_sessions_of",
    "create_user",
    "disable_user",
    "enable_user",
    "ensure_admin",
    "get_user",
    "list_keys",
    "list_users",
    "open_session",
    "set_password",
    "set_role",
]
