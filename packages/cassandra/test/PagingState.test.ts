import { assert, describe, it } from "@effect/vitest"
import { cql, PagingState, Statement } from "effect-cassandra"
import * as Either from "effect/Either"
import * as Equal from "effect/Equal"
import * as Hash from "effect/Hash"
import * as fc from "fast-check"
import { inspect } from "node:util"

const bytes = fc.uint8Array({ minLength: 1, maxLength: 200 })

describe("PagingState", () => {
  it("comes back from its text, which is safe in a URL", () => {
    fc.assert(
      fc.property(bytes, (raw) => {
        const text = PagingState.toText(PagingState.fromBytes(raw))
        assert.match(text, /^[A-Za-z0-9_-]+$/)
        const back = Either.getOrThrow(PagingState.fromText(text))
        assert.deepStrictEqual([...PagingState.toBytes(back)], [...raw])
      })
    )
  })

  it("is a QueryError when read from text that it never wrote", () => {
    for (const text of ["", "***", "a b", "ünï", "A"]) {
      const result = PagingState.fromText(text)
      assert.isTrue(Either.isLeft(result), `${JSON.stringify(text)} was accepted`)
      if (Either.isLeft(result)) {
        assert.strictEqual(result.left._tag, "QueryError")
        assert.strictEqual(result.left.writeState, "NotApplied")
        if (text !== "" && text !== "A") assert.notInclude(result.left.message, text)
      }
    }
  })

  it("is never printed", () => {
    const raw = Buffer.from("planted-primary-key")
    const state = PagingState.fromBytes(raw)
    const statement = cql`SELECT * FROM t`.pipe(Statement.withPagingState(state))
    const printed = [
      String(state),
      `${state.toString()}`,
      inspect(state, { depth: 10, showHidden: true }),
      JSON.stringify(state),
      JSON.stringify({ next: state }),
      inspect({ next: state }, { depth: 10 }),
      inspect(statement, { depth: 10 }),
      JSON.stringify(statement)
    ]
    for (const text of printed) {
      assert.include(text, "redacted")
      for (const form of [
        "planted",
        raw.toString("hex"),
        raw.toString("base64"),
        raw.toString("base64url"),
        "112, 108"
      ]) {
        assert.notInclude(text, form)
      }
    }
  })

  it("equals another of the same bytes, with the same hash", () => {
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        const left = PagingState.fromBytes(a)
        assert.isTrue(Equal.equals(left, PagingState.fromBytes(a.slice())))
        assert.strictEqual(Hash.hash(left), Hash.hash(PagingState.fromBytes(a.slice())))
        assert.strictEqual(Equal.equals(left, PagingState.fromBytes(b)), Buffer.compare(a, b) === 0)
      })
    )
    assert.isFalse(Equal.equals(PagingState.fromBytes(new Uint8Array([1])), "PagingState(<redacted>)"))
  })

  it("is known from anything else", () => {
    assert.isTrue(PagingState.isPagingState(PagingState.fromBytes(new Uint8Array([1]))))
    for (const other of [undefined, "00", new Uint8Array([1]), {}]) assert.isFalse(PagingState.isPagingState(other))
  })
})
