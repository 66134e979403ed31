"""The shop's tables, and the customers and orders it opens with. Money is minor units and a currency."""

from typing import Final

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS customers (id TEXT PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL, address TEXT NOT
NULL); CREATE TABLE IF NOT EXISTS orders (
    id TEXT PRIMARY KEY, customer_id TEXT NOT NULL REFERENCES customers (id), placed_on TEXT NOT NULL,
    status TEXT NOT NULL, currency TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS order_lines (
    order_id TEXT NOT NULL REFERENCES orders (id), title TEXT NOT NULL, price_minor INTEGER NOT NULL,
    damaged INTEGER NOT NULL, PRIMARY KEY (order_id, title));
CREATE TABLE IF NOT EXISTS refunds (
    id TEXT PRIMARY KEY, order_id TEXT NOT NULL REFERENCES orders (id), amount_minor INTEGER NOT NULL CHECK
    (amount_minor > 0), currency TEXT NOT NULL, reason TEXT NOT NULL, idempotency_key TEXT NOT NULL UNIQUE, trace_id
    TEXT NOT NULL, at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS mails (
    id TEXT PRIMARY KEY, recipient TEXT NOT NULL, subject TEXT NOT NULL, body TEXT NOT NULL, trace_id TEXT NOT NULL,
    at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS tickets (
    id TEXT PRIMARY KEY, customer_id TEXT NOT NULL, order_id TEXT NOT NULL, subject TEXT NOT NULL, trace_id TEXT NOT
    NULL, at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS pickups (
    id TEXT PRIMARY KEY, order_id TEXT NOT NULL, address TEXT NOT NULL, pickup_at TEXT NOT NULL, cancel_until TEXT NOT
    NULL, trace_id TEXT NOT NULL, at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS coupons (
    id TEXT PRIMARY KEY, customer_id TEXT NOT NULL, code TEXT NOT NULL, trace_id TEXT NOT NULL, at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS account_flags (
    customer_id TEXT NOT NULL, flag TEXT NOT NULL, value INTEGER NOT NULL, trace_id TEXT NOT NULL, at TEXT NOT NULL,
    PRIMARY KEY (customer_id, flag));
CREATE TABLE IF NOT EXISTS alerts (
    trace_id TEXT PRIMARY KEY, order_id TEXT NOT NULL, refunded_minor INTEGER NOT NULL, owed_minor INTEGER NOT NULL,
    currency TEXT NOT NULL, starts_at TEXT NOT NULL, state TEXT NOT NULL, tries INTEGER NOT NULL, answer TEXT NOT NULL);
"""
"""``alerts.state`` is ``pending``, ``sent`` or ``refused``; times are ISO 8601 in UTC."""

TABLES: Final = (
    "customers", "orders", "order_lines",
    "refunds", "mails", "tickets", "pickups", "coupons", "account_flags", "alerts",
)  # fmt: skip

CUSTOMERS: Final = (
    ("cus_81Kd", "Jo Doe", "j.doe@example.com", "12 Elm Row"),
    ("cus_2Rf0", "Ana Silva", "ana.silva@example.com", "3 Harbour Lane"),
    ("cus_4TbQ", "Tom Becker", "tom.becker@example.com", "Lindenweg 8"),
    ("cus_77Ze", "Mei Zhang", "mei.zhang@example.com", "41 Station Road"),
    ("cus_9Lm3", "Liam Murphy", "liam.murphy@example.com", "7 Quay Street"),
    ("cus_5Hw8", "Hana Watanabe", "hana.watanabe@example.com", "2 Maple Court"),
    ("cus_0Qp1", "Omar Qadir", "omar.qadir@example.com", "19 Mill Hill"),
)
"""Id, name, e-mail, address. Nobody real: example.com is reserved for documentation (RFC 2606)."""

ORDERS: Final = (
    ("88123", "cus_81Kd", "2026-05-28", (("Espresso machine", 37_800, 0), ("Milk jug", 4_200, 1))),
    ("88097", "cus_2Rf0", "2026-05-26", (("Writing desk", 55_125, 0), ("Desk lamp", 6_125, 1))),
    ("88140", "cus_4TbQ", "2026-05-30", (("Rain jacket", 16_400, 0), ("Gloves", 2_400, 1))),
    ("88151", "cus_77Ze", "2026-05-31", (("Road bike wheels", 82_500, 0), ("Helmet", 11_000, 1))),
    ("88160", "cus_9Lm3", "2026-06-01", (("Record player", 24_000, 0), ("Stylus", 1_900, 1))),
    ("88171", "cus_5Hw8", "2026-06-02", (("Tea set", 28_250, 0), ("Tray", 3_150, 1))),
    ("88180", "cus_0Qp1", "2026-06-03", (("Tent", 19_900, 0),)),
)
"""Id, customer, day, lines of (title, price in US cents, whether it came damaged). Only damaged lines are owed."""
