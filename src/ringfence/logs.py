"""Logs: one line per event, JSON or for people, with card numbers scrubbed whoever wrote them."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from ringfence.carddata import mask_card_numbers

_SECRET_KEYS = frozenset({"card_number", "password", "api_key", "authorization", "cvv", "pin"})


def configure_logs(level: str, log_format: str) -> None:
    """Send the logs of all libraries through one formatter to standard error.

    `log_format` is `json`, `console`, or `auto`: for people on a terminal, JSON elsewhere.
    """
    people = log_format == "console" or (log_format == "auto" and sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _scrub,
    ]
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        if people
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "dbos"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    # These say on every start or request what an operator has no use for.
    for name in ("uvicorn", "uvicorn.error", "httpx2", "alembic", "dbos"):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def _scrub(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {key: "***" if key in _SECRET_KEYS else _scrubbed(value) for key, value in event.items()}


def _scrubbed(value: Any) -> Any:
    if isinstance(value, str):
        return mask_card_numbers(value)
    if isinstance(value, dict):
        return {key: _scrubbed(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_scrubbed(part) for part in value]
    return value
