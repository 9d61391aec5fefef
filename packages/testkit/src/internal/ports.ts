import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import * as Net from "node:net"

/** The ports of a server; every node of a cluster has the same ones, on its own address. */
export interface Ports {
  readonly native: number
  readonly storage: number
  /** Where the nodes of a cluster are managed. */
  readonly jmx: number
}

/** Below the ranges that systems take ports for outgoing connections from. */
const first = 10_000
const blocks = 4_500
const blockSize = 4

const listen = (host: string, port: number): Effect.Effect<Net.Server, NodeJS.ErrnoException> =>
  Effect.async((resume) => {
    const server = Net.createServer((socket) => socket.destroy())
    server.once("error", (error) => resume(Effect.fail(error)))
    server.listen({ host, port, exclusive: true }, () => resume(Effect.succeed(server.unref())))
  })

const close = (server: Net.Server): Effect.Effect<void> =>
  Effect.async((resume) => {
    server.close(() => resume(Effect.void))
  })

/** Holds `port` until the scope closes. */
const hold = (host: string, port: number) => Effect.acquireRelease(listen(host, port), close)

/** Whether the port is free: it is taken and given back. */
const probe = (host: string, port: number) => Effect.flatMap(listen(host, port), close)

/**
 * Ports that are free on every one of the addresses. Between this and the moment a server listens on them, seconds pass;
 * so that no other user of this kit takes them meanwhile, the first port of the block is held, by a socket which the
 * kernel closes with this process, for as long as the scope is open.
 */
export const allocate = (
  addresses: Effect.Effect<ReadonlyArray<string>>,
  attempts = 50
): Effect.Effect<
  { readonly addresses: ReadonlyArray<string>; readonly ports: Ports },
  NodeJS.ErrnoException,
  Scope.Scope
> =>
  Effect.gen(function* () {
    const hosts = yield* addresses
    const base = first + blockSize * (yield* Random.nextIntBetween(0, blocks))
    const ports: Ports = { native: base + 1, storage: base + 2, jmx: base + 3 }
    yield* Effect.forEach(hosts, (host) => Effect.forEach(Object.values(ports), (port) => probe(host, port)), {
      discard: true
    })
    yield* hold(hosts[0]!, base)
    return { addresses: hosts, ports }
  }).pipe(Effect.retry({ times: attempts, while: (error) => error.code === "EADDRINUSE" || error.code === "EACCES" }))
