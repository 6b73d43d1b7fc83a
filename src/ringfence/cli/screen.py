"""What commands show: one console, tables and progress bars in one style."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

# Lines that are too long are left to the terminal, or to whoever reads the pipe.
console = Console(highlight=False, soft_wrap=True)


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

    Without a terminal, each stage is one line when it begins.
    """
    if not console.is_terminal:
        seen = {what}
        console.print(f"{what} ...")

        def tell(share: float, stage: str = "") -> None:
            if stage and stage not in seen:
                seen.add(stage)
                console.print(f"  {stage} ...")

        yield tell
        return
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
    ) as progress:
        task = progress.add_task(what, total=1.0)

        def advance(share: float, stage: str = "") -> None:
            progress.update(
                task, completed=share, description=f"{what}: {stage}" if stage else what
            )

        yield advance
        progress.update(task, completed=1.0, description=what)
