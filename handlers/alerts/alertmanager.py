"""Prometheus Alertmanager, webhook version 4."""

import re
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.domain.alert import Alert, AlertStatus
from bot.domain.base import Json
from bot.errors import Refused
from bot.plugin import ParsedAlerts, Rejected, alert_source
from handlers.alerts import fields

_SEE = "See Alertmanager's <webhook_config> for the format."


class LabelNames(BaseModel):
    """Which label (or else annotation) says what."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    agent: str = "agent"
    trace_id: str = "trace_id"
    name: str = "alertname"
    severity: str = "severity"
    summary: str = "summary"


class AlertmanagerSettings(fields.SourceOptions):
    """``sources.alertmanager`` beside its credentials. ``trace_url_pattern`` may have a group ``trace_id``."""

    labels: LabelNames = Field(default_factory=LabelNames)


@alert_source("alertmanager", settings=AlertmanagerSettings)
def alertmanager(payload: Json, settings: AlertmanagerSettings, received_at: datetime) -> ParsedAlerts:
    """Alertmanager webhook version 4 (Prometheus documentation, alerting configuration, ``<webhook_config>``).

    A group may mix firing and resolved alerts; each alert's own status counts. Dedup is by fingerprint and
    ``startsAt``, since groups are sent again and again. A missing fingerprint is made from the labels.
    """
    if not isinstance(payload, dict):
        message = "The body must be a JSON object of Alertmanager's webhook version 4."
        raise Refused(message, field="(body)", next_step=_SEE)
    version = payload.get("version")
    if version is not None and fields.text(version, 20) != "4":
        message = f"version is {fields.text(version, 20) or 'not a text'}, and only 4 is understood."
        raise Refused(message, field="version", next_step="Use Alertmanager 0.6 or newer.")
    found = fields.items(payload.get("alerts"), "alerts", _SEE)
    good: list[Alert] = []
    bad: list[Rejected] = []
    for index, item in enumerate(found):
        try:
            good.append(_alert(item, settings.labels, settings.pattern, received_at))
        except Refused as refused:
            bad.append(Rejected(index=index, field=f"alerts.{index}.{refused.field}", reason=refused.message))
    return ParsedAlerts(tuple(good), tuple(bad), _left_out(payload.get("truncatedAlerts")))


def _left_out(count: Json) -> tuple[str, ...]:
    """``truncatedAlerts``: how many alerts of the group ``max_alerts`` cut off. They never reach us."""
    if isinstance(count, bool) or not isinstance(count, int) or not 0 < count < 10**9:
        return ()
    told = f"Alertmanager left {count:,} alerts out of a notification"
    return (f"truncatedAlerts: {told}; raise or remove max_alerts in its webhook configuration.",)


def _alert(item: Json, names: LabelNames, pattern: re.Pattern[str] | None, received_at: datetime) -> Alert:
    if not isinstance(item, dict):
        message = "an alert must be an object"
        raise Refused(message, field="(alert)")
    status = item.get("status", "firing")
    if not isinstance(status, str) or status not in {"firing", "resolved"}:
        message = "status must be firing or resolved"
        raise Refused(message, field="status")
    told = item.get("labels")
    if not isinstance(told, dict):
        message = "labels must be an object"
        raise Refused(message, field="labels")
    noted = item.get("annotations")
    notes = noted if isinstance(noted, dict) else {}

    def named(name: str, limit: int) -> str:
        return fields.first(told.get(name), notes.get(name), limit=limit)

    starts_at = fields.moment(item.get("startsAt"))
    source_link = item.get("generatorURL")
    trace = fields.trace_id(
        named(names.trace_id, 2000), [*notes.items(), *told.items(), ("generatorURL", source_link)], pattern
    )
    try:
        return Alert(
            source="alertmanager",
            fingerprint=fields.fingerprint(item.get("fingerprint"), told),
            status=AlertStatus(status),
            name=named(names.name, 200) or "alert without a name",
            starts_at=starts_at or received_at,
            start_known=starts_at is not None,
            ends_at=fields.moment(item.get("endsAt")) if status == "resolved" else None,
            agent=named(names.agent, 200) or None,
            trace_id=trace,
            severity=named(names.severity, 100) or None,
            summary=fields.first(
                told.get(names.summary), notes.get(names.summary), notes.get("description"), notes.get("message")
            ),
            labels=fields.labels(told),
            link=fields.link(source_link),
            links=fields.links([*notes.values(), *told.values()]),
        )
    except ValidationError as error:
        raise fields.fault(error) from error
