"""One file per page."""

from __future__ import annotations

from importlib import import_module

_PAGES = ("live", "cases", "case", "contacts", "contact", "lines", "queues", "tasks",
          "flows", "flow", "functions", "function", "resources",
          "customers", "customer", "models", "model", "model_card",
          "drift", "version_drift", "jobs",
          "challengers", "challenger", "detectors",
          "detector", "shadow", "shadow_event", "backtest", "phones", "access")  # fmt: skip


def load() -> None:
    """Make every page known to NiceGUI; a second time changes nothing."""
    for name in _PAGES:
        import_module(f"ringfence.web.console.pages.{name}")
