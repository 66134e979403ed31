"""The curated words behind the guess whether a tool only reads. Add words freely; the rules are in ``reading.py``."""

READING = frozenset(
    """
    get list search read find lookup fetch check calculate think retrieve describe view inspect count query explain
    estimate compute compare summarize summarise analyze analyse
    """.split()  # noqa: SIM905
)
"""A name that starts with one of these may be a read."""

QUERYING = frozenset(["query", "explain", "count"])
"""Those whose argument may be a statement: it may do no more than select."""

READING_ANYWHERE = frozenset(["get", "search", "find", "lookup", "fetch", "retrieve", "describe"])
"""Those that still say "read" behind the name of a service (``BingSearch``).

``list``, ``read``, ``check`` can be nouns or marks there (``mailing_list``, ``set_read``, ``CreditCheck``).
"""

JOINING = frozenset(["and", "or", "out", "in", "off", "rid", "aloud"])
"""``get_or_create``, ``check_out``, ``check_off_task``, ``get_rid_of``: a second deed may follow."""

_VERBS = """
abort accept acknowledge activate add adjust advance allocate allow amend announce append apply approve archive
assign attach authorise authorize award backup ban bill block book broadcast build burn buy call cancel capture
change charge claim clear click clone close collect commit complete compose confirm connect consume convert copy
create credit deactivate debit debug decline decrement decrypt deduct delegate delete deliver deny deploy deposit
destroy detach disable disburse discard disconnect dismiss dispatch dispute do donate download draft drop duplicate
edit eject email empty enable encrypt end enqueue enroll erase escalate evict exchange exec execute exit expire
export extend finalise finalize finish fire flag flush follow forget fork format forward freeze fulfil fulfill
generate give go grant halt handle hide hire hold import increment ingest initiate inject insert install instruct
invite invoice invoke join kick kill launch leave lend link load lock login logout mail make mark merge migrate
modify move mute navigate notify offer onboard open overwrite park patch pause pay perform pick ping place post
press print proceed process promote prompt provision publish pull purchase purge push put quarantine queue quit
rebook reboot recall receive redeem redirect refresh refund register reimburse reject release relocate remind remove
rename render renew reopen repair replace replicate reply repost request reroute reschedule reserve reset resize
resolve respond restart restore resume retry return revert revoke reward roll rollback rotate run save scale
schedule select sell send set settle share ship shutdown sign signup skip spawn spend split start stop store submit
subscribe substitute suspend swap switch sync synchronise synchronize take terminate throttle toggle transfer
transform transmit trash trigger truncate tweet type unarchive unassign unban unblock undelete undo uninstall unlink
unlock unpublish unregister unset unsubscribe update upgrade upload upsert use vote waive wipe wire withdraw write
zap
alter clean cleanup compact dedupe deduplicate expunge reconcile redact seed squash tidy
arm bypass checkin checkout chmod chown cp deleteall delist demote detonate dial disarm downgrade drain
elevate enlist exfiltrate fill garnish hibernate impersonate liquidate mint mutate mv notarize nuke obtain
override persist populate prepend procure prune reassign rebase rebuild recreate redeploy reformat regenerate reindex
reissue rekey relist remediate reorder reprocess rescind rewrite rm sanitize scrub sideload slash sms sudo trade
undeploy unlist unmute unpin unshare unstar vacuum wake
"""
VERBS = frozenset(_VERBS.split())
"""Base forms that change something.

Nouns that are verbs too (order, issue, file, name, record, message, comment, report) are left out where reads of such
things are what the name mostly means; past and plural forms are nouns or adjectives (``pending``, ``updates``).
"""

HAND_OFF = frozenset(["transfer", "handoff", "handover", "escalate", "route", "connect", "delegate"])
_TO_WHOM = """
agent agents human humans operator operators person representative representatives specialist specialists staff
supervisor supervisors support
"""
TO_WHOM = frozenset(_TO_WHOM.split())
"""A hand-off of the conversation: ``transfer_to_human_agents``, ``escalate_to_human``."""

OFFERING = frozenset(["sale", "marketplace", "auction", "ebay", "etsy", "amazon", "airbnb", "craigslist"])
"""``list`` beside one of these puts something up for sale."""

_HAND_OFF_WORDS = """
to a an the off over another other next live real senior tier level technical tech billing sales customer service call
caller chat conversation session user hand
"""
HAND_OFF_WORDS = HAND_OFF | TO_WHOM | frozenset(_HAND_OFF_WORDS.split())
"""What the name of a mere hand-off consists of: ``transfer_ownership_to_agent`` is none."""

_MONEY = """
account accounts amount balance bank card currency dollars funds iban money payee payment price sum total wallet
"""
MONEY = frozenset(_MONEY.split())
"""With an argument of such a name nothing is a mere hand-off."""

SHELL_NAMES = frozenset(["terminal", "shell", "bash", "sh", "zsh", "cmd", "console", "command"])
_SHELL_COMPANY = "run execute exec invoke use call tool in local linux unix remote sandbox line mcp server docker code"
SHELL_WORDS = SHELL_NAMES | frozenset(_SHELL_COMPANY.split())
"""What the name of a shell consists of; ``drone_command`` and ``send_command`` are none."""
SHELL_ARGUMENTS = frozenset(["command", "cmd", "commandline", "shellcommand", "script"])
_SHELL_OPTIONS = "cwd workdir workingdirectory timeout timeoutms timeoutseconds description"
SHELL_OPTIONS = frozenset(_SHELL_OPTIONS.split())
_SHELL_READS = "ls du df pwd whoami stat wc head tail cat ps uname uptime free"
SHELL_READS = frozenset(_SHELL_READS.split())
"""Programs that change nothing whatever their options."""

WEB = frozenset(
    ["url", "uri", "http", "https", "web", "webpage", "api", "endpoint", "request", "graphql", "rest", "sql"]
)
"""A fetch of such a thing may be a call that changes something: without recorded arguments nobody knows."""

METHOD_WORDS = frozenset(["http", "request", "req", "x", "override", "method", "verb", "type"])
BODY_WORDS = frozenset(["body", "payload", "mutation", "postdata"])
COMMAND_ARGUMENTS = frozenset(["command", "cmd", "commandline", "shell", "shellcommand", "script"])

TOWARDS = frozenset(["to", "into", "onto"])
_STORES = """
bucket clipboard csv customer database db disk drive file files folder queue s3 sheet slack spreadsheet storage table
user users warehouse
"""
STORES = frozenset(_STORES.split())
"""Where something is brought: ``fetch_orders_to_csv``; ``get_route_to_city`` brings nothing anywhere."""

BROWSER_NAMES = frozenset(["browser", "playwright", "puppeteer", "webpage", "page", "url", "navigate", "goto"])
_BROWSER_COMPANY = (
    "action actions go to open visit load link click tab new website web site mcp tool use chrome in view"
)
BROWSER_WORDS = BROWSER_NAMES | frozenset(_BROWSER_COMPANY.split())
"""What the name of a tool that drives a browser consists of."""
BROWSER_OPTIONS = frozenset(
    """
    timeout timeoutms waituntil wait viewport width height headless launchoptions
    """.split()  # noqa: SIM905
)
OPENING = frozenset(
    """
    open visit goto go to navigate navigateto load click view url link the page
    """.split()  # noqa: SIM905
)
"""What a browser is told when it is to show a page."""

NOUNS_READ = frozenset(["logs", "history", "schema", "info", "metrics", "stats", "diff"])
"""A name without any verb that ends so asks for it: ``kubectl_logs``, ``conversations_history``."""
VERB_NOUNS = frozenset(
    """
    bill build call charge commit email format invoice mail message offer post process quote release request schedule
    share store ticket tweet vote
    """.split()  # noqa: SIM905
)
"""Verbs that are nouns where a reading verb stands before them and nothing but these words behind: ``read_email``."""
ABOUT = frozenset("by details detail status info id ids history list summary content count data at for in of".split())  # noqa: SIM905
PROGRAM_READS = {
    "git": frozenset("status log diff show blame".split()),  # noqa: SIM905
    "kubectl": frozenset("get describe logs top explain".split()),  # noqa: SIM905
    "docker": frozenset("ps images inspect logs stats".split()),  # noqa: SIM905
    "helm": frozenset("list status history get".split()),  # noqa: SIM905
}
"""Tools that are named after one command of a program which only asks."""
PAGES = frozenset("browser page playwright puppeteer chrome web desktop screen take capture full get".split())  # noqa: SIM905
"""``browser_take_screenshot``: what a picture is taken of. ``vm_snapshot`` makes a copy."""
ASKED_OF = frozenset(
    """
    account agent alert api app audit browser bucket build camera channel chat cluster container conversation customer
    database db deployment device docker employee event git github helm host instance invoice issue job kubectl mailbox
    market message node order patient payment pipeline pod process product project queue repo run sensor server service
    session shipment slack stock store system table task ticket transaction trip user vehicle vm weather workflow
    """.split()  # noqa: SIM905
)
"""What such a name asks about, besides plurals: ``order_history``, ``pods_list``; ``clean_history`` asks nothing."""
GIVEN = frozenset(
    """
    status text message content contents body value values data payload entry note notes action command
    """.split()  # noqa: SIM905
)
"""Arguments of these names may bring something along that such a tool keeps."""

SQL_NAMES = frozenset(
    """
    sql query database db postgres postgresql mysql sqlite snowflake bigquery redshift duckdb
    """.split()  # noqa: SIM905
)
SQL_KEYS = frozenset(
    """
    sql query statement sqlquery querysql sqlstatement
    """.split()  # noqa: SIM905
)
SQL_OPTIONS = frozenset(
    """
    database databaseid db schema limit maxrows timeout params parameters connection dialect
    """.split()  # noqa: SIM905
)
SQL_FUNCTIONS = frozenset(
    """
    count sum avg min max coalesce nullif lower upper length trim ltrim rtrim substr substring concat round floor ceil
    abs cast convert date date_trunc date_part extract now current_date strftime to_char to_date year month day
    row_number rank dense_rank lag lead string_agg group_concat array_agg json_agg distinct if ifnull iif greatest least
    """.split()  # noqa: SIM905
)
"""Functions that a statement may call and still only read."""
CALLERS = frozenset(
    """
    http https request requests api rest call make send web client curl fetch endpoint url invoke tool
    """.split()  # noqa: SIM905
)
"""What the name of a tool that calls any address consists of."""
ADDRESS_KEYS = frozenset(
    """
    url uri endpoint path address
    """.split()  # noqa: SIM905
)
CALL_OPTIONS = frozenset(
    """
    headers params query queryparams timeout timeoutms verify followredirects
    """.split()  # noqa: SIM905
)
OPERATION_KEYS = frozenset(
    """
    action operation command subcommand op
    """.split()  # noqa: SIM905
)
OPERATION_READS = frozenset(
    """
    list get read view show describe search find status info logs history diff ps inspect screenshot cursor_position
    list_all get_all help version
    """.split()  # noqa: SIM905
)
"""Operations of a tool that holds several which only ask."""
RUNNERS = frozenset(
    """
    run execute exec invoke call use manage handle process perform
    """.split()  # noqa: SIM905
)
