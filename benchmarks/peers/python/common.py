"""What both clients need: the plan, the rows, and the figures of the process."""

import json
import math
import os
import random
import uuid
from datetime import datetime, timedelta, timezone

from cassandra.auth import PlainTextAuthProvider
from cassandra.policies import DCAwareRoundRobinPolicy, TokenAwarePolicy

PLAN = json.loads(os.environ["BENCH_PLAN"])
EPOCH = datetime.fromtimestamp(1_700_000_000, timezone.utc)


def load_balancing_policy():
    return TokenAwarePolicy(DCAwareRoundRobinPolicy(os.environ["CASSANDRA_LOCAL_DC"]))


def cluster_arguments():
    arguments = {
        "contact_points": os.environ["CASSANDRA_CONTACT_POINTS"].split(","),
        "port": int(os.environ["CASSANDRA_PORT"]),
        # The highest version that it takes for final; without it, it tries the others first and says so.
        "protocol_version": 5,
    }
    if "CASSANDRA_USERNAME" in os.environ:
        arguments["auth_provider"] = PlainTextAuthProvider(
            os.environ["CASSANDRA_USERNAME"], os.environ["CASSANDRA_PASSWORD"]
        )
    return arguments


def any_of(count):
    return random.randrange(PLAN[count])


def user_id(n):
    return uuid.UUID(int=0x00000000_0000_4000_8000_000000000000 | n)


def user_values(n):
    created_at = EPOCH + timedelta(minutes=n)
    return (user_id(n), f"User number {n}", f"user{n}@example.com", n * 17, n / 3, n % 2 == 0, created_at)


def reading_values(station, seq):
    return (station, seq, EPOCH + timedelta(seconds=seq), f"thermometer {seq % 16}", 20 + (seq % 100) / 10)


def touch(row):
    """Every cell is there: both clients decode all of them when a page arrives."""
    for cell in row:
        if cell is None:
            raise ValueError("a cell is missing")


def touch_large(row):
    if len(row[0]) < 100_000:
        raise ValueError("a large cell is missing")


# Per workload: the statement in the plan, its values, and what is done with each row.
REQUESTS = {
    "point-read": ("selectUser", lambda: (user_id(any_of("users")),), touch),
    "insert": ("insertUser", lambda: user_values(any_of("users")), touch),
    "small-streams": ("selectFew", lambda: (any_of("partitions"),), touch),
    "wide-rows": ("selectWide", lambda: (any_of("wideRows"),), touch),
    "large-cells": ("selectLarge", lambda: (any_of("largeRows"),), touch_large),
}
REQUESTS["concurrency"] = REQUESTS["latency"] = REQUESTS["point-read"]


def statements(workload):
    """Of the plan: the point read, which every client begins with, and what else the workload needs."""
    others = {
        "mixed": ["insertUser"],
        "batch": ["insertBatched"],
        "scan": ["selectReadings"],
        "streams": ["selectReadings"],
    }
    own = [REQUESTS[workload][0]] if workload in REQUESTS else others.get(workload, [])
    return ["selectUser", *own]


def request(workload):
    if workload == "mixed":
        return REQUESTS["insert" if random.random() < 0.2 else "point-read"]
    return REQUESTS[workload]


class Histogram:
    """The buckets of ../../src/histogram.ts: 2 % wide, from a microsecond up."""

    WIDTH = math.log(1.02)

    def __init__(self):
        self.counts = {}

    def record(self, seconds):
        bucket = int(math.log(max(1.0, seconds * 1e6)) / self.WIDTH)
        self.counts[bucket] = self.counts.get(bucket, 0) + 1

    def sparse(self):
        return sorted(self.counts.items())
