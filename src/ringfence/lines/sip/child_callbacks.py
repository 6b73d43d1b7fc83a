"""Functions that PJSIP calls: what they raise must not go back into it, which would be its end."""

from __future__ import annotations

import functools
import sys
import traceback
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def guarded(failed: R) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Give `failed` to PJSIP when the function raises, and write why to standard error."""

    def guard(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return function(*args, **kwargs)
            except Exception as error:
                print(f"{function.__qualname__} failed:", file=sys.stderr)
                traceback.print_exc()
                reason = getattr(error, "reason", "")  # of PJSIP's own errors, which say no more
                if reason:
                    print(reason, file=sys.stderr)
                return failed

        return call

    return guard
