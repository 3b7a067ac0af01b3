"""Headless Chromium, with a page of browser/ that reports to the script which opened it."""

import contextlib
import functools
import http.server
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading

# No traffic but ours, and no sandbox, which root cannot have. A page that nobody looks at is as quick as one that is shown.
FLAGS = """
    --headless --no-sandbox --disable-gpu --disable-quic --disable-dev-shm-usage --no-first-run
    --disable-background-networking --disable-component-update --disable-sync --disable-default-apps
    --disable-background-timer-throttling --disable-backgrounding-occluded-windows --disable-renderer-backgrounding
""".split()


class Page(http.server.SimpleHTTPRequestHandler):
    """Serves browser/; `got` and `posted` answer what is no file: a path, and a path with what was sent there in JSON."""

    def __init__(self, *arguments, got, posted):
        self.got, self.posted = got, posted
        folder = pathlib.Path(__file__).parent / "browser"
        super().__init__(*arguments, directory=folder)

    def do_GET(self):
        answer = self.got(self.path)
        if answer is None:
            return super().do_GET()
        self.reply(answer)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.reply(self.posted(self.path, json.loads(body)) or {})

    def reply(self, answer):
        body = json.dumps(answer).encode()
        # Whoever asked may be gone.
        with contextlib.suppress(ConnectionError):
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_):
        pass


class Browser:
    """A process of Chromium, in a folder of its own."""

    def __init__(self, folder, url):
        self.log = pathlib.Path(folder, "log")
        command = [os.environ.get("FARWIRE_CHROMIUM", "chromium"), *FLAGS, f"--user-data-dir={folder}/profile", url]
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)

    def end(self):
        self.process.terminate()
        self.process.wait(timeout=10)

    def crash(self):
        """Ends as by the power switch: nobody is told."""
        self.process.kill()
        self.process.wait(timeout=10)

    def tell(self):
        """Shows what the browser has said."""
        # The rest is about desktop services that a headless browser has no use for.
        print(*(line for line in self.log.open(errors="replace") if "dbus" not in line), sep="", file=sys.stderr)


@contextlib.contextmanager
def showing(page, got, posted):
    """Yields a browser that shows the page."""
    handler = functools.partial(Page, got=got, posted=posted)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server, tempfile.TemporaryDirectory(
        prefix="chromium-", ignore_cleanup_errors=True
    ) as folder:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser = Browser(folder, f"http://127.0.0.1:{server.server_port}/{page}")
        try:
            yield browser
        finally:
            browser.end()
            server.shutdown()
