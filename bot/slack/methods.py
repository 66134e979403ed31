"""Every Web API method that Pullcord calls, with its scope, rate tier and how its arguments travel.

The one table: ``SlackClient.call`` refuses a method that is not in it, the manifest asks for exactly these scopes, and
the retry handler reads from it what may be sent twice. Scopes and tiers are those of Slack's method reference.
"""

from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Method:
    """One method: bot ``scopes`` it needs, ``tier`` (calls a minute: 1=1, 2=20, 3=50, 4=100, 0=special).

    ``json``: the method takes a JSON body (else a form, so that no argument stands in a URL that proxies log).
    ``repeatable``: sending it twice is the same as once, so a broken connection may be tried again.
    """

    scopes: tuple[str, ...]
    tier: int
    json: bool = False
    repeatable: bool = False


METHODS = MappingProxyType(
    {
        "auth.test": Method((), 0, repeatable=True),
        "apps.connections.open": Method((), 3, repeatable=True),  # app token with connections:write
        "chat.postMessage": Method(("chat:write", "chat:write.public"), 0, json=True),
        "chat.update": Method(("chat:write",), 3, json=True, repeatable=True),
        "chat.postEphemeral": Method(("chat:write",), 4, json=True),
        "chat.getPermalink": Method((), 0, repeatable=True),
        "views.open": Method((), 4, json=True),
        "views.push": Method((), 4, json=True),
        "views.update": Method((), 4, json=True, repeatable=True),
        "views.publish": Method((), 4, json=True, repeatable=True),
        "conversations.create": Method(("channels:manage",), 2),
        "conversations.invite": Method(("channels:manage",), 3, repeatable=True),
        "conversations.setTopic": Method(("channels:manage",), 2, repeatable=True),
        "conversations.join": Method(("channels:join",), 3, repeatable=True),
        "conversations.info": Method(("channels:read", "groups:read"), 3, repeatable=True),
        "conversations.list": Method(("channels:read", "groups:read"), 2, repeatable=True),
        "conversations.open": Method(("im:write",), 3, repeatable=True),
        "conversations.history": Method(("channels:history", "groups:history", "im:history"), 3, repeatable=True),
        "conversations.replies": Method(("channels:history", "groups:history", "im:history"), 3, repeatable=True),
        "usergroups.users.list": Method(("usergroups:read",), 2, repeatable=True),
        "users.info": Method(("users:read",), 4, repeatable=True),
        "pins.add": Method(("pins:write",), 2, repeatable=True),
        "reactions.add": Method(("reactions:write",), 3, repeatable=True),
    },
)
