/** Ways to ask for the same rows: whatever pages the server makes of them, they agree. */
import { assert, describe, it } from "@effect/vitest"
import { Cluster, cql, PagingState, Query, Session, Statement } from "effect-cassandra"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Opcode } from "../../src/internal/protocol/opcode.ts"
import * as Body from "./body.ts"
import { type Incoming, ScriptedServer } from "./ScriptedServer.ts"

/** A row by its value; `null` is one that the schema of the tests does not take. */
type Pages = ReadonlyArray<ReadonlyArray<number | null>>

const state = (page: number) => Buffer.from([0xa0, page])

/** The page that an EXECUTE of v5 asks for: 0 unless it has a paging state. */
const pageOf = ({ body }: Incoming): number => {
  const at = body.indexOf(Buffer.from([0, 0, 0, 2, 0xa0]))
  return at === -1 ? 0 : (body[at + 5] as number)
}

const connect = Effect.fnUntraced(function* (column = "v") {
  const served = { pages: [[]] as Pages, failing: -1 }
  const server = yield* Effect.acquireRelease(
    Effect.promise(() => ScriptedServer.start()),
    (started) => Effect.promise(() => started.close())
  )
  server.script = (request) => {
    if (request.opcode !== Opcode.execute || request.query?.includes("system") === true) return
    const page = pageOf(request)
    if (page === served.failing) {
      request.connection.error(request, 0x2200, "made by the test")
      return true
    }
    const body = Body.rows(
      [[column, column === "v" ? 9 : 4]],
      (served.pages[page] ?? []).map((v) => [v === null ? null : column === "v" ? Body.int(v) : Buffer.from([v])]),
      {
        changedId: Buffer.from([1]),
        ...(page + 1 < served.pages.length ? { pageState: state(page + 1) } : {})
      }
    )
    request.connection.answer(request, Opcode.result, body)
    return true
  }
  const cluster = yield* Cluster.make({ contactPoints: ["127.0.0.1"], port: server.port, localDataCenter: "dc1" })
  return { served, session: yield* cluster.connect() }
})

const Row = Schema.Struct({ v: Schema.Number })
const select = cql`SELECT v FROM t WHERE k = ${1}`.pipe(Statement.as(Row))
const reading = { Request: Schema.Number, Result: Row, execute: (k: number) => cql`SELECT v FROM t WHERE k = ${k}` }

type Asked = Effect.Effect<ReadonlyArray<number>, unknown, Session.Session>
type Way = (session: Session.Session, statement: Statement.Statement<{ readonly v: number }, never>) => Asked

const values = (rows: Iterable<{ readonly v: number }>): ReadonlyArray<number> => Array.from(rows, ({ v }) => v)
const valueOf = (row: Option.Option<{ readonly v: number }>) => values(Option.toArray(row))
const typed = select as unknown as Statement.Statement<{ readonly v: number }, never>

/** Those that give the first row. */
const first: Readonly<Record<string, Way>> = {
  "session.one": (session, statement) => Effect.map(session.one(statement), valueOf),
  "session.rows": (session, statement) => Effect.map(session.rows(statement), (rows) => values(rows).slice(0, 1)),
  "session.stream": (session, statement) => Effect.map(Stream.runHead(session.stream(statement)), valueOf),
  "session.pages": (session, statement) =>
    session.pages(statement).pipe(
      Stream.filterMap(({ one }) => one),
      Stream.runHead,
      Effect.map(valueOf)
    )
}

/** Those that make their statement themselves. */
const firstByQuery: Readonly<Record<string, Asked>> = {
  "Query.findOne": Effect.map(Query.findOne(reading)(1), valueOf),
  "Query.single": Query.single(reading)(1).pipe(
    Effect.map(({ v }) => [v]),
    Effect.catchTag("NoSuchElementException", () => Effect.succeed([]))
  ),
  "Query.stream": Effect.map(Stream.runHead(Query.stream(reading)(1)), valueOf),
  "session.prepare": Effect.gen(function* () {
    const session = yield* Session.Session
    const prepared = yield* session.prepare("SELECT v FROM t WHERE k = ?")
    return valueOf(yield* session.one(Statement.as(prepared.bind([1]), Row)))
  })
}

/** Those that give every row. */
const all: Readonly<Record<string, Way>> = {
  "session.rows": (session, statement) => Effect.map(session.rows(statement), values),
  "session.stream": (session, statement) => Effect.map(Stream.runCollect(session.stream(statement)), values),
  "session.pages": (session, statement) =>
    session.pages(statement).pipe(
      Stream.runCollect,
      Effect.map((pages) => Chunk.toReadonlyArray(pages).flatMap(({ rows }) => values(rows)))
    ),
  "Query.findAll": () => Effect.map(Query.findAll(reading)(1), values),
  "Query.stream": () => Effect.map(Stream.runCollect(Query.stream(reading)(1)), values)
}

const layouts: ReadonlyArray<Pages> = [
  [[]],
  [[1, 2, 3]],
  [[], [1, 2], [3]],
  [[], [], [], [1], [], [2, 3], []],
  [[1], [], [2], [], []],
  [[], []],
  [[1, 2], []],
  Array.from({ length: 40 }, (_, i) => (i === 39 ? [7] : []))
]

const layoutText = (pages: Pages) => JSON.stringify(pages.map((page) => page.length)).slice(0, 40)

describe("pages of every layout", () => {
  it.scopedLive("have the same first row, however it is asked for", () =>
    Effect.gen(function* () {
      const { served, session } = yield* connect()
      for (const pages of layouts) {
        served.pages = pages
        const expected = pages.flat().slice(0, 1)
        for (const [name, way] of Object.entries(first)) {
          const got = yield* Effect.provideService(way(session, typed), Session.Session, session)
          assert.deepStrictEqual(got, expected as Array<number>, `${name}: ${layoutText(pages)}`)
        }
        for (const [name, asked] of Object.entries(firstByQuery)) {
          const got = yield* Effect.provideService(asked, Session.Session, session)
          assert.deepStrictEqual(got, expected as Array<number>, `${name}: ${layoutText(pages)}`)
        }
      }
    })
  )

  it.scopedLive("have the same rows, however they are asked for, from the start and from a page on", () =>
    Effect.gen(function* () {
      const { served, session } = yield* connect()
      for (const pages of layouts) {
        served.pages = pages
        for (const [name, way] of Object.entries(all)) {
          const got = yield* Effect.provideService(way(session, typed), Session.Session, session)
          assert.deepStrictEqual(got, pages.flat() as Array<number>, `${name}: ${layoutText(pages)}`)
        }
        if (pages.length === 1) continue
        const later = Statement.withPagingState(typed, PagingState.fromBytes(state(1)))
        const rest = pages.slice(1).flat() as Array<number>
        for (const [ways, expected] of [
          [first, rest.slice(0, 1)],
          [all, rest]
        ] as const) {
          for (const [name, way] of Object.entries(ways)) {
            if (name.startsWith("Query")) continue
            const got = yield* Effect.provideService(way(session, later), Session.Session, session)
            assert.deepStrictEqual(got, expected, `${name} from page 1: ${layoutText(pages)}`)
          }
        }
      }
    })
  )

  it.scopedLive("fail alike where a row does not decode or a page is refused", () =>
    Effect.gen(function* () {
      const { served, session } = yield* connect()
      for (const pages of [[[null]], [[], [null]], [[], [], [null, 1]]] as ReadonlyArray<Pages>) {
        served.pages = pages
        for (const [name, way] of [...Object.entries(first), ...Object.entries(all)]) {
          const error = yield* Effect.flip(Effect.provideService(way(session, typed), Session.Session, session))
          assert.strictEqual((error as { _tag: string })._tag, "ParseError", `${name}: ${layoutText(pages)}`)
        }
        for (const [name, asked] of Object.entries(firstByQuery)) {
          const error = yield* Effect.flip(Effect.provideService(asked, Session.Session, session))
          assert.strictEqual((error as { _tag: string })._tag, "ParseError", `${name}: ${layoutText(pages)}`)
        }
      }
      served.pages = [[], [], [1]]
      served.failing = 2
      for (const [name, way] of [...Object.entries(first), ...Object.entries(all)]) {
        const error = yield* Effect.flip(Effect.provideService(way(session, typed), Session.Session, session))
        assert.strictEqual((error as { _tag: string })._tag, "InvalidQueryError", name)
      }
    })
  )

  it.scopedLive("do not make the first row fail for what comes after it", () =>
    Effect.gen(function* () {
      const { served, session } = yield* connect()
      for (const pages of [[[1, null]], [[], [1, null]], [[1], [null]], [[], [1], [null]]] as ReadonlyArray<Pages>) {
        served.pages = pages
        const label = layoutText(pages)
        assert.deepStrictEqual(valueOf(yield* session.one(typed)), [1], label)
        for (const name of ["Query.findOne", "Query.single", "session.prepare"]) {
          const got = yield* Effect.provideService(firstByQuery[name] as Asked, Session.Session, session)
          assert.deepStrictEqual(got, [1], `${name}: ${label}`)
        }
      }
    })
  )
})

it.scopedLive("a column that a SELECT calls [applied] is a column like any other, however it is asked for", () =>
  Effect.gen(function* () {
    const { served, session } = yield* connect("[applied]")
    served.pages = [[1], [0]]
    const statement = cql`SELECT v AS "[applied]" FROM t WHERE k = ${1}`
    const rows = [{ "[applied]": true }, { "[applied]": false }]
    assert.deepStrictEqual(yield* session.rows(statement), rows)
    assert.deepStrictEqual(Chunk.toArray(yield* Stream.runCollect(session.stream(statement))), rows)
    assert.deepStrictEqual(yield* session.one(statement), Option.fromNullable<Statement.Row | undefined>(rows[0]))
    const page = yield* session.execute(statement)
    assert.deepStrictEqual([page.rows, page.wasApplied], [rows.slice(0, 1), Option.none()])
  })
)
