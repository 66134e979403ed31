"""The eval on the shop: no order is refunded beyond what is owed. What breaks it is sent as Alertmanager would.

Format: Prometheus Alertmanager, webhook version 4. An alert about a run is sent once, and kept in the shop's file until
a receiver took it: 503 and the like are tried again, also after a restart.
"""

import asyncio
import hashlib
import json
import logging
from http import HTTPStatus
from typing import Any, Final

import httpx

from .shop import Row, Shop
from .view import money

ALERT_NAME: Final = "RefundAmountAnomaly"
_NEVER_ENDS: Final = "0001-01-01T00:00:00Z"
_TRY_AGAIN: Final = frozenset({408, 425, 429, 500, 502, 503, 504})

_log = logging.getLogger("refund_bot.watcher")


class Watcher:
    """``look`` after each run notes what is wrong; ``run`` sends it, with retries, until cancelled."""

    def __init__(
        self,
        shop: Shop,
        *,
        pullcord: str,
        token: str,
        agent: str,
        page: str,
        timeout: float = 2.0,
        slowest: float = 10.0,
    ) -> None:
        """``page`` is the shop's address for people; ``slowest`` bounds the seconds between two tries."""
        self._shop = shop
        self._url = f"{pullcord.rstrip('/')}/alerts/alertmanager"
        self._token = token
        self._agent = agent
        self._page = page
        self._timeout = timeout
        self._slowest = slowest
        self._something_new = asyncio.Event()

    def look(self) -> int:
        """Check the invariant; how many new alerts there are. Call it on the event loop's thread."""
        new = sum(self._shop.raise_alert(overpaid) for overpaid in self._shop.overpaid())
        self._something_new.set()
        return new

    async def run(self) -> None:
        """Send what is pending, then wait for more. An earlier process may have left some."""
        self.look()
        headers = {"authorization": f"Bearer {self._token}"}
        async with httpx.AsyncClient(timeout=self._timeout, headers=headers) as client:
            failures = 0
            while True:
                self._something_new.clear()
                wait = await self._send_pending(client)
                failures = failures + 1 if wait is not None else 0
                if wait is not None:
                    await asyncio.sleep(min(self._slowest, wait or 0.25 * 2 ** min(failures, 10)))
                else:
                    await self._something_new.wait()

    async def _send_pending(self, client: httpx.AsyncClient) -> float | None:
        """Try each once. ``None`` when none is left, else the seconds that the receiver asked for (0: none)."""
        wait: float | None = None
        for alert in self._shop.pending_alerts():
            body = webhook(alert, agent=self._agent, page=self._page)
            try:
                response = await client.post(self._url, json=body)
            except httpx.HTTPError as error:
                self._shop.alert_tried(alert["trace_id"], state="pending", answer=str(error) or type(error).__name__)
                wait = wait or 0.0
                continue
            answer = f"{response.status_code} {response.text[:200]}"
            if response.status_code in _TRY_AGAIN:
                self._shop.alert_tried(alert["trace_id"], state="pending", answer=answer)
                wait = max(wait or 0.0, _seconds(response.headers.get("retry-after")))
            elif response.status_code < HTTPStatus.MULTIPLE_CHOICES:
                self._shop.alert_tried(alert["trace_id"], state="sent", answer=answer)
            else:  # as Alertmanager: a refusal is final, so it must at least be seen
                self._shop.alert_tried(alert["trace_id"], state="refused", answer=answer)
                _log.error("%s refused the alert about run %s: %s", self._url, alert["trace_id"], answer)
        return wait


def webhook(alert: Row, *, agent: str, page: str) -> dict[str, Any]:
    """One firing alert as Alertmanager's webhook body, version 4."""
    labels = {
        "agent": agent,
        "alertname": ALERT_NAME,
        "severity": "critical",
        "trace_id": alert["trace_id"],
    }
    refunded, owed = (money(alert[name], alert["currency"]) for name in ("refunded_minor", "owed_minor"))
    annotations = {
        "summary": f"{agent} refunded {refunded} on order {alert['order_id']}, owed {owed}",
        "description": "An order must not be refunded beyond the price of what came damaged.",
    }
    group = {"agent": agent, "alertname": ALERT_NAME}
    fingerprint = hashlib.sha256(json.dumps(labels, sort_keys=True).encode()).hexdigest()[:16]
    return {
        "version": "4",
        "receiver": "pullcord",
        "status": "firing",
        "alerts": [
            {
                "status": "firing",
                "labels": labels,
                "annotations": annotations,
                "startsAt": alert["starts_at"],
                "endsAt": _NEVER_ENDS,
                "generatorURL": page,
                "fingerprint": fingerprint,
            }
        ],
        "groupLabels": group,
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "externalURL": page,
        "groupKey": f'{{}}:{{agent="{agent}", alertname="{ALERT_NAME}"}}',
        "truncatedAlerts": 0,
    }


def _seconds(retry_after: str | None) -> float:
    try:
        return max(0.0, float(retry_after or 0))
    except ValueError:
        return 0.0  # an HTTP date: our own pace will do
