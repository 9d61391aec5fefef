/**
 * The matrix: what the client does when production does what it does. The runs are judged by this table, and
 * docs/reliability.md is written from it and from what was measured. Data only.
 */

export const columns = {
  reads: "reads",
  writes: "idempotent writes",
  others: "other writes",
  conditional: "conditional writes",
  batches: "batches",
  streams: "streams in the middle",
  prepare: "prepare",
  connect: "connect",
  close: "close"
} as const

export type Column = keyof typeof columns

/**
 * - `served`: every operation succeeds; some take longer.
 * - `typed`: each operation succeeds, or fails within its deadline with a tagged error that says whether it may have been
 *   applied. When the trouble is over, all succeed.
 */
export type Expectation = "served" | "typed"

/** How the client reaches the nodes: past proxies of bytes, past proxies of frames, or by a name that resolves to them. */
export type Path = "bytes" | "frames" | "names"

export interface Row {
  readonly id: string
  readonly fault: string
  /** What is done to the cluster, or to the client. */
  readonly injected: string
  /** What the client does about it. */
  readonly answer: string
  readonly path: Path
  readonly cells: Readonly<Record<Column, Expectation>>
  /** The time to recover is counted from here: the first moment of the fault, or its end. */
  readonly from: "start" | "end"
  /** Seconds; longer is a failure. */
  readonly within: number
  /** Other tests of the same, as the coverage table names tests. */
  readonly tests: ReadonlyArray<string>
  /** Needs one node only: it is run by `npm test` as well. */
  readonly quick?: true
}

/** What runs measured. */
export interface Measured {
  /** By row. */
  readonly rows: Readonly<Record<string, RowMeasured>>
  /** What the matrix ran on, with the date. */
  readonly machine?: string
  readonly soak?: SoakMeasured
}

export interface RowMeasured {
  readonly cells: Readonly<Record<Column, CellResult>>
  /** Milliseconds from the end of the fault until the client had its connections to all nodes and its control connection. */
  readonly whole: number
}

export interface SoakMeasured {
  readonly minutes: number
  readonly machine: string
  readonly operations: Readonly<Record<string, number>>
  readonly faults: Readonly<Record<string, number>>
  readonly errors: Readonly<Record<string, number>>
  readonly looked: number
  readonly lost: number
  readonly duplicated: number
  readonly before: Level
  readonly after: Level
}

interface Level {
  /** Megabytes. */
  readonly heap: number
  readonly sockets: number
  readonly handles: number
}

/** What a run measured in one cell. */
export interface CellResult {
  readonly operations: number
  readonly failed: Readonly<Record<string, number>>
  /** Milliseconds from where the row counts until the last operation ended that failed or was slow. */
  readonly recovered: number
  /** The longest operation, in milliseconds. */
  readonly longest: number
}

const all = (expectation: Expectation): Record<Column, Expectation> => ({
  reads: expectation,
  writes: expectation,
  others: expectation,
  conditional: expectation,
  batches: expectation,
  streams: expectation,
  prepare: expectation,
  connect: expectation,
  close: "served"
})

const served = all("served")
/** What is not idempotent is not sent again once it may have been applied. */
const unlessApplied: Record<Column, Expectation> = { ...served, others: "typed", conditional: "typed" }
/** Nor is a logged batch whose log was not written in time: the policy's table does not have it. */
const unlessReplica: Record<Column, Expectation> = { ...unlessApplied, batches: "typed" }
const outage: Record<Column, Expectation> = all("typed")

export const rows: ReadonlyArray<Row> = [
  {
    id: "refused",
    fault: "connections refused",
    injected: "a node's connections break, and new ones are refused for 4 s",
    answer: "goes on with the other nodes, and tries the node again by the `reconnection` schedule",
    path: "bytes",
    cells: unlessApplied,
    from: "start",
    within: 15,
    tests: [
      "connecting.it.ts: to a port that refuses fails after the attempts asked for, with growing delays, and names the hosts"
    ]
  },
  {
    id: "black-holed",
    fault: "black hole",
    injected: "for 5 s nothing gets to a node nor back, and nobody is told",
    answer:
      "gives a request up after its `timeout` and asks another node, if it is idempotent; what cannot be told to have been applied is an `OperationTimedOutError`",
    path: "bytes",
    cells: unlessApplied,
    from: "end",
    within: 15,
    tests: []
  },
  {
    id: "reset",
    fault: "reset",
    injected: "all connections to a node are reset, three times in 3 s",
    answer: "sends again what is idempotent, elsewhere, and opens the connections anew",
    path: "bytes",
    cells: unlessApplied,
    from: "start",
    within: 15,
    tests: []
  },
  {
    id: "half-open",
    fault: "half-open connections",
    injected: "for 5 s requests arrive at a node and its answers do not come back",
    answer: "as with a black hole; the writes were applied, and a second time would be once too many",
    path: "bytes",
    cells: unlessApplied,
    from: "end",
    within: 15,
    tests: []
  },
  {
    id: "slow",
    fault: "slow node",
    injected: "for 4 s every byte to and from a node takes 150 to 250 ms",
    answer: "waits; nothing is given up before its `timeout`",
    path: "bytes",
    cells: served,
    from: "end",
    within: 15,
    tests: []
  },
  {
    id: "corrupted",
    fault: "corrupted bytes",
    injected: "for 8 s a bit is turned over in one of twenty pieces to or from a node",
    answer:
      "finds it by the checksums of protocol v5, believes nothing of it, and opens the connection anew; as with a reset, what cannot be told to have been applied is not sent again",
    path: "bytes",
    cells: unlessApplied,
    from: "end",
    within: 15,
    tests: []
  },
  {
    id: "paused",
    fault: "paused process",
    injected: "a node's process stands still for 5 s (SIGSTOP)",
    answer: "as with a black hole; a node that hangs as a replica is the other coordinators' affair",
    path: "bytes",
    cells: unlessReplica,
    from: "end",
    within: 15,
    tests: ["dataCenters.it.ts: a node that hangs: a speculative execution answers for it, for what is idempotent"]
  },
  {
    id: "killed",
    fault: "killed node",
    injected: "a node's process is killed (SIGKILL), and started again 5 s later",
    answer: "goes on with the other nodes; with the node again when the cluster announces it, or by `reconnection`",
    path: "bytes",
    cells: unlessReplica,
    from: "end",
    within: 30,
    tests: [
      "cluster.it.ts: killing a node in the middle loses no idempotent request, and applies no other write twice",
      "cluster.it.ts: the node that comes back serves again"
    ]
  },
  {
    id: "restarted",
    fault: "restarted node",
    injected: "a node is stopped in good order and started again",
    answer: "as with a killed node",
    path: "bytes",
    cells: unlessReplica,
    from: "end",
    within: 15,
    tests: []
  },
  {
    id: "flapping",
    fault: "flapping node",
    injected: "every second for 8 s a node's connections break and are refused, or accepted again",
    answer: "as with refused connections, each time anew",
    path: "bytes",
    cells: unlessApplied,
    from: "end",
    within: 15,
    tests: []
  },
  {
    id: "rolling",
    fault: "rolling restart",
    injected: "every node is restarted, one after the other, each when the one before is back",
    answer: "as with a killed node; the control connection moves to a node that is up",
    path: "bytes",
    cells: unlessReplica,
    from: "end",
    within: 15,
    tests: []
  },
  {
    id: "all-down",
    fault: "all nodes down, then up",
    injected:
      "all processes, which acknowledge only what is on the disk (`commitlog_sync: batch`), are killed at once and started again",
    answer: "fails requests at once with `NoHostAvailableError` while there is no node, and comes back by itself",
    path: "bytes",
    cells: outage,
    from: "end",
    within: 30,
    tests: []
  },
  {
    id: "control-lost",
    fault: "control connection lost",
    injected:
      "the control connection breaks four times, wherever it has gone, each time when all connections are there",
    answer: "opens it to another node and reads nodes and schema again; requests are none the wiser",
    path: "bytes",
    cells: unlessApplied,
    from: "start",
    within: 15,
    tests: []
  },
  {
    id: "schema-changed",
    fault: "schema changed under load",
    injected: "columns are added and dropped, and a table created and dropped, by another client, for about 5 s",
    answer:
      "prepares again what the nodes have forgotten; rows have the columns of their moment. As long as the nodes do not agree on the schema, one that does not know a column yet fails a read of it: a `ReadFailureError`, which is not tried again",
    path: "bytes",
    cells: outage,
    from: "end",
    within: 15,
    tests: []
  },
  {
    id: "unprepared",
    fault: "prepared statements lost",
    injected: "for 3 s nodes answer UNPREPARED to every execution, once for each",
    answer: "prepares the statement on that node and sends the execution again, which was not applied; at most 3 times",
    path: "frames",
    cells: served,
    from: "end",
    within: 15,
    tests: [],
    quick: true
  },
  {
    id: "stream-ids",
    fault: "stream ids exhausted",
    injected: "64 requests fill a connection; a node stands still for 3 s while 600 reads are wanted at any time",
    answer: "admits what the connections can carry, lets the others wait, and passes over a connection that is full",
    path: "bytes",
    cells: unlessApplied,
    from: "end",
    within: 15,
    tests: [
      "load.it.ts: more than can be in flight and queued fail with RequestThrottledError, and the accepted ones finish"
    ]
  },
  {
    id: "pool-gone",
    fault: "all connections gone",
    injected: "every connection to every node is reset at once, twice",
    answer:
      "fails what was under way and cannot be sent again, and what finds no connection, with a tagged error; opens them anew",
    path: "bytes",
    cells: outage,
    from: "start",
    within: 15,
    tests: []
  },
  {
    id: "overloaded",
    fault: "overloaded answers",
    injected: "for 3 s all nodes answer OVERLOADED to everything during 60 ms of each half second",
    answer:
      "sends again what is idempotent, to the next node and after a growing delay; the rest is an `OverloadedError`",
    path: "frames",
    cells: unlessApplied,
    from: "end",
    within: 15,
    tests: []
  },
  {
    id: "clock",
    fault: "clock jumping backwards",
    injected: "for 4 s the client's clock is an hour behind",
    answer: "keeps its timestamps growing, so that later writes win; no timeout, delay or heartbeat goes by that clock",
    path: "bytes",
    cells: served,
    from: "end",
    within: 15,
    tests: []
  },
  {
    id: "membership",
    fault: "a node joins, another leaves",
    injected: "a fourth node joins the cluster and takes over its part; then another hands over its own and leaves",
    answer: "connects to the new node, routes by the new tokens, and closes its connections to the node that left",
    path: "bytes",
    cells: unlessReplica,
    from: "end",
    within: 30,
    tests: []
  },
  {
    id: "dns",
    fault: "DNS name with other addresses",
    injected: "every node moves to another address, to which the name of the contact point resolves from then on",
    answer:
      "resolves the names of the contact points again when it can reach no node it knows, and learns the others' addresses from there",
    path: "names",
    cells: outage,
    from: "start",
    within: 30,
    tests: [],
    quick: true
  }
]
