"""A part that answers, has a child of its own, and ends with status 2 when SETTING is bad."""

import os
import signal
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def main():
    if os.environ.get("SETTING") == "bad":
        refuse()
    subprocess.Popen(["sleep", "1000"], start_new_session=True)
    if os.environ.get("DEAF"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.stdout.write("listening\n")
    sys.stdout.flush()
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["SERVICE_PORT"])), Handler).serve_forever()


def refuse():
    sys.stderr.write("one: SETTING: must not be bad\n")
    sys.exit(2)


main()
