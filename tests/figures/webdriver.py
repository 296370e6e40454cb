"""A small client of the WebDriver protocol, for pages in a headless Chromium."""

import base64
import contextlib
import json
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
RIGHT, SHIFT, END, HOME = "\ue014", "\ue008", "\ue010", "\ue011"


class Browser:
    """One session."""

    def __init__(self, address: str):
        options = {
            "goog:chromeOptions": {
                "args": [
                    "--headless",
                    "--no-sandbox",
                    "--disable-gpu",
                    "--disable-dev-shm-usage",
                    "--window-size=1250,950",
                ]
            },
            "goog:loggingPrefs": {"browser": "ALL"},
        }
        self._address = f"{address}/session"
        asked = {"capabilities": {"alwaysMatch": options}}
        self._address += "/" + self._call("POST", "", asked)["sessionId"]

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            self._address + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]

    def open(self, address: str) -> None:
        self._call("POST", "/url", {"url": address})

    def run(self, script: str, *arguments: Any) -> Any:
        """Value of a function body; a promise is waited for."""
        body = {"script": script, "args": arguments}
        return self._call("POST", "/execute/sync", body)

    def press(self, selector: str, keys: str) -> None:
        """Real key presses into an element."""
        place = {"using": "css selector", "value": selector}
        element = self._call("POST", "/element", place)[ELEMENT]
        self._call("POST", f"/element/{element}/value", {"text": keys})

    def enter(self, frame: int) -> None:
        """What follows is said to a page within the page."""
        self._call("POST", "/frame", {"id": frame})

    def settle(self) -> None:
        """Waits until what was asked for is drawn."""
        wait = "return new Promise(go => requestAnimationFrame(() => setTimeout(go)))"
        self.run(wait)
        self.run(wait)

    def text(self, name: str) -> str:
        return self.run(
            "return document.getElementById(arguments[0]).textContent", name
        )

    def number(self, name: str) -> float:
        return float(self.text(name).replace("−", "-"))

    def picture(self, name: str) -> str:
        """What a canvas shows."""
        return self.run(
            "return document.getElementById(arguments[0]).toDataURL()", name
        )

    def emulate(self, command: str, **settings: Any) -> None:
        body = {"cmd": f"Emulation.{command}", "params": settings}
        self._call("POST", "/goog/cdp/execute", body)

    def log(self) -> list[str]:
        """Messages of the console since the last call."""
        entries = self._call("POST", "/se/log", {"type": "browser"})
        return [entry["message"] for entry in entries]

    def screenshot(self) -> bytes:
        return base64.b64decode(self._call("GET", "/screenshot"))

    def close(self) -> None:
        self._call("DELETE", "")


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A browser; skips the test where there is none."""
    driver = shutil.which("chromedriver")
    if driver is None or shutil.which("chromium") is None:
        pytest.skip("no chromium with chromedriver is installed")
    with subprocess.Popen(
        [driver, "--port=0"], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            port = None
            for line in process.stdout:
                found = re.search(r"started successfully on port (\d+)", line)
                if found:
                    port = found[1]
                    break
            assert port is not None, "chromedriver did not start"
            browser = Browser(f"http://127.0.0.1:{port}")
            try:
                yield browser
            finally:
                browser.close()
        finally:
            process.terminate()
