import { assert, describe, it } from "@effect/vitest"
import { RetryPolicy } from "effect-cassandra"
import * as Effect from "effect/Effect"
import { connect, type Incoming, Opcode, pair } from "./support.ts"

const text = "SELECT v FROM t WHERE k = ?"

/** Two nodes, of which the one that is asked first never answers. */
const silentFirst = Effect.gen(function* () {
  const nodes = yield* pair()
  let silent: Incoming["connection"] | undefined
  for (const node of nodes) {
    node.script = (request) => {
      if (request.opcode !== Opcode.prepare || request.query !== text) return false
      silent ??= request.connection
      return request.connection === silent
    }
  }
  return nodes
})

describe("preparing on a node that does not answer", () => {
  it.live("goes on with another node", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const [first] = yield* silentFirst
        const cluster = yield* connect(first, { timeout: "300 millis" })
        const session = yield* cluster.connect({ waitForAllPools: true })
        const prepared = yield* session.prepare(text)
        assert.strictEqual(prepared.query, text)
      })
    )
  )

  it.live("fails with a policy that retries nothing", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const [first] = yield* silentFirst
        const cluster = yield* connect(first, { timeout: "300 millis" })
        const never = yield* cluster.connect({ waitForAllPools: true, retryPolicy: RetryPolicy.never })
        const error = yield* Effect.flip(never.prepare(text))
        assert.include(error, { _tag: "OperationTimedOutError", timeout: 300 })
      })
    )
  )
})
