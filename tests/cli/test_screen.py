from __future__ import annotations

import pytest
from rich.progress import Progress, TaskID

from ringfence.cli.screen import _TimeLeft, progress_bar


def test_without_a_terminal_numbers_that_count_up_make_no_new_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with progress_bar("Training") as tell:
        for tree in (10, 20, 1_000):
            tell(tree / 2_000, f"counting the trees: tree {tree:,} of at most 300")
        tell(0.6, "calibrating")
    assert capsys.readouterr().out.splitlines() == [
        "Training ...",
        "  counting the trees: tree 10 of at most 300 ...",
        "  calibrating ...",
    ]


@pytest.mark.parametrize(
    ("share", "seconds", "shown"),
    [(0.5, 30, "0:30 left"), (0.25, 60, "3:00 left"), (0.01, 60, ""), (0.1, 3_600, "9:00:00 left")],
)
def test_the_time_left_follows_from_the_share_of_the_time(
    share: float, seconds: float, shown: str
) -> None:
    now = [0.0]
    progress = Progress(get_time=lambda: now[0])
    task: TaskID = progress.add_task("Training", total=1.0)
    now[0] = seconds
    progress.update(task, completed=share)
    assert _TimeLeft().render(progress.tasks[0]).plain == shown
