"""The curated words behind suggested classes. Add words freely; the rules that use them are in ``suggest.py``."""


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


CODE = _set("shell terminal bash exec execute eval evaluate python javascript cmd sql repl console ssh powershell code")
CODE_COMPANY = _set("execute exec run eval evaluate interpreter interpret tool mcp sandbox")
"""``code`` and ``python`` mean arbitrary code beside one of these; ``discount_code`` is none."""
BROWSER = _set("browser puppeteer playwright computer selenium page tab mouse keyboard desktop screen")
BROWSER_DEEDS = _set("click type fill press drag drop select upload submit key tap hover scroll action actions use do")

READING_TOO = _set(
    "get list search read find lookup fetch check calculate think "
    "describe show view query retrieve inspect count compare preview estimate validate verify analyze analyse "
    "summarize summarise explain translate browse scan diff tree history log logs status stat ping snapshot "
    "screenshot tail head cat grep ls pwd wc du whoami print_tree recommend suggest detect classify extract parse "
    "convert sort look monitor track audit simulate quote ask select sum compute measure"
)
"""Verbs after which nothing is changed, beside those of the guess; a suggestion only, never treated as a read."""
READING_NOUNS = _set("history tree snapshot screenshot logs status schema balance details statistics metrics diff")
"""A name that is a noun only and asks for it: ``conversations_history``."""

TELL = _set(
    "send post tweet retweet publish broadcast email mail sms message dm call dial notify announce share forward "
    "reply respond comment answer text fax invite remind page whisper report alert submit"
)
PAY = _set(
    "pay transfer wire purchase buy sell trade donate withdraw refund reimburse charge collect bill disburse settle "
    "redeem checkout bid tip payout remit invest fund deposit credit debit issue reward compensate"
)
DESTROY = _set(
    "delete remove destroy drop purge erase wipe truncate terminate kill shutdown format uninstall overwrite clear "
    "rm del unlink discard flush cleanup prune evict drain empty shred trash reset rotate restart reboot detach "
    "deprovision decommission void merge squash rebase"
)
END = _set("cancel close end abort quit leave expire finish complete resolve decline deny reject revoke ban block fire")
DECIDE = _set(
    "approve accept sign finalize finalise confirm deploy release ship fulfil fulfill hire dismiss merge promote "
    "escalate run trigger invoke launch process apply migrate push upgrade rollback revert undo sync import execute "
    "prescribe dispense file"
)
REPLACE = _set("write put overwrite save upload replace upsert store echo export restore load")
CREATE = _set(
    "create new make place generate open insert draft init initialize build clone fork provision spawn log record "
    "mkdir touch copy duplicate cp add append attach commit stash tag compose prepare import install enroll register "
    "react"
)
BOOK = _set("book reserve schedule rebook")
UPDATE = _set(
    "update modify set edit change rename move mv patch adjust configure reschedule transition scale resize increase "
    "decrease tune customize customise assign reassign reorder prioritize prioritise reprioritize switch "
    "toggle str select"
)
TOGGLE = _set(
    "enable disable pause resume lock mute unmute star unstar pin unpin follow unfollow like unlike archive unarchive "
    "hide unhide mark unmark flag unflag label untag snooze bookmark favorite favourite watch unwatch subscribe "
    "unsubscribe unassign suspend unsuspend freeze unfreeze activate deactivate start stop turn play skip unblock "
    "unban reopen unresolve link unlock connect disconnect cordon uncordon trash restore untrash reinstate reactivate "
    "unlabel unfavorite dim grant "
    "unlink show select unmount mount"
)
"""Verbs with a usual inverse."""

INVERSES: dict[str, frozenset[str]] = {
    "delete": _set("restore undelete recover untrash"),
    "remove": _set("add restore readd"),
    "trash": _set("restore untrash recover"),
    "drop": _set("restore recover"),
    "cancel": _set("uncancel reinstate reactivate restore"),
    "close": _set("reopen open"),
    "complete": _set("reopen uncomplete"),
    "resolve": _set("reopen unresolve"),
    "finish": _set("reopen"),
    "block": _set("unblock"),
    "ban": _set("unban"),
    "revoke": _set("grant restore"),
    "detach": _set("attach"),
    "unlink": _set("link"),
    "publish": _set("unpublish"),
    "unlock": _set("lock"),
    "restore": _set("delete trash archive pause"),
    "start": _set("stop"),
    "stop": _set("start"),
    "uninstall": frozenset(),
}
"""Which tool of the same agent puts back exactly what this one did."""

COUNTERS: dict[str, frozenset[str]] = {
    "deploy": _set("rollback undeploy"),
    "release": _set("rollback"),
    "upgrade": _set("rollback downgrade"),
    "install": _set("uninstall"),
    "grant": _set("revoke"),
    "add": _set("remove delete"),
    "upload": _set("delete remove"),
    "submit": _set("withdraw recall cancel"),
    "order": _set("cancel"),
    "register": _set("unregister deregister cancel"),
    "enroll": _set("unenroll cancel withdraw"),
    "invite": _set("uninvite revoke cancel"),
    "share": _set("unshare revoke"),
}
"""Which tool neutralises what this one did, at some cost."""

TELL_OBJECTS = _set(
    "message messages comment reply tweet email mail sms announcement notification review story broadcast gist release "
    "publication dm answer feedback rating post webpage newsletter invitation call phone fax deployment job run build "
    "pipeline campaign ad ads advert advertisement article public livestream thread offer"
)
MONEY_OBJECTS = _set(
    "payment transfer payout refund charge transaction trade donation purchase withdrawal deposit money funds cash "
    "voucher certificate loan bet dispute claim payroll escrow wire order card cheque check giftcard shipment delivery "
    "balance points credit credits bonus swap stake nft crypto coin position contract policy mortgage autopay plan"
)
MOVED_MONEY = _set("money funds cash payroll")
BOOKED = _set("reservation booking appointment hotel flight restaurant rental ride taxi room seat viewing")
ACCESS = _set(
    "user account collaborator member permission permissions role key token credential credentials access webhook "
    "license licence invitation participant participants attendee attendees guest oauth"
)
SECRETS = _set("password passphrase passcode secret secrets credential credentials pin token key keys certificate")
EVENTS = _set("event events meeting calendar appointment")
PLAIN = _set(
    "folder directory dir file note notes task todo label tag branch draft playlist list event events reminder alarm "
    "page document doc bookmark item card board column table database index view dashboard entity entities relation "
    "observation observations contact track tracks timer ticket customer product price coupon category worklog row "
    "record entry snapshot template filter project channel repository repo group space section sheet slide reaction "
    "milestone cart watchlist wishlist favorites epic sprint entities relations calendar"
)
"""Things of one's own system that can simply be taken out again."""
LOOSE = _set("cart watchlist wishlist playlist label labels tag tags reaction favorites list bookmark basket")
"""From these something is taken without being lost."""
DOORS = _set("door doors garage gate safe vault valve window lock")
MACHINES = _set(
    "instance instances server vm container engine timer recording music playback stream workspace machine device"
)
MANY = _set("many all bulk batch everything mass")

PERSON_KEYS = _set("to recipient recipients cc bcc receiver mentions")
PEOPLE_KEYS = _set("participants attendees invitees guests")
PAYING_KEYS = _set(
    "payment_id payment_method payment_method_id payment_methods refund_method proration_behavior card_id"
)
AMOUNT_KEYS = _set("amount iban account_number payee payee_id price currency from_account to_account beneficiary")
TRADING_KEYS = _set("symbol ticker shares order_type side stock isin")
OLD_KEYS = _set("old_str old_string old_text oldtext old_value old find search edits")
NOTIFYING_KEYS = _set("notify notify_customer send_email send_notification send_invite")

OWNED = _set("owner ownership public firmware bios live production prod")
"""What is given away with these is not got back by the same call, and what was public was seen."""
CARDS = _set("card account line")
"""``deactivate`` such a thing may be for good."""

ENDING_VALUES = _set(
    "cancelled canceled closed terminated deleted refunded shipped paid published approved sent fired rejected "
    "fulfilled completed released revoked resolved inactive"
)
"""A status that is more than a word: setting it ends something or tells others to go on."""
