"""Who may come in: API keys of programs, access keys of AWS clients, users and sessions of people,
and what each may do.

Knows storage only. It recognises callers; that a scope is asked for is the business of the edge
(`web`, `aws`).
"""

from ringfence.access.keys import ApiKey, KeyRing, list_keys
from ringfence.access.permissions import (
    DEFAULT_PERMISSIONS,
    NEEDED_SCOPES,
    action_of,
    permits,
)
from ringfence.access.principals import Principal, Role, Scope
from ringfence.access.sessions import (
    Sessions,
    close_session,
    close_sessions_of,
    open_session,
)
from ringfence.access.signin import authenticate
from ringfence.access.signing_keys import (
    AccessKey,
    KeyHolder,
    Sealer,
    SigningKeys,
    create_access_key,
    list_access_keys,
    revoke_access_key,
)
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
    "DEFAULT_PERMISSIONS",
    "NEEDED_SCOPES",
    "AccessKey",
    "ApiKey",
    "KeyHolder",
    "KeyRing",
    "Principal",
    "Role",
    "Scope",
    "Sealer",
    "Sessions",
    "SigningKeys",
    "User",
    "action_of",
    "authenticate",
    "close_session",
    "close_sessions_of",
    "create_access_key",
    "create_user",
    "disable_user",
    "enable_user",
    "ensure_admin",
    "get_user",
    "list_access_keys",
    "list_keys",
    "list_users",
    "open_session",
    "permits",
    "revoke_access_key",
    "set_password",
    "set_role",
]
