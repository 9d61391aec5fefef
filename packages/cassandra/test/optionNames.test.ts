import { assert, describe, it } from "@effect/vitest"
import {
  Batch,
  CassandraMetrics,
  Cluster,
  Columns,
  cql,
  ExecutionProfile,
  Health,
  LoadBalancing,
  Query,
  Resolver,
  RetryPolicy,
  Session,
  SpeculativeExecution,
  Statement,
  TimestampGenerator
} from "effect-cassandra"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { ConfigurationError } from "../src/CassandraError.ts"
import { nearest, unknownOption } from "../src/internal/options/optionNames.ts"
import { ScriptedServer } from "./wire/ScriptedServer.ts"

type Run = Effect.Effect<unknown, unknown, Cluster.Cluster | Session.Session>

class Server extends Context.Tag("Server")<Server, ScriptedServer>() {}

const connected = Layer.scoped(
  Cluster.Cluster,
  Effect.flatMap(Server, ({ port }) => Cluster.make({ contactPoints: ["127.0.0.1"], port, localDataCenter: "dc1" }))
).pipe(
  Layer.provide(
    Layer.scoped(
      Server,
      Effect.acquireRelease(
        Effect.promise(() => ScriptedServer.start()),
        (server) => Effect.promise(() => server.close())
      )
    )
  )
)
const setup = Layer.scoped(Session.Session, Session.make()).pipe(Layer.provideMerge(connected))

/** What is expected of wrong options: the message, word for word. */
type Row = readonly [options: unknown, message: string]

const rows: ReadonlyArray<readonly [taker: string, take: (options: never) => Run, wrong: ReadonlyArray<Row>]> = [
  [
    "Cluster.make",
    (options) => Effect.scoped(Cluster.make(options)),
    [
      [{ contactPoint: ["x"] }, 'no option "contactPoint"; did you mean "contactPoints"?'],
      [{ contactpoints: ["x"] }, 'no option "contactpoints"; did you mean "contactPoints"?'],
      [{ localDatacenter: "dc1" }, 'no option "localDatacenter"; did you mean "localDataCenter"?'],
      [{ timeoutMillis: 5 }, 'no option "timeoutMillis"; did you mean "timeout"?'],
      [{ consistancy: "ONE" }, 'no option "consistancy"; did you mean "consistency"?'],
      [{ schemaRefreshWindows: 1 }, 'no option "schemaRefreshWindows"; did you mean "schemaRefreshWindow"?'],
      [{ retrypolicy: RetryPolicy.never }, 'no option "retrypolicy"; did you mean "retryPolicy"?'],
      [{ keyspace: "k" }, 'no option "keyspace"; it is an option of a session: Session.layer({ keyspace })'],
      [
        { advanced: {} },
        'no option "advanced"; options of cassandra-driver are for "DriverCluster.layer" of effect-cassandra/driver'
      ],
      [{ xyzzy: 1 }, 'no option "xyzzy"'],
      [{ contactPoint: undefined }, 'no option "contactPoint"; did you mean "contactPoints"?'],
      [{ tls: { caa: "x" } }, 'no option "tls.caa"; did you mean "tls.ca"?'],
      [{ tls: { rejectUnauthorized: false } }, 'no option "tls.rejectUnauthorized"; use "tls.acceptAnyCertificate"'],
      [{ socket: { nodelay: true } }, 'no option "socket.nodelay"; did you mean "socket.noDelay"?'],
      [
        { connectionsPerHost: { locl: 1 } },
        'no option "connectionsPerHost.locl"; did you mean "connectionsPerHost.local"?'
      ],
      [{ breaker: { failure: 1 } }, 'no option "breaker.failure"; did you mean "breaker.failures"?'],
      [{ metrics: { sink: [] } }, 'no option "metrics.sink"; did you mean "metrics.sinks"?'],
      [
        { credentials: { user: "u", password: Redacted.make("p") } },
        'no option "credentials.user"; did you mean "credentials.username"?'
      ],
      [
        { profiles: { olap: { pagesize: 1 } } },
        'no option "profiles.olap.pagesize"; did you mean "profiles.olap.pageSize"?'
      ],
      [
        { speculativeExecution: SpeculativeExecution.constant({ delay: 1, maxExecution: 3 } as never) },
        'no option "speculativeExecution.maxExecution"; did you mean "speculativeExecution.maxExecutions"?'
      ],
      [
        { loadBalancing: LoadBalancing.standardWith({ remoteDatacenters: ["x"] } as never) },
        'loadBalancing: no option "remoteDatacenters"; did you mean "remoteDataCenters"?'
      ]
    ]
  ],
  [
    "Cluster.layer",
    (options) => Layer.build(Cluster.layer(options)).pipe(Effect.scoped),
    [[{ prt: 1 }, 'no option "prt"; did you mean "port"?']]
  ],
  [
    "Cluster.layerEnv",
    (options) => Layer.build(Cluster.layerEnv(options)).pipe(Effect.scoped),
    [[{ prt: 1 }, 'no option "prt"; did you mean "port"?']]
  ],
  [
    "Session.make",
    (options) => Effect.scoped(Session.make(options)),
    [
      [{ keyspaces: "k" }, 'no option "session.keyspaces"; did you mean "session.keyspace"?'],
      [{ pageSzie: 1 }, 'no option "session.pageSzie"; did you mean "session.pageSize"?']
    ]
  ],
  [
    "cluster.connect",
    (options) => Effect.flatMap(Cluster.Cluster, (cluster) => Effect.scoped(cluster.connect(options))),
    [[{ keySpace: "k" }, 'no option "session.keySpace"; did you mean "session.keyspace"?']]
  ],
  [
    "cluster.addProfile",
    (options) => Effect.flatMap(Cluster.Cluster, (cluster) => cluster.addProfile("new", options)),
    [[{ timeOut: 1 }, 'no option "profiles.new.timeOut"; did you mean "profiles.new.timeout"?']]
  ],
  [
    "cluster.addProfile's own options",
    (options) => Effect.flatMap(Cluster.Cluster, (cluster) => cluster.addProfile("new", {}, options)),
    [[{ poolTimeout: 1 }, 'no option "addProfile.poolTimeout"; there are poolWaitTimeout']]
  ],
  [
    "cluster.subscribe",
    (options) => Effect.flatMap(Cluster.Cluster, (cluster) => Effect.scoped(cluster.subscribe(options))),
    [[{ capacty: 1 }, 'no option "cluster.subscribe.capacty"; did you mean "cluster.subscribe.capacity"?']]
  ],
  [
    "metadata.refreshSchema",
    (options) => Effect.flatMap(Cluster.Cluster, ({ metadata }) => metadata.refreshSchema(options)),
    [[{ maxwait: 1 }, 'no option "metadata.refreshSchema.maxwait"; did you mean "metadata.refreshSchema.maxWait"?']]
  ],
  [
    "metadata.awaitSchemaAgreement",
    (options) => Effect.flatMap(Cluster.Cluster, ({ metadata }) => metadata.awaitSchemaAgreement(options)),
    [[{ wait: 1 }, 'no option "metadata.awaitSchemaAgreement.wait"; there are maxWait']]
  ],
  [
    "Session.withDefaults",
    (options) =>
      Effect.flatMap(Session.Session, (session) => session.execute(cql`SELECT 1`)).pipe(Session.withDefaults(options)),
    [
      [
        { consistencies: "ONE" },
        'no option "Session.withDefaults.consistencies"; did you mean "Session.withDefaults.consistency"?'
      ]
    ]
  ],
  [
    "Statement.make",
    (options) => Effect.flatMap(Session.Session, (session) => session.execute(Statement.make("SELECT 1", [], options))),
    [
      [{ idempotant: true }, 'no option "statement.idempotant"; did you mean "statement.idempotent"?'],
      [{ profile: { page: 1 } }, 'no option "statement.profile.page"; did you mean "statement.profile.pageSize"?']
    ]
  ],
  [
    "a stream",
    (options) =>
      Effect.flatMap(Session.Session, (session) =>
        Stream.runDrain(session.stream(Statement.make("SELECT 1", [], options)))
      ),
    [[{ preFetch: 1 }, 'no option "statement.preFetch"; did you mean "statement.prefetch"?']]
  ],
  [
    "a profile of a statement",
    (options) =>
      Effect.flatMap(Session.Session, (session) =>
        session.execute(cql`SELECT 1`.pipe(Statement.withProfile(ExecutionProfile.make(options))))
      ),
    [[{ retryPolcy: 1 }, 'no option "statement.profile.retryPolcy"; did you mean "statement.profile.retryPolicy"?']]
  ],
  [
    "Batch.make",
    (options) => Effect.flatMap(Session.Session, (session) => session.batch(Batch.make("LOGGED", [cql`x`], options))),
    [
      [{ timestmp: 1n }, 'no option "batch.timestmp"; did you mean "batch.timestamp"?'],
      [{ pageSize: 1 }, 'no option "batch.pageSize"; a batch has no pages']
    ]
  ],
  [
    "session.prepare",
    (options) => Effect.flatMap(Session.Session, (session) => session.prepare("SELECT 1", options)),
    [
      [{ keyspac: "k" }, 'no option "prepare.keyspac"; did you mean "prepare.keyspace"?'],
      [{ consistency: "ONE" }, 'no option "prepare.consistency"; there are keyspace, timeout, refresh, customPayload']
    ]
  ],
  [
    "session.trace",
    (options) => Effect.flatMap(Session.Session, (session) => session.trace("id", options)),
    [[{ maxWaits: 1 }, 'no option "trace.maxWaits"; did you mean "trace.maxWait"?']]
  ],
  [
    "a query that reads",
    (options: Reading) => Query.findAll(options)(1),
    [[{ ...reading(), null: "check" }, 'no option "Query.null"; did you mean "Query.nulls"?']]
  ],
  [
    "a query that streams",
    (options: Reading) => Stream.runDrain(Query.stream(options)(1)),
    [[{ ...reading(), samples: 1 }, 'no option "Query.samples"; did you mean "Query.sample"?']]
  ],
  [
    "a query that writes",
    (options: Reading) => Query.void(options)(1),
    [[{ ...reading() }, 'no option "Query.Result"; there are Request, execute, sample']]
  ],
  [
    "Query.prepare",
    (options) => Query.prepare(Query.findAll(options)),
    [[{ ...reading(), null: "check" }, 'no option "Query.null"; did you mean "Query.nulls"?']]
  ],
  [
    "a page",
    (options) => Query.page(reading())(options),
    [[{ request: 1, size: 5 }, 'no option "Query.page.size"; there are request, after, pageSize']]
  ],
  [
    "Resolver.ordered",
    (options) => Resolver.ordered("r", options),
    [
      [
        { ...reading(), concurency: 1 },
        'no option "Resolver.ordered.concurency"; did you mean "Resolver.ordered.concurrency"?'
      ]
    ]
  ],
  [
    "Health.check",
    (options) => Health.check(options),
    [[{ minUp: 1 }, 'no option "Health.minUp"; there are timeout, minimumUp, schedule']]
  ],
  [
    "CassandraMetrics.topStatements",
    (options) => CassandraMetrics.topStatements(options),
    [
      [
        { limits: 1 },
        'no option "CassandraMetrics.topStatements.limits"; did you mean "CassandraMetrics.topStatements.limit"?'
      ]
    ]
  ],
  [
    "Columns.select",
    (options) => Effect.sync(() => Columns.select(Schema.Struct({ a: Schema.Int }), options)),
    [[{ expect: ["a"] }, 'no option "Columns.expect"; did you mean "Columns.except"?']]
  ],
  [
    "RetryPolicy.make",
    (options) => Effect.sync(() => RetryPolicy.make(options)),
    [
      [
        { decide: () => RetryPolicy.rethrow, shedule: Schedule.stop },
        'no option "RetryPolicy.make.shedule"; did you mean "RetryPolicy.make.schedule"?'
      ]
    ]
  ],
  [
    "TimestampGenerator.monotonic",
    (options) => Effect.sync(() => TimestampGenerator.monotonic(options)),
    [
      [
        { warnafter: 1 },
        'no option "TimestampGenerator.monotonic.warnafter"; did you mean "TimestampGenerator.monotonic.warnAfter"?'
      ]
    ]
  ]
]

type Reading = ReturnType<typeof reading>

function reading() {
  return { Request: Schema.Int, Result: Schema.Struct({ v: Schema.Int }), execute: (v: number) => cql`SELECT ${v}` }
}

describe("an option that nobody knows", () => {
  for (const [taker, take, wrong] of rows) {
    for (const [options, message] of wrong) {
      it.live(`${taker}: ${message}`, () =>
        Effect.gen(function* () {
          const error = yield* Effect.suspend(() => take(options as never)).pipe(
            // What gives no effect throws where it is called.
            Effect.catchAllDefect(Effect.fail),
            Effect.flip
          )
          assert.instanceOf(error, ConfigurationError)
          assert.strictEqual(error.message, message)
          assert.include(message, error.option)
        }).pipe(Effect.provide(setup))
      )
    }
  }
})

const names = new Set(["contactPoints", "port", "timeout", "connectTimeout", "keyspace"])
const cases: ReadonlyArray<readonly [given: string, near: string | undefined]> = [
  ["contactPoint", "contactPoints"],
  ["contact_points", "contactPoints"],
  ["prot", "port"],
  ["ports", "port"],
  ["timeoutMs", "timeout"],
  ["conectTimeout", "connectTimeout"],
  ["Keyspace", "keyspace"],
  ["something", undefined],
  ["", undefined],
  ["__proto__", undefined],
  ["constructor", undefined]
]
for (const [given, near] of cases) {
  it(`the nearest option to ${JSON.stringify(given)} is ${near}`, () => assert.strictEqual(nearest(given, names), near))
}

it("the nearest option is looked for in a part of a name that is long", () => {
  const error = unknownOption("", { ["x".repeat(1_000_000)]: 1 }, names)
  assert.isBelow(error!.message.length, 200)
})
