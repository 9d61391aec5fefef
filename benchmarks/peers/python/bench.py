"""The Python clients' part in the benchmark: cassandra-driver and async-cassandra.

The workloads of ../../src/workloads.ts, told what to do as ../../src/protocol.ts says. The client is the first argument.
"""

import json
import platform
import sys
import time
from importlib.metadata import version

from common import Histogram

CLIENT, WORKLOAD = sys.argv[1], sys.argv[2]

if CLIENT == "cassandra-driver":
    from sync_client import Client
else:
    from async_client import Client


def say(value):
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def extensions():
    """What is compiled: without it the driver is several times slower."""
    from cassandra.cluster import Cluster
    from cassandra.cython_deps import HAVE_CYTHON

    return f"Cython {'on' if HAVE_CYTHON else 'off'}, {Cluster.connection_class.__name__}"


def connections(milliseconds, latencies):
    end, operations = time.perf_counter() + milliseconds / 1000, 0
    while time.perf_counter() < end:
        start = time.perf_counter()
        fresh = Client(WORKLOAD)
        fresh.point_read()
        latencies.record(time.perf_counter() - start)
        fresh.close()
        operations += 1
    return operations


def work(client, stretch):
    latencies = Histogram()
    milliseconds, rate = stretch["milliseconds"], stretch.get("rate")
    before = time.process_time()
    start = time.perf_counter()
    if WORKLOAD == "connect":
        operations = connections(milliseconds, latencies)
    elif rate is not None:
        operations = client.at_rate(milliseconds, rate, latencies)
    else:
        operations = client.closed_loop(WORKLOAD, milliseconds, stretch["concurrency"])
    elapsed = (time.perf_counter() - start) * 1000
    return {
        "operations": operations,
        "milliseconds": elapsed,
        "cpuMicros": (time.process_time() - before) * 1e6,
        "latency": latencies.sparse(),
    }


def main():
    client = Client(WORKLOAD)
    client.point_read()
    cpu = time.process_time()
    driver = version("cassandra-driver")
    say(
        {
            "version": version(CLIENT),
            "runtime": f"Python {platform.python_version()}, "
            + ("" if CLIENT == "cassandra-driver" else f"cassandra-driver {driver}, ")
            + extensions(),
            "cpuMicros": cpu * 1e6,
        }
    )
    for line in sys.stdin:
        try:
            say(work(client, json.loads(line)))
        except Exception as error:
            say({"failure": repr(error)[:500]})
    client.close()


main()
