from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from ringfence.settings import Settings


@pytest.fixture(autouse=True)
def _no_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"RINGFENCE_{name.upper()}", raising=False)


def test_without_configuration_there_is_a_database_in_the_data_directory(tmp_path: Path) -> None:
    settings = Settings()
    assert settings.port == 8750
    assert settings.url == f"sqlite:///{tmp_path / 'ringfence-data' / 'ringfence.db'}"


def test_the_environment_wins_over_the_file_and_an_argument_over_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ringfence.toml").write_text('port = 9000\nbank_name = "First"\nhost = "::1"\n')
    monkeypatch.setenv("RINGFENCE_PORT", "9001")
    monkeypatch.setenv("RINGFENCE_HOST", "127.0.0.2")
    settings = Settings(host="127.0.0.3")
    assert (settings.host, settings.port, settings.bank_name) == ("127.0.0.3", 9001, "First")


def test_a_database_url_replaces_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGFENCE_DATABASE_URL", "postgresql://user@host/database")
    assert Settings().url == "postgresql://user@host/database"


def test_a_misspelt_setting_in_the_file_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "ringfence.toml").write_text("prot = 9000\n")
    with pytest.raises(ValidationError, match="prot"):
        Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "70000"),
        ("port", "http"),
        ("log_level", "loud"),
        ("max_body_bytes", "1"),
        ("customer_language", "german"),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"RINGFENCE_{name.upper()}", value)
    with pytest.raises(ValidationError, match=name):
        Settings()


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ADMIN_PASSWORD", "API_KEY", "VAULT_KEY"):
        monkeypatch.setenv(f"RINGFENCE_{name}", "tellnobody")
    settings = Settings()
    assert "tellnobody" not in f"{settings!r} {settings} {settings.model_dump_json()}"
    assert settings.api_key is not None
    assert settings.api_key.get_secret_value() == "tellnobody"


def test_every_setting_is_described() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
