"""All configuration, in one place: `RINGFENCE_*` variables over `ringfence.toml` over defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)


class Settings(BaseSettings):
    """What an operator can set. `RINGFENCE_PORT=9000` and `port = 9000` mean the same."""

    model_config = SettingsConfigDict(
        env_prefix="RINGFENCE_", toml_file="ringfence.toml", extra="forbid", validate_default=True
    )

    data_dir: Path = Field(
        Path("ringfence-data"), description="Where the database, the vault key and caches live."
    )
    database_url: str | None = Field(
        None, description="SQLAlchemy URL; SQLite in the data directory when unset."
    )
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8750, ge=0, le=65535, description="Port to listen on.")

    admin_password: SecretStr | None = Field(
        None, description="Password of the first admin, used when there is no user yet."
    )
    api_key: SecretStr | None = Field(
        None, description="A first API key with every scope, used when it is not known yet."
    )
    vault_key: SecretStr | None = Field(
        None,
        description="Base64 of the 32-byte master key for card numbers; a key file in the data "
        "directory is made when unset.",
    )

    aws_accept_any_key: bool = Field(
        False,
        description="For development only: requests of AWS clients are answered whatever key "
        "signed them, and their signatures are not checked.",
    )
    aws_account_id: str = Field(
        "000000000000",
        pattern=r"^[0-9]{12}$",
        description="The account in the ARNs that AWS clients are told, 12 digits.",
    )
    orchestration_url: SecretStr | None = Field(
        None,
        description="Where decisions about event types with event orchestration are published: "
        "https://..., file:///path/decisions.jsonl, nats://host/subject, kafka://host/topic, "
        "amqp://host/exchange, redis://host/stream or eventbridge://bus.",
    )
    orchestration_secret: SecretStr | None = Field(
        None, description="Signs what is posted to a webhook, as Standard Webhooks does."
    )
    orchestration_keep_days: float = Field(
        7.0, gt=0, le=366, description="How long a decision waits to be published, at most."
    )
    orchestration_region: str = Field(
        "us-east-1", pattern="^[a-z0-9-]{3,20}$", description="The region that messages name."
    )

    customer_language: str = Field(
        "en-US",
        pattern=r"^[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?$",
        description="The language of customers of whom none is told, a BCP 47 tag.",
    )
    customers_url: str | None = Field(
        None,
        description="Where customers are mastered, such as `dynamodb://TABLE`; here when unset.",
    )
    customers_card_numbers: Literal["clear", "token"] = Field(
        "clear",
        description="How card numbers stand in that table: as in the article, or as keyed hashes.",
    )
    customers_refresh_seconds: float = Field(
        5.0, ge=0, le=3600, description="How old the copy of one of those customers may become."
    )
    customers_timeout_seconds: float = Field(
        1.0, gt=0, le=30, description="How long a decision waits for that table at most."
    )

    sagemaker_url: str | None = Field(
        None,
        description="Where SageMaker endpoints that AWS clients import are asked: an address with "
        "{name} in it, or one to which /endpoints/{name}/invocations is added; that of AWS when "
        "unset.",
    )

    transactions_event_type: str = Field(
        "card_payment", description="Event type of `POST /v1/transactions`."
    )
    max_body_bytes: int = Field(262_144, ge=1024, description="Largest request body, 413 beyond.")
    label_weights: dict[str, float | dict[str, float]] = Field(
        default_factory=dict,
        description="How much a label counts in training, by its source (phone, analyst, import, "
        "assumed, other), as a number or as fraud and legit; 1 is an ordinary event.",
    )
    scheduled_retraining: bool = Field(
        True, description="Whether this server starts the trainings that are due."
    )
    bank_name: str = Field("your bank", description="Who calls, as the call says it.")
    caller_number: str = Field(
        "+15550100000", description="The number that calls come from, E.164."
    )
    drift_check_minutes: int = Field(
        60, ge=0, le=100_000, description="How often a server looks for drift; 0 for never."
    )
    drift_window_days: float = Field(
        7.0, gt=0, le=366, description="How many of the last days are compared with training."
    )
    drift_history_days: float = Field(
        49.0, ge=0, le=366, description="How many days before that the drift pages show."
    )
    drift_most_events: int = Field(
        200_000, ge=1_000, description="How many events a check reads at most; of more it draws."
    )
    drift_watch: float = Field(
        0.1, gt=0, description="Stability index from which on a variable or the score is watched."
    )
    drift_alert: float = Field(
        0.25, gt=0, description="Stability index from which on there is an alert."
    )
    drift_calibration: float = Field(
        2.0,
        gt=1,
        description="How many times as many, or as few, frauds as expected make an alert.",
    )
    drift_webhook_url: SecretStr | None = Field(
        None, description="Where new drift alerts are posted as JSON; nowhere when unset."
    )
    trainings_at_once: int = Field(
        1,
        ge=1,
        le=64,
        description="How many trainings that AWS clients ask for this server runs at once; the "
        "others wait.",
    )
    aws_region: str = Field(
        "us-east-1", pattern="^[a-z0-9-]{3,20}$", description="The region in ARNs that flows see."
    )
    connect_requests_per_second: float = Field(
        0.0,
        ge=0,
        description="How many requests for one operation of Amazon Connect each access key may "
        "send (2 at AWS); 0 for as many as come.",
    )
    connect_requests_at_once: float = Field(
        5.0, ge=1, description="How many of those may come at once, where they are limited."
    )
    lines: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="Telephone lines by name, each a table with its `kind` (sip, amazon_connect, "
        "twilio) and what that kind needs; the line `browser` is always there.",
    )
    public_url: str | None = Field(
        None, description="Where this server is reached from outside, for links and call-backs."
    )
    recordings: Literal["off", "flows", "all"] = Field(
        "off",
        description="Which calls are recorded: none, those whose flow says so, or all. It is "
        "announced in every call that is.",
    )
    recordings_days: float = Field(
        90.0, gt=0, le=3660, description="How long recordings are kept; then they are deleted."
    )
    recordings_folder: Path | None = Field(
        None, description="Where they are kept, encrypted; `recordings` in data_dir when unset."
    )
    recordings_announcement: dict[str, str] = Field(
        default_factory=dict,
        description='What is said before a recording, by language, such as {"en" = "..."}.',
    )
    drain_seconds: float = Field(
        30.0,
        ge=0,
        le=600,
        description="How long a server that is stopped lets talks over trunks go on.",
    )
    calls_at_once: int = Field(
        100, ge=1, le=100_000, description="How many calls may be in progress."
    )
    callable_prefixes: list[str] = Field(
        default_factory=list,
        description='Beginnings of the numbers that clients may call, such as ["+49", "+1415"]; '
        "every number when empty.",
    )
    sensitive_attributes: list[str] = Field(
        default_factory=list,
        description="Contact attributes whose values appear in no flow log and on no timeline.",
    )
    flow_log_days: float = Field(30.0, gt=0, le=3660, description="How long flow logs are kept.")
    after_contact_seconds: float = Field(
        30.0, ge=0, le=3600, description="How long an analyst has for the work after a contact."
    )
    prompts_folder: Path | None = Field(
        None, description="Where flows find sound files by file:// addresses; nowhere when unset."
    )
    speech_engine: Literal["espeak", "polly"] = Field(
        "espeak", description="Who speaks in calls: eSpeak NG, built in, or Amazon Polly."
    )
    speech_voices: dict[str, str] = Field(
        default_factory=dict,
        description="Who speaks instead, by voice (`Joanna`) or language (`en-US`, `de`): espeak, "
        "polly or the file of a Piper voice (`/voices/NAME.onnx`).",
    )
    polly_region: str = Field(
        "us-east-1", pattern="^[a-z0-9-]{3,20}$", description="The region of Amazon Polly."
    )
    polly_engine: Literal["neural", "standard", "generative", "long-form"] = Field(
        "neural", description="Polly's engine; voices that have it not use the standard one."
    )
    polly_url: str | None = Field(
        None, description="Where Amazon Polly is reached; at AWS when unset."
    )
    polly_timeout_seconds: float = Field(
        5.0, gt=0, le=60, description="How long Polly may take before eSpeak NG speaks instead."
    )
    sms_url: SecretStr | None = Field(
        None,
        description="Who sends SMS: https://..., sns:?region=... or file:///path/sms.jsonl; nobody "
        "when unset.",
    )
    sms_sender: str = Field("", description="The number or name that SMS come from.")
    email_url: SecretStr | None = Field(
        None,
        description="Who sends e-mails: smtp(s)://user:password@host, https://..., ses:?region=... "
        "or file:///path/mail.jsonl; nobody when unset.",
    )
    email_sender: str = Field("", description="The address that e-mails come from.")
    messages_secret: SecretStr | None = Field(
        None, description="Signs messages that are posted, as Standard Webhooks does."
    )
    contact_events_url: SecretStr | None = Field(
        None,
        description="Where contact events and contact records are published, as orchestration_url "
        "says it; nowhere when unset.",
    )
    contact_events_secret: SecretStr | None = Field(
        None, description="Signs what is posted to a webhook, as Standard Webhooks does."
    )
    aws_requests_per_second: float = Field(
        0.0,
        ge=0,
        description="How many requests of an AWS client each access key may send, more of which "
        "are throttled; 0 for as many as come.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least level that is logged."
    )
    log_format: Literal["auto", "json", "console"] = Field(
        "auto", description="`auto` writes for people on a terminal and JSON elsewhere."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment, then the TOML file of the working directory."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @property
    def vault_secret(self) -> str | None:
        """The operator's key of the vault in clear, for whoever opens it; None when unset."""
        return self.vault_key.get_secret_value() if self.vault_key else None

    @property
    def url(self) -> str:
        """The database URL in force."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'ringfence.db').absolute()}"
