"""A folder in which the way from data to a published detector has been gone once."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A folder without anything."""
    return Shell(tmp_path)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A folder with generated payments and a trained, published model."""
    shell = Shell(tmp_path_factory.mktemp("trained"))
    for arguments in (
        ("simulate", "payments.csv", "--transactions", "4000", "--days", "60", "--seed", "3"),
        ("train", "payments.csv"),
        ("detectors", "publish"),
    ):
        said = shell.ringfence(*arguments)
        assert said.code == 0, said
    return shell
