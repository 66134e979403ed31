"""Tools that can do anything: only plain reads among their calls are guessed to read."""

from typing import Any

import pytest

from bot.effects.reading import guess
from tests.bot.effects.samples import call

READS: list[tuple[str, dict[str, Any]]] = [
    ("sql_db_query", {"query": "SELECT count(*) FROM users"}),
    ("execute_sql", {"sql": "select a, 'drop table x' from t where b in (1, 2) -- delete\n;"}),
    ("run_query", {"statement": "WITH a AS (SELECT 1) SELECT * FROM a", "database": "shop", "limit": 5}),
    ("query_database", {"query": "SHOW TABLES"}),
    ("query_knowledge_base", {"query": "how do I return a coat?"}),
    ("sql_db_list_tables", {"tool_input": ""}),
    ("retrieve_docs", {"query": "coat"}),
    ("describe_pod", {"name": "x"}),
    ("call_api", {"method": "GET", "url": "https://erp.example/orders?q=ACME"}),
    ("http_request", {"method": "head", "url": "https://x.example", "headers": {"a": "b"}, "body": None}),
    ("run", {"command": "ls -la"}),
    ("str_replace_editor", {"command": "view", "path": "/repo/a.py", "view_range": [1, 9]}),
    ("manage_tickets", {"action": "list", "project": "x"}),
    ("docker", {"command": "ps"}),
    ("computer", {"action": "screenshot"}),
    ("kubectl_logs", {"name": "web", "tail": 5}),
    ("conversations_history", {"channel_id": "C1", "limit": 10}),
    ("channels_list", {"channel_types": "public"}),
    ("pods_list", {}),
    ("order_history", {"customer": 5}),
    ("get_invoice", {"invoice": 77}),
    ("read_email", {"id": "1"}),
    ("gmail_read_email", {"id": "1"}),
    ("get_invoice_status", {"id": 1}),
    ("get_user_schedule", {"user": 1}),
    ("git_diff", {"repo": "."}),
    ("browser_snapshot", {}),
    ("browser_take_screenshot", {"filename": "a.png"}),
]

CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("sql_db_query", {"query": "SELECT pg_terminate_backend(5)"}),
    ("sql_db_query", {"query": 'SELECT "pg_terminate_backend"(5)'}),
    ("sql_db_query", {"query": "SELECT nextval /* x */ ('s')"}),
    ("sql_db_query", {"query": "SELECT * INTO copy FROM users"}),
    ("sql_db_query", {"query": "SELECT 1; DELETE FROM users"}),
    ("sql_db_query", {"query": "WITH gone AS (DELETE FROM users RETURNING *) SELECT * FROM gone"}),
    ("sql_db_query", {"query": "EXPLAIN ANALYZE DELETE FROM users"}),
    ("sql_db_query", {"query": "SELECT 'a\\'; DROP TABLE users; --'"}),
    ("sql_db_query", {"query": "SELECT * FROM users FOR UPDATE"}),
    ("sql_db_query", {"query": "SELECT /*!50000 sleep(5) */ 1"}),
    ("sql_db_query", {"query": "UPDATE users SET a = 1"}),
    ("query_database", {"query": "select setval('s', 5)"}),
    ("explain_query", {"sql": "explain analyze delete from users"}),
    ("execute_sql", {"sql": "select 1", "commit": True}),
    ("send_report", {"query": "select 1"}),
    ("call_api", {"method": "GET", "url": "https://bank.example/transfer?to=5"}),
    ("call_api", {"method": "GET", "url": "https://x.example", "body": "{}"}),
    ("call_api", {"method": "POST", "url": "https://x.example"}),
    ("call_api", {"method": "GET", "url": "https://x.example", "headers": {"X-HTTP-Method-Override": "DELETE"}}),
    ("call_api", {"url": "https://x.example"}),
    ("run", {"command": "ls; rm -rf /"}),
    ("run", {"script": "ls"}),
    ("str_replace_editor", {"command": "create", "path": "/a", "file_text": "x"}),
    ("str_replace_editor", {"command": "view", "path": "/a", "new_str": "x"}),
    ("manage_tickets", {"action": "list", "items": [1]}),
    ("manage_tickets", {"action": "delete", "id": 1}),
    ("delete_tickets", {"action": "list"}),
    ("manage_tickets", {"action": "list", "operation": "delete"}),
    ("clean_history", {"customer": 5}),
    ("clear_logs", {}),
    ("squash_migrations_list", {}),
    ("order_history", {"customer": 5, "note": "called"}),
    ("items_list", {"price": 5, "sale": "ebay", "publish": True}),
    ("mailing_list", {"add": "bob"}),
    ("get_refund", {"order": 1}),
    ("find_replace", {"path": "a"}),
    ("search_and_email", {"query": "a"}),
    ("get_invoice_cancel", {"id": 1}),
    ("fetch_email_send", {"id": 1}),
    ("vm_snapshot", {"vm": "a"}),
    ("git_commit", {"repo": "."}),
]


@pytest.mark.parametrize(("name", "arguments"), READS)
def test_arguments_that_only_ask_make_a_read(name: str, arguments: dict[str, Any]) -> None:
    """Marked as a guess, with the reason."""
    why = guess(call(name, arguments))
    assert why is not None
    assert why.startswith("guessed: ")


@pytest.mark.parametrize(("name", "arguments"), CHANGES)
def test_whatever_is_not_plain_stays_a_change(name: str, arguments: dict[str, Any]) -> None:
    """A change that is taken for a read would not be seen: in doubt it is none."""
    assert guess(call(name, arguments)) is None
