/**
 * Bad input, with the error it has to end with. Whatever text it has says "planted", which must never arrive at the server
 * as CQL text; `badInput.it.ts` runs it all.
 */
import { Batch, type CassandraError as E, cql, PagingState, type Session, Statement } from "effect-cassandra"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Stream from "effect/Stream"

/** What TypeScript would not let pass. */
const untyped = <A>(value: unknown): A => value as A

export const planted = "planted'; DROP TABLE t; --"
const symbol = Symbol("planted")
const bytes = new Uint8Array(3)
const cyclic: Record<string, unknown> = { field: planted }
cyclic["self"] = cyclic

/** Values of every kind, most of which are wrong for any one type. */
const values: Readonly<Record<string, unknown>> = {
  "a text": planted,
  "half a surrogate pair": "\ud800",
  // The name of a field that a type does not have is shown.
  "an object": { field: planted },
  "an object that contains itself": cyclic,
  "an array of texts": [planted],
  "an array with null": [null],
  "a map with a null key": new Map([[null, planted]]),
  "a map of texts": new Map([[planted, planted]]),
  "a set with null": new Set([null]),
  "a symbol": symbol,
  "a function": () => planted,
  "an invalid date": new Date(NaN),
  NaN: NaN,
  "a fraction": 1.5,
  "2^200": 2n ** 200n,
  true: true
}

/** The kinds of values that a type takes; everything else is refused. */
const accepted: Readonly<Record<string, ReadonlyArray<string>>> = {
  ascii: ["a text"],
  bigint: [],
  blob: [],
  boolean: ["true"],
  date: [],
  decimal: ["a fraction", "2^200"],
  double: ["NaN", "a fraction"],
  duration: [],
  float: ["NaN", "a fraction"],
  inet: [],
  int: [],
  smallint: [],
  text: ["a text"],
  time: [],
  timestamp: [],
  timeuuid: [],
  tinyint: [],
  uuid: [],
  varint: ["2^200"],
  "list<int>": [],
  "set<text>": ["an array of texts"],
  "map<text, int>": [],
  "tuple<int, text>": [],
  "vector<float, 3>": [],
  "frozen<pair>": []
}

/** A value for a column of a type, and why it does not fit. */
export const badValues = Object.entries(accepted).flatMap(([type, fits]) =>
  Object.entries(values)
    .filter(([kind]) => !fits.includes(kind))
    .map(([kind, value]) => ({ type, kind, value }))
)

/** The types, each of which has a table `values_<its place>`. */
export const types = Object.keys(accepted)

/** Values that are just out of the range of a type, or of another shape. */
export const nearMisses: ReadonlyArray<readonly [type: string, ...values: ReadonlyArray<unknown>]> = [
  ["tinyint", 128, -129, "1"],
  ["smallint", 32768, -32769, 1n],
  ["int", 2 ** 31, -(2 ** 31) - 1, Infinity, 1n],
  ["bigint", 2n ** 63n, -(2n ** 63n) - 1n, 2 ** 53],
  ["float", 1e300],
  ["uuid", "b6a1d5c0-93d3-4a5e-8d2c-0c1a5d3d7f1", "b6a1d5c0-93d3-4a5e-8d2c-0c1a5d3d7f1g", ""],
  ["timeuuid", "b6a1d5c0"],
  ["inet", "1.2.3", "1.2.3.256", "::g", ""],
  ["date", "2026-13-01", "today", ""],
  ["time", "25:00:00", "noon", -1n, 86_400_000_000_000n],
  ["duration", "1 day", "P", "-", { months: 1, days: -1, nanoseconds: 0n }, { months: 1.5 }, { hours: 1 }],
  ["ascii", "é"],
  ["tuple<int, text>", [1], [1, "x", 2]],
  ["vector<float, 3>", [1, 2], [1, 2, 3, 4], [1, null, 3]],
  ["list<int>", [1, undefined], { 0: 1 }],
  ["set<text>", [1], "x"],
  ["map<text, int>", { a: "1" }, { a: null }, [["a", 1]]]
]

export type Tag = E.CassandraErrorTag

/** Something done with a session, and the tags it may fail with. */
export interface Case {
  readonly name: string
  readonly tags: ReadonlyArray<Tag>
  /** What it does; it may throw the error as well. */
  readonly run: (session: Session.Session) => Effect.Effect<unknown, unknown>
  /** An identifier that is quoted: it is in the text that arrives, and does no harm there. */
  readonly quoted?: boolean
}

const select = cql`SELECT * FROM t WHERE id = ${1}`
const insert = cql`INSERT INTO t (id, v) VALUES (${1}, ${"x"})`

const executing =
  (statement: unknown): Case["run"] =>
  (session) =>
    session.execute(untyped<Statement.Statement>(statement))

const option = (
  name: string,
  options: Record<string, unknown>,
  tags: ReadonlyArray<Tag> = ["ConfigurationError"]
): ReadonlyArray<Case> => [
  {
    name: `a statement with ${name}`,
    tags,
    run: executing(Statement.make(select.query, select.values, untyped(options)))
  },
  {
    name: `a batch with ${name}`,
    tags,
    run: (session) => session.batch(Batch.make("LOGGED", [insert], untyped(options)))
  }
]

/** For statements and for batches. */
const badOptions: ReadonlyArray<Case> = [
  ...option("consistency ANY", { consistency: "ANY" }),
  ...option("consistency of injected text", { consistency: planted }),
  ...option("consistency by number", { consistency: 1 }),
  ...option("consistency from the prototype", { consistency: "__proto__" }),
  ...option("serial consistency QUORUM", { serialConsistency: "QUORUM" }),
  ...option("timeout of nothing", { timeout: 0 }),
  ...option("timeout of text", { timeout: planted }),
  ...option("timeout below nothing", { timeout: -1 }),
  ...option("deadline of an object", { deadline: {} }),
  ...option("deadline NaN", { deadline: NaN }),
  ...option("page size 0", { pageSize: 0 }),
  ...option("page size 2^31", { pageSize: 2 ** 31 }),
  ...option("page size of text", { pageSize: "100" }),
  ...option("prefetch -1", { prefetch: -1 }),
  ...option("prefetch 1.5", { prefetch: 1.5 }),
  ...option("profile that is not there", { profile: "missing" }),
  ...option("profile from the prototype", { profile: "constructor" }),
  ...option("profile by number", { profile: 5 }),
  ...option("profile with a bad option", { profile: { pageSize: -1 } }),
  ...option("timestamp by number", { timestamp: 5 }),
  ...option("timestamp of text", { timestamp: planted }),
  ...option("timestamp of 70 bits", { timestamp: 2n ** 70n }),
  ...option("nowInSeconds 1.5", { nowInSeconds: 1.5 }),
  ...option("nowInSeconds -1", { nowInSeconds: -1 }),
  ...option("nowInSeconds of text", { nowInSeconds: planted }),
  ...option("tracing of text", { tracing: "yes" }),
  ...option("custom payload of text", { customPayload: planted }),
  ...option("custom payload null", { customPayload: null }),
  ...option("custom payload with a text", { customPayload: { key: planted } }),
  ...option("custom payload with a number", { customPayload: { key: 5 } }),
  ...option("custom payload with a huge key", { customPayload: { ["k".repeat(70_000)]: bytes } }),
  ...option("host that is not there", { host: "10.255.255.1:9042" }),
  ...option("host by number", { host: 5 }),
  ...option("keyspace by number", { keyspace: 5 }),
  ...option("keyspace empty", { keyspace: "" }),
  ...option("keyspace huge", { keyspace: "k".repeat(70_000) }),
  ...option("keyspace injected", { keyspace: planted }, ["InvalidQueryError"]),
  ...option("role by number", { executeAs: 5 }),
  ...option("role huge", { executeAs: "r".repeat(70_000) }),
  ...option("load balancing of text", { loadBalancing: planted }),
  ...option("speculative execution of text", { speculativeExecution: planted }),
  ...option("speculative executions 0", {
    speculativeExecution: { _tag: "Constant", delay: "1 second", maxExecutions: 0 }
  })
]

const notStatements: Readonly<Record<string, unknown>> = {
  null: null,
  undefined: undefined,
  "a text": `SELECT * FROM t -- ${planted}`,
  "an empty record": {},
  "a record that looks like one": { query: planted, values: [], options: {} },
  "one whose text is a number": Statement.make(untyped(5)),
  "one whose text is null": Statement.make(untyped(null)),
  "one whose values are a text": Statement.make(select.query, untyped(planted)),
  "one whose values are null": Statement.make(select.query, untyped(null))
}

const badStatements: ReadonlyArray<Case> = Object.entries(notStatements).flatMap(([name, statement]) =>
  (
    [
      ["execute", executing(statement)],
      ["rows", (session) => session.rows(untyped<Statement.Statement>(statement))],
      ["one", (session) => session.one(untyped<Statement.Statement>(statement))],
      ["stream", (session) => Stream.runDrain(session.stream(untyped<Statement.Statement>(statement)))],
      ["batch", (session) => session.batch(Batch.make("LOGGED", untyped([statement]), { idempotent: false }))]
    ] as ReadonlyArray<readonly [string, Case["run"]]>
  ).map(([operation, run]): Case => ({ name: `${operation} of ${name}`, tags: ["QueryError"], run }))
)

const text = "SELECT * FROM t WHERE id = ? AND c = ?"
const named = "SELECT * FROM t WHERE id = :id AND c = :c"

const badBindings: ReadonlyArray<Case> = (
  [
    ["too few values", Statement.make(text, [1])],
    ["no values", Statement.make(text)],
    ["too many values", Statement.make(text, [1, 2, planted])],
    [
      "far too many values",
      Statement.make(
        text,
        Array.from({ length: 70_000 }, () => 1)
      )
    ],
    ["a missing name", Statement.make(named, { id: 1 })],
    ["only other names", Statement.make(named, { planted })],
    ["values without markers", Statement.make("SELECT * FROM t", [planted])],
    ["USE", cql`USE system`],
    ["USE in lower case after a comment", Statement.make("/* x */ use system")]
  ] as const
).map(([name, statement]) => ({ name, tags: ["QueryError"], run: executing(statement) }))

/** What only the server can tell. */
const refused: ReadonlyArray<Case> = (
  [
    ["null in a partition key", cql`INSERT INTO t (id, c) VALUES (${null}, ${1})`, ["InvalidQueryError"]],
    ["null in a clustering key", cql`INSERT INTO t (id, c) VALUES (${1}, ${null})`, ["InvalidQueryError"]],
    ["unset in a key", cql`INSERT INTO t (id, c) VALUES (${undefined}, ${1})`, ["InvalidQueryError"]],
    ["null in a condition", cql`SELECT * FROM t WHERE id = ${null}`, ["InvalidQueryError"]],
    [
      "a huge value",
      cql`INSERT INTO t (id, c, v) VALUES (${1}, ${1}, ${"planted".repeat(3_000_000)})`,
      // 4.0 only notices when it writes.
      ["InvalidQueryError", "WriteFailureError"]
    ],
    ["a huge key", cql`INSERT INTO by_text (k) VALUES (${"planted".repeat(10_000)})`, ["InvalidQueryError"]],
    ["an empty key", cql`INSERT INTO by_text (k) VALUES (${""})`, ["InvalidQueryError"]],
    ["a negative limit", cql`SELECT * FROM t LIMIT ${-1}`, ["InvalidQueryError"]],
    ["a negative TTL", cql`INSERT INTO t (id, c) VALUES (${1}, ${1}) USING TTL ${-1}`, ["InvalidQueryError"]],
    ["no text", Statement.make(""), ["CqlSyntaxError"]],
    ["two statements", Statement.make("SELECT * FROM t; SELECT * FROM t"), ["CqlSyntaxError"]],
    ["a serial consistency for a plain write", insertAt("SERIAL"), ["InvalidQueryError"]]
  ] as const
).map(([name, statement, tags]) => ({ name, tags: [...tags], run: executing(statement) }))

function insertAt(consistency: "SERIAL"): Statement.Statement<Statement.Row, never, never> {
  return cql`INSERT INTO t (id, c) VALUES (${1}, ${1})`.pipe(Statement.withConsistency(consistency))
}

const pagingStates: ReadonlyArray<Case> = [
  ...["", "not base64url!", "a", "====", "💥", " "].map((state): Case => ({
    name: `the paging state ${JSON.stringify(state)}`,
    tags: ["QueryError"],
    run: () => Either.match(PagingState.fromText(state), { onLeft: Effect.fail, onRight: Effect.succeed })
  })),
  ...[[1], [0, 0, 0, 0], [255, 255, 255, 255, 255], Array.from({ length: 5000 }, (_, i) => i % 256)].map(
    (made): Case => ({
      name: `a paging state of ${made.length} bytes that no server made`,
      tags: ["ProtocolError", "InvalidQueryError", "ServerError"],
      run: executing(cql`SELECT * FROM t`.pipe(Statement.withPagingState(PagingState.fromBytes(Uint8Array.from(made)))))
    })
  ),
  ...[null, planted, 5, {}, bytes].map((state): Case => ({
    name: `${state === null ? "null" : typeof state} in place of a paging state`,
    tags: ["ConfigurationError", "QueryError"],
    run: executing(Statement.make("SELECT * FROM t", [], { pagingState: untyped(state) }))
  }))
]

const batches: ReadonlyArray<Case> = [
  ...[null, undefined, "LOGGED", {}, { type: "LOGGED", statements: [], options: {} }, [insert]].map((batch): Case => ({
    name: `batch of ${JSON.stringify(batch)?.slice(0, 30) ?? "undefined"}`,
    tags: ["QueryError"],
    run: (session) => session.batch(untyped(batch))
  })),
  ...["logged", "", null, planted].map((type): Case => ({
    name: `a batch of type ${JSON.stringify(type)}`,
    tags: ["QueryError"],
    run: (session) => session.batch(Batch.make(untyped(type), [insert]))
  })),
  { name: "an empty batch", tags: ["QueryError"], run: (session) => session.batch(Batch.make("LOGGED", [])) },
  {
    name: "a batch with a SELECT",
    tags: ["InvalidQueryError"],
    run: (session) => session.batch(Batch.make("LOGGED", [select]))
  },
  {
    name: "a counter batch with a plain write",
    tags: ["InvalidQueryError"],
    run: (session) => session.batch(Batch.make("COUNTER", [cql`INSERT INTO t (id, c) VALUES (${1}, ${1})`]))
  },
  {
    name: "a batch with one bad value among good ones",
    tags: ["QueryError"],
    run: (session) =>
      session.batch(
        Batch.make("LOGGED", [
          cql`INSERT INTO t (id, c) VALUES (${1}, ${1})`,
          cql`INSERT INTO t (id, c) VALUES (${planted}, ${1})`
        ])
      )
  }
]

const preparing: ReadonlyArray<Case> = [
  ...[null, undefined, 5, {}].map((query): Case => ({
    name: `prepare of ${JSON.stringify(query) ?? "undefined"}`,
    tags: ["QueryError"],
    run: (session) => session.prepare(untyped(query))
  })),
  ...[5, "", {}].map((keyspace): Case => ({
    name: `prepare in the keyspace ${JSON.stringify(keyspace)}`,
    tags: ["ConfigurationError"],
    run: (session) => session.prepare(text, { keyspace: untyped(keyspace) })
  })),
  {
    name: "prepare in an injected keyspace",
    tags: ["InvalidQueryError"],
    run: (session) => session.prepare(text, { keyspace: planted })
  },
  {
    name: "too many values bound to what was prepared",
    tags: ["QueryError"],
    run: (session) => Effect.flatMap(session.prepare(text), ({ bind }) => session.execute(bind([1, 2, planted])))
  }
]

/** Names as an attacker would choose them: quoted, they are names of nothing. */
const identifiers: ReadonlyArray<Case> = [
  ...['t"; DROP TABLE "t', 't" WHERE id = 1; --', "t; TRUNCATE t", 'system"."local', "T", "t ", "*", '"', "é"].map(
    (name): Case => ({
      name: `the table ${JSON.stringify(name)}`,
      // One that is not of letters and digits is refused before it is looked for.
      tags: ["InvalidQueryError", "CqlSyntaxError"],
      run: (session) => session.execute(cql`SELECT * FROM ${cql.id(name)}`),
      quoted: true
    })
  ),
  ...["", "a\0b", null, undefined, 5, {}, ["t"]].map((name): Case => ({
    name: `the identifier ${JSON.stringify(name) ?? "undefined"}`,
    tags: ["QueryError"],
    run: (session) => session.execute(cql`SELECT * FROM ${cql.id(untyped<string>(name))}`)
  }))
]

export const cases: ReadonlyArray<Case> = [
  ...badStatements,
  ...badOptions,
  ...badBindings,
  ...refused,
  ...pagingStates,
  ...batches,
  ...preparing,
  ...identifiers
]

/** Texts that would do harm if they became a part of the CQL text: they are stored as they are. */
export const injections: ReadonlyArray<string> = [
  planted,
  `planted"; DROP TABLE "t`,
  "planted' OR '1' = '1",
  "planted') IF NOT EXISTS; TRUNCATE t; --",
  "planted\\'; DROP KEYSPACE system; /*",
  "planted ? :id ${1} %s {0} $$",
  "planted\u0000\u0001\n\r\t",
  "planted \u{1F4A5} \u202e ﷽",
  "'; planted ".repeat(5000)
]
