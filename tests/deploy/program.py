"""A program to be kept running: ready as long as it lives, or ending before it ever is."""

import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Ready(BaseHTTPRequestHandler):
    def do_GET(self) -> None:  # the library's name
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"status": "ready"}')

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    if "PURSER_ENDS" in os.environ:
        sys.exit(3)
    HTTPServer(("127.0.0.1", int(os.environ["PURSER_PORT"])), Ready).serve_forever()
