"""Cloudflare's browser recipe for DataChannels, in headless Chromium, on an SFU.

    chromium_page.py API_ROOT APP_ID APP_SECRET [SCENARIO...]

Serves the page in browser/ on loopback, from another origin than the API's, opens it in the Chromium that
FARWIRE_CHROMIUM names, and prints each verdict that the page reports. Exit code 0: all passed; 1: one failed, or the
page was not done in time; 2: wrong arguments.
"""

import functools
import http.server
import json
import os
import pathlib
import queue
import subprocess
import sys
import tempfile
import threading
import time

# The longest that all may take; the slowest scenario waits for 35 s.
WITHIN = 150

# No traffic but ours, and no sandbox, which root cannot have.
FLAGS = """
    --headless --no-sandbox --disable-gpu --disable-quic --disable-dev-shm-usage --no-first-run
    --disable-background-networking --disable-component-update --disable-sync --disable-default-apps
""".split()


class Page(http.server.SimpleHTTPRequestHandler):
    def __init__(self, *arguments, settings, reports):
        self.settings, self.reports = settings, reports
        folder = pathlib.Path(__file__).parent / "browser"
        super().__init__(*arguments, directory=folder)

    def do_GET(self):
        if self.path != "/settings":
            return super().do_GET()
        self.reply(json.dumps(self.settings).encode())

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.reports.put(json.loads(body))
        self.reply(b"{}")

    def reply(self, body):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def verdicts(reports):
    """Prints what the page reports, and returns whether all is well."""
    count, failures = 0, 0
    by = time.monotonic() + WITHIN
    while True:
        try:
            report = reports.get(timeout=max(0, by - time.monotonic()))
        except queue.Empty:
            print(f"FAILED: the page was not done after {WITHIN} s and {count} scenarios")
            return False
        if report.get("done"):
            break
        count += 1
        failures += report["failure"] is not None
        verdict = f"FAILED: {report['failure']}" if report["failure"] else "ok"
        print(f"{report['name']}: {verdict} ({report['seconds']:.1f} s)", flush=True)
    if not count:
        print("FAILED: no such scenario")
    else:
        print(f"{failures} of {count} failed" if failures else f"all {count} passed")
    return count > 0 and failures == 0


def main(arguments):
    if len(arguments) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    settings = dict(zip(("api_root", "app_id", "secret"), arguments), only=arguments[3:])
    reports = queue.Queue()
    handler = functools.partial(Page, settings=settings, reports=reports)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server, tempfile.TemporaryDirectory(
        prefix="chromium-", ignore_cleanup_errors=True
    ) as folder:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/index.html"
        log = pathlib.Path(folder, "log")
        command = [os.environ.get("FARWIRE_CHROMIUM", "chromium"), *FLAGS, f"--user-data-dir={folder}/profile", url]
        with log.open("wb") as output:
            browser = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            good = verdicts(reports)
        finally:
            browser.terminate()
            browser.wait(timeout=10)
            server.shutdown()
        if not good:
            # The rest is about desktop services that a headless browser has no use for.
            print(*(line for line in log.open(errors="replace") if "dbus" not in line), sep="", file=sys.stderr)
        return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
