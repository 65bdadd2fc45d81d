"""A real browser: Chromium without a window, spoken to through a pipe (the DevTools protocol), its network off."""

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import time

CHROMIUM = next(
    (path for name in ("chromium", "chromium-headless-shell", "google-chrome") if (path := shutil.which(name))), None
)
_PATIENCE = 30.0
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-pipe",
    "--force-color-profile=srgb",
)  # fmt: skip


class Browser:
    """One page. `problems` are errors of its console and exceptions, `requests` what it asked any network for."""

    def __init__(self, profile, width=1280, height=900):
        own_read, its_write = os.pipe()
        its_read, own_write = os.pipe()
        far = [fcntl.fcntl(one, fcntl.F_DUPFD, 10) for one in (its_read, its_write)]  # so that 3 and 4 are free
        start = ["bash", "-c", f'exec "$@" 3<&{far[0]} 4>&{far[1]}', "bash"]  # where it expects its pipe
        command = [CHROMIUM, *_FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}", "about:blank"]
        self._process = subprocess.Popen(
            [*start, *command], pass_fds=far, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for one in (its_read, its_write, *far):
            os.close(one)
        self._read, self._write, self._rest, self._number = own_read, own_write, b"", 0
        self._session, self.problems, self.requests = None, [], []
        target = next(one for one in self.ask("Target.getTargets")["targetInfos"] if one["type"] == "page")
        attached = self.ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.ask(f"{domain}.enable")
        self.ask("Emulation.setFocusEmulationEnabled", enabled=True)  # its window has the focus, as a user's
        self.ask("Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=0, uploadThroughput=0)

    def ask(self, method, **parameters):
        """What the browser answers to a command."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                return answer["result"]

    def _next(self):
        while b"\0" not in self._rest:
            assert select.select([self._read], [], [], _PATIENCE)[0], "the browser does not answer"
            read = os.read(self._read, 1 << 20)
            assert read, "the browser has ended"
            self._rest += read
        line, _, self._rest = self._rest.partition(b"\0")
        answer = json.loads(line)
        self._note(answer.get("method"), answer.get("params", {}))
        return answer

    def _note(self, method, event):
        if method == "Runtime.exceptionThrown":
            self.problems.append(event["exceptionDetails"])
        elif method == "Runtime.consoleAPICalled" and event["type"] in ("error", "warning"):
            self.problems.append(event["args"])
        elif method == "Log.entryAdded" and event["entry"]["level"] in ("error", "warning"):
            self.problems.append(event["entry"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(event["request"]["url"].split(",")[0])

    def open(self, file, mark=""):
        """Opens a file from disk, and waits until the page says that it has drawn."""
        self.ask("Page.navigate", url=file.resolve().as_uri() + mark)
        self.wait("document.body?.dataset.drawn === 'true'")

    def run(self, script):
        """The value of an expression of the page."""
        found = self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def wait(self, condition):
        """Until `condition` holds in the page."""
        until = time.monotonic() + _PATIENCE
        while not self.run(f"Boolean({condition})"):
            assert time.monotonic() < until, f"the page never came to {condition}: {self.problems}"
            time.sleep(0.02)

    def text(self, selector):
        """What a person reads there."""
        return self.run(f"document.querySelector({json.dumps(selector)}).innerText")

    def point_at(self, script, click=False):
        """Moves the pointer to the middle of the element that `script` gives, and presses it if it shall."""
        self.run(f"({script}).scrollIntoView({{block: 'center', behavior: 'instant'}})")
        self.run(
            "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )  # that it has scrolled
        box = self.run(f"(({script}).getBoundingClientRect()).toJSON()")
        place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        self.ask("Input.dispatchMouseEvent", type="mouseMoved", **place)
        if click:
            for kind in ("mousePressed", "mouseReleased"):
                self.ask("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **place)

    def press(self, key):
        """Presses a key."""
        codes = {"Enter": 13, "Tab": 9, "ArrowRight": 39, "ArrowLeft": 37, "Escape": 27}
        more = {"text": "\r"} if key == "Enter" else {}
        self.ask("Input.dispatchKeyEvent", type="keyDown", key=key, code=key, windowsVirtualKeyCode=codes[key], **more)
        self.ask("Input.dispatchKeyEvent", type="keyUp", key=key, code=key, windowsVirtualKeyCode=codes[key])

    def look(self, width=1280, height=900, dark=False, media="screen"):
        """As what it shows itself: size of the window, colours, paper."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", media=media, features=[scheme])

    def shoot(self, file, **clip):
        """A picture of the whole page, or of a part of it."""
        if not clip:
            size = self.ask("Page.getLayoutMetrics")["cssContentSize"]
            clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"]}
        shot = self.ask("Page.captureScreenshot", captureBeyondViewport=True, clip={"scale": 1, **clip})
        file.write_bytes(base64.b64decode(shot["data"]))

    def close(self):
        self._process.terminate()
        self._process.wait()
        os.close(self._read)
        os.close(self._write)
