import { assert, describe, it } from "@effect/vitest"
import { CassandraError as E } from "effect-cassandra"

const common = { message: "m" }

describe("CassandraError", () => {
  it("guards by a property, not by the class", () => {
    assert.isTrue(E.isCassandraError(new E.ServerError(common)))
    assert.isTrue(E.isCassandraError({ [E.TypeId]: E.TypeId }))
    for (const other of [undefined, null, new Error("x"), { _tag: "ServerError" }]) {
      assert.isFalse(E.isCassandraError(other))
    }
  })

  it("is an Error with the message and the cause it was given", () => {
    const cause = new Error("driver's")
    const error = new E.ServerError({ message: "driver's", cause })
    assert.instanceOf(error, Error)
    assert.strictEqual(error.message, "driver's")
    assert.strictEqual(error.cause, cause)
  })

  it("NoHostAvailableError may be retried, and was not applied, when that is so for every host", () => {
    const lost = (writeState: E.WriteState) => new E.ConnectionError({ ...common, hosts: [], writeState })
    const none = (...errors: ReadonlyArray<E.CassandraError>) =>
      new E.NoHostAvailableError({ ...common, errors: new Map(errors.map((error, i) => [`h${i}`, error])) })
    assert.isTrue(none(lost("NotApplied"), lost("NotApplied")).isRetryable)
    assert.strictEqual(none(lost("NotApplied"), lost("NotApplied")).writeState, "NotApplied")
    assert.strictEqual(none(lost("NotApplied"), lost("Unknown")).writeState, "Unknown")
    assert.isFalse(none(lost("NotApplied"), new E.AuthenticationError(common)).isRetryable)
    assert.strictEqual(none().writeState, "NotApplied")
  })
})
