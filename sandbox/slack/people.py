"""Who is in the workspace: members, a guest, a leaver, a person of another workspace, user groups."""

from dataclasses import dataclass, field
from typing import Any

TEAM = "T0PULLCORD"
OTHER_TEAM = "T0OTHER"
BOT_USER = "U0BOT"
BOT_ID = "B0BOT"
APP_ID = "A0PULLCORD"


@dataclass
class Person:
    """One `user` object of Slack. `snoozed_until` is the end of do-not-disturb in Unix seconds, None when reachable."""

    id: str
    name: str
    real_name: str
    email: str
    team: str = TEAM
    is_bot: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    deleted: bool = False
    tz: str = "Europe/Berlin"
    tz_offset: int = 3600
    snoozed_until: int | None = None

    def wire(self) -> dict[str, Any]:
        """The shape of `users.info` (https://docs.slack.dev/reference/objects/user-object)."""
        body: dict[str, Any] = {
            "id": self.id,
            "team_id": self.team,
            "name": self.name,
            "deleted": self.deleted,
            "real_name": self.real_name,
            "profile": {
                "real_name": self.real_name,
                "display_name": self.name,
                "email": self.email,
                "team": self.team,
            },
            "is_bot": self.is_bot,
            "is_app_user": False,
            "updated": 1_760_000_000,
        }
        if self.is_bot:
            body["profile"] |= {"bot_id": BOT_ID, "api_app_id": APP_ID}
            del body["profile"]["email"]
        if self.team != TEAM:
            body["is_stranger"] = True
        if not self.deleted:
            body |= {
                "tz": self.tz,
                "tz_label": self.tz,
                "tz_offset": self.tz_offset,
                "is_admin": False,
                "is_owner": False,
                "is_restricted": self.is_restricted,
                "is_ultra_restricted": self.is_ultra_restricted,
            }
        return body


@dataclass
class Group:
    """A user group (`@sre`), which people can be paged by. `unreadable` is the error with which it is refused."""

    id: str
    handle: str
    name: str
    users: list[str] = field(default_factory=list)
    disabled: bool = False
    unreadable: str = ""

    def wire(self, *, include_users: bool) -> dict[str, Any]:
        """The shape of `usergroups.list`."""
        body: dict[str, Any] = {
            "id": self.id,
            "team_id": TEAM,
            "is_usergroup": True,
            "handle": self.handle,
            "name": self.name,
            "description": "",
            "date_create": 1_760_000_000,
            "date_delete": 1_770_000_000 if self.disabled else 0,
            "user_count": 0 if self.disabled else len(self.users),
        }
        if include_users:
            body["users"] = [] if self.disabled else list(self.users)
        return body


def default_people(bot_name: str = "pullcord") -> list[Person]:
    """Three members, a guest, a leaver, the bot, and one person of another workspace."""
    return [
        Person("U0DANA", "dana", "Dana Cruz", "dana@example.com"),
        Person("U0LEE", "lee", "Lee Park", "lee@example.com"),
        Person("U0MO", "mo", "Mo Haddad", "mo@example.com"),
        Person("U0GUEST", "gus", "Gus Guest", "gus@contractor.example", is_restricted=True),
        Person("U0GONE", "gone", "Gone Leaver", "gone@example.com", deleted=True),
        Person("U0EVE", "eve", "Eve Elsewhere", "eve@other.example", team=OTHER_TEAM),
        Person(BOT_USER, bot_name, bot_name.capitalize(), "", is_bot=True),
    ]


def default_groups() -> list[Group]:
    """One group with two members."""
    return [Group("S0SRE", "sre", "Site reliability", ["U0DANA", "U0LEE"])]
