"""Executions as a metric: each end counted once, where it was written."""

from bot import metrics
from bot.timeline.timeline import Written


def counted(written: Written, execution_id: str) -> Written:
    """Count the state that this write gave the execution; a repeat of the write, or a drill, counts nothing."""
    execution = written.incident.execution(execution_id)
    if written.status == "written" and execution is not None and not written.incident.drill:
        metrics.EXECUTIONS.labels(execution.action, execution.state.value).inc()
    return written
