"""What commands show: one console, tables and progress bars in one style."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

# Lines that are too long are left to the terminal, or to whoever reads the pipe.
console = Console(highlight=False, soft_wrap=True)
# Before that much is done, an estimate of the time left would be a guess.
_TOLD_FROM = 0.02


def table(columns: Iterable[str], rows: Iterable[Iterable[object]], *, title: str = "") -> None:
    """Show rows under column headings; a heading that ends in `>` is right-aligned."""
    shown = Table(title=title or None, title_justify="left", box=None, header_style="bold")
    for column in columns:
        shown.add_column(
            column.removesuffix(">"), justify="right" if column.endswith(">") else "left"
        )
    for row in rows:
        shown.add_row(*(str(cell) for cell in row))
    console.print(shown)


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[float, str], None]]:
    """A progress bar; call it with the share done (0-1) and, if it changed, what is being done.

    The time left is what the share of the time so far says. Without a terminal, each stage is one
    line when it begins; numbers that count up in it do not make it another one.
    """
    if not console.is_terminal:
        seen = {_stage_of(what)}
        console.print(f"{what} ...")

        def tell(share: float, stage: str = "") -> None:
            if stage and _stage_of(stage) not in seen:
                seen.add(_stage_of(stage))
                console.print(f"  {stage} ...")

        yield tell
        return
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        _TimeLeft(),
        console=console,
    ) as progress:
        task = progress.add_task(what, total=1.0)

        def advance(share: float, stage: str = "") -> None:
            progress.update(
                task, completed=share, description=f"{what}: {stage}" if stage else what
            )

        yield advance
        progress.update(task, completed=1.0, description=what)


class _TimeLeft(ProgressColumn):
    """Rich's own looks at the last steps only, which tell little where steps differ."""

    max_refresh = 0.5

    def render(self, task: Task) -> Text:
        share, elapsed = task.percentage / 100, task.elapsed
        if task.finished or not elapsed or share < _TOLD_FROM:
            return Text("")
        left = round(elapsed * (1 - share) / share)
        minutes, seconds = divmod(left, 60)
        hours, minutes = divmod(minutes, 60)
        shown = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
        return Text(f"{shown} left", style="progress.remaining")


def _stage_of(stage: str) -> str:
    """A stage without what counts up in it: `tree 30 of at most 300`."""
    return re.sub(r"\b(tree|row) [\d,]+", r"\1", stage)
