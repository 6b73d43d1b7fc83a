"""Where the flows and modules come from that a flow leads to: files beside its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ringfence.errors import InvalidInput
from ringfence.flows.flow import Flow
from ringfence.flows.instance import Wanted
from ringfence.flows.loading import load_flow
from ringfence.flows.problems import FlowInvalid

_MOST_FILES = 500  # of a folder, that are looked into for a flow's name
_LARGEST_BYTES = 4_000_000


class FlowLibrary:
    """Flows in a folder, found by the name of the flow or of its file. No folder: none."""

    def __init__(self, folder: Path | None = None):
        self.folder = folder
        self._loaded: dict[Path, Flow | None] = {}

    def load(self, path: Path) -> Flow:
        """The flow in a file; without a name of its own it is called like the file.

        Raises `InvalidInput` for a file that cannot be read or is no flow.
        """
        try:
            flow = load_flow(path.read_text(encoding="utf-8-sig"))
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInput(f"{path} cannot be read: {error}", field="file") from None
        return flow if flow.name else replace(flow, name=path.stem)

    def find(self, wanted: Wanted, file: str | None = None) -> Flow | None:
        """The flow that is meant, None without one. `file` names it, within the folder."""
        if file is not None:
            path = (self.folder or Path()) / file
            if path not in self._loaded:
                self._loaded[path] = self.load(path)
            return self._loaded[path]
        names = {name for name in (wanted.label, wanted.arn, wanted.arn.rsplit("/", 1)[-1]) if name}
        for path in self._files():
            named = path.stem in names or path.name in names
            if named and (flow := self._tried(path)) is not None:
                return flow
        for path in self._files():
            if (flow := self._tried(path)) is not None and flow.name in names:
                return flow
        return None

    def _files(self) -> list[Path]:
        if self.folder is None:
            return []
        files = (path for path in sorted(self.folder.iterdir()) if path.is_file())
        return [
            path
            for path in files
            if path.suffix in ("", ".json") and path.stat().st_size <= _LARGEST_BYTES
        ][:_MOST_FILES]

    def _tried(self, path: Path) -> Flow | None:
        if path not in self._loaded:
            try:
                self._loaded[path] = self.load(path)
            except (InvalidInput, FlowInvalid):
                self._loaded[path] = None
        return self._loaded[path]
