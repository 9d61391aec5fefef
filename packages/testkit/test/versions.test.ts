import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { majorOf } from "../src/internal/java.ts"
import { release } from "../src/internal/versions.ts"

describe("versions", () => {
  it.effect("a line means its newest patch, an exact version itself", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* release("5.0")).version, "5.0.9")
      assert.strictEqual((yield* release("5.0.4")).version, "5.0.4")
      assert.strictEqual((yield* release("6.0")).version, "6.0-alpha2")
      for (const exact of ["6.0-alpha1", "6.0.0", "5.0-rc2", "5.0-beta1"]) {
        const { line, version } = yield* release(exact)
        assert.deepStrictEqual([version, line], [exact, exact.slice(0, 3)])
      }
      assert.deepStrictEqual((yield* release("4.1")).java, [11, 8])
    })
  )

  it.effect("anything else is refused", () =>
    Effect.gen(function* () {
      for (const version of ["3.11", "6.1", "latest", "5", "", "5.0-SNAPSHOT", "5.0.x", "constructor"]) {
        const error = yield* Effect.flip(release(version))
        assert.strictEqual(error.option, "version")
      }
    })
  )

  it("reads the feature release of a Java version", () => {
    assert.deepStrictEqual(majorOf("17.0.15"), Option.some(17))
    assert.deepStrictEqual(majorOf("1.8.0_392"), Option.some(8))
    assert.deepStrictEqual(majorOf("25-ea"), Option.some(25))
    assert.deepStrictEqual(majorOf("what"), Option.none())
  })
})
