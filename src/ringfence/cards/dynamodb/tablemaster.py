"""Keeping our copy of the customers in step with the table, while a server runs."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

import structlog

from ringfence.cards.details import DEFAULT_LANGUAGE
from ringfence.cards.dynamodb.items import CardNumberForm
from ringfence.cards.dynamodb.pushing import Pushed, push_waiting
from ringfence.cards.dynamodb.reading import read_customer
from ringfence.cards.dynamodb.table import CustomerTable
from ringfence.cards.masters import Refreshed
from ringfence.cards.numbers import CardNumber, read_card_number
from ringfence.cards.vault import Vault
from ringfence.cards.writes import master_in, writes_waiting
from ringfence.errors import InvalidInput, NotFound, RingfenceError, Unavailable
from ringfence.storage import Database, now

_LOOK_SECONDS = 0.1
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 10.0
# After a reading that failed, decisions do not wait for the next one to fail as well.
_REST_SECONDS = 2.0
_WRITING_TIMEOUT_SECONDS = 5.0
_THREADS = 8
_MOST_REMEMBERED = 100_000
_log = structlog.get_logger(__name__)


class TableMaster:
    """Reads customers before decisions and writes their changes, as of `start` until `close`.

    A customer is read again once the copy is older than `refresh_seconds`; a decision waits for
    that at most `timeout_seconds`.
    """

    def __init__(
        self,
        database: Database,
        vault: Vault,
        table_name: str,
        form: CardNumberForm,
        *,
        refresh_seconds: float,
        timeout_seconds: float,
        language: str = DEFAULT_LANGUAGE,
    ):
        self._database = database
        self._vault = vault
        self._form = form
        self._refresh_seconds = refresh_seconds
        self._timeout_seconds = timeout_seconds
        self._reading = CustomerTable(
            table_name, timeout_seconds=timeout_seconds, language=language
        )
        self._writing = CustomerTable(
            table_name, timeout_seconds=_WRITING_TIMEOUT_SECONDS, language=language
        )
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="customers-read")
        self._read_at: OrderedDict[str, float] = OrderedDict()
        self._running: dict[tuple[str, str | None], asyncio.Future[bool]] = {}
        self._resting_until = 0.0
        self._closing = threading.Event()
        self._pusher = threading.Thread(target=self._push, name="customers-write", daemon=True)

    async def start(self) -> None:
        """Begin. That DynamoDB cannot be reached is logged, and no reason not to.

        Raises `NotFound` naming `customers_url` when there is no such table, `InvalidInput` when it
        is not one for customers.
        """
        await asyncio.to_thread(self._start)
        self._pusher.start()

    async def close(self) -> None:
        """End. What is not written yet is written after the next start."""
        self._closing.set()
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._pusher.is_alive():
            await asyncio.to_thread(self._pusher.join)

    async def refresh(self, customer_id: str, card_number: str | None = None) -> Refreshed:
        """Read a customer from the table, if our copy is not fresh; never raises.

        `card_number` is needed for cards of which the table has a token only.
        """
        if time.monotonic() - self._read_at.get(customer_id, -1e9) < self._refresh_seconds:
            return Refreshed()
        if time.monotonic() < self._resting_until:
            return self._outage("the last reading failed")
        key = customer_id, card_number
        running = self._running.get(key)
        if running is None:
            loop = asyncio.get_running_loop()
            running = loop.run_in_executor(self._threads, self._read, customer_id, card_number)
            self._running[key] = running
            running.add_done_callback(lambda done: self._ended(key, done))
        try:
            await asyncio.wait_for(asyncio.shield(running), self._timeout_seconds)
        except TimeoutError:
            return self._outage(f"no answer within {self._timeout_seconds:g} s")
        except Unavailable as error:
            return self._outage(str(error))
        except RingfenceError as error:
            _log.warning(
                "a customer of the table is not usable", customer=customer_id, reason=str(error)
            )
            return Refreshed(
                error=NotFound(
                    f"the customer's item in the customer table is not usable: {error}",
                    field="customer",
                )
            )
        except Exception as error:
            _log.exception("a customer could not be read", customer=customer_id)
            return self._outage(type(error).__name__)
        return Refreshed()

    def _ended(self, key: tuple[str, str | None], done: asyncio.Future[bool]) -> None:
        self._running.pop(key, None)
        if done.cancelled() or done.exception() is not None or not done.result():
            return
        self._read_at[key[0]] = time.monotonic()
        self._read_at.move_to_end(key[0])
        if len(self._read_at) > _MOST_REMEMBERED:
            self._read_at.popitem(last=False)

    def _outage(self, reason: str) -> Refreshed:
        if time.monotonic() >= self._resting_until:
            self._resting_until = time.monotonic() + _REST_SECONDS
            _log.warning("the customer table cannot be read; the copy counts", reason=reason)
        return Refreshed(
            note="the customer table could not be read; decided by the copy of it",
            error=Unavailable(
                "not known here, and the customer table cannot be read",
                field="customer",
                expected="the same request again, later",
            ),
        )

    def _read(self, customer_id: str, card_number: str | None) -> bool:
        """Returns whether the customer is known now, and no further reading could tell more."""
        reading = read_customer(
            self._database, self._vault, self._reading, customer_id, _number(card_number)
        )
        return bool(reading.items) and reading.complete

    def _start(self) -> None:
        try:
            self._reading.facts()
        except Unavailable as error:
            _log.warning("the customer table cannot be reached; the copy counts", reason=str(error))
        with self._database.write() as connection:
            before = master_in(connection, self._reading.name, now())
            waiting = writes_waiting(connection)
        if before not in (None, self._reading.name):
            _log.warning(
                "customers are mastered in another table now",
                table=self._reading.name,
                before=before,
            )
        if waiting.customers:
            _log.info("customers wait to be written to the table", customers=waiting.customers)

    def _push(self) -> None:
        failures, wait = 0, 0.0
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="customers-write") as threads:
            while not self._closing.wait(wait):
                pushed = self._push_waiting(threads)
                wait = 0.0 if pushed.written else _LOOK_SECONDS
                if not pushed.failed:
                    if failures and pushed.written:
                        _log.info("the customer table takes changes again")
                        failures = 0
                    continue
                if not failures:
                    _log.warning(
                        "customers could not be written to the table; they wait",
                        customers=pushed.failed,
                        reason=pushed.failure,
                    )
                failures += 1
                if not pushed.written:
                    pause = _FIRST_PAUSE_SECONDS * 2 ** min(failures, 16)
                    wait = min(_LONGEST_PAUSE_SECONDS, pause)
            if not failures:  # what was changed in the last moment
                self._push_waiting(threads)

    def _push_waiting(self, threads: ThreadPoolExecutor) -> Pushed:
        try:
            return push_waiting(self._database, self._vault, self._writing, self._form, threads)
        except RingfenceError as error:
            return Pushed(0, 1, str(error))
        except Exception as error:
            _log.exception("customers could not be written to the table")
            return Pushed(0, 1, type(error).__name__)


def _number(card_number: str | None) -> CardNumber | None:
    try:
        return read_card_number(card_number) if card_number else None
    except InvalidInput:  # whoever decides refuses it
        return None
