"""Chromium without a window, over its debugging protocol: what a page asks, says and shows."""

import asyncio
import itertools
import re
import shutil
import signal
import subprocess
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SWITCHES = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--remote-debugging-port=0",
    # A microphone that beeps, and nobody to ask for leave to hear it.
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)
START_S = 30.0
LOOK_S = 0.1


def chromium() -> str | None:
    """The command that starts it, where it is installed."""
    return next((found for name in COMMANDS if (found := shutil.which(name))), None)


class Page:
    """One tab.

    Attributes:
        requests: Every address that was asked for, data: and blob: ones too.
        complaints: What the console would show: errors, warnings and exceptions.
    """

    def __init__(self, browser: "Browser", session: str) -> None:
        self._browser = browser
        self.session = session
        self.requests: list[str] = []
        self.complaints: list[str] = []

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        return await self._browser.call(method, self.session, **params)

    async def open(self, url: str) -> None:
        await self.call("Page.navigate", url=url)

    async def value(self, expression: str) -> Any:
        """What the page's JavaScript says."""
        told = await self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    async def until(
        self, expression: str, is_so: Callable[[Any], bool] = bool, timeout_s: float = START_S
    ) -> Any:
        """The first value that is so. Raises: AssertionError: none was within ``timeout_s``."""
        loop = asyncio.get_running_loop()
        end_s = loop.time() + timeout_s
        while not is_so(value := await self.value(expression)):
            assert loop.time() < end_s, f"{expression} stays {value!r}; {self.complaints}"
            await asyncio.sleep(LOOK_S)
        return value

    async def click(self, selector: str) -> None:
        """As a hand does it: the browser takes it for the user's own."""
        box = await self.value(
            f"""(() => {{
              const node = document.querySelector({selector!r});
              node.scrollIntoView({{block: "center"}});
              const box = node.getBoundingClientRect();
              return {{x: box.x + box.width / 2, y: box.y + box.height / 2}};
            }})()"""
        )
        for kind in ("mousePressed", "mouseReleased"):
            await self.call(
                "Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **box
            )

    async def press(self, key: str, code: int) -> None:
        """A key on what has the focus; ``code`` is its Windows virtual key code."""
        told = {"key": key, "windowsVirtualKeyCode": code}
        text = {"text": "\r"} if key == "Enter" else {}
        await self.call("Input.dispatchKeyEvent", type="keyDown", **told, **text)
        await self.call("Input.dispatchKeyEvent", type="keyUp", **told)

    async def write(self, text: str) -> None:
        """Typed into what has the focus."""
        await self.call("Input.insertText", text=text)

    async def look(self, *, width: int, height: int, dark: bool = False) -> None:
        """The size and the colours that the page is made for from now on."""
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.call("Emulation.setEmulatedMedia", features=[scheme])

    async def picture(self) -> bytes:
        """The whole page as PNG."""
        told = await self.call("Page.captureScreenshot", captureBeyondViewport=True)
        return b64decode(told["data"])

    def take(self, method: str, params: dict[str, Any]) -> None:
        """An event of this tab."""
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.complaints.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(str(params["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning"):
            self.complaints.append(str([a.get("value") for a in params["args"]]))


class Browser:
    """``async with Browser(folder) as browser``; ended with the block.

    Args:
        folder: New, for its profile.
    """

    def __init__(self, folder: Path) -> None:
        command = chromium()
        assert command is not None, "Chromium is not installed: apt-get install chromium"
        self._command = [command, *SWITCHES, f"--user-data-dir={folder}", "about:blank"]
        self._port_file = folder / "DevToolsActivePort"
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._pages: dict[str, Page] = {}

    async def __aenter__(self) -> Self:
        self._process = self._start()
        try:
            await self._connect()
        except BaseException:
            self._end()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, at: TracebackType | None
    ) -> None:
        self._reader.cancel()
        await asyncio.wait([self._reader])
        await self._socket.close()
        await self._session.close()
        self._end()

    async def page(self) -> Page:
        """A new tab that is watched from its first request on."""
        made = await self.call("Target.createTarget", url="about:blank")
        told = await self.call("Target.attachToTarget", targetId=made["targetId"], flatten=True)
        page = self._pages[told["sessionId"]] = Page(self, told["sessionId"])
        for domain in ("Network", "Log", "Runtime", "Page"):
            await page.call(f"{domain}.enable")
        return page

    async def call(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        message = {"id": number, "method": method, "params": params}
        await self._socket.send_json(message | ({"sessionId": session} if session else {}))
        async with asyncio.timeout(START_S):
            told = await answer
        assert "error" not in told, told
        result: dict[str, Any] = told["result"]
        return result

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    async def _connect(self) -> None:
        async with asyncio.timeout(START_S):
            while not (found := self._address()):
                assert self._process.poll() is None, f"Chromium ended: {self._command}"
                await asyncio.sleep(LOOK_S)
        self._session = aiohttp.ClientSession()
        self._socket = await self._session.ws_connect(found, max_msg_size=0)
        self._reader = asyncio.create_task(self._read())

    def _address(self) -> str:
        text = self._port_file.read_text() if self._port_file.exists() else ""
        match = re.fullmatch(r"(\d+)\n(/\S+)", text)
        return f"ws://127.0.0.1:{match[1]}{match[2]}" if match else ""

    async def _read(self) -> None:
        async for message in self._socket:
            told = message.json()
            if "id" in told:
                self._answers.pop(told["id"]).set_result(told)
            elif page := self._pages.get(told.get("sessionId", "")):
                page.take(told["method"], told["params"])

    def _end(self) -> None:
        """With the processes that it started: they are a group."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
