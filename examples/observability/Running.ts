/** The HTTP example as it runs in production: a process of its own, and between it and Cassandra a network that can fail. */
import { CassandraServer, FaultProxy } from "effect-cassandra-testkit"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { environmentOf, startExample } from "../support/process.ts"

export interface Running {
  readonly url: string
  /** The network. */
  readonly proxy: FaultProxy.FaultProxy
  /** Presses Ctrl-C, and gives the exit code. */
  readonly stop: Effect.Effect<number>
}

/** Runs as long as the scope is open. `variables` are for its environment. */
export const make = (variables: Readonly<Record<string, string>> = {}) =>
  Effect.gen(function* () {
    const server = yield* CassandraServer.CassandraServer
    const proxy = yield* FaultProxy.make({ target: { host: server.contactPoints[0]!, port: server.port } })
    const throughProxy = { ...server, contactPoints: [proxy.host], port: proxy.port }
    const process = yield* startExample("http-service.ts", { ...environmentOf(throughProxy), ...variables })
    const url = yield* Deferred.make<string>()
    const printed: Array<string> = []
    yield* Stream.merge(process.stdout, process.stderr).pipe(
      Stream.decodeText(),
      Stream.splitLines,
      Stream.runForEach((line) => {
        printed.push(line)
        const port = /Listening on \S*:(\d+)/.exec(line)?.[1]
        return port === undefined ? Effect.void : Deferred.succeed(url, `http://127.0.0.1:${port}`)
      }),
      Effect.orDie,
      Effect.zipRight(
        Effect.suspend(() => Deferred.die(url, new Error(`The example has ended:\n${printed.join("\n")}`)))
      ),
      Effect.forkScoped
    )
    const running: Running = {
      url: yield* Deferred.await(url),
      proxy,
      stop: Effect.orDie(Effect.zipRight(process.kill("SIGINT"), process.exitCode))
    }
    return running
  })
