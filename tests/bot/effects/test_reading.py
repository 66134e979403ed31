from typing import Any

import pytest

from bot.effects.reading import guess
from tests.bot.effects.samples import UNSET, call

READS = """
get_user_details search_direct_flight find_user_id_by_name_zip find_user_id_by_email list_all_product_types
calculate think lookup_order lookUpOrder get-order-details orders.get getOrderStatus check_availability
read_file fetch_page list_cancelled_orders list_pending_transfers get_2fa_status READ_FILE
HTTPServer.getStatus BingSearch TwitterManagerGetUserProfile web_search mcp__github__list_issues
get_directions_to_city search_flights_to get_feed get_speed list_archived get_archived_orders get_cash_balance
check_cash_flow get_time_to_live
filesystem/read_file knowledge_base_lookup find_orders_by_ship_date
"""

NOT_READS = """
issue_refund send_email get_or_create_user find_and_replace check_in check_out checkOut list_unsubscribe
read_write_file fetch_and_store search_replace get_refund set_read mailing_list CreditCheck account_list
PostBlog NewBlog GmailSendEmail BankManagerPayBill browser_action update_get delete.get_user
mcp__mail__send_read_receipt checkout getaway_book thinker listing reader readonly_off TerminalExecute
transfer_funds hand_off get_rid_of_user check_off_task get_удалить list_item_for_sale list_on_marketplace ebay_list_item
search_reindex find_reassign get_regenerate_key fetch_rm check_bypass get_impersonate reissue_get MintGetToken
read_to_customer list_to_db get_hired check_cash get_cash get_paid get_started get_shipped fetch_orders_to_csv
read_file_into_table check_into_hotel ReadToUser
demote_find_user prune_search get_checkout think_aloud find_override list_delist get_deleteall
"""


@pytest.mark.parametrize("name", READS.split())
def test_a_plainly_reading_name_is_guessed_to_read(name: str) -> None:
    """Starts with a reading verb, or names its service first, and no other part is a verb."""
    assert guess(call(name, {"id": 1})) is not None


@pytest.mark.parametrize("name", NOT_READS.split())
def test_any_other_name_is_not(name: str) -> None:
    """A second verb, a joining word, a noun that only looks like a verb: a person has to say."""
    assert guess(call(name, {"id": 1})) is None


@pytest.mark.parametrize(
    "arguments",
    [
        {"url": "https://x", "method": "POST"},
        {"url": "https://x", "method": "GET"},
        {"url": "https://x", "body": "a"},
        {"url": "https://x", "options": {"payload": {}}},
        {"request": ["DELETE", "/orders/1"]},
        {"query": "DELETE FROM orders"},
        {"query": "  update orders set paid = 1"},
        {"query": "mutation { pay(id: 1) }"},
        {"query": "drop table orders"},
        {"query": "SELECT 1; DELETE FROM orders"},
        {"query": "WITH x AS (SELECT 1) DELETE FROM orders"},
        {"query": "-- all of them\nDELETE FROM orders"},
        {"sql": "TRUNCATE orders"},
        {"query": "query A { a } mutation B { pay }"},
        {"cypher": "MATCH (n) DETACH DELETE n"},
        {"command": "db.orders.deleteMany({})"},
        {"args": ["/", "-delete"]},
        {"url": "https://x", "type": "post"},
        {"url": "https://x", "operation": "Delete"},
        {"url": "https://x", "headers": {"X-HTTP-Method-Override": "x"}},
        {"url": "https://x", "raw_body": "a"},
        {"url": "https://x", "request_data": {}},
        {"user": "a", "fix": True},
        {"cmd": "rm -rf /"},
        "(url='x', method='POST')",
        "--data: x",
    ],
)
def test_an_argument_that_looks_like_a_method_or_a_body_is_no_read(arguments: Any) -> None:
    """``fetch`` with a body sends something."""
    assert guess(call("fetch_url", arguments)) is None


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"query": "how to delete from a list"},
        {"order_id": "A-1", "payment_method_id": "card_1"},
        {"update_date": "2026-01-01"},
        "(keywords='how to put a patch on')",
        UNSET,
    ],
)
def test_other_arguments_do_not_matter(arguments: Any) -> None:
    """Words of a question are no statement, and ids of methods no methods."""
    assert guess(call("search_orders", arguments)) is not None


def test_a_bare_verb_without_recorded_arguments_is_no_read() -> None:
    """Nobody knows what a ``fetch`` did whose arguments were not recorded."""
    assert guess(call("fetch")) is None
    assert guess(call("fetch", {"url": "https://x"})) is not None


@pytest.mark.parametrize("name", ["fetch_url", "http_get", "web_fetch", "fetch_api", "get_request"])
def test_a_call_over_the_web_without_recorded_arguments_is_no_read(name: str) -> None:
    """It may have had a method and a body; a ``get_customer`` can hardly have."""
    assert guess(call(name)) is None
    assert guess(call("get_customer")) is not None


def test_a_calculation_that_is_code_is_no_read() -> None:
    """Many calculators evaluate what they are given."""
    assert guess(call("calculate", {"expression": "(2 + 3) * 4"})) is not None
    assert guess(call("calculate", {"expression": "__import__('os').remove('x')"})) is None


@pytest.mark.parametrize("name", ["send_command", "drone_command", "delete_command", "robot_console"])
def test_a_tool_that_only_takes_commands_is_no_shell(name: str) -> None:
    """``free`` means something else to a drone."""
    assert guess(call(name, {"command": "free"})) is None


@pytest.mark.parametrize(
    ("name", "arguments", "reads"),
    [
        ("transfer_ownership_to_agent", {"file": "x"}, False),
        ("delegate_access_to_person", {}, False),
        ("transfer_domain_to_person", {}, False),
        ("route_order_to_staff", {}, False),
        ("transfer_to_human_agents", {"summary": "wants a refund"}, True),
        ("transfer_to_billing_agent", {}, True),
        ("escalate_to_human", {"reason": "x"}, True),
        ("hand_off_to_specialist", {"reason": "x"}, True),
        ("handoff_to_support", {"note": "x"}, True),
        ("transfer_to_account", {"iban": "x"}, False),
        ("transfer_to_agent", {"amount": 5}, False),
        ("transfer_money_to_agent", {}, False),
        ("transfer_to_bank_representative", {}, False),
        ("transfer_to_human_agents", {"body": "x"}, False),
        ("transfer_to_human_agents", UNSET, False),
        ("send_to_human", {}, False),
        ("transfer_agent", {}, False),
    ],
)
def test_a_hand_off_of_the_conversation_is_a_read_unless_it_speaks_of_money(
    name: str,
    arguments: Any,
    reads: bool,
) -> None:
    """Only who goes on talking changes; anything with an account or an amount is no hand-off."""
    assert (guess(call(name, arguments)) is not None) is reads


@pytest.mark.parametrize(
    "command", ["ls", "ls -la /tmp ~/x", "du -sh ~/*", "cat a.txt", "ps aux", "head -n 5 'my file'", "ls\n"]
)
def test_a_shell_command_that_cannot_change_anything_reads(command: str) -> None:
    """One program of the short list, no operator."""
    assert guess(call("TerminalExecute", {"command": command})) is not None


@pytest.mark.parametrize(
    "command",
    [
        "rm -rf /", "ls; rm x", "ls && rm x", "ls | xargs rm", "cat a > b", "ls $(rm x)", "ls `rm x`", "find . -delete",
        "ls\nrm x", "sudo ls", "/tmp/ls", "env ls", "sort -o a b", "echo hi", "", "ls 'unclosed", "ls & rm x",
        "ls <(rm x)", "ls \\\n rm", "ls ~!x", 5, ["ls"], None,
    ],
)  # fmt: skip
def test_any_other_shell_command_does_not(command: Any) -> None:
    """Operators, substitutions, redirections, other programs, other types."""
    assert guess(call("bash", {"command": command})) is None


def test_a_shell_with_further_arguments_or_without_a_shells_name_is_not_guessed() -> None:
    """Two commands, an unknown option, a tool that is no shell."""
    assert guess(call("bash", {"command": "ls", "timeout": 5})) is not None
    assert guess(call("bash", {"command": "ls", "stdin": "x"})) is None
    assert guess(call("bash", {"command": "ls", "script": "ls"})) is None
    assert guess(call("deploy", {"command": "ls"})) is None
    assert guess(call("bash", "ls")) is None


@pytest.mark.parametrize("name", ["", "___", "123", "get" * 100, "получить", "\x00", "get\n"])
def test_odd_names_are_answered(name: str) -> None:
    """Whatever a name is, there is an answer."""
    guess(call(name, {}))


@pytest.mark.parametrize(
    ("name", "arguments", "reads"),
    [
        ("browser_action", {"raw": "click https://www.example.org/about/sleep.html"}, True),
        ("browser_navigate", {"url": "https://example.org/docs"}, True),
        ("puppeteer_navigate", {"url": "https://example.org/", "timeout": 5}, True),
        ("browser", {"action": "goto", "url": "https://example.org/a"}, True),
        ("open_url", {"url": "https://example.org/a"}, True),
        ("visit_webpage", {"url": "http://example.org"}, True),
        ("playwright_browser_navigate", "https://example.org/a", True),
        ("browser_action", {"raw": "click #pay-now"}, False),
        ("browser_action", {"raw": "click Buy https://example.org/a"}, False),
        ("browser_click", {"element": "Submit", "ref": "e12"}, False),
        ("browser_navigate", {"url": "https://example.org/unsubscribe"}, False),
        ("browser_navigate", {"url": "https://example.org/api/delete/5"}, False),
        ("browser_navigate", {"url": "https://example.org/a?confirm=1"}, False),
        ("browser_navigate", {"url": "javascript:pay()"}, False),
        ("browser_navigate", {"url": "file:///etc/passwd"}, False),
        ("browser_navigate", {"url": "http://[broken"}, False),
        ("browser_navigate", {"url": "https://a.example https://b.example"}, False),
        ("browser_navigate", {"url": "https://example.org/a", "method": "POST"}, False),
        ("browser_type", {"text": "https://example.org/a"}, False),
        ("browser_action", UNSET, False),
        ("submit_url", {"url": "https://example.org/a"}, False),
        ("share_page", {"url": "https://example.org/a"}, False),
    ],
)
def test_a_browser_that_only_opens_an_address_reads(name: str, arguments: Any, reads: bool) -> None:
    """Following a link asks for a page; anything else that a browser can do is left to a person."""
    assert (guess(call(name, arguments)) is not None) is reads
