/**
 * The examples of the guides that are marked `ts run`, each run against the server, on a keyspace of its own.
 *
 * Such a block exports a `program` that needs a `Session` and a `Cluster` at the most. If a block marked `text` follows, it is what the
 * program prints with `Console.log`.
 */
import { assert, layer } from "@effect/vitest"
import { Cluster, Session } from "effect-cassandra"
import { CassandraServer, TestKeyspace } from "effect-cassandra-testkit"
import * as TestServer from "effect-cassandra-testkit/vitest"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { format } from "node:util"
import { inject } from "vitest"
import { blocksOf } from "../markdown.ts"
import { glob, read } from "../sources.ts"
import { moduleOf } from "./blocks.ts"

// Cassandra 4.0 cannot leave out a column that is there already. The guides say so.
const missing = /^4\.0\b/.test(inject("effect-cassandra-testkit/server").version) ? /ADD IF NOT EXISTS/ : undefined

const guides = glob(["README.md", "docs/*.md"]).flatMap((file) => {
  const blocks = blocksOf(read(file)).flatMap((block, i) =>
    block.run && missing?.test(block.code) !== true ? [{ ...block, module: moduleOf(file, i) }] : []
  )
  return blocks.length === 0 ? [] : [{ file, blocks }]
})

type Program = Effect.Effect<unknown, unknown, Session.Session | Cluster.Cluster>

const client = Layer.unwrapEffect(
  Effect.gen(function* () {
    const server = yield* CassandraServer.CassandraServer
    const { name } = yield* TestKeyspace.make({ prefix: "docs" })
    const options = {
      contactPoints: server.contactPoints,
      port: server.port,
      localDataCenter: server.localDataCenter,
      ...Option.match(server.credentials, { onNone: () => ({}), onSome: (credentials) => ({ credentials }) })
    }
    return Session.layer({ keyspace: name }).pipe(Layer.provideMerge(Cluster.layer(options)))
  })
)

/** Runs a program and gives what it printed. */
const printed = (program: Program) =>
  Effect.gen(function* () {
    const lines: Array<string> = []
    const log = (...values: ReadonlyArray<unknown>) => Effect.sync(() => void lines.push(format(...values)))
    yield* Console.consoleWith((console) => Console.withConsole(program, { ...console, log }))
    return lines.join("\n")
  }).pipe(Effect.provide(client), Effect.scoped)

layer(TestServer.layer, { excludeTestServices: true, timeout: "3 minutes" })("the guides", (it) => {
  for (const { blocks, file } of guides) {
    for (const { code, module, output } of blocks) {
      const line = code.length - code.trimStart().length
      it.effect(`${file}, line ${line}`, () =>
        Effect.gen(function* () {
          const { program } = (yield* Effect.promise(() => import(module))) as { readonly program: Program }
          const lines = yield* printed(program)
          if (output !== undefined) assert.strictEqual(lines, output)
        })
      )
    }
  }
})
