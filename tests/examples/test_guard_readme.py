import re
from pathlib import Path

import pytest

from sandbox.ofrep_stub import OfrepStub

README = Path(__file__).parents[2] / "examples" / "guard" / "README.md"


def test_the_example_of_the_readme_runs_and_does_what_it_says(
    stub: OfrepStub, state_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The block is executed as it stands: unrestrained, with the tool denied, and paused."""
    example = re.search(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert example is not None
    monkeypatch.setenv("PULLCORD_URL", stub.url)
    monkeypatch.setenv("PULLCORD_AGENT_TOKEN", stub.token)
    monkeypatch.setenv("GUARD_STATE", str(state_file))

    def run() -> str:
        names: dict[str, object] = {}
        exec(compile(example[1], str(README), "exec"), names)  # noqa: S102 - that is the test
        try:
            answer = names["run"]("88123")  # type: ignore[operator]
        finally:
            names["guard"].close()  # type: ignore[attr-defined]
        assert isinstance(answer, str)
        return answer

    assert run() == "gpt-x: refunded 4200 on 88123"
    stub.restrain("agent.tools.denied", {"tools": ["issue_refund"]}, by="@lee")
    assert run().startswith("The tool issue_refund is denied to refund-bot by @lee")
    stub.restrain("agent.paused", value=True, by="@dana")
    with pytest.raises(Exception, match="refund-bot is paused by @dana"):
        run()
