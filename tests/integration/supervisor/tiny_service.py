"""A service of a few lines, run as ``python -m <package>`` in place of a real one.

TINY_<SERVICE> says how it behaves: ok, worker, crash, silent, unready, deaf, family, chatty.
"""

import json
import os
import signal
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ENVIRONMENT = os.environ  # noqa: TID251 - this stands for a whole service, its settings.py included


def announce(text: str) -> None:
    path = Path(ENVIRONMENT["FLEETSERVE_ADDRESS_FILE"])
    draft = path.with_suffix(".new")
    draft.write_text(f"{text}\n")
    draft.replace(path)


class Handler(BaseHTTPRequestHandler):
    behaviour = "ok"

    def do_GET(self) -> None:
        ready = self.behaviour != "unready"
        body: object = {"ready": ready, "reasons": [] if ready else ["the model is loading"]}
        if self.path == "/environment":
            body = dict(ENVIRONMENT)
        content = json.dumps(body).encode()
        self.send_response(200 if ready else 503)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


def main(module: str) -> None:
    name = ENVIRONMENT["FLEETSERVE_REPLICA_ID"].upper().replace("-", "_")
    default = "worker" if module.endswith("worker") else "ok"
    behaviour = ENVIRONMENT.get(f"TINY_{name}", default)
    if behaviour == "crash":
        sys.stderr.write("Traceback (most recent call last):\n")
        sys.exit("ModuleNotFoundError: No module named 'soundfile'")
    if behaviour == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if behaviour == "family":
        subprocess.Popen(["sleep", "1000"])
    if behaviour == "chatty":
        sys.stderr.write("one line on stderr\n")
    if behaviour == "silent":
        while True:
            signal.pause()
    if behaviour == "worker":
        announce("ready")
        while True:
            signal.pause()
    host, port = ENVIRONMENT["FLEETSERVE_LISTEN"].rsplit(":", 1)
    Handler.behaviour = behaviour
    server = ThreadingHTTPServer((host, int(port)), Handler)
    announce(f"http://{host}:{server.server_address[1]}")
    server.serve_forever()


if __name__ == "__main__":
    main(__spec__.name if __spec__ else "")
