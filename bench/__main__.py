"""`python -m bench [SUBJECT ...]`: all benchmarks, or those that are named.

Only when it is named: `autogluon`, which installs a peer of a gigabyte and trains for an hour, and
`soak`, which takes twenty minutes.

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
    "flows",
    "footprint",
    "frauddetector",
    "latency",
    "machines",
    "models",
    "profiles",
    "scoring",
    "speech",
    "takeover",
    "telephony",
)

ON_REQUEST = ("autogluon", "bulk", "soak")


def main() -> None:
    chosen = sys.argv[1:] or list(SUBJECTS)
    known = (*SUBJECTS, *ON_REQUEST)
    unknown = [name for name in chosen if name not in known]
    if unknown:
        sys.exit(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(known)}")
    # Each may read arguments of its own from the command line; these are not meant for it.
    sys.argv = sys.argv[:1]
    print(f"{platform.machine()}, {cpu_count()} cores, Python {platform.python_version()}")
    for name in chosen:
        import_module(f"bench.{name}").main()


if __name__ == "__main__":
    main()
