"""How long a cold process takes when the network leads nowhere: the answer must come from the catalog within six seconds.

    python benchmarks/unreachable.py               five commands on five kinds of dead networks
    python benchmarks/unreachable.py --only refused,unresolved --commands resolve,describe

Seconds are wall time from the start of the process to its end, `offline` those of the same command that asks nobody; on a
machine with other work, the difference of both is what the network cost. Each run has an empty cache. The exit status is 1
where a command took longer than `--most`, or did not end as it does offline.

    swallowing   no connection comes to stand, and nothing is refused
    silent       the connection stands, and nobody answers
    refused      the connection is refused at once
    unresolved   no name is known
    stalling     asking for a name takes half a minute
"""

from __future__ import annotations

import argparse
import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
MODEL = "Qwen/Qwen3-0.6B"
COMMANDS = {
    "resolve": ["resolve", MODEL],
    "describe": ["describe", MODEL],
    "draw-svg": ["draw", MODEL, "-o", "OUT", "-f", "svg"],
    "sources": ["sources", MODEL],
    "compare": ["compare", MODEL, "Qwen/Qwen3-14B"],
}
NETWORKS = ("swallowing", "silent", "refused", "unresolved", "stalling")
PLACES = ("HF_ENDPOINT", "ARCHVIZ_ARXIV_URL", "GITHUB_API_URL", "ARCHVIZ_GITHUB_RAW_URL")
_COLD = "import sys; from archviz.cli import main; sys.argv[0] = 'archviz'; sys.exit(main())"
_RESOLVERS = {  # put before the command, as the machine's own resolver would be
    "unresolved": "import socket\ndef f(*a, **k): raise socket.gaierror(socket.EAI_NONAME, 'not known')\nsocket.getaddrinfo = f\n",
    "stalling": "import socket, time\nsocket.getaddrinfo = lambda *a, **k: time.sleep(30)\n",
}


@contextlib.contextmanager
def dead_network(kind: str) -> Iterator[str]:
    """The address of a place that does not answer in this way."""
    if kind in _RESOLVERS:
        yield "https://hub.example"
        return
    with contextlib.ExitStack() as held:
        place = held.enter_context(socket.socket())
        place.bind(("127.0.0.1", 0))
        if kind != "refused":
            place.listen(0 if kind == "swallowing" else 64)
        for _ in range(4 if kind == "swallowing" else 0):  # the queue is full: further connections are not answered
            filler = held.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(place.getsockname())
        yield f"http://127.0.0.1:{place.getsockname()[1]}"


def run(arguments: Sequence[str], kind: str, place: str) -> tuple[float, int]:
    """Wall seconds and exit status of one command as a process of its own, with an empty cache."""
    with tempfile.TemporaryDirectory(prefix="archviz-bench-") as folder:
        given = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
        given |= {"PYTHONPATH": str(ROOT), "ARCHVIZ_CACHE": f"{folder}/cache", "HF_HUB_OFFLINE": ""}
        given |= dict.fromkeys(PLACES, place)
        command = [word.replace("OUT", f"{folder}/figure") for word in arguments]
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-c", _RESOLVERS.get(kind, "") + _COLD, *command],
            check=False, env=given, cwd=ROOT, capture_output=True, timeout=120,
        )  # fmt: skip
        return time.monotonic() - began, done.returncode


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--most", type=float, default=6.0, help="seconds that a command may take, 6 by default")
    parser.add_argument("--only", default=",".join(NETWORKS), help=f"of {', '.join(NETWORKS)}")
    parser.add_argument("--commands", default=",".join(COMMANDS), help=f"of {', '.join(COMMANDS)}")
    options = parser.parse_args(argv)
    kinds, names = options.only.split(","), options.commands.split(",")
    if unknown := {*kinds, *names} - {*NETWORKS, *COMMANDS}:
        parser.error(f"not known: {', '.join(sorted(unknown))}")
    print(f"{'command':<10}{'offline':>9}" + "".join(f"{kind:>12}" for kind in kinds))
    failed = False
    for name in names:
        offline, status = run([*COMMANDS[name], "--offline"], "", "https://hub.example")
        row = f"{name:<10}{offline:9.2f}"
        for kind in kinds:
            with dead_network(kind) as place:
                took, ended = run(COMMANDS[name], kind, place)
            failed |= took > options.most or ended != status
            row += f"{took:12.2f}" if ended == status else f"{f'status {ended}':>12}"
        print(row, flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
