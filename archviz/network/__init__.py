"""The network: one guarded way out, for the Hub, arXiv, GitHub and the pages that they lead to, and a cache on disk.

In: a `Service` (which hosts, which token) and the `Session` of one command. Out: an `httpx2.Client` whose transport asks only
those hosts, within limits of time and size, and that raises nothing but `archviz.errors`. Responses with 4xx come back as they
are, for their reader to tell apart; 429 and 5xx are errors after the retries.

Start reading at `client.open_client`, then `transport.py`:
    services.py    whom a client may ask, with which token; what pins an address to a commit
    session.py     one command's use of the network: its time, what it noted, whom it found unreachable
    stopwatch.py   how long a command waited for the network
    transport.py   the rules around one request: allowed, cached, offline, retried, a stale token
    exchange.py    one attempt, bounded in time and size while it is read
    routing.py     the real way out: direct or by the proxy of the environment
    pools.py       connections that are kept for the next request
    addresses.py   hosts of several addresses, some of which may be silent
    waits.py       back-off, `Retry-After`, rate limits, turns kept across processes
    line.py        who stands in line for a turn, across processes
    faults.py      the exceptions of others as ours, with what to do
    cache.py       answers on disk: whole or not at all, checked when read, bounded in size

How to add a service: a function in `services.py` that returns a `Service`. `cache.py`, `session.py` and `services.py` do not
load httpx2: an answer from the cache costs no network code.
"""
