"""A threshold that is moved by pointer, by keys or to one of the suggested values."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from markupsafe import Markup
from nicegui import ui

from ringfence.web.console.layout import button, html, rewrite

_MOVED = "console_threshold"


class ThresholdSlider:
    """The number itself, the slider, and buttons for suggested values, each with its words.

    `show` is told every new threshold (0-1000), and by `begin` the first.
    """

    def __init__(
        self,
        start: int,
        about: str,
        suggested: Sequence[tuple[str, int]],
        show: Callable[[int], None],
    ):
        self._start = start
        self._show = show
        self._chips: dict[int, list[ui.button]] = {}
        with ui.element("div"):
            self._value = html("").classes("big").props('id="threshold-value"')
            # A native one: Home, End, the arrows and a screen reader work on it.
            html(
                Markup(
                    '<input id="threshold" class="range" type="range" min="0" max="1000" '
                    'step="5" value="{}" aria-label="Threshold" data-tells="{}">'
                ).format(start, _MOVED)
            )
        if suggested:
            self._suggest(about, suggested)
        ui.on(_MOVED, lambda moved: self._set(int(moved.args)), throttle=0.04)

    def begin(self) -> None:
        """Show the first threshold, when all that shows it is there."""
        self._set(self._start)

    def _suggest(self, about: str, suggested: Sequence[tuple[str, int]]) -> None:
        with ui.element("div"):
            html(about).classes("soft")
            with (
                ui.element("div")
                .classes("chips")
                .props('role="group" aria-label="Suggested thresholds"')
            ):
                for words, value in suggested:
                    chip = button(
                        f"{words}: {value}",
                        lambda value=value: self._move(value),  # type: ignore[misc]
                    )
                    self._chips.setdefault(value, []).append(chip)

    def _move(self, threshold: int) -> None:
        ui.run_javascript(f"document.getElementById('threshold').value = {threshold}")
        self._set(threshold)

    def _set(self, threshold: int) -> None:
        rewrite(self._value, f"{threshold}")
        for value, chips in self._chips.items():
            for chip in chips:
                chip.props(f'aria-pressed="{"true" if value == threshold else "false"}"')
        self._show(threshold)
