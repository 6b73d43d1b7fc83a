"""How large the simulated world is, when it takes place, and how much fraud there is in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from ringfence.errors import InvalidInput

DAY_SECONDS = 86_400


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What to generate.

    `customers` and `merchants` follow from `transactions` where they are left out: about 20
    payments a customer and 65 a merchant. `fraud_share` is the share of payments, 0 to 0.5. The
    period is `days` from `start`, an aware time.
    """

    transactions: int = 100_000
    customers: int | None = None
    merchants: int | None = None
    start: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    days: int = 180
    fraud_share: float = 0.03
    seed: int = 0

    @property
    def customer_count(self) -> int:
        """The customers of this world."""
        return self.customers or max(50, self.transactions // 20)

    @property
    def merchant_count(self) -> int:
        """The merchants of this world."""
        return self.merchants or max(400, self.transactions // 65)

    @property
    def seconds(self) -> int:
        """The length of the period."""
        return self.days * DAY_SECONDS

    def check(self) -> None:
        """Raise `InvalidInput` naming the first option that cannot be met."""
        for field, low, high in (
            ("transactions", 1, 10_000_000),
            ("customers", 10, 5_000_000),
            ("merchants", 400, 1_000_000),
            ("days", 1, 3_650),
            ("seed", 0, 2**63 - 1),
        ):
            value = getattr(self, field)
            if value is not None and not low <= value <= high:
                raise InvalidInput("out of range", field=field, expected=f"{low:,} to {high:,}")
        if not 0 <= self.fraud_share <= 0.5:
            raise InvalidInput("out of range", field="fraud_share", expected="0 to 0.5")
        if self.start.tzinfo is None:
            raise InvalidInput(
                "no time zone", field="start", expected="a time with its offset from UTC"
            )
        # Legitimate payments get their label up to 45 days after the end of the period.
        latest = datetime(9999, 12, 31, tzinfo=UTC) - timedelta(days=self.days + 400)
        if not datetime(1971, 1, 1, tzinfo=UTC) <= self.start <= latest:
            raise InvalidInput("out of range", field="start", expected="1971 or later")
