"""A real headless Chromium, driven over its DevTools protocol: open, wait, press, type, look."""

import asyncio
import base64
import contextlib
import itertools
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars --remote-debugging-port=0"
)


STEADY = """(async () => {
  const find = () => document.querySelector(%s);
  const middle = () => { const r = find().getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; };
  find().scrollIntoView({block: "center"});
  const before = middle();
  await new Promise((done) => setTimeout(done, 120));
  if (!find()) return null;
  const after = middle();
  const hit = document.elementFromPoint(...after);
  return hit && find().contains(hit) && before.join() === after.join() ? after : null;
})()"""
"""The middle of an element once it stands still and is not covered, else null."""


class Page:
    """One tab. `errors` collects uncaught exceptions, console errors and what the content policy refused."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.errors: list[str] = []

    async def listen(self) -> None:
        """Sort what the browser says, until it closes."""
        async for message in self._socket:
            said = message.json()
            waiting = self._waiting.pop(said.get("id", 0), None)
            if waiting is not None and not waiting.done():
                waiting.set_result(said)
            if said.get("method") == "Runtime.exceptionThrown":
                self.errors.append(str(said["params"]["exceptionDetails"].get("exception", said["params"])))
            if said.get("method") == "Log.entryAdded" and said["params"]["entry"]["level"] == "error":
                self.errors.append(said["params"]["entry"]["text"])

    async def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One DevTools command; returns its result."""
        number = next(self._ids)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        said = await asyncio.wait_for(self._waiting[number], 10)
        assert "error" not in said, said
        return dict(said["result"])

    async def size(self, width: int, height: int, *, phone: bool = False) -> None:
        """Set the viewport."""
        await self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone
        )

    async def open(self, url: str) -> None:
        """Go to `url` and wait until messages are drawn."""
        await self.send("Page.navigate", url=url)
        await self.until("document.querySelector('#messages li')")

    async def run(self, script: str) -> Any:
        """The value of a JavaScript expression."""
        result = await self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    async def until(self, script: str, timeout: float = 8.0) -> None:
        """Wait until the expression is true."""
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout
        while not await self.run(f"Boolean({script})"):
            assert loop.time() < end, f"never true in {timeout} s: {script}; errors: {self.errors}"
            await asyncio.sleep(0.03)

    async def press(self, selector: str) -> None:
        """Click the first element that the selector finds, with a real mouse event at its middle."""
        await self.until(f"document.querySelector({selector!r})")
        box = None
        while box is None:  # a page that still scrolls or redraws would be missed
            box = await self.run(STEADY % repr(selector))
        for kind in ("mousePressed", "mouseReleased"):
            await self.send("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)

    async def type(self, selector: str, text: str, *, enter: bool = False) -> None:
        """Focus a field and type."""
        await self.run(f"document.querySelector({selector!r}).focus()")
        await self.send("Input.insertText", text=text)
        if enter:
            for kind in ("keyDown", "keyUp"):
                await self.send(
                    "Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", windowsVirtualKeyCode=13
                )

    async def text(self, selector: str) -> str:
        """The text that a reader sees there."""
        return str(await self.run(f"document.querySelector({selector!r})?.innerText ?? ''"))

    async def picture(self, path: Path) -> None:
        """Save a screenshot."""
        result = await self.send("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(result["data"]))


@asynccontextmanager
async def browser() -> AsyncIterator[Page]:
    """A fresh profile, one tab, gone afterwards."""
    assert CHROMIUM, "needs chromium"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            CHROMIUM,
            *FLAGS.split(),
            f"--user-data-dir={profile}",
            "about:blank",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            origin = await _origin(Path(profile) / "DevToolsActivePort")
            async with aiohttp.ClientSession() as http:
                async with http.get(f"http://{origin}/json") as reply:
                    tabs = await reply.json()
                url = next(one["webSocketDebuggerUrl"] for one in tabs if one["type"] == "page")
                async with http.ws_connect(url, max_msg_size=0) as socket:
                    page = Page(socket)
                    listening = asyncio.create_task(page.listen())
                    for domain in ("Page", "Runtime", "Log"):
                        await page.send(f"{domain}.enable")
                    try:
                        yield page
                    finally:
                        listening.cancel()
                        with contextlib.suppress(asyncio.CancelledError):
                            await listening
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), 5)
            except TimeoutError:
                process.kill()
                await process.wait()


async def _origin(file: Path) -> str:
    for _ in range(400):
        if file.exists() and "\n" in (text := file.read_text()):
            return f"127.0.0.1:{text.splitlines()[0]}"
        await asyncio.sleep(0.05)
    raise AssertionError("chromium did not open its DevTools port in 20 s")
