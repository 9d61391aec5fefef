import { assert, describe, it } from "@effect/vitest"
import { cql, PagingState, RetryPolicy, Statement } from "effect-cassandra"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

const base = cql`SELECT * FROM t WHERE a = ${1}`
const state = PagingState.fromBytes(new Uint8Array([1]))

interface Case {
  readonly name: string
  readonly option: string
  readonly value: unknown
  readonly piped: Statement.Statement<Statement.Row, never, never>
  readonly direct: Statement.Statement<Statement.Row, never, never>
}

const payload = { key: new Uint8Array([1]) }

const cases: ReadonlyArray<Case> = [
  {
    name: "withIdempotent",
    option: "idempotent",
    value: false,
    piped: base.pipe(Statement.withIdempotent(false)),
    direct: Statement.withIdempotent(base, false)
  },
  {
    name: "withConsistency",
    option: "consistency",
    value: "QUORUM",
    piped: base.pipe(Statement.withConsistency("QUORUM")),
    direct: Statement.withConsistency(base, "QUORUM")
  },
  {
    name: "withSerialConsistency",
    option: "serialConsistency",
    value: "LOCAL_SERIAL",
    piped: base.pipe(Statement.withSerialConsistency("LOCAL_SERIAL")),
    direct: Statement.withSerialConsistency(base, "LOCAL_SERIAL")
  },
  {
    name: "withPageSize",
    option: "pageSize",
    value: 7,
    piped: base.pipe(Statement.withPageSize(7)),
    direct: Statement.withPageSize(base, 7)
  },
  {
    name: "withPrefetch",
    option: "prefetch",
    value: 2,
    piped: base.pipe(Statement.withPrefetch(2)),
    direct: Statement.withPrefetch(base, 2)
  },
  {
    name: "withTimeout",
    option: "timeout",
    value: "1 second",
    piped: base.pipe(Statement.withTimeout("1 second")),
    direct: Statement.withTimeout(base, "1 second")
  },
  {
    name: "withDeadline",
    option: "deadline",
    value: "1 second",
    piped: base.pipe(Statement.withDeadline("1 second")),
    direct: Statement.withDeadline(base, "1 second")
  },
  {
    name: "withProfile",
    option: "profile",
    value: "olap",
    piped: base.pipe(Statement.withProfile("olap")),
    direct: Statement.withProfile(base, "olap")
  },
  {
    name: "withRetryPolicy",
    option: "retryPolicy",
    value: RetryPolicy.never,
    piped: base.pipe(Statement.withRetryPolicy(RetryPolicy.never)),
    direct: Statement.withRetryPolicy(base, RetryPolicy.never)
  },
  {
    name: "withTimestamp",
    option: "timestamp",
    value: 5n,
    piped: base.pipe(Statement.withTimestamp(5n)),
    direct: Statement.withTimestamp(base, 5n)
  },
  {
    name: "withPagingState",
    option: "pagingState",
    value: state,
    piped: base.pipe(Statement.withPagingState(state)),
    direct: Statement.withPagingState(base, state)
  },
  {
    name: "withTracing",
    option: "tracing",
    value: true,
    piped: base.pipe(Statement.withTracing(true)),
    direct: Statement.withTracing(base, true)
  },
  {
    name: "withCustomPayload",
    option: "customPayload",
    value: payload,
    piped: base.pipe(Statement.withCustomPayload(payload)),
    direct: Statement.withCustomPayload(base, payload)
  },
  {
    name: "withHost",
    option: "host",
    value: "10.0.0.1:9042",
    piped: base.pipe(Statement.withHost("10.0.0.1:9042")),
    direct: Statement.withHost(base, "10.0.0.1:9042")
  },
  {
    name: "withKeyspace",
    option: "keyspace",
    value: "shop",
    piped: base.pipe(Statement.withKeyspace("shop")),
    direct: Statement.withKeyspace(base, "shop")
  },
  {
    name: "withExecuteAs",
    option: "executeAs",
    value: "alice",
    piped: base.pipe(Statement.withExecuteAs("alice")),
    direct: Statement.withExecuteAs(base, "alice")
  }
]

describe("Statement", () => {
  for (const { direct, name, option, piped, value } of cases) {
    it(`${name} sets its option, piped or called, and nothing else`, () => {
      for (const statement of [piped, direct]) {
        assert.deepStrictEqual(statement.options, { [option]: value })
        assert.strictEqual(statement.query, base.query)
        assert.deepStrictEqual(statement.values, base.values)
      }
      assert.deepStrictEqual(base.options, {})
    })
  }

  it("the later of two settings of an option wins, and other options stay", () => {
    const statement = base.pipe(
      Statement.withConsistency("ONE"),
      Statement.withPageSize(5),
      Statement.withConsistency("ALL")
    )
    assert.deepStrictEqual(statement.options, { consistency: "ALL", pageSize: 5 })
  })

  it("idempotent marks it as idempotent", () => {
    assert.deepStrictEqual(base.pipe(Statement.idempotent).options, { idempotent: true })
  })

  it("withValues gives the same text and options with other values", () => {
    const statement = base.pipe(Statement.idempotent, Statement.withValues([2]))
    assert.strictEqual(statement.query, base.query)
    assert.deepStrictEqual(statement.values, [2])
    assert.deepStrictEqual(statement.options, { idempotent: true })
    assert.deepStrictEqual(Statement.withValues(base, { a: 3 }).values, { a: 3 })
  })

  it("knows statements from anything else", () => {
    assert.isTrue(Statement.isStatement(base))
    assert.isTrue(Statement.isStatement(Statement.make("SELECT 1")))
    for (const other of [undefined, null, "SELECT 1", { query: "SELECT 1", values: [] }, cql.id("a")]) {
      assert.isFalse(Statement.isStatement(other))
    }
  })

  it.effect("as decodes rows with a schema, and options set afterwards keep it", () =>
    Effect.gen(function* () {
      const User = Schema.Struct({ name: Schema.String })
      for (const statement of [base.pipe(Statement.as(User), Statement.withPageSize(2)), Statement.as(base, User)]) {
        assert.deepStrictEqual(yield* statement.decode!([{ name: "Ada" }]), [{ name: "Ada" }])
        const error = yield* Effect.flip(statement.decode!([{ name: "Ada" }, { name: 1 }]))
        assert.strictEqual(error._tag, "ParseError")
      }
    })
  )

  it("compiles the decoder of a schema once", () => {
    const User = Schema.Struct({ name: Schema.String })
    assert.strictEqual(cql`a`.pipe(Statement.as(User)).decode, cql`b`.pipe(Statement.as(User)).decode)
  })

  it("is without a decoder when no schema is given", () => {
    assert.isUndefined(base.decode)
  })
})
