import { assert, layer } from "@effect/vitest"
import { cql, PagingState, Session, Statement } from "effect-cassandra"
import { CassandraServer } from "effect-cassandra-testkit"
import * as Chunk from "effect/Chunk"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { connect, prepared, schema, sessionLayer } from "./support/client.ts"
import { emptyPage } from "./support/emptyPage.ts"
import * as Proxy from "./support/proxy.ts"

const many = 200_000

/** 10 rows in one partition of `t`, and 200,000 over 200 partitions of `wide`. */
const fill = Effect.gen(function* () {
  const session = yield* Session.Session
  yield* Effect.forEach(
    Array.from({ length: 10 }, (_, c) => c),
    (c) => session.execute(cql`INSERT INTO t (p, c) VALUES (${0}, ${c})`)
  )
  const chunk = 500
  yield* Effect.forEach(
    Array.from({ length: many / chunk }, (_, i) => i),
    (i) =>
      session.execute(
        Statement.make(
          `BEGIN UNLOGGED BATCH ${`INSERT INTO wide (p, c) VALUES (?, ?);`.repeat(chunk)} APPLY BATCH`,
          Array.from({ length: chunk }, (_, j) => [i >> 1, (i & 1) * chunk + j]).flat()
        )
      ),
    { concurrency: 16, discard: true }
  )
})

const setup = Layer.effectDiscard(
  Effect.zipRight(
    schema(
      "CREATE TABLE t (p int, c int, PRIMARY KEY (p, c))",
      "CREATE TABLE wide (p int, c int, PRIMARY KEY (p, c))",
      "CREATE FUNCTION fails_at(x int, at int) CALLED ON NULL INPUT RETURNS int LANGUAGE java AS 'if (x == at) throw new RuntimeException(\"at\"); return x;'"
    ),
    fill
  )
).pipe(Layer.provideMerge(sessionLayer("paging")))

const ten = cql`SELECT c FROM t WHERE p = ${0}`
const everything = cql`SELECT p, c FROM wide`
const numbers = (rows: Iterable<Statement.Row>) => Array.from(rows, (row) => row["c"] as number)
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i)

/** A session whose pages can be counted, and held up. */
const proxied = Effect.gen(function* () {
  const proxy = yield* Proxy.make(yield* CassandraServer.CassandraServer)
  const session = yield* connect(Proxy.through(proxy))
  yield* prepared(session, everything)
  const before = proxy.count(Proxy.opcodes.execute)
  return { proxy, session, pages: () => proxy.count(Proxy.opcodes.execute) - before }
})

/** One of ten parts of the 200,000 rows, and the keys that it has. */
const part = (n: number) => cql`SELECT p, c FROM wide WHERE p IN ${upTo(20).map((i) => n * 20 + i)}`
const keysOf = (n: number) => upTo(20).flatMap((i) => upTo(1000).map((c) => `${n * 20 + i} ${c}`))
const keys = (rows: Iterable<Statement.Row>) => Array.from(rows, (row) => `${row["p"]} ${row["c"]}`)

layer(setup, { excludeTestServices: true, timeout: "2 minutes" })("paging", (it) => {
  it.effect("execute gives one page, and where the next one starts; the last page has none", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      const first = yield* session.execute(ten.pipe(Statement.withPageSize(4)))
      assert.deepStrictEqual(numbers(first.rows), [0, 1, 2, 3])
      const all = yield* session.execute(ten)
      assert.deepStrictEqual(numbers(all.rows), upTo(10))
      assert.deepStrictEqual(all.pagingState, Option.none())
    })
  )

  it.scoped("a paging state from one session continues in another, as text, exactly at the next row", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      const first = yield* session.execute(ten.pipe(Statement.withPageSize(4)))
      const text = PagingState.toText(Option.getOrThrow(first.pagingState))
      const other = yield* connect()
      const state = Either.getOrThrow(PagingState.fromText(text))
      const rest = ten.pipe(Statement.withPagingState(state), Statement.withPageSize(3))
      assert.deepStrictEqual(numbers((yield* other.execute(rest)).rows), [4, 5, 6])
      assert.deepStrictEqual(numbers(yield* other.rows(rest)), [4, 5, 6, 7, 8, 9])
      assert.deepStrictEqual(numbers(yield* Stream.runCollect(other.stream(rest))), [4, 5, 6, 7, 8, 9])
    })
  )

  for (const size of [1, 3, 5, 10, 11]) {
    it.effect(`rows, stream and pages give every row once and in order with ${size} rows a page`, () =>
      Effect.gen(function* () {
        const session = yield* Session.Session
        const statement = ten.pipe(Statement.withPageSize(size))
        assert.deepStrictEqual(numbers(yield* session.rows(statement)), upTo(10))
        for (const prefetch of [0, 1, 3]) {
          const paged = statement.pipe(Statement.withPrefetch(prefetch))
          assert.deepStrictEqual(numbers(yield* Stream.runCollect(session.stream(paged))), upTo(10))
          const pages = Chunk.toArray(yield* Stream.runCollect(session.pages(paged)))
          assert.deepStrictEqual(
            pages.flatMap((page) => numbers(page.rows)),
            upTo(10)
          )
          assert.isTrue(pages.every((page) => page.rows.length <= size))
          assert.deepStrictEqual(pages.map((page) => Option.isNone(page.pagingState)).indexOf(true), pages.length - 1)
        }
      })
    )
  }

  it.effect("each page of the stream continues from its own paging state", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      const pages = Chunk.toArray(yield* Stream.runCollect(session.pages(ten.pipe(Statement.withPageSize(4)))))
      const after = Option.getOrThrow((pages[0] as (typeof pages)[0]).pagingState)
      assert.deepStrictEqual(
        numbers(yield* session.rows(ten.pipe(Statement.withPagingState(after)))),
        [4, 5, 6, 7, 8, 9]
      )
    })
  )

  it.scoped("a page without rows in the middle loses nothing: [2], [], [2] gives four rows", () =>
    Effect.gen(function* () {
      const { proxy, session } = yield* proxied
      const four = cql`SELECT c FROM t WHERE p = ${0} LIMIT 4`.pipe(Statement.withPageSize(2))
      for (const run of [
        Effect.map(session.rows(four), numbers),
        Effect.map(Stream.runCollect(session.stream(four)), numbers),
        Effect.map(Stream.runCollect(session.stream(four.pipe(Statement.withPrefetch(0)))), numbers)
      ]) {
        emptyPage(proxy)
        assert.deepStrictEqual(yield* run, [0, 1, 2, 3])
      }
      emptyPage(proxy)
      const pages = Chunk.toArray(yield* Stream.runCollect(session.pages(four)))
      assert.deepStrictEqual(pages.map((page) => numbers(page.rows)).slice(0, 3), [[0, 1], [], [2, 3]])
    })
  )

  it.scoped("a page without rows at the start does not hide the first row, however it is asked for", () =>
    Effect.gen(function* () {
      const { proxy, session } = yield* proxied
      const four = cql`SELECT c FROM t WHERE p = ${0} LIMIT 4`.pipe(Statement.withPageSize(2))
      const after = Option.getOrThrow((yield* session.execute(four)).pagingState)
      const second = four.pipe(Statement.withPagingState(after))
      for (const run of [
        session.one(second),
        Stream.runHead(session.stream(second)),
        Effect.map(session.rows(second), ([row]) => Option.fromNullable(row))
      ]) {
        emptyPage(proxy)
        // The empty page is answered in place of the second one of the result, which is the first that is asked for here.
        yield* session.execute(four)
        assert.deepStrictEqual(yield* run, Option.some({ c: 2 }))
      }
    })
  )

  it.effect("filtering, which makes pages shorter, loses nothing", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      const filtered = cql`SELECT c FROM wide WHERE c = ${7} ALLOW FILTERING`.pipe(Statement.withPageSize(3))
      assert.strictEqual((yield* session.rows(filtered)).length, many / 1_000)
      assert.strictEqual(yield* Stream.runCount(session.stream(filtered)), many / 1_000)
    })
  )

  it.scoped("pages can be counted, reported and limited", () =>
    Effect.gen(function* () {
      const { pages, session } = yield* proxied
      const reported: Array<readonly [page: number, rows: number]> = []
      const rows = yield* session.pages(everything.pipe(Statement.withPageSize(100), Statement.withPrefetch(0))).pipe(
        Stream.zipWithIndex,
        Stream.tap(([page, i]) => Effect.sync(() => reported.push([i + 1, page.rows.length]))),
        Stream.take(3),
        Stream.runFold(0, (sum, [page]) => sum + page.rows.length)
      )
      assert.strictEqual(rows, 300)
      assert.deepStrictEqual(reported, [
        [1, 100],
        [2, 100],
        [3, 100]
      ])
      assert.strictEqual(pages(), 3)
    })
  )

  it.scoped("taking 10 rows of 200,000 fetches at most two pages", () =>
    Effect.gen(function* () {
      const { pages, session } = yield* proxied
      const got = yield* Stream.runCollect(Stream.take(session.stream(everything), 10))
      assert.strictEqual(Chunk.size(got), 10)
      yield* Effect.sleep("200 millis")
      assert.isAtMost(pages(), 2)
    })
  )

  it.scoped("streams all 200,000 rows, in pages of the size asked for, at most 1,000 rows at once", () =>
    Effect.gen(function* () {
      const { pages, session } = yield* proxied
      const sizes = new Set<number>()
      const seen = yield* Stream.runFold(Stream.chunks(session.stream(everything)), 0, (sum, chunk) => {
        sizes.add(Chunk.size(chunk))
        return sum + Chunk.size(chunk)
      })
      assert.strictEqual(seen, many)
      assert.isAtLeast(pages(), many / 5_000)
      assert.isAtMost(pages(), many / 5_000 + 1)
      assert.deepStrictEqual([...sizes], [1_000])
    })
  )

  it.effect("streams at once, of pages of every size and some left early, keep their rows apart", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      yield* Effect.forEach(
        upTo(10),
        (n) =>
          Effect.gen(function* () {
            const statement = part(n).pipe(Statement.withPageSize([150, 900, 2500, 5000][n % 4]!))
            yield* Stream.runDrain(Stream.take(session.stream(statement), 1 + n * 700))
            const rows = yield* Stream.runCollect(session.stream(statement))
            assert.deepStrictEqual(keys(rows), keysOf(n))
          }),
        { concurrency: "unbounded", discard: true }
      )
    })
  )

  it.scoped("interrupting a stream stops its paging", () =>
    Effect.gen(function* () {
      const { pages, session } = yield* proxied
      const third = yield* Deferred.make<void>()
      let got = 0
      const fiber = yield* Effect.fork(
        Stream.runForEach(session.pages(everything.pipe(Statement.withPageSize(100))), () =>
          ++got === 3 ? Deferred.succeed(third, undefined) : Effect.void
        )
      )
      yield* Deferred.await(third)
      yield* Fiber.interrupt(fiber)
      // What had left by then may still be on its way to the proxy.
      yield* Effect.sleep("50 millis")
      const asked = pages()
      yield* Effect.sleep("200 millis")
      assert.strictEqual(pages(), asked)
      assert.isBelow(asked, many / 100)
      assert.strictEqual((yield* session.rows(ten)).length, 10)
    })
  )

  it.scoped("interrupting a stream that waits for a page ends it at once", () =>
    Effect.gen(function* () {
      const { proxy, session } = yield* proxied
      const waiting = yield* Deferred.make<void>()
      proxy.onRequest = (frame) => {
        if (frame.opcode !== Proxy.opcodes.execute) return "forward"
        Effect.runSync(Deferred.succeed(waiting, undefined))
        return "drop"
      }
      const fiber = yield* Effect.fork(Stream.runDrain(session.stream(everything)))
      yield* Deferred.await(waiting)
      yield* Fiber.interrupt(fiber)
    })
  )

  it.scoped("a slow consumer has at most the prefetched pages fetched ahead", () =>
    Effect.gen(function* () {
      const { pages, session } = yield* proxied
      for (const prefetch of [0, 1, 2]) {
        const before = pages()
        yield* session.pages(everything.pipe(Statement.withPageSize(100), Statement.withPrefetch(prefetch))).pipe(
          Stream.take(3),
          Stream.zipWithIndex,
          Stream.runForEach(([, index]) =>
            Effect.zipRight(
              Effect.sleep("100 millis"),
              Effect.sync(() => assert.isAtMost(pages() - before, index + 1 + prefetch))
            )
          )
        )
      }
    })
  )

  it.scoped("a stream's page size is its own: other statements at the same time keep theirs", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      const [small, large] = yield* Effect.all(
        [
          Stream.runCollect(Stream.take(session.pages(everything.pipe(Statement.withPageSize(10))), 5)),
          Stream.runCollect(Stream.take(session.pages(everything), 2))
        ],
        { concurrency: "unbounded" }
      )
      assert.isTrue(Chunk.every(small, (page) => page.rows.length === 10))
      assert.isTrue(Chunk.every(large, (page) => page.rows.length === 5_000))
    })
  )

  for (const at of [0, 1, 4, 9]) {
    it.effect(`an error at row ${at} reaches the consumer after the pages before it`, () =>
      Effect.gen(function* () {
        const session = yield* Session.Session
        const failing = cql`SELECT fails_at(c, ${at}) AS c FROM t WHERE p = ${0}`.pipe(Statement.withPageSize(2))
        for (const prefetch of [0, 1, 4]) {
          const got: Array<number> = []
          const error = yield* Effect.flip(
            Stream.runForEach(session.stream(failing.pipe(Statement.withPrefetch(prefetch))), (row) =>
              Effect.sync(() => got.push(row["c"] as number))
            )
          )
          assert.strictEqual(error._tag, "FunctionFailureError")
          assert.deepStrictEqual(got, upTo(at - (at % 2)))
        }
        assert.strictEqual((yield* Effect.flip(session.rows(failing)))._tag, "FunctionFailureError")
        const pages = yield* session.pages(failing).pipe(
          Stream.map((page) => page.rows.length),
          Stream.either,
          Stream.runCollect
        )
        assert.strictEqual(Chunk.size(pages), (at >> 1) + 1)
      })
    )
  }

  it.effect("an error before the first page reaches the consumer", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      for (const effect of [
        Stream.runDrain(session.stream(cql`SELECT * FROM missing`)),
        Stream.runDrain(session.pages(cql`SELECT * FROM missing`)),
        Effect.asVoid(session.rows(cql`SELECT * FROM missing`))
      ]) {
        assert.strictEqual((yield* Effect.flip(effect))._tag, "InvalidQueryError")
      }
    })
  )

  it.effect("statements that give no rows give an empty stream", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      const none = cql`SELECT c FROM t WHERE p = ${-1}`
      assert.strictEqual(yield* Stream.runCount(session.stream(none)), 0)
      assert.deepStrictEqual(yield* session.rows(cql`INSERT INTO t (p, c) VALUES (${1}, ${1})`), [])
    })
  )
})
