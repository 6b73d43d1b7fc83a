"""Access: users, API keys and access keys."""

from __future__ import annotations

from ringfence.access import Scope
from ringfence.web.console.access_key_panel import AccessKeyPanel
from ringfence.web.console.key_panel import KeyPanel
from ringfence.web.console.layout import console_page, heading
from ringfence.web.console.user_panel import UserPanel
from ringfence.web.console.visit import Visit


@console_page("/access", title="Access", section="access", scope=Scope.ACCESS)
async def access(visit: Visit) -> None:
    """The page."""
    heading(
        "Access",
        "People sign in as users; programs send an API key; AWS clients sign with an access key.",
    )
    await UserPanel(visit).refresh()
    await KeyPanel(visit).refresh()
    await AccessKeyPanel(visit).refresh()
