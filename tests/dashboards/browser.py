"""Chromium without a window, over its DevTools protocol."""

import base64
import contextlib
import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

NAMES = ("chromium", "chromium-browser", "google-chrome")
_START_SECONDS = 180.0


def find_browser() -> str | None:
    """The browser's program; None if there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Page:
    """A tab: what it shows, and what went wrong in it."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection, self._last = connection, 0
        self._contexts: dict[int, str] = {}
        self.errors: list[str] = []
        for domain in ("Page", "Runtime", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: Any) -> Any:
        """One command, and its answer."""
        self._last += 1
        self._connection.send(json.dumps({"id": self._last, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._connection.recv(timeout=240))
            self._note(message)
            if message.get("id") == self._last:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']['message']}")
                return message["result"]

    def open(self, url: str, *, width: int = 1280, height: int = 800) -> None:
        """Goes to an address, with nothing left of the page before."""
        self.send("Page.navigate", url="about:blank")
        self.resize(width, height)
        self.errors.clear()
        self.send("Page.navigate", url=url)

    def resize(self, width: int, height: int) -> None:
        """The size of the window in pixels."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def wait_for(self, expression: str, *, seconds: float = 240.0) -> Any:
        """The first value of a JavaScript expression that is true, in the page or in one of its frames."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.send("Runtime.getIsolateId")  # what happened meanwhile comes with an answer
            for context in reversed(list(self._contexts)):
                with contextlib.suppress(RuntimeError):  # of a frame that has gone
                    answer = self.send(
                        "Runtime.evaluate", expression=expression, contextId=context, returnByValue=True
                    )
                    if value := answer["result"].get("value"):
                        return value
            time.sleep(0.1)
        raise TimeoutError(f"{expression} never became true. Errors: {self.errors}")

    def screenshot(self, path: Path, *, size: tuple[int, int] | None = None) -> None:
        """What the window shows, as PNG; with a size the page from its top, below the window too."""
        more: dict[str, Any] = {}
        if size is not None:
            clip = {"x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1}
            more = {"captureBeyondViewport": True, "clip": clip}
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot", format="png", **more)["data"]))

    def _note(self, message: dict[str, Any]) -> None:
        given = message.get("params", {})
        match message.get("method"):
            case "Runtime.executionContextCreated":
                self._contexts[given["context"]["id"]] = given["context"]["name"]
            case "Runtime.executionContextDestroyed":
                self._contexts.pop(given["executionContextId"], None)
            case "Runtime.executionContextsCleared":
                self._contexts.clear()
            case "Runtime.exceptionThrown":
                details = given["exceptionDetails"]
                self.errors.append(details.get("exception", {}).get("description", details["text"]))
            case "Log.entryAdded" if given["entry"]["level"] == "error":
                self.errors.append(f"{given['entry']['text']} {given['entry'].get('url', '')}")
            case "Runtime.consoleAPICalled" if given["type"] == "error":
                self.errors.append(" ".join(str(part.get("value", "")) for part in given["args"]))


@contextlib.contextmanager
def browser(folder: Path) -> Iterator[Page]:
    """A tab of a new browser, which ends with the block.

    Args:
        folder: for the browser's own files.
    """
    program = find_browser()
    assert program is not None, f"None of these is installed: {', '.join(NAMES)}."
    command = [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    command += ["--remote-debugging-port=0", f"--user-data-dir={folder}", "--no-first-run"]
    # MLflow's frame for artifacts in the same process, where it can be looked into.
    command += ["--disable-features=IsolateSandboxedIframes,IsolateOrigins,site-per-process"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with connect(_target(folder / "DevToolsActivePort"), max_size=None) as connection:
            yield Page(connection)
    finally:
        process.terminate()
        process.wait(60)


def _target(port_file: Path) -> str:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, IndexError):
            port = port_file.read_text().splitlines()[0]
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=5) as answer:
                for target in json.load(answer):
                    if target["type"] == "page":
                        return str(target["webSocketDebuggerUrl"])
        time.sleep(0.1)
    raise TimeoutError("The browser did not start.")
