"""The tiny shop that refund-bot works for: a SQLite file that a person can look at."""

import secrets
import sqlite3
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self

from .shop_schema import CUSTOMERS, ORDERS, SCHEMA, TABLES

Row = dict[str, Any]
STATUSES: Final = ("delivered", "returned", "cancelled")
_CANCEL_FREE_FOR: Final = timedelta(hours=1)


class ShopRefused(Exception):
    """The shop says no, and nothing changed. ``code`` is the HTTP status that such a shop would answer."""

    def __init__(self, code: int, reason: str) -> None:
        """The text is ``"422 amount exceeds order total"``."""
        super().__init__(f"{code} {reason}")
        self.code = code


class NoReply(Exception):
    """The shop's partner did not answer in time: it may have done it or not."""


class Shop:
    """What the shop can do. Each writing call is one transaction and carries the trace id of the run that asked for it.

    Thread-safe. Amounts are minor units.
    """

    def __init__(self, path: Path | str, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Open the file, or make it with its first customers and orders."""
        self._now = now
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.executescript(f"PRAGMA journal_mode = WAL; {SCHEMA}")
        if not self._rows("SELECT 1 FROM customers LIMIT 1"):
            self._open_for_business()

    def __enter__(self) -> Self:
        """``with Shop(path) as shop:`` closes the file at the end."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def tables(self) -> dict[str, list[Row]]:
        """Everything, table by table, newest last."""
        return {table: self._rows(f"SELECT * FROM {table} ORDER BY rowid") for table in TABLES}  # noqa: S608 - our names

    def get_customer(self, customer_id: str) -> Row:
        """The customer with the ids of their orders, newest first. Raises ``ShopRefused`` (404)."""
        customer = self._one("customer", "SELECT * FROM customers WHERE id = ?", customer_id)
        orders = self._rows("SELECT id FROM orders WHERE customer_id = ? ORDER BY placed_on DESC", customer_id)
        return {**customer, "orders": [order["id"] for order in orders]}

    def get_order(self, order_id: str) -> Row:
        """The order with its lines, ``total_minor`` and ``refunded_minor``. Raises ``ShopRefused`` (404)."""
        order = self._one("order", "SELECT * FROM orders WHERE id = ?", order_id)
        lines = self._rows("SELECT title, price_minor, damaged FROM order_lines WHERE order_id = ?", order_id)
        refunded = self._rows("SELECT coalesce(sum(amount_minor), 0) AS sum FROM refunds WHERE order_id = ?", order_id)
        return {
            **order,
            "lines": [{**line, "damaged": bool(line["damaged"])} for line in lines],
            "total_minor": sum(line["price_minor"] for line in lines),
            "refunded_minor": refunded[0]["sum"],
        }

    def issue_refund(
        self, trace_id: str, *, order_id: str, amount_minor: int, currency: str, reason: str, idempotency_key: str
    ) -> Row:
        """Pay back. Refused: 404 no such order, 409 key was used, 422 wrong currency or over the order's total."""
        order = self.get_order(order_id)
        if currency != order["currency"]:
            raise ShopRefused(422, f"the order is in {order['currency']}, not {currency}")
        if self._rows("SELECT 1 FROM refunds WHERE idempotency_key = ?", idempotency_key):
            raise ShopRefused(409, "duplicate idempotency key")
        refund_id = f"re_{secrets.token_hex(6)}"
        refund = (refund_id, order_id, amount_minor, currency, reason, idempotency_key, trace_id, self._at())
        written = self._write(
            "INSERT INTO refunds SELECT ?, ?, ?, ?, ?, ?, ?, ? WHERE ? + "
            "(SELECT coalesce(sum(amount_minor), 0) FROM refunds WHERE order_id = ?) <= ?",
            (*refund, amount_minor, order_id, order["total_minor"]),
        )
        if not written:
            raise ShopRefused(422, "amount exceeds order total")
        return {"refund_id": refund_id, "status": "succeeded", "amount_minor": amount_minor, "currency": currency}

    def send_email(self, trace_id: str, *, recipient: str, subject: str, body: str) -> Row:
        """Hand a mail to the mail server, which takes everything."""
        message_id = f"<{secrets.token_hex(8)}@shop.example.com>"
        self._insert("mails", message_id, recipient, subject, body, trace_id, self._at())
        return {"message_id": message_id, "status": "queued"}

    def create_ticket(self, trace_id: str, *, customer_id: str, order_id: str, subject: str) -> Row:
        """Open a ticket for a person."""
        with self._lock:
            earlier = self._rows("SELECT 1 FROM tickets")
            ticket_id = f"T-{5_521 + len(earlier)}"
            self._insert("tickets", ticket_id, customer_id, order_id, subject, trace_id, self._at())
        return {"ticket_id": ticket_id, "status": "open"}

    def book_courier(self, trace_id: str, *, order_id: str, address: str) -> Row:
        """Have the order picked up. Can be cancelled free of charge until ``cancel_until``. Refused: 404."""
        self.get_order(order_id)
        now = self._now()
        pickup_at, cancel_until = (now + timedelta(hours=6)).isoformat(), (now + _CANCEL_FREE_FOR).isoformat()
        with self._lock:
            earlier = self._rows("SELECT 1 FROM pickups")
            parcel = f"RP-{20_931 + len(earlier)}"
            self._insert("pickups", parcel, order_id, address, pickup_at, cancel_until, trace_id, self._at())
        return {"parcel": parcel, "status": "confirmed", "pickup_at": pickup_at, "cancel_until": cancel_until}

    def update_order(self, trace_id: str, *, order_id: str, status: str) -> Row:
        """Set the status; the answer names the previous one. Refused: 404, 422 unknown status."""
        del trace_id  # the order's row has no column for it: as in most shops
        previous = self.get_order(order_id)["status"]
        if status not in STATUSES:
            raise ShopRefused(422, f"status must be one of {', '.join(STATUSES)}")
        self._write("UPDATE orders SET status = ? WHERE id = ?", (status, order_id))
        return {"order_id": order_id, "status": status, "previous_status": previous}

    def set_account_flag(self, trace_id: str, *, customer_id: str, flag: str, value: bool) -> Row:
        """Set a flag on the customer's account; the answer names the previous value. Refused: 404."""
        self.get_customer(customer_id)
        known = self._rows("SELECT value FROM account_flags WHERE customer_id = ? AND flag = ?", customer_id, flag)
        self._write(
            "INSERT OR REPLACE INTO account_flags VALUES (?, ?, ?, ?, ?)",
            (customer_id, flag, int(value), trace_id, self._at()),
        )
        return {"flag": flag, "value": value, "previous_value": bool(known[0]["value"]) if known else None}

    def apply_coupon(self, trace_id: str, *, customer_id: str, code: str) -> Row:
        """Credit a coupon at the loyalty partner, which does it and never says so: raises ``NoReply`` (or 404)."""
        self.get_customer(customer_id)
        self._insert("coupons", f"cp_{secrets.token_hex(4)}", customer_id, code, trace_id, self._at())
        raise NoReply("the loyalty partner did not answer in time")

    def overpaid(self) -> list[Row]:
        """Each run that refunded beyond what is owed: ``trace_id, order_id, refunded_minor, owed_minor, currency``.

        Owed is the price of the lines that came damaged. The run is the one whose refund took the sum over it.
        """
        return self._rows(
            """
            WITH paid AS (
                SELECT trace_id, order_id, currency,
                    sum(amount_minor) OVER (PARTITION BY order_id ORDER BY rowid) AS refunded_minor
                FROM refunds),
            owed AS (SELECT order_id, sum(price_minor * damaged) AS owed_minor FROM order_lines GROUP BY order_id)
            SELECT trace_id, order_id, max(refunded_minor) AS refunded_minor, owed_minor, currency
            FROM paid JOIN owed USING (order_id) WHERE refunded_minor > owed_minor GROUP BY trace_id, order_id
            """
        )

    def raise_alert(self, overpaid: Row) -> bool:
        """Note that an alert about this run is due; ``False`` when there was one already."""
        values = [overpaid[name] for name in ("trace_id", "order_id", "refunded_minor", "owed_minor", "currency")]
        return bool(
            self._write(
                "INSERT OR IGNORE INTO alerts VALUES (?, ?, ?, ?, ?, ?, 'pending', 0, '')", (*values, self._at())
            )
        )

    def pending_alerts(self) -> list[Row]:
        """Alerts that no receiver has accepted or refused yet."""
        return self._rows("SELECT * FROM alerts WHERE state = 'pending' ORDER BY rowid")

    def alert_tried(self, trace_id: str, *, state: str, answer: str) -> None:
        """Note a try to send it, and what came of it."""
        self._write(
            "UPDATE alerts SET state = ?, answer = ?, tries = tries + 1 WHERE trace_id = ?", (state, answer, trace_id)
        )

    def _open_for_business(self) -> None:
        for customer in CUSTOMERS:
            self._insert("customers", *customer)
        for order_id, customer_id, placed_on, lines in ORDERS:
            self._insert("orders", order_id, customer_id, placed_on, "delivered", "USD")
            for line in lines:
                self._insert("order_lines", order_id, *line)

    def _at(self) -> str:
        return self._now().isoformat()

    def _one(self, kind: str, sql: str, key: str) -> Row:
        rows = self._rows(sql, key)
        if not rows:
            raise ShopRefused(404, f"no {kind} {key[:40]}")
        return rows[0]

    def _rows(self, sql: str, *values: object) -> list[Row]:
        with self._lock:
            return [dict(row) for row in self._db.execute(sql, values)]

    def _insert(self, table: str, *values: object) -> None:
        self._write(f"INSERT INTO {table} VALUES ({', '.join('?' * len(values))})", values)  # noqa: S608 - our names

    def _write(self, sql: str, values: tuple[object, ...]) -> int:
        with self._lock:
            return self._db.execute(sql, values).rowcount
