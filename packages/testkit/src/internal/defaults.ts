import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { NodeOptions, TlsOptions } from "../ServerOptions.ts"
import { OptionsError } from "../TestkitError.ts"
import type { Report } from "./engine.ts"
import * as Env from "./env.ts"
import type { Release } from "./versions.ts"
import { release } from "./versions.ts"

/** The options of a node, checked, with every default in place. */
export interface Resolved {
  readonly release: Release
  readonly authentication: boolean
  readonly tls: { readonly optional: boolean; readonly requireClientAuth: boolean } | undefined
  readonly heapMegabytes: number
  readonly settings: Readonly<Record<string, unknown>>
  readonly jvmOptions: ReadonlyArray<string>
  readonly mode: "test" | "benchmark"
  readonly startTimeout: Duration.Duration
  readonly report: Report
}

const resolveTls = (tls: boolean | TlsOptions | undefined): Resolved["tls"] => {
  if (tls === undefined || tls === false) return undefined
  const options = tls === true ? {} : tls
  return { optional: options.optional ?? false, requireClientAuth: options.requireClientAuth ?? false }
}

/** The release that is asked for: by the options, or by the environment for whoever does not say. */
const resolveRelease = Effect.fnUntraced(function* (version: string | undefined) {
  if (version !== undefined) return yield* release(version)
  return yield* Option.match(yield* Env.variable("CASSANDRA_VERSION"), {
    onNone: () => release("5.0"),
    onSome: (named) =>
      Effect.mapError(release(named), ({ reason }) => new OptionsError({ option: "CASSANDRA_VERSION", reason }))
  })
})

/** Fills in the defaults; fails when the options cannot be met by any way. */
export const resolve = Effect.fnUntraced(function* (options: NodeOptions) {
  const mode = options.mode ?? "test"
  const heapMegabytes = options.heap ?? (mode === "test" ? 512 : 1024)
  if (!Number.isInteger(heapMegabytes) || heapMegabytes < 128) {
    return yield* new OptionsError({ option: "heap", reason: "at least 128 megabytes, a whole number" })
  }
  const resolved: Resolved = {
    release: yield* resolveRelease(options.version),
    authentication: options.authentication ?? false,
    tls: resolveTls(options.tls),
    heapMegabytes,
    settings: options.settings ?? {},
    jvmOptions: options.jvmOptions ?? [],
    mode,
    startTimeout: Duration.decode(options.startTimeout ?? "2 minutes"),
    report: options.onProgress ?? ((line) => Console.error(`[cassandra] ${line}`))
  }
  if (resolved.tls !== undefined && resolved.release.line === "4.0") {
    return yield* new OptionsError({ option: "tls", reason: "Cassandra 4.0 cannot read PEM files; use 4.1 or newer" })
  }
  return resolved
})

/** The superuser a server with authentication starts with. */
export const superuser = { username: "cassandra", password: "cassandra" } as const
