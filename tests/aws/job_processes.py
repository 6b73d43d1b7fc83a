"""The processes of jobs, to be killed as the kernel does when memory runs out."""

from __future__ import annotations

import os
import signal
from pathlib import Path


def kill_worker(data_dir: Path, job_id: str) -> None:
    """Kill the process of a job of that data directory, if there is one."""
    mine = f"RINGFENCE_DATA_DIR={data_dir.absolute()}".encode()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
                environment = (folder / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            is_job = words[2:3] == [b"ringfence.aws.jobs"] and words[4] == job_id.encode()
            if is_job and mine in environment:
                os.kill(int(folder.name), signal.SIGKILL)
