"""async-cassandra: coroutines, as its manual shows."""

import asyncio
import time

from async_cassandra import AsyncCluster, StreamConfig
from cassandra.query import BatchStatement, BatchType
from common import PLAN, any_of, cluster_arguments, load_balancing_policy, reading_values, request, statements, touch

# One event loop for all there is to do.
run = asyncio.Runner().run


class Client:
    def __init__(self, workload):
        run(self.open(workload))

    async def open(self, workload):
        # It configures the driver the old way, without profiles; LOCAL_ONE is the default.
        self.cluster = AsyncCluster(**cluster_arguments(), load_balancing_policy=load_balancing_policy())
        self.session = await self.cluster.connect(PLAN["keyspace"])
        self.prepared = {name: await self.session.prepare(PLAN[name]) for name in statements(workload)}

    def close(self):
        run(self.shut())

    async def shut(self):
        await self.session.close()
        await self.cluster.shutdown()

    def point_read(self):
        run(self.once("point-read"))

    async def once(self, workload):
        """Does one operation, and tells as how many it counts."""
        if workload in ("scan", "streams"):
            return await self.stream("selectReadings", ())
        if workload == "batch":
            await self.batch()
            return 1
        statement, values, on_row = request(workload)
        if workload == "small-streams":
            await self.stream(statement, values())
            return 1
        for row in await self.session.execute(self.prepared[statement], values()):
            on_row(row)
        return 1

    async def batch(self):
        station, batch = any_of("batchedPartitions"), BatchStatement(BatchType.UNLOGGED)
        for seq in range(PLAN["batchSize"]):
            batch.add(self.prepared["insertBatched"], reading_values(station, seq))
        await self.session.execute_batch(batch)

    async def stream(self, statement, values):
        rows, config = 0, StreamConfig(fetch_size=PLAN["pageSize"])
        async with await self.session.execute_stream(self.prepared[statement], values, stream_config=config) as result:
            async for row in result:
                touch(row)
                rows += 1
        return rows

    def closed_loop(self, workload, milliseconds, concurrency):
        return run(self.workers(workload, milliseconds, concurrency))

    async def workers(self, workload, milliseconds, concurrency):
        end, failures = time.perf_counter() + milliseconds / 1000, []

        async def worker():
            operations = 0
            while not failures and time.perf_counter() < end:
                try:
                    operations += await self.once(workload)
                except Exception as error:
                    failures.append(error)
            return operations

        counts = await asyncio.gather(*(worker() for _ in range(concurrency)))
        if failures:
            raise failures[0]
        return sum(counts)

    def at_rate(self, milliseconds, rate, latencies):
        return run(self.paced(milliseconds, rate, latencies))

    async def paced(self, milliseconds, rate, latencies):
        """Begins operations by the clock; a latency counts from the moment at which its operation was to begin."""
        total, begun = int(milliseconds * rate / 1000), []

        async def one(due):
            await self.once("point-read")
            latencies.record(time.perf_counter() - due)

        start = time.perf_counter()
        while len(begun) < total:
            due = start + len(begun) / rate
            await asyncio.sleep(max(0, due - time.perf_counter()))
            begun.append(asyncio.ensure_future(one(due)))
        await asyncio.gather(*begun)
        return total
