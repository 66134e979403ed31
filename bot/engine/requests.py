"""``plugin.Requests``: what interactions may ask for. Each is one durable write, safe to repeat with the same key.

One class for all of them, made of parts with one duty each: offers and their presses, modals and previews, the second
person, unknown outcomes, the ends of mitigations, drills and stops, and the incident as such.
"""

from bot.engine.approvals import Approving
from bot.engine.expiry_answers import ExpiryRequests
from bot.engine.lifecycle_clicks import LifecycleClicks
from bot.engine.modals import Modals
from bot.engine.practice import Practice
from bot.engine.submitting import Submitting


class ClickRequests(Submitting, Approving, LifecycleClicks, ExpiryRequests, Modals, Practice):
    """Implements ``bot.plugin.Requests``."""
