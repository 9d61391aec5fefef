import { assert, layer } from "@effect/vitest"
import { Simulacron } from "effect-cassandra-testkit"
import * as Driver from "cassandra-driver"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Net from "node:net"

const { consistencies, responseErrorCodes: codes } = Driver.types

/** A client of the simulation's, which tries every request once. */
const connect = Effect.gen(function* () {
  const simulacron = yield* Simulacron.Simulacron
  return yield* Effect.acquireRelease(
    Effect.sync(
      () =>
        new Driver.Client({
          contactPoints: [...simulacron.contactPoints],
          localDataCenter: simulacron.localDataCenter,
          protocolOptions: { port: simulacron.port, maxVersion: 4 },
          isMetadataSyncEnabled: false,
          policies: {
            retry: new Driver.policies.retry.FallthroughRetryPolicy(),
            reconnection: new Driver.policies.reconnection.ConstantReconnectionPolicy(20)
          },
          socketOptions: { readTimeout: 1000, connectTimeout: 1000 }
        })
    ),
    (client) => Effect.promise(() => client.shutdown().catch(() => undefined))
  ).pipe(Effect.tap((client) => Effect.promise(() => client.connect())))
})

const ask = (client: Driver.Client, query: string, options: Driver.QueryOptions = {}, params: Array<unknown> = []) =>
  Effect.tryPromise({
    try: () => client.execute(query, params, options),
    catch: (error) => error as Driver.errors.ResponseError & Record<string, unknown>
  })

/** Asks until it succeeds, for five seconds at most: the driver comes back in its own time. */
const askSoon = (client: Driver.Client, query: string) =>
  ask(client, query).pipe(
    Effect.tapError(() => Effect.sleep("25 millis")),
    Effect.retry({ times: 200 })
  )

const replicas = { consistency: "QUORUM", received: 1, required: 2 } as const
const seen = { consistencies: consistencies.quorum, received: 1, blockFor: 2 }
const failures = { "127.0.0.9": "READ_TOO_MANY_TOMBSTONES" } as const

/** Every error it knows, and what a client sees of it. */
const errors: ReadonlyArray<readonly [then: Simulacron.Result, code: number, fields: Record<string, unknown>]> = [
  [{ _tag: "ServerError", message: "m" }, codes.serverError, { message: "m" }],
  [{ _tag: "ProtocolError", message: "m" }, codes.protocolError, { message: "m" }],
  [{ _tag: "AuthenticationError", message: "m" }, codes.badCredentials, { message: "m" }],
  [{ _tag: "Overloaded", message: "m" }, codes.overloaded, { message: "m" }],
  [{ _tag: "Bootstrapping" }, codes.isBootstrapping, {}],
  [{ _tag: "TruncateError", message: "m" }, codes.truncateError, { message: "m" }],
  [{ _tag: "SyntaxError", message: "m" }, codes.syntaxError, { message: "m" }],
  [{ _tag: "Invalid", message: "m" }, codes.invalid, { message: "m" }],
  [{ _tag: "Unauthorized", message: "m" }, codes.unauthorized, { message: "m" }],
  [{ _tag: "ConfigError", message: "m" }, codes.configError, { message: "m" }],
  [{ _tag: "AlreadyExists", keyspace: "k", table: "t" }, codes.alreadyExists, { keyspace: "k", table: "t" }],
  [
    { _tag: "Unavailable", consistency: "QUORUM", required: 2, alive: 1 },
    codes.unavailableException,
    { consistencies: consistencies.quorum, required: 2, alive: 1 }
  ],
  [{ _tag: "ReadTimeout", ...replicas, dataPresent: false }, codes.readTimeout, { ...seen, isDataPresent: 0 }],
  ...(["SIMPLE", "BATCH", "UNLOGGED_BATCH", "COUNTER", "BATCH_LOG", "CAS", "VIEW", "CDC"] as const).map(
    (writeType) =>
      [{ _tag: "WriteTimeout", ...replicas, writeType }, codes.writeTimeout, { ...seen, writeType }] as const
  ),
  [
    { _tag: "ReadFailure", ...replicas, dataPresent: true, failures },
    codes.readFailure,
    { ...seen, failures: 1, isDataPresent: 1 }
  ],
  [
    { _tag: "WriteFailure", ...replicas, writeType: "SIMPLE", failures },
    codes.writeFailure,
    { ...seen, failures: 1, writeType: "SIMPLE" }
  ],
  [
    { _tag: "FunctionFailure", keyspace: "k", functionName: "f", argumentTypes: ["int"], message: "m" },
    codes.functionFailure,
    { keyspace: "k", functionName: "f", argTypes: ["int"] }
  ]
]

layer(Simulacron.layer({ dataCenters: [2, 1] }), { excludeTestServices: true, timeout: "3 minutes" })(
  "Simulacron",
  (it) => {
    it.scoped("has the nodes that were asked for, and clients find them", () =>
      Effect.gen(function* () {
        const simulacron = yield* Simulacron.Simulacron
        assert.deepStrictEqual(
          simulacron.nodes.map(({ name }) => name),
          ["dc1/node1", "dc1/node2", "dc2/node1"]
        )
        const client = yield* connect
        assert.sameMembers(
          client.hosts.values().map((host) => `${host.datacenter} ${host.address}`),
          simulacron.nodes.map(({ address, dataCenter }) => `${dataCenter} ${address}:${simulacron.port}`)
        )
      })
    )

    it.scoped("answers with rows of every kind", () =>
      Effect.gen(function* () {
        const simulacron = yield* Simulacron.Simulacron
        const client = yield* connect
        yield* simulacron.prime("SELECT all", {
          _tag: "Rows",
          columns: {
            a: "int",
            b: "bigint",
            c: "text",
            d: "boolean",
            e: "uuid",
            f: "list<int>",
            g: "map<text,int>",
            h: "double",
            i: "text"
          },
          rows: [
            {
              a: 1,
              b: 2n ** 62n,
              c: "x",
              d: true,
              e: "b6a1d5c0-93d3-4a5e-8d2c-0c1a5d3d7f10",
              f: [1, 2],
              g: { k: 7 },
              h: 1.5,
              i: null
            }
          ]
        })
        const row = (yield* ask(client, "SELECT all")).first()
        assert.deepStrictEqual(
          { ...row, b: String(row["b"]), e: String(row["e"]) },
          {
            a: 1,
            b: String(2n ** 62n),
            c: "x",
            d: true,
            e: "b6a1d5c0-93d3-4a5e-8d2c-0c1a5d3d7f10",
            f: [1, 2],
            g: { k: 7 },
            h: 1.5,
            i: null
          }
        )
        yield* simulacron.prime("INSERT one", { _tag: "Void" })
        assert.isUndefined((yield* ask(client, "INSERT one")).rows)
      })
    )

    it.scoped("answers with every error of the protocol, executed or prepared", () =>
      Effect.gen(function* () {
        const simulacron = yield* Simulacron.Simulacron
        const client = yield* connect
        for (const [index, [then, code, fields]] of errors.entries()) {
          const query = `ERROR ${index}`
          yield* simulacron.prime(query, then)
          for (const prepare of [false, true]) {
            const error = yield* Effect.flip(ask(client, query, { prepare }))
            assert.deepInclude({ ...error, message: error.message }, { code, ...fields }, then._tag)
          }
        }
        yield* simulacron.prime("SELECT early", { _tag: "Overloaded", onPrepare: true })
        assert.strictEqual((yield* Effect.flip(ask(client, "SELECT early", { prepare: true }))).code, codes.overloaded)
      })
    )

    it.scoped("answers late, never, or by closing the connection", () =>
      Effect.gen(function* () {
        const simulacron = yield* Simulacron.Simulacron
        const client = yield* connect
        yield* simulacron.prime("SELECT late", { _tag: "Void", delay: "150 millis" })
        yield* simulacron.prime("CREATE late", { _tag: "AlreadyExists", keyspace: "k", delay: "150 millis" })
        for (const query of ["SELECT late", "CREATE late"]) {
          const started = Date.now()
          yield* Effect.exit(ask(client, query))
          assert.isAtLeast(Date.now() - started, 145)
        }
        yield* simulacron.prime("SELECT never", { _tag: "NoResult" })
        assert.include((yield* Effect.flip(ask(client, "SELECT never", { readTimeout: 100 }))).message, "did not reply")
        yield* simulacron.prime("SELECT gone", { _tag: "CloseConnection", scope: "connection" })
        assert.isTrue((yield* Effect.flip(ask(client, "SELECT gone")))["isSocketError"])
        yield* askSoon(client, "SELECT late")
      })
    )

    it.scoped("primes by values, consistency, batch and heartbeat, for one node or all, and forgets", () =>
      Effect.gen(function* () {
        const simulacron = yield* Simulacron.Simulacron
        const client = yield* connect
        const query = "SELECT v FROM t WHERE k = ?"
        const parameters = { k: "int" }
        yield* simulacron.prime({ query, parameters, values: { k: 7 } }, { _tag: "Overloaded" })
        yield* simulacron.prime({ query, parameters }, { _tag: "Rows", columns: {}, rows: [] })
        yield* ask(client, query, { prepare: true }, [6])
        assert.strictEqual((yield* Effect.flip(ask(client, query, { prepare: true }, [7]))).code, codes.overloaded)

        yield* simulacron.prime({ query: "SELECT c", consistency: ["ALL"] }, { _tag: "Overloaded" })
        yield* ask(client, "SELECT c", { consistency: consistencies.one })
        assert.strictEqual(
          (yield* Effect.flip(ask(client, "SELECT c", { consistency: consistencies.all }))).code,
          codes.overloaded
        )

        yield* simulacron.prime(
          { batch: [{ query: "INSERT a" }, { query: "INSERT b" }] },
          { _tag: "WriteTimeout", ...replicas, writeType: "BATCH_LOG" }
        )
        const batch = (...queries: ReadonlyArray<string>) =>
          Effect.tryPromise({ try: () => client.batch([...queries], {}), catch: (error) => error as Error })
        assert.propertyVal(yield* Effect.flip(batch("INSERT a", "INSERT b")), "writeType", "BATCH_LOG")
        yield* batch("INSERT b", "INSERT a")

        yield* simulacron.prime({ options: true }, { _tag: "ServerError" })
        yield* simulacron.prime("SELECT n", { _tag: "ServerError" }, "dc1/node2")
        const answers = yield* Effect.forEach(client.hosts.values(), (host) =>
          host.datacenter === "dc1" ? Effect.isSuccess(ask(client, "SELECT n", { host })) : Effect.succeed(true)
        )
        assert.strictEqual(answers.filter((answer) => !answer).length, 1)
        yield* simulacron.clearPrimes
        yield* ask(client, "SELECT c", { consistency: consistencies.all })
        // What was prepared is so no more: the client has to do it again.
        yield* ask(client, "SELECT p", { prepare: true })
        yield* simulacron.clearPrimes
        yield* simulacron.clearLog
        yield* ask(client, "SELECT p", { prepare: true })
        const types = (yield* simulacron.log).map(({ type }) => type)
        assert.deepStrictEqual(
          types.filter((type) => type !== "OPTIONS"),
          ["EXECUTE", "PREPARE", "EXECUTE"]
        )
      })
    )

    it.scoped("tells what arrived, where, and who is connected", () =>
      Effect.gen(function* () {
        const simulacron = yield* Simulacron.Simulacron
        const client = yield* connect
        yield* simulacron.clearLog
        yield* simulacron.prime("SELECT primed", { _tag: "Void" })
        yield* ask(client, "SELECT primed", { consistency: consistencies.quorum })
        yield* ask(client, "SELECT other", { prepare: true })
        const log = (yield* simulacron.log).filter(({ type }) => type !== "OPTIONS")
        // The driver prepares on every node; within a millisecond there is no telling which node was first.
        const told = log.map(({ primed, query, type }) => `${type} ${Option.getOrElse(query, () => "")} ${primed}`)
        assert.deepStrictEqual([...new Set(told)].toSorted(), [
          "EXECUTE SELECT other false",
          "PREPARE SELECT other false",
          "QUERY SELECT primed true"
        ])
        const primed = log.find((activity) => activity.primed)
        assert.deepStrictEqual(primed?.consistency, Option.some("QUORUM"))
        assert.isAbove(log[0]?.receivedAt ?? 0, Date.now() - 60_000)
        const connections = yield* simulacron.connections
        assert.isAtLeast(connections.length, 2)
        assert.match(connections[0]?.node ?? "", /^dc1\/node[12]$/)
        yield* simulacron.clearLog
        assert.deepStrictEqual(
          (yield* simulacron.log).filter(({ type }) => type !== "OPTIONS"),
          []
        )
      })
    )

    it.scoped("stops and starts listening, pauses and resumes, disconnects", () =>
      Effect.gen(function* () {
        const simulacron = yield* Simulacron.Simulacron
        const client = yield* connect
        yield* simulacron.prime("SELECT x", { _tag: "Void" })
        yield* simulacron.pause("dc1")
        const hung = yield* Effect.flip(Effect.repeat(ask(client, "SELECT x", { readTimeout: 100 }), { times: 20 }))
        assert.include(hung.message, "did not reply")
        yield* simulacron.resume("dc1")
        yield* askSoon(client, "SELECT x")

        const before = (yield* simulacron.connections).map((connection) => connection.client)
        yield* simulacron.disconnect()
        yield* askSoon(client, "SELECT x")
        const after = (yield* simulacron.connections).map((connection) => connection.client)
        assert.isFalse(before.some((address) => after.includes(address)))

        const refused = (host: string) =>
          Effect.async<boolean>((resume) => {
            const socket = Net.connect(simulacron.port, host)
            socket.on("error", () => resume(Effect.succeed(true)))
            socket.on("connect", () => {
              socket.destroy()
              resume(Effect.succeed(false))
            })
          })
        const [one, two] = simulacron.nodes
        yield* simulacron.stop("dc1/node1")
        yield* simulacron.stop("dc1/node2", { type: "unbind" })
        assert.deepStrictEqual(yield* Effect.forEach([one!, two!], ({ address }) => refused(address)), [true, true])
        const left = (yield* simulacron.connections).map(({ node }) => node)
        assert.notInclude(left, "dc1/node1")
        yield* simulacron.start()
        assert.deepStrictEqual(yield* Effect.forEach([one!, two!], ({ address }) => refused(address)), [false, false])
        yield* askSoon(client, "SELECT x")
      })
    )

    it.effect("does not know other names, and options that make no sense", () =>
      Effect.gen(function* () {
        const simulacron = yield* Simulacron.Simulacron
        const unknown = yield* Effect.flip(simulacron.pause("dc3"))
        assert.strictEqual(unknown._tag, "UnknownNodeError")
        const bad = yield* Effect.flip(simulacron.prime("x", { _tag: "Rows", columns: { a: "nonsense" }, rows: [] }))
        assert.strictEqual(bad._tag, "SimulacronError")
        assert.include(bad.message, "nonsense")
        for (const dataCenters of [[], [0], [1.5], [1000]]) {
          const error = yield* Effect.flip(Effect.scoped(Simulacron.make({ dataCenters })))
          assert.strictEqual(error._tag, "OptionsError")
        }
      })
    )
  }
)
