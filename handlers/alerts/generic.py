"""Any JSON, mapped to alerts by dotted paths of the configuration."""

import re
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.domain.alert import Alert, AlertStatus
from bot.domain.base import Json
from bot.errors import Refused
from bot.plugin import ParsedAlerts, Rejected, alert_source
from handlers.alerts import fields


class Mapping(BaseModel):
    """Dotted paths into the payload. ``alerts`` leads to a list (empty: the body itself is one alert, or a list)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    alerts: str = ""
    fingerprint: str = "dedup_key"
    status: str = "status"
    resolved_values: tuple[str, ...] = ("resolved", "ok", "closed", "recovered", "inactive")
    name: str = "title"
    agent: str = "agent"
    trace_id: str = "trace_id"
    starts_at: str = "starts_at"
    severity: str = "severity"
    summary: str = "summary"
    link: str = "trace_url"
    labels: str = "labels"


class GenericSettings(fields.SourceOptions):
    """``sources.generic`` beside its credentials. ``trace_url_pattern`` may have a group ``trace_id``."""

    mapping: Mapping = Field(default_factory=Mapping)


@alert_source("generic", settings=GenericSettings)
def generic(payload: Json, settings: GenericSettings, received_at: datetime) -> ParsedAlerts:
    """JSON of any shape; ``sources.generic.mapping`` says where each field is (docs/configuration.md).

    An alert without a fingerprint is known by its name, agent and trace id. One without a start time is one alert from
    its firing until it is resolved, or until it was not sent again for some hours.
    """
    mapping = settings.mapping
    where = mapping.alerts or "(body)"
    found = fields.dotted(payload, mapping.alerts)
    if isinstance(found, dict):
        found = [found]
    prefix = f"{mapping.alerts}." if mapping.alerts else ""
    listed = isinstance(fields.dotted(payload, mapping.alerts), list)
    good: list[Alert] = []
    bad: list[Rejected] = []
    see = "Send an object or a list of them, or correct sources.generic.mapping.alerts."
    for index, item in enumerate(fields.items(found, where, see)):
        try:
            good.append(_alert(item, mapping, settings.pattern, received_at))
        except Refused as refused:
            place = f"{prefix}{index}." if listed else prefix
            bad.append(Rejected(index=index, field=f"{place}{refused.field}", reason=refused.message))
    return ParsedAlerts(tuple(good), tuple(bad))


def _alert(item: Json, mapping: Mapping, pattern: re.Pattern[str] | None, received_at: datetime) -> Alert:
    if not isinstance(item, dict):
        message = "an alert must be an object"
        raise Refused(message, field="(alert)")

    def at(path: str) -> Json:
        return fields.dotted(item, path) if path else None

    name = fields.text(at(mapping.name), 200)
    told_fingerprint = at(mapping.fingerprint)
    if not name and not fields.text(told_fingerprint):
        message = f"neither a name ({mapping.name}) nor a fingerprint ({mapping.fingerprint}) was found"
        raise Refused(message, field=mapping.name)
    agent = fields.text(at(mapping.agent), 200) or None
    trace = fields.trace_id(at(mapping.trace_id), [(mapping.link, at(mapping.link))], pattern)
    fingerprint = fields.fingerprint(told_fingerprint, {"name": name, "agent": agent or "", "trace": trace or ""})
    starts_at = fields.moment(at(mapping.starts_at))
    status = fields.text(at(mapping.status), 50).lower()
    resolved = status in {value.lower() for value in mapping.resolved_values}
    try:
        return Alert(
            source="generic",
            fingerprint=fingerprint,
            status=AlertStatus.RESOLVED if resolved else AlertStatus.FIRING,
            name=name or fingerprint[:200],
            starts_at=starts_at or received_at,
            start_known=starts_at is not None,
            ends_at=received_at if resolved else None,
            agent=agent,
            trace_id=trace,
            severity=fields.text(at(mapping.severity), 100) or None,
            summary=fields.text(at(mapping.summary)),
            labels=fields.labels(at(mapping.labels)),
            link=fields.link(at(mapping.link)),
        )
    except ValidationError as error:
        raise fields.fault(error) from error
