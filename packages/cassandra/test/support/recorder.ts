/** A session whose CQL texts are seen on their way to the server. */
import { type CassandraError, Session } from "effect-cassandra"
import { CassandraServer, type TestKeyspace } from "effect-cassandra-testkit"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { connect } from "./client.ts"
import * as Proxy from "./proxy.ts"

/** The proxy that everything goes through, with the CQL texts it has seen, and how many requests with values. */
export interface Recorder {
  readonly proxy: Proxy.Proxy
  readonly texts: Array<string>
  readonly executed: () => number
}
export const Recorder = Context.GenericTag<Recorder>("test/Recorder")

/** The proxy, before the server of the run. */
export const recorder = Layer.scoped(
  Recorder,
  Effect.gen(function* () {
    const proxy = yield* Proxy.make(yield* CassandraServer.CassandraServer)
    const texts: Array<string> = []
    proxy.onRequest = ({ body, opcode }) => {
      if (opcode === Proxy.opcodes.query || opcode === Proxy.opcodes.prepare) {
        texts.push(body.toString("utf8", 4, 4 + body.readInt32BE(0)))
      }
      return "forward"
    }
    return { proxy, texts, executed: () => proxy.count(Proxy.opcodes.execute) + proxy.count(Proxy.opcodes.batch) }
  })
)

/** A session through the proxy. */
export const through: Layer.Layer<
  Session.Session,
  CassandraError.CassandraError,
  Recorder | CassandraServer.CassandraServer | TestKeyspace.TestKeyspace
> = Layer.scoped(
  Session.Session,
  Effect.flatMap(Recorder, ({ proxy }) => connect(Proxy.through(proxy)))
)
