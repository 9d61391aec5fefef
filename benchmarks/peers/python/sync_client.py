"""cassandra-driver: execute_async with callbacks, which is its fastest way; streams in threads, as its results block."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from cassandra import ConsistencyLevel
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
from cassandra.query import BatchStatement, BatchType
from common import PLAN, any_of, cluster_arguments, load_balancing_policy, reading_values, request, statements, touch


class Client:
    def __init__(self, workload):
        profile = ExecutionProfile(load_balancing_policy(), consistency_level=ConsistencyLevel.LOCAL_ONE)
        self.cluster = Cluster(**cluster_arguments(), execution_profiles={EXEC_PROFILE_DEFAULT: profile})
        self.session = self.cluster.connect(PLAN["keyspace"])
        self.session.default_fetch_size = PLAN["pageSize"]
        # Not when it is needed first: that may be in a callback, on the thread of the connections, which must not wait.
        self.prepared = {name: self.session.prepare(PLAN[name]) for name in statements(workload)}

    def close(self):
        self.cluster.shutdown()

    def point_read(self):
        statement, values, on_row = request("point-read")
        for row in self.session.execute(self.prepared[statement], values()):
            on_row(row)

    def batch(self):
        station, insert = any_of("batchedPartitions"), self.prepared["insertBatched"]
        batch = BatchStatement(BatchType.UNLOGGED)
        for seq in range(PLAN["batchSize"]):
            batch.add(insert, reading_values(station, seq))
        return self.session.execute_async(batch), touch

    def send(self, workload):
        if workload == "batch":
            return self.batch()
        statement, values, on_row = request(workload)
        return self.session.execute_async(self.prepared[statement], values()), on_row

    def scan(self, end):
        rows = 0
        while time.perf_counter() < end:
            for row in self.session.execute(self.prepared["selectReadings"]):
                touch(row)
                rows += 1
        return rows

    def closed_loop(self, workload, milliseconds, concurrency):
        end = time.perf_counter() + milliseconds / 1000
        if workload == "scan":
            return self.scan(end)
        if workload == "streams":
            with ThreadPoolExecutor(concurrency) as pool:
                return sum(pool.map(self.scan, [end] * concurrency))
        return self.callbacks(workload, end, concurrency)

    def callbacks(self, workload, end, concurrency):
        operations, working, failures, done, lock = 0, concurrency, [], threading.Event(), threading.Lock()

        def stop():
            nonlocal working
            with lock:
                working -= 1
                if working == 0:
                    done.set()

        def failed(error):
            failures.append(error)
            stop()

        def next_one():
            if failures or time.perf_counter() >= end:
                return stop()
            try:
                future, on_row = self.send(workload)
            except Exception as error:
                return failed(error)

            def answered(rows):
                nonlocal operations
                try:
                    for row in rows or ():
                        on_row(row)
                except Exception as error:
                    return failed(error)
                operations += 1
                next_one()

            future.add_callbacks(answered, failed)

        for _ in range(concurrency):
            next_one()
        done.wait()
        if failures:
            raise failures[0]
        return operations

    def at_rate(self, milliseconds, rate, latencies):
        """Begins operations by the clock; a latency counts from the moment at which its operation was to begin."""
        total, failures, done, lock = int(milliseconds * rate / 1000), [], threading.Event(), threading.Lock()
        answers = 0

        def answered(rows, due, on_row):
            nonlocal answers
            for row in rows:
                on_row(row)
            with lock:
                latencies.record(time.perf_counter() - due)
                answers += 1
                if answers == total:
                    done.set()

        def failed(error):
            failures.append(error)
            done.set()

        start = time.perf_counter()
        for n in range(total):
            due = start + n / rate
            wait = due - time.perf_counter()
            if wait > 0:
                time.sleep(wait)
            if failures:
                break
            future, on_row = self.send("point-read")
            future.add_callbacks(answered, failed, callback_args=(due, on_row))
        done.wait()
        if failures:
            raise failures[0]
        return total
