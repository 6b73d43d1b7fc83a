"""What is wrong with a contact flow, block by block."""

from __future__ import annotations

from dataclasses import dataclass

from ringfence.errors import InvalidInput

_MOST_LISTED = 100


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, or that one should know.

    Id and type are as the flow's file has them, empty for the whole. `position` says in words
    where the block stands: in the file, and on the designer's canvas.
    """

    block_id: str
    block_type: str
    message: str
    position: str = ""

    def __str__(self) -> str:
        if not self.block_id and not self.block_type:
            return self.message
        where = f", {self.position}" if self.position else ""
        return f"block {self.block_id!r} ({self.block_type}{where}): {self.message}"


class FlowInvalid(InvalidInput):
    """A contact flow cannot be run. `problems` has every reason, the message the first hundred."""

    def __init__(self, problems: tuple[Problem, ...]):
        listed = "; ".join(str(problem) for problem in problems[:_MOST_LISTED])
        if len(problems) > _MOST_LISTED:
            listed += f"; and {len(problems) - _MOST_LISTED} more"
        super().__init__(f"the contact flow cannot be run: {listed}", field="content")
        self.problems = problems
