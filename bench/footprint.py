"""What it needs: memory, disk, and time until it is there.

The installation is what `pip install ringfence` asks for, counted from the metadata of what is
installed here: Ringfence and all that it requires, directly and not, without extras. `.pyc` files
count as they are.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.decisions import decision_requests, prepared
from bench.load import Load, run
from bench.servers import ringfence
from bench.tables import print_table
from packaging.requirements import Requirement

_MEGABYTE = 1_000_000
_STARTS = 5
_DECISIONS = 20_000


def main() -> None:
    """Run, and print a table."""
    python = median(_seconds([sys.executable, "-c", "pass"]) for _ in range(_STARTS))
    command = str(Path(sys.executable).with_name("ringfence"))
    help_text = median(_seconds([command, "--help"]) for _ in range(_STARTS))
    with TemporaryDirectory() as folder, prepared(Path(folder)) as data_dir:
        ready = []
        for _ in range(_STARTS):
            with ringfence(data_dir) as server:
                ready.append(server.ready_seconds)
        with ringfence(data_dir) as server:
            idle = server.resident_megabytes()
            load = Load(port=server.port, connections=64, seconds=60.0)
            decided = run(load, decision_requests(_DECISIONS, seed=7)).replies
            busy = server.resident_megabytes()
    size, count = installed_megabytes("ringfence")
    print_table(
        "Footprint",
        ("what", "measured", "limit", "share of the limit"),
        [
            _row("resident memory, server ready", idle, "MB", 400),
            _row(f"resident memory, model loaded, after {decided:,} decisions", busy, "MB", 400),
            _row(f"default install, {count} packages", size, "MB", 600),
            _row(f"`ringfence --help` (`python -c pass`: {python:.2f} s)", help_text, "s", 0.5),
            _row("server ready, from the start of the process", median(ready), "s", 3.0),
        ],
    )


def installed_megabytes(name: str) -> tuple[float, int]:
    """Size of a distribution with all that it requires, in millions of bytes, and how many
    distributions that is."""
    found: dict[str, Distribution] = {}
    _collect(name, found)
    size = sum(_size(one) for one in found.values())
    if not any(_is_inside(file) for file in found[name].files or ()):
        size += _size_of_folder(Path(__file__).parents[1] / "src" / name)
    return size / _MEGABYTE, len(found)


def _collect(name: str, found: dict[str, Distribution]) -> None:
    key = re.sub(r"[-_.]+", "-", name).lower()
    if key in found:
        return
    try:
        found[key] = distribution(name)
    except PackageNotFoundError:
        return
    for line in found[key].requires or ():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            _collect(requirement.name, found)
            for extra in requirement.extras:
                _collect_extra(requirement.name, extra, found)


def _collect_extra(name: str, extra: str, found: dict[str, Distribution]) -> None:
    try:
        lines = distribution(name).requires or ()
    except PackageNotFoundError:
        return
    for requirement in map(Requirement, lines):
        if requirement.marker is not None and requirement.marker.evaluate({"extra": extra}):
            _collect(requirement.name, found)


def _size(one: Distribution) -> int:
    total, folders = 0, set()
    for file in one.files or ():
        path = Path(str(one.locate_file(file)))
        if path.suffix != ".pyc" and path.is_file():
            total += path.stat().st_size
            folders.add(path.parent)
    # What Python compiled later is not in the record.
    return total + sum(
        file.stat().st_size for folder in folders for file in folder.glob("__pycache__/*.pyc")
    )


def _size_of_folder(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _is_inside(file: object) -> bool:
    return str(file).startswith("ringfence/")


def _seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def _row(what: str, measured: float, unit: str, limit: float) -> tuple[str, ...]:
    figures: Callable[[float], str] = "{:.2f}".format if unit == "s" else "{:.0f}".format
    return what, f"{figures(measured)} {unit}", f"{limit:g} {unit}", f"{measured / limit:.0%}"


if __name__ == "__main__":
    main()
