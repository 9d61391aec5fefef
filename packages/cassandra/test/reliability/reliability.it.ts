/** The rows of the matrix that need one node and take seconds; `npm run reliability` runs all of them, on three. */
import { assert, layer } from "@effect/vitest"
import * as TestServer from "effect-cassandra-testkit/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { serverLayer } from "./lab.ts"
import { rows } from "./matrix.ts"
import { runRow } from "./run.ts"

const lab = serverLayer.pipe(Layer.provide(TestServer.layerKeyspace({ prefix: "reliability" })))

layer(lab, { excludeTestServices: true, timeout: "2 minutes" })("one node and its client survive", (it) => {
  for (const row of rows.filter(({ quick }) => quick === true)) {
    it.scoped(
      `${row.fault}: ${row.injected}`,
      () => Effect.map(runRow(row), ({ broken, unserved }) => assert.deepStrictEqual([...broken, ...unserved], [])),
      180_000
    )
  }
})
