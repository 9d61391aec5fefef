/** Answers that cannot be read: what was sent and not understood may have been applied, and nothing else suffers. */
import { Batch, type CassandraError, Cluster, cql, type Session, Statement } from "effect-cassandra"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { assert, describe, it } from "vitest"
import { Opcode } from "../../src/internal/protocol/opcode.ts"
import * as Body from "./body.ts"
import { type Incoming, ScriptedServer, skipsMetadata } from "./ScriptedServer.ts"
import { eventually } from "./support.ts"

type Answer = (r: Incoming) => void

const withSession = (
  run: (
    session: Session.Session,
    scripted: ScriptedServer,
    answerWith: (answer: Answer) => void
  ) => Effect.Effect<void>,
  options: Partial<Cluster.ClusterOptions> = {}
): Promise<void> =>
  Effect.gen(function* () {
    let answer: Answer | undefined
    const scripted = yield* Effect.acquireRelease(
      Effect.promise(() =>
        ScriptedServer.start({
          script: (r) => {
            const asked =
              r.opcode === Opcode.batch ||
              r.query?.startsWith("INSERT") === true ||
              r.query?.startsWith("SELECT p") === true
            if (answer === undefined || !asked || r.opcode === Opcode.prepare) return false
            answer(r)
            return true
          }
        })
      ),
      (server) => Effect.promise(() => server.close())
    )
    const cluster = yield* Cluster.make({
      contactPoints: ["127.0.0.1"],
      port: scripted.port,
      localDataCenter: "dc1",
      reconnection: Schedule.spaced("10 millis"),
      ...options
    })
    const session = yield* cluster.connect()
    yield* session.execute(cql`INSERT INTO t (k) VALUES (${1})`)
    yield* run(session, scripted, (next) => (answer = next))
  }).pipe(Effect.scoped, Effect.runPromise)

const error = (code: number, ...rest: ReadonlyArray<Buffer>): Buffer =>
  Buffer.concat([Body.int(code), Body.string("told by the server"), ...rest])

const counts = Buffer.concat([Body.short(4), Body.int(1), Body.int(2)])
const address = Buffer.from([4, 10, 0, 0, 1])
const address6 = Buffer.concat([Buffer.from([16]), Buffer.alloc(16, 7)])
const reasons = Buffer.concat([Body.int(2), address, Body.short(1), address6, Body.short(2)])
const strings = (...all: ReadonlyArray<string>): Buffer =>
  Buffer.concat([Body.short(all.length), ...all.map(Body.string)])

/** Every ERROR, with all of its fields. */
const errors: Readonly<Record<string, Buffer>> = {
  "server error": error(0x0000),
  "protocol error": error(0x000a),
  "bad credentials": error(0x0100),
  unavailable: error(0x1000, counts),
  overloaded: error(0x1001),
  bootstrapping: error(0x1002),
  "truncate error": error(0x1003),
  "write timeout": error(0x1100, counts, Body.string("SIMPLE")),
  "read timeout": error(0x1200, counts, Buffer.from([1])),
  "read failure": error(0x1300, counts, reasons, Buffer.from([1])),
  "function failure": error(0x1400, Body.string("ks"), Body.string("f"), strings("int", "text")),
  "write failure": error(0x1500, counts, reasons, Body.string("BATCH")),
  "cdc write failure": error(0x1600),
  "cas write unknown": error(0x1700, counts),
  "syntax error": error(0x2000),
  unauthorized: error(0x2100),
  invalid: error(0x2200),
  "config error": error(0x2300),
  "already exists": error(0x2400, Body.string("ks"), Body.string("t")),
  unprepared: error(0x2500, Body.shortBytes(Buffer.alloc(16, 3))),
  "a code that nobody knows": error(0x7777)
}

const change = (...all: ReadonlyArray<string>): Buffer => Buffer.concat([Body.int(5), ...all.map(Body.string)])

const udt = Buffer.concat([
  Body.short(0x30),
  Body.string("ks"),
  Body.string("u"),
  Body.short(1),
  Body.string("f"),
  Body.short(9)
])

const withTypes = (...types: ReadonlyArray<Buffer>): Buffer =>
  Buffer.concat([
    Body.int(2),
    Body.int(1),
    Body.int(types.length),
    Body.string("ks"),
    Body.string("t"),
    ...types.flatMap((type, i) => [Body.string(`c${i}`), type])
  ])

const results: Readonly<Record<string, Buffer>> = {
  void: Body.int(1),
  "rows with metadata": Body.rows(
    [
      ["a", 9],
      ["b", 13],
      ["c", [0x21, 13, 9]]
    ],
    [
      [Body.int(1), Body.text("x"), null],
      [null, null, Buffer.concat([Body.int(1), Body.bytes(Body.text("k")), Body.bytes(Body.int(1))])]
    ],
    { pageState: Buffer.from("next"), changedId: Buffer.from("id") }
  ),
  "rows of a UDT, a tuple and a vector": Buffer.concat([
    withTypes(
      udt,
      Buffer.concat([Body.short(0x31), Body.short(2), Body.short(9), Body.short(13)]),
      Buffer.concat([
        Body.short(0),
        Body.string("org.apache.cassandra.db.marshal.VectorType(org.apache.cassandra.db.marshal.FloatType , 2)")
      ])
    ),
    Body.int(1),
    Body.bytes(Body.bytes(Body.int(1))),
    Body.bytes(Body.bytes(Body.int(1))),
    Body.bytes(Buffer.alloc(8))
  ]),
  "a keyspace created": change("CREATED", "KEYSPACE", "ks"),
  "a table updated": change("UPDATED", "TABLE", "ks", "t"),
  "a type dropped": change("DROPPED", "TYPE", "ks", "u"),
  "a function created": Buffer.concat([change("CREATED", "FUNCTION", "ks", "f"), strings("int")])
}

const flagged = Buffer.concat([
  Buffer.alloc(16, 9),
  strings("careful"),
  Body.short(2),
  Body.string("key"),
  Body.bytes(Body.text("value")),
  Body.string("none"),
  Body.int(-1)
])

const write = (session: Session.Session): Effect.Effect<unknown, CassandraError.CassandraError> =>
  session.execute(cql`INSERT INTO t (k) VALUES (${1})`)

const unknown = (e: unknown, what: string): void => {
  assert.include(e, { _tag: "ProtocolError", writeState: "Unknown" }, what)
  assert.match((e as Error).message, /cannot be read|answered/, what)
}

describe("an answer that is cut", () => {
  const cases: ReadonlyArray<readonly [string, number, Buffer, number]> = [
    ...Object.entries(errors).map(([name, body]) => [name, Opcode.error, body, 0] as const),
    ...Object.entries(results).map(([name, body]) => [name, Opcode.result, body, 0] as const),
    ["tracing, warnings and payload", Opcode.result, Buffer.concat([flagged, Body.int(1)]), 0x0e]
  ]
  for (const [name, opcode, body, flags] of cases) {
    it(`anywhere is unknown: ${name}`, () =>
      withSession((session, scripted, answerWith) =>
        Effect.gen(function* () {
          for (let length = 0; length < body.length; length++) {
            answerWith((r) => r.connection.answer(r, opcode, body.subarray(0, length), flags))
            unknown(yield* Effect.flip(write(session)), `${length} of ${body.length} bytes`)
          }
          const { rows } = yield* session.execute(cql`SELECT v FROM t WHERE k = ${1}`)
          assert.deepStrictEqual(rows, [{ v: 42 }])
          // The control connection, and the one of the pool.
          assert.isAtMost(scripted.connections.length, 2)
        }).pipe(Effect.orDie)
      ))
  }

  const every: ReadonlyArray<
    readonly [string, (session: Session.Session) => Effect.Effect<unknown, CassandraError.CassandraError>]
  > = [
    ["a prepared statement", write],
    ["a text", (session) => session.execute(Statement.make("INSERT INTO t (k) VALUES (1)"))],
    [
      "an idempotent statement",
      (session) => session.execute(cql`INSERT INTO t (k) VALUES (${1})`.pipe(Statement.idempotent))
    ],
    ["a batch", (session) => session.batch(Batch.make("LOGGED", [cql`INSERT INTO t (k) VALUES (${1})`]))],
    ["a stream", (session) => Stream.runDrain(session.stream(cql`INSERT INTO t (k) VALUES (${1})`))],
    ["a deferred page", (session) => Stream.runDrain(session.stream(cql`SELECT p FROM t WHERE k = ${1}`))],
    ["all rows", (session) => session.rows(cql`SELECT p FROM t WHERE k = ${1}`)]
  ]
  for (const [name, run] of every) {
    it(`is unknown on every path: ${name}`, () =>
      withSession((session, _, answerWith) =>
        Effect.gen(function* () {
          for (const [opcode, body] of [
            [Opcode.error, Buffer.alloc(0)],
            [Opcode.error, error(0x1100, counts)],
            [Opcode.result, Buffer.alloc(0)],
            [Opcode.result, Body.int(9)],
            [Opcode.result, Body.rows([["v", 9]], [[Body.int(1)]]).subarray(0, -1)],
            [Opcode.result, Body.rows([["v", 9]], [], { count: -1 })],
            [Opcode.result, Body.rows([["v", 16]], [[Buffer.alloc(5)]])]
          ] as const) {
            answerWith((r) => r.connection.answer(r, opcode, body))
            unknown(yield* Effect.flip(run(session)), body.toString("hex"))
          }
        }).pipe(Effect.orDie)
      ))
  }

  it("is no answer for a prepared statement whose metadata changed", () =>
    withSession((session, _, answerWith) =>
      Effect.gen(function* () {
        const read = session.execute(cql`SELECT p FROM t WHERE k = ${1}`)
        answerWith((r) =>
          r.connection.answer(
            r,
            Opcode.result,
            Body.rows([["v", 9]], [[Body.int(1)]], { skipMetadata: skipsMetadata(r) })
          )
        )
        assert.deepStrictEqual((yield* read).rows, [{ v: 1 }])
        const changed = Body.rows([["w", 13]], [[Body.text("x")]], { changedId: Buffer.from("new") })
        answerWith((r) => r.connection.answer(r, Opcode.result, changed.subarray(0, -1)))
        unknown(yield* Effect.flip(read), "changed")
        answerWith((r) => r.connection.answer(r, Opcode.result, changed))
        assert.deepStrictEqual((yield* read).rows, [{ w: "x" }])
      }).pipe(Effect.orDie)
    ))

  it("to a PREPARE leaves the statement unsent", () =>
    withSession((session, scripted) =>
      Effect.gen(function* () {
        const good = Body.prepared(5, Buffer.alloc(16, 5), "INSERT INTO t (k) VALUES (?)")
        for (let length = 0; length < good.length; length++) {
          scripted.script = (r) => {
            if (r.opcode !== Opcode.prepare) return false
            r.connection.answer(r, Opcode.result, good.subarray(0, length))
            return true
          }
          const failed = yield* Effect.flip(session.execute(cql`INSERT INTO cut (k) VALUES (${1})`))
          assert.include(failed, { _tag: "ProtocolError", writeState: "NotApplied" }, `${length} bytes`)
        }
      }).pipe(Effect.orDie)
    ))
})

/** A type nested so deep, of lists or of class names. */
const nested = (depth: number): Buffer =>
  Buffer.concat([...Array.from({ length: depth }, () => Body.short(0x20)), Body.short(9)])
const marshal = "org.apache.cassandra.db.marshal."
const custom = (name: string): Buffer => Buffer.concat([Body.short(0), Body.string(name)])
const nestedNames = (depth: number): Buffer => custom(`${"SetType(".repeat(depth)}Int32Type${")".repeat(depth)}`)
const vector = (inner: string, size: number): Buffer => custom(`${marshal}VectorType(${inner},${size})`)
const oneRow = (type: Buffer, value: Buffer): Buffer => Buffer.concat([withTypes(type), Body.int(1), Body.bytes(value)])
const announced = (columns: number, rows: number): Buffer =>
  Buffer.concat([withTypes(...Array.from({ length: columns }, () => Body.short(9))), Body.int(rows)])
const manyFields = Buffer.concat([
  Body.short(0x20),
  Body.short(0x31),
  Body.short(20_000),
  ...Array.from({ length: 20_000 }, () => Body.short(9))
])

describe("an answer that announces more than there can be is refused within bounds", () => {
  const cases: Readonly<Record<string, () => Buffer>> = {
    "rows without columns": () => announced(0, 2 ** 31 - 1),
    "more rows than bytes": () => announced(3, 2 ** 31 - 1),
    "negative rows": () => announced(1, -1),
    "rows of a page many times as large": () => Buffer.concat([announced(1, 2_000_000), Buffer.alloc(8_000_000, 0xff)]),
    "negative columns": () =>
      Buffer.concat([Body.int(2), Body.int(1), Body.int(-1), Body.string("ks"), Body.string("t")]),
    "more columns than bytes": () =>
      Buffer.concat([Body.int(2), Body.int(1), Body.int(2 ** 31 - 1), Body.string("ks"), Body.string("t")]),
    "more columns than there are": () =>
      Buffer.concat([
        Body.int(2),
        Body.int(1),
        Body.int(70_000),
        Body.string("ks"),
        Body.string("t"),
        Buffer.alloc(400_000)
      ]),
    "types nested 5,000 deep": () => oneRow(nested(5000), Buffer.alloc(0)),
    "class names nested 7,000 deep": () => oneRow(nestedNames(7000), Buffer.alloc(0)),
    "class names nested within nested types": () =>
      oneRow(
        Buffer.concat([...Array.from({ length: 100 }, () => Body.short(0x20)), nestedNames(100)]),
        Buffer.alloc(0)
      ),
    "a vector of zero-width elements": () =>
      oneRow(vector(`${marshal}VectorType(${marshal}Int32Type,0)`, 2_000_000_000), Buffer.alloc(0)),
    "a vector of tuples of nothing": () => oneRow(vector("TupleType()", 2_000_000_000), Buffer.alloc(4)),
    "a vector of no number of elements": () => oneRow(vector("FloatType", NaN), Buffer.alloc(0)),
    "a vector of less than nothing": () => oneRow(vector("FloatType", -1), Buffer.alloc(0)),
    "a vector larger than its value": () => oneRow(vector("FloatType", 2_000_000_000), Buffer.alloc(8)),
    "a list of more elements than bytes": () =>
      oneRow(Buffer.concat([Body.short(0x20), Body.short(9)]), Body.int(2 ** 31 - 1)),
    "a list of less than nothing": () => oneRow(Buffer.concat([Body.short(0x20), Body.short(9)]), Body.int(-2)),
    "a set of more elements than bytes": () =>
      oneRow(Buffer.concat([Body.short(0x22), Body.short(9)]), Body.int(2 ** 31 - 1)),
    "a map of more entries than bytes": () =>
      oneRow(Buffer.concat([Body.short(0x21), Body.short(9), Body.short(9)]), Body.int(2 ** 31 - 1)),
    "tuples that lack nearly all of their fields": () =>
      oneRow(
        manyFields,
        Buffer.concat([Body.int(1000), ...Array.from({ length: 1000 }, () => Body.bytes(Body.int(-1)))])
      ),
    "a tuple of more elements than bytes": () =>
      oneRow(Buffer.concat([Body.short(0x31), Body.short(0xffff)]), Buffer.alloc(0)),
    "more failures than bytes": () => error(0x1500, counts, Body.int(2 ** 31 - 1)),
    "less failures than none": () => error(0x1500, counts, Body.int(-1), Body.string("SIMPLE")),
    "an address of no known length": () =>
      error(0x1500, counts, Body.int(1), Buffer.from([5, 1, 2, 3, 4, 5, 0, 1]), Body.string("SIMPLE"))
  }
  for (const compression of ["none", "lz4"] as const) {
    it(`compression: ${compression}`, () =>
      withSession(
        (session, scripted, answerWith) =>
          Effect.gen(function* () {
            for (const [name, body] of Object.entries(cases)) {
              const bytes = body()
              const opcode = bytes.readInt32BE(0) === 2 ? Opcode.result : Opcode.error
              answerWith((r) => r.connection.answer(r, opcode, bytes))
              const before = performance.now()
              unknown(yield* Effect.flip(write(session)), name)
              assert.isBelow(performance.now() - before, 3000, name)
            }
            assert.isAtMost(scripted.connections.length, 2)
          }).pipe(Effect.orDie),
        { compression }
      ))
  }

  it("of what the driver itself asks for", async () => {
    for (const body of [
      announced(0, 2 ** 31 - 1),
      announced(1, -1),
      announced(1, 2 ** 31 - 1),
      oneRow(nested(5000), Buffer.alloc(0))
    ]) {
      const scripted = await ScriptedServer.start({
        script: (r) => {
          if (r.query === undefined || !r.query.includes("system.peers")) return false
          r.connection.answer(r, Opcode.result, body)
          return true
        }
      })
      const failed = await Effect.runPromise(
        Effect.flip(
          Effect.scoped(Cluster.make({ contactPoints: ["127.0.0.1"], port: scripted.port, localDataCenter: "dc1" }))
        )
      )
      await scripted.close()
      assert.match(JSON.stringify(failed), /cannot be read/)
    }
  })
})

describe("an answer of a legitimate size is read", () => {
  it("rows of nulls, types nested thirty deep, and values that lack fields", () =>
    withSession((session, _, answerWith) =>
      Effect.gen(function* () {
        const nulls = Buffer.concat([announced(1, 10_000), Buffer.alloc(40_000, 0xff)])
        answerWith((r) => r.connection.answer(r, Opcode.result, nulls))
        assert.strictEqual((yield* session.rows(cql`SELECT p FROM t WHERE k = ${1}`)).length, 10_000)
        answerWith((r) => r.connection.answer(r, Opcode.result, oneRow(nested(30), Buffer.alloc(0))))
        assert.deepStrictEqual(yield* session.rows(cql`SELECT p FROM t WHERE k = ${1}`), [{ c0: null }])
        const few = Buffer.concat([Body.int(100), ...Array.from({ length: 100 }, () => Body.bytes(Body.int(-1)))])
        answerWith((r) => r.connection.answer(r, Opcode.result, oneRow(manyFields, few)))
        assert.strictEqual((yield* session.rows(cql`SELECT p FROM t WHERE k = ${1}`)).length, 1)
      }).pipe(Effect.orDie)
    ))
})

describe("an answer that is none to its request", () => {
  const answers: Readonly<Record<string, readonly [number, Buffer]>> = {
    SET_KEYSPACE: [Opcode.result, Buffer.concat([Body.int(3), Body.string("b")])],
    PREPARED: [Opcode.result, Body.prepared(5, Buffer.alloc(16, 1), "SELECT 1")],
    READY: [Opcode.ready, Buffer.alloc(0)],
    SUPPORTED: [Opcode.supported, Body.short(0)],
    AUTHENTICATE: [Opcode.authenticate, Body.string("x")],
    AUTH_SUCCESS: [Opcode.authSuccess, Body.int(-1)],
    EVENT: [Opcode.event, Body.string("STATUS_CHANGE")],
    "an opcode that nobody knows": [0x55, Buffer.alloc(0)]
  }
  for (const [name, [opcode, body]] of Object.entries(answers)) {
    it(`is refused, and its connection replaced: ${name}`, () =>
      withSession((session, scripted, answerWith) =>
        Effect.gen(function* () {
          let answered: Incoming | undefined
          answerWith((r) => {
            answered = r
            r.connection.answer(r, opcode, body)
          })
          unknown(yield* Effect.flip(write(session)), name)
          yield* Effect.promise(() => eventually(() => scripted.connections.length > 1))
          assert.isTrue(answered!.connection.socket.destroyed)
        }).pipe(Effect.orDie)
      ))
  }

  it("is refused in the handshake", async () => {
    for (const [name, [opcode, body]] of Object.entries(answers)) {
      if (name === "READY" || name === "AUTHENTICATE") continue
      const scripted = await ScriptedServer.start({
        script: (r) => {
          if (r.opcode !== Opcode.startup) return false
          r.connection.answer(r, opcode, body)
          return true
        }
      })
      const failed = await Effect.runPromise(
        Effect.flip(
          Effect.scoped(Cluster.make({ contactPoints: ["127.0.0.1"], port: scripted.port, localDataCenter: "dc1" }))
        )
      )
      await scripted.close()
      assert.match(JSON.stringify(failed), /answered STARTUP with/, name)
    }
  })
})

describe("a version byte that is none", () => {
  for (const byte of [0x83, 0x84, 0xff, 0x86, 0x80, 0x05, 0x00]) {
    it(`0x${byte.toString(16)}: the connection is replaced`, () =>
      withSession((session, scripted, answerWith) =>
        Effect.gen(function* () {
          let answered: Incoming | undefined
          answerWith((r) => {
            answered = r
            const envelope = r.connection.envelope(r.streamId, Opcode.result, Body.int(1))
            envelope[0] = byte
            r.connection.write(r.connection.frame(envelope))
          })
          const failed = yield* Effect.flip(write(session))
          assert.include(failed, { _tag: "ConnectionError", writeState: "Unknown" })
          yield* Effect.promise(() => eventually(() => scripted.connections.length > 1))
          assert.isTrue(answered!.connection.socket.destroyed)
        }).pipe(Effect.orDie)
      ))
  }
})

describe("pages without rows", () => {
  const paths: Readonly<
    Record<string, (session: Session.Session) => Effect.Effect<unknown, CassandraError.CassandraError>>
  > = {
    rows: (session) => session.rows(cql`SELECT p FROM t WHERE k = ${1}`),
    stream: (session) => Stream.runDrain(session.stream(cql`SELECT p FROM t WHERE k = ${1}`)),
    "stream without prefetch": (session) =>
      Stream.runDrain(session.stream(cql`SELECT p FROM t WHERE k = ${1}`.pipe(Statement.withPrefetch(0)))),
    pages: (session) => Stream.runDrain(session.pages(cql`SELECT p FROM t WHERE k = ${1}`))
  }
  for (const [name, run] of Object.entries(paths)) {
    for (const length of [1, 2, 7]) {
      it(`in a circle of ${length} have an end: ${name}`, () =>
        withSession((session, _, answerWith) =>
          Effect.gen(function* () {
            let page = 0
            answerWith((r) => {
              const pageState = Buffer.from(`state ${page++ % length}`)
              r.connection.answer(r, Opcode.result, Body.rows([["v", 9]], [], { pageState }))
            })
            const failed = yield* Effect.flip(run(session))
            assert.include(failed, { _tag: "ProtocolError" })
            assert.notInclude(failed.message, "state ")
            assert.isBelow(page, 100)
          }).pipe(Effect.orDie)
        ))
    }

    it(`that lead on are as good as others: ${name}`, () =>
      withSession((session, _, answerWith) =>
        Effect.gen(function* () {
          let page = 0
          answerWith((r) => {
            const pageState = Buffer.from(`state ${page++}`)
            const rows = page % 50 === 0 ? [[Body.int(page)]] : []
            r.connection.answer(r, Opcode.result, Body.rows([["v", 9]], rows, page < 200 ? { pageState } : {}))
          })
          yield* run(session)
          assert.strictEqual(page, 200)
        }).pipe(Effect.orDie)
      ))
  }
})
