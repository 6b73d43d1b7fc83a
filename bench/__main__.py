"""`python -m bench [SUBJECT ...]`: all benchmarks, or those that are named.

Prints Markdown; the README shows it as it is. Every figure stands beside a peer or a limit that was
measured in the same run on the same machine.
"""

from __future__ import annotations

import platform
import sys
from importlib import import_module
from os import cpu_count

SUBJECTS = (
    "backtest",
    "decisions",
    "footprint",
    "latency",
    "models",
    "profiles",
    "scoring",
)


def main() -> None:
    chosen = sys.argv[1:] or list(SUBJECTS)
    unknown = [name for name in chosen if name not in SUBJECTS]
    if unknown:
        sys.exit(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(SUBJECTS)}")
    # Each may read arguments of its own from the command line; these are not meant for it.
    sys.argv = sys.argv[:1]
    print(f"{platform.machine()}, {cpu_count()} cores, Python {platform.python_version()}")
    for name in chosen:
        import_module(f"bench.{name}").main()


if __name__ == "__main__":
    main()
