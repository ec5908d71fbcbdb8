"""python -m tests.hub: serve a folder tree as a hub until SIGTERM or SIGINT."""

import argparse
import signal
import sys
import threading
from pathlib import Path

from tests.hub.minilm import make_minilm
from tests.hub.server import USER_TOKEN, HubServer


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.hub", description=__doc__)
    parser.add_argument(
        "--root", type=Path, required=True, help="folder of <org>/<name> repositories"
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--cdn-port", type=int, default=0, help="where LFS files come from")
    parser.add_argument("--bind", default="127.0.0.1")
    parser.add_argument("--redirects", choices=("cdn", "relative", "none"), default="cdn")
    parser.add_argument("--token", action="append", help=f"a known token (default {USER_TOKEN})")
    parser.add_argument("--minilm", action="store_true", help="also make all-MiniLM-L6-v2 in root")
    chosen = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if chosen.minilm:
        make_minilm(chosen.root)
    with HubServer(
        root=chosen.root,
        bind=chosen.bind,
        port=chosen.port,
        cdn_port=chosen.cdn_port,
        redirects=chosen.redirects,
        tokens=frozenset(chosen.token or [USER_TOKEN]),
    ) as hub:
        sys.stdout.write(f"hub ready at {hub.url}\n")
        sys.stdout.flush()
        stop.wait()


if __name__ == "__main__":
    main()
