"""Prometheus Alertmanager, webhook version 4."""

import re
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from bot.domain.alert import Alert, AlertStatus
from bot.domain.base import Json
from bot.errors import Refused
from bot.plugin import ParsedAlerts, Rejected, alert_source
from handlers.alerts import fields


class LabelNames(BaseModel):
    """Which label (or else annotation) says what."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    agent: str = "agent"
    trace_id: str = "trace_id"
    name: str = "alertname"
    severity: str = "severity"
    summary: str = "summary"


class AlertmanagerSettings(BaseModel):
    """``sources.alertmanager`` beside its credentials. ``trace_url_pattern`` may have a group ``trace_id``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    labels: LabelNames = Field(default_factory=LabelNames)
    trace_url_pattern: str | None = None

    @field_validator("trace_url_pattern")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                re.compile(value)
            except re.error as error:
                message = f"is not a regular expression: {error}"
                raise ValueError(message) from error
        return value


@alert_source("alertmanager", settings=AlertmanagerSettings)
def alertmanager(payload: Json, settings: AlertmanagerSettings, received_at: datetime) -> ParsedAlerts:
    """Alertmanager webhook version 4 (Prometheus documentation, alerting configuration, ``<webhook_config>``).

    A group may mix firing and resolved alerts; each alert's own status counts. Dedup is by fingerprint and
    ``startsAt``, since groups are sent again and again. A missing fingerprint is made from the labels.
    """
    if not isinstance(payload, dict):
        message = "The body must be a JSON object of Alertmanager's webhook version 4."
        raise Refused(message, field="(body)", next_step="Send it with Alertmanager's webhook_configs.")
    version = payload.get("version")
    if version is not None and str(version) != "4":
        message = f"version is {fields.text(version, 20) or 'not a text'}, and only 4 is understood."
        raise Refused(message, field="version", next_step="Use Alertmanager 0.6 or newer.")
    items = payload.get("alerts")
    if not isinstance(items, list) or not items:
        message = "alerts must be a list with at least one alert."
        raise Refused(message, field="alerts", next_step="See Alertmanager's <webhook_config> for the format.")
    good: list[Alert] = []
    bad: list[Rejected] = []
    pattern = re.compile(settings.trace_url_pattern) if settings.trace_url_pattern else None
    for index, item in enumerate(items):
        try:
            good.append(_alert(item, settings.labels, pattern, received_at))
        except Refused as refused:
            bad.append(Rejected(index=index, field=f"alerts.{index}.{refused.field}", reason=refused.message))
    return ParsedAlerts(alerts=tuple(good), rejected=tuple(bad))


def _alert(item: Json, names: LabelNames, pattern: re.Pattern[str] | None, received_at: datetime) -> Alert:
    if not isinstance(item, dict):
        message = "an alert must be an object"
        raise Refused(message, field="(alert)")
    status = item.get("status", "firing")
    if status not in {"firing", "resolved"}:
        message = "status must be firing or resolved"
        raise Refused(message, field="status")
    if not isinstance(item.get("labels"), dict):
        message = "labels must be an object"
        raise Refused(message, field="labels")
    raw_labels: Json = item["labels"]
    raw_notes: Json = item.get("annotations")
    notes = raw_notes if isinstance(raw_notes, dict) else {}
    told = raw_labels if isinstance(raw_labels, dict) else {}

    def named(name: str) -> Json:
        return told.get(name, notes.get(name))

    kept = fields.labels(raw_labels)
    starts_at = fields.moment(item.get("startsAt"))
    name = fields.text(named(names.name), 200) or "alert without a name"
    source_link = item.get("generatorURL")
    links = [source_link, *(v for v in notes.values() if isinstance(v, str)), *(v for v in told.values())]
    try:
        return Alert(
            source="alertmanager",
            fingerprint=fields.text(item.get("fingerprint"), 256) or fields.digest(kept),
            status=AlertStatus(status),
            name=name,
            starts_at=starts_at or received_at,
            start_known=starts_at is not None,
            ends_at=fields.moment(item.get("endsAt")) if status == "resolved" else None,
            agent=fields.text(named(names.agent), 200) or None,
            trace_id=fields.trace_id(named(names.trace_id), links, pattern),
            severity=fields.text(named(names.severity), 100) or None,
            summary=fields.first(named(names.summary), notes.get("description"), notes.get("message")),
            labels=kept,
            link=fields.link(source_link),
        )
    except ValidationError as error:
        detail = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise Refused(detail["msg"], field=".".join(map(str, detail["loc"]))) from error
