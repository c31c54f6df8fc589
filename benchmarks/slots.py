"""A loopback server with a fixed number of slots, in a process of its own: what the benchmarks measure against.

A call takes its time in a slot, or waits for one, as on a server of models. A refused call (429, Retry-After 1) is
answered at once and takes no slot; a dropped one takes its time and gets no answer. Its answers are those of
tests/support/loopback.py: a function of the request.
"""

import argparse
import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROJECT = Path(__file__).parent.parent


class Server:
    """A server that runs: its address, and once it has ended what it counted."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.counts: dict[str, int] = {}  # calls answered, refused and dropped, and how many answers were repetitions


@contextmanager
def serving(**options: float) -> Iterator[Server]:
    """Serve while the context is open: slots, seconds, busy, drop as on the command line."""
    command = [sys.executable, __file__, *(f"--{name}={value}" for name, value in options.items())]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    server = Server(process.stdout.readline().strip())
    try:
        yield server
    finally:
        server.counts = json.loads(process.communicate("")[0])


def main() -> None:
    """Serve until standard input ends; print the address first, and the counts last."""
    sys.path.insert(0, str(PROJECT / "tests"))
    from aiohttp import web

    from support.loopback import Loopback, RunningLoopback

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slots", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=0.2, help="that a call takes")
    parser.add_argument("--busy", type=int, default=0, help="every Nth call is answered 429")
    parser.add_argument("--drop", type=int, default=0, help="every Nth call loses its connection")
    options = parser.parse_args()

    class Slots(Loopback):
        arrived = refused = dropped = 0
        slots: asyncio.Semaphore | None = None

        async def _chat(self, request):
            self.slots = self.slots or asyncio.Semaphore(options.slots)
            self.arrived += 1
            number = self.arrived
            if options.busy and number % options.busy == 0:
                self.refused += 1
                return web.json_response({"error": "busy"}, status=429, headers={"Retry-After": "1"})
            async with self.slots:
                if options.drop and number % options.drop == 1:
                    await asyncio.sleep(options.seconds)
                    self.dropped += 1
                    request.transport.close()
                    return web.Response()
                reply = await super()._chat(request)
                self.bodies.clear()
                return reply

    running = RunningLoopback()
    running.server = Slots(delay=options.seconds)
    with running as server:
        print(server.url, flush=True)
        sys.stdin.read()
        answered = sum(server.requests.values())
        counts = {"answered": answered, "repeated": answered - len(server.requests)}
        print(json.dumps({**counts, "refused": server.refused, "dropped": server.dropped}), flush=True)


if __name__ == "__main__":
    main()
