import { assert, describe, it } from "@effect/vitest"
import { type Batch, cql, PagingState, RetryPolicy, SpeculativeExecution, Statement } from "effect-cassandra"
import * as Schema from "effect/Schema"
import { ConfigurationError } from "../src/CassandraError.ts"
import { ofBatch } from "../src/internal/request/mergeOptions.ts"
import type { StatementOptions } from "../src/Statement.ts"

const bytes = (...values: ReadonlyArray<number>) => new Uint8Array(values)

/**
 * What becomes of an option of a batch's statement. `each`: it is the statement's own. `all`: the batch's, when all of its
 * statements say the same. `some`: the same, but statements may leave it out. `refused`: a batch does not have it.
 */
const fates: {
  readonly [K in keyof Required<StatementOptions>]: readonly [
    fate: "each" | "all" | "some" | "refused",
    one: unknown,
    other: unknown
  ]
} = {
  idempotent: ["each", true, false],
  prepared: ["each", true, false],
  keyspace: ["some", "a", "b"],
  tracing: ["some", true, false],
  customPayload: ["some", { a: bytes(1) }, { a: bytes(2) }],
  pageSize: ["refused", 1, 2],
  pagingState: ["refused", PagingState.fromBytes(bytes(1)), PagingState.fromBytes(bytes(2))],
  prefetch: ["refused", 0, 1],
  timestamp: ["all", 1n, 2n],
  nowInSeconds: ["all", 1, 2],
  consistency: ["all", "ONE", "ALL"],
  serialConsistency: ["all", "SERIAL", "LOCAL_SERIAL"],
  timeout: ["all", "1 second", "2 seconds"],
  deadline: ["all", "1 second", "2 seconds"],
  profile: ["all", "olap", "cart"],
  host: ["all", "10.0.0.1:9042", "10.0.0.2:9042"],
  executeAs: ["all", "ada", "bob"],
  retryPolicy: ["all", RetryPolicy.never, RetryPolicy.standard],
  loadBalancing: ["all", { _tag: "DcAware" }, { _tag: "DcAware", localDataCenter: "dc1" }],
  speculativeExecution: [
    "all",
    SpeculativeExecution.constant({ delay: 10 }),
    SpeculativeExecution.constant({ delay: 20 })
  ]
}

const insert = (options?: StatementOptions) => Statement.make("INSERT INTO t (a) VALUES (?)", [1], options)

const merged = (members: ReadonlyArray<StatementOptions | undefined>, options: Batch.BatchOptions = {}) =>
  ofBatch(members.map(insert), options)

const refusal = (run: () => unknown): ConfigurationError => {
  try {
    run()
  } catch (error) {
    assert.instanceOf(error, ConfigurationError)
    return error
  }
  return assert.fail("it was taken")
}

describe("options of a batch's statements", () => {
  for (const [name, [fate, one, other]] of Object.entries(fates)) {
    const [set, differs] = [{ [name]: one }, { [name]: other }]
    const refused = (...given: Parameters<typeof merged>) =>
      assert.strictEqual(refusal(() => merged(...given)).option, `batch.${name}`)
    if (fate === "each") {
      it(`${name} is each statement's own`, () => {
        assert.deepStrictEqual(merged([set, differs, undefined]), {})
      })
    } else if (fate === "refused") {
      it(`${name} is refused`, () => {
        refused([set])
        refused([undefined, set])
      })
    } else {
      it(`${name} is taken from the statements that agree, and refused where they do not`, () => {
        assert.deepStrictEqual(merged([set]), set)
        assert.deepStrictEqual(merged([set, set]), set)
        assert.deepStrictEqual(merged([set, undefined], set), set)
        refused([set, differs])
        refused([set], differs)
        if (fate === "some") assert.deepStrictEqual(merged([undefined, set, undefined]), set)
        else refused([set, undefined])
      })
    }
  }

  it("what only the batch sets stays as it is", () => {
    const options: Batch.BatchOptions = { consistency: "ALL", timestamp: 5n }
    assert.strictEqual(merged([undefined, undefined, { idempotent: true }], options), options)
  })

  it("a schema for the rows is refused", () => {
    const typed = insert().pipe(Statement.as(Schema.Struct({ a: Schema.Int })))
    assert.strictEqual(refusal(() => ofBatch([cql`DELETE FROM t`, typed], {})).option, "batch.as")
  })

  it("what is no option is refused by its name", () => {
    const unknown = refusal(() => merged([{ consistancy: "ONE" } as StatementOptions]))
    assert.include(unknown.message, 'did you mean "statement.consistency"?')
    assert.strictEqual(refusal(() => merged([{ prepared: "yes" } as never])).option, "statement.prepared")
  })
})
