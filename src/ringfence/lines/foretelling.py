"""What a call will most likely say: found out while its telephone is being dialled and rings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from ringfence.flows.participant import Prompt

Foretell: TypeAlias = Callable[[], Awaitable[Sequence[Prompt]]]


def foretold(*prompts: Prompt) -> Foretell:
    """What is known already."""

    async def foretell() -> Sequence[Prompt]:
        return prompts

    return foretell
