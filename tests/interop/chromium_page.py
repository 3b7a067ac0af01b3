"""Cloudflare's browser recipe for DataChannels, in headless Chromium, on an SFU.

    chromium_page.py API_ROOT APP_ID APP_SECRET [SCENARIO...]

Serves the page in browser/ on loopback, from another origin than the API's, opens it in the Chromium that
FARWIRE_CHROMIUM names, and prints each verdict that the page reports. Exit code 0: all passed; 1: one failed, or the
page was not done in time; 2: wrong arguments.
"""

import queue
import sys
import time

import chromium

# The longest that all may take; the slowest scenario waits for 35 s.
WITHIN = 150


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
    with chromium.showing(
        "index.html",
        got=lambda path: settings if path == "/settings" else None,
        posted=lambda _, report: reports.put(report),
    ) as browser:
        good = verdicts(reports)
        if not good:
            browser.tell()
        return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
