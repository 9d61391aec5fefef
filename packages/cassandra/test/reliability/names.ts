/** A name that the nodes are found by, and nodes that move to other addresses. */
import type { Cluster } from "effect-cassandra"
import { FaultProxy } from "effect-cassandra-testkit"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { createRequire } from "node:module"
import type { Node } from "./lab.ts"

const name = "nodes.cassandra.test"

/** The module as the driver sees it. */
const dns = createRequire(import.meta.url)("node:dns") as {
  resolve4: Resolve
  resolve6: Resolve
}

type Resolve = (host: string, answer: Answer) => void
type Answer = (error: Error | null, addresses?: ReadonlyArray<string>) => void

/** Has Node's resolver answer for the name, as long as the scope is open. */
const resolving = (addresses: () => ReadonlyArray<string>): Effect.Effect<void, never, Scope.Scope> =>
  Effect.asVoid(
    Effect.acquireRelease(
      Effect.sync(() => {
        const { resolve4, resolve6 } = dns
        dns.resolve4 = (host, answer) => (host === name ? answer(null, addresses()) : resolve4(host, answer))
        dns.resolve6 = (host, answer) => (host === name ? answer(null, []) : resolve6(host, answer))
        return { resolve4, resolve6 }
      }),
      (original) => Effect.sync(() => Object.assign(dns, original))
    )
  )

export interface Moving {
  readonly options: Cluster.ClusterOptions
  readonly move: Effect.Effect<void>
}

/** Before every node a proxy at an address, and another at the address that it moves to. */
export const make = (nodes: ReadonlyArray<Node>): Effect.Effect<Moving, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    // A free port at one address is taken for all: nodes have one port.
    let port: number | undefined
    const generation = (which: number) =>
      Effect.forEach(nodes, ({ host, port: to }, i) =>
        Effect.tap(FaultProxy.make({ host: `127.88.${which}.${i + 1}`, port, target: { host, port: to } }), (proxy) =>
          Effect.sync(() => (port = proxy.port))
        )
      )
    const before = yield* generation(1)
    const after = yield* generation(2)
    let current = before
    yield* resolving(() => current.map(({ host }) => host))
    return {
      options: {
        contactPoints: [name],
        port: port ?? 0,
        addressTranslator: (node) => {
          const proxy = current[nodes.findIndex(({ announced }) => announced === node.address)]
          return proxy === undefined ? node : { address: proxy.host, port: proxy.port }
        }
      },
      move: Effect.suspend(() => {
        current = after
        return Effect.forEach(before, (proxy) => Effect.zipRight(proxy.refuse, proxy.reset), { discard: true })
      })
    }
  })
