"""What Slack answered, as errors by what one can do about it.

A definite no is an ``ActionFailed`` (nothing happened there); no answer, or an answer that leaves it open, is an
``OutcomeUnknown``: look before sending again. Error strings are those of Slack's method reference.
"""

from collections.abc import Mapping
from typing import Any

from bot.errors import ActionFailed, Busy, OutcomeUnknown


class SlackError(ActionFailed):
    """Slack said no: ``method`` and its error string ``error``."""

    def __init__(self, method: str, error: str, *, next_step: str | None = None) -> None:
        """See the class."""
        super().__init__(f"Slack answered {error} to {method}.", next_step=next_step)
        self.method = method
        self.error = error


class MissingScope(SlackError):
    """The app lacks a scope (``needed``) or the workspace does not allow the call."""

    def __init__(self, method: str, error: str, *, needed: str = "") -> None:
        """``needed`` as Slack names it."""
        scope = f" with the scope {needed}" if needed else ""
        super().__init__(method, error, next_step=f"Reinstall the app from `pullcord manifest`{scope}.")
        self.needed = needed


class Unauthorized(SlackError):
    """The token is not good any more."""


class ChannelGone(SlackError):
    """The channel does not exist, is archived, or is closed to us."""


class NotInChannel(SlackError):
    """The bot is not a member of the channel."""


class NameTaken(SlackError):
    """A channel with this name exists."""


class UserUnreachable(SlackError):
    """This person cannot be written to: unknown, deactivated, or a bot."""


class MessageGone(SlackError):
    """The message to edit is not there any more."""


class InvalidMessage(SlackError):
    """Slack does not accept these blocks, this text or this view."""


class TriggerExpired(SlackError):
    """A modal was opened more than 3 s after the click, or twice for it."""


class RateLimited(Busy):
    """Too many calls of ``method``; nothing happened. Ask again after ``retry_after`` seconds."""

    def __init__(self, method: str, retry_after: int) -> None:
        """See the class."""
        super().__init__(f"Slack limits {method}; asking again in {retry_after} s.", retry_after=retry_after)
        self.method = method


class Unreachable(OutcomeUnknown):
    """No answer, or one that leaves it open. ``sent`` is False when the request surely never reached Slack."""

    def __init__(self, method: str, reason: str, *, sent: bool) -> None:
        """``reason`` in words, without secrets."""
        super().__init__(f"Slack did not answer {method}: {reason}.", next_step="It is tried again by itself.")
        self.method = method
        self.reason = reason
        self.sent = sent


_KINDS: dict[str, type[SlackError]] = {
    **dict.fromkeys(("channel_not_found", "is_archived", "channel_is_archived", "is_inactive"), ChannelGone),
    **dict.fromkeys(("not_in_channel", "channel_not_visible"), NotInChannel),
    "name_taken": NameTaken,
    **dict.fromkeys(
        (
            "user_not_found",
            "users_not_found",
            "user_disabled",
            "user_not_visible",
            "cannot_dm_bot",
            "cannot_message_user",
            "user_not_in_channel",
            "messages_tab_disabled",
        ),
        UserUnreachable,
    ),
    **dict.fromkeys(
        ("message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"), MessageGone
    ),
    **dict.fromkeys(
        (
            "invalid_blocks",
            "invalid_blocks_format",
            "msg_too_long",
            "msg_blocks_too_long",
            "no_text",
            "invalid_arguments",
        ),
        InvalidMessage,
    ),
    **dict.fromkeys(
        ("expired_trigger_id", "exchanged_trigger_id", "invalid_trigger_id", "trigger_expired"), TriggerExpired
    ),
    **dict.fromkeys(
        ("invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "org_login_required"),
        Unauthorized,
    ),
}
_SCOPE = frozenset(
    {
        "missing_scope",
        "no_permission",
        "not_allowed_token_type",
        "restricted_action",
        "plan_upgrade_required",
        "unknown_method",
        "method_deprecated",
        "access_denied",
        "ekm_access_denied",
        "team_access_not_granted",
        "user_is_restricted",
        "restricted_action_read_only_channel",
    },
)
_OPEN = frozenset(
    {
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
        "team_added_to_org",
        "operation_timeout",
    }
)


def of_answer(
    method: str, status: int, data: Mapping[str, Any], retry_after: str | None
) -> SlackError | RateLimited | Unreachable:
    """The error for an answer that was not ``ok``. ``retry_after`` is the header's value, in seconds."""
    error = str(data.get("error") or "")[:100]
    if status == 429 or error in {"ratelimited", "rate_limited", "message_limit_exceeded"}:
        return RateLimited(method, _seconds(retry_after))
    if status >= 500 or error in _OPEN or not error:
        return Unreachable(method, error or f"status {status} without a reason", sent=True)
    if error in _SCOPE:
        return MissingScope(method, error, needed=str(data.get("needed") or "")[:100])
    return _KINDS.get(error, SlackError)(method, error)


def _seconds(text: str | None) -> int:
    """Slack documents whole seconds; anything else waits half a minute, and never longer than an hour."""
    try:
        return max(1, min(int(text or "30"), 3600))
    except ValueError:
        return 30
