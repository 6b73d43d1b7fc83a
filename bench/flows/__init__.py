"""Contact flows: how many blocks a second one core runs, and what a contact in progress holds."""

from __future__ import annotations

from bench.flows.memory import bench_memory
from bench.flows.speed import bench_speed


def main() -> None:
    """Both tables."""
    bench_speed()
    bench_memory()
