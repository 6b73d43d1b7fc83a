"""Functions that are registered and run for real, in a database of their own."""

from __future__ import annotations

import asyncio
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ringfence.cards import Vault
from ringfence.functions import (
    Definition,
    Function,
    FunctionRunner,
    PythonFunction,
    put_function,
)
from ringfence.storage import Database, now

EVENT: Mapping[str, Any] = {
    "Name": "ContactFlowEvent",
    "Details": {"ContactData": {"Attributes": {"Customer": "customer-7"}}, "Parameters": {}},
}


class Workbench:
    """A runner, and what registers functions for it."""

    def __init__(self, database: Database, folder: Path):
        self.database = database
        self.folder = folder
        self.vault = Vault(bytes(32))
        self.runner = FunctionRunner(database, self.vault, region="eu-central-1")

    def put(self, name: str, definition: Definition) -> Function:
        with self.database.write() as connection:
            return put_function(connection, self.vault, name, definition, by="engineer", at=now())

    def python(self, name: str, code: str, **more: Any) -> Function:
        """Register a handler with this code."""
        file = self.folder / f"{name.replace('-', '_')}.py"
        file.write_text(textwrap.dedent(code), encoding="utf-8")
        return self.put(name, PythonFunction(file=str(file), **more))

    async def invoke(self, name: str, seconds: float = 30.0, **more: Any) -> Mapping[str, Any]:
        return await self.runner.invoke(name, {**EVENT, **more}, seconds)

    def log(self, name: str) -> list[str]:
        return [line.text for line in self.runner.logs(name)]


async def written(path: Path) -> str:
    """The text of a file, once a handler has written it, within twenty seconds."""
    for _ in range(1000):
        if text := _text(path):
            return text
        await asyncio.sleep(0.02)
    raise AssertionError(f"nobody has written {path.name}")


async def is_gone(pid: int) -> bool:
    """Whether that process ends within ten seconds."""
    stat = Path(f"/proc/{pid}/stat")
    for _ in range(500):
        if (text := _text(stat)) == "" or text.rsplit(")", 1)[1].split()[0] == "Z":
            return True
        await asyncio.sleep(0.02)
    return False


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
