/** The schema as it is known: keyspaces that were asked for, kept until something in them changed. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { CassandraError } from "../../../CassandraError.ts"
import type { Keyspace } from "../../../Keyspace.ts"
import type { Session } from "../../../Session.ts"
import { make as makeStatement } from "../../../Statement.ts"
import type { ClusterView } from "../../request/index.ts"
import * as readSchema from "./readSchema.ts"

type Keyspaces = ReadonlyMap<string, Keyspace>

export class SchemaCache {
  readonly read: readSchema.Read
  readonly #keeps: boolean
  #known = new Map<string, Keyspace>()
  /** Whether those that are known are all there are. */
  #complete = false
  /** How often something changed: what was being read meanwhile may be old, and is not kept. */
  #changes = 0

  constructor(view: ClusterView, session: Session) {
    this.read = reader(view, session)
    this.#keeps = view.keepsSchema
  }

  /** Forgets a keyspace, or all of them. */
  readonly forget = (keyspace?: string): void => {
    this.#changes++
    this.#complete = false
    if (keyspace === undefined) this.#known.clear()
    else this.#known.delete(keyspace)
  }

  readonly all: Effect.Effect<Keyspaces, CassandraError> = Effect.suspend(() =>
    this.#complete
      ? Effect.succeed(new Map(this.#known))
      : this.#keeping(readSchema.keyspaces(this.read), (found) => {
          this.#known = new Map(found)
          this.#complete = true
        })
  )

  readonly keyspace = (name: string): Effect.Effect<Option.Option<Keyspace>, CassandraError> =>
    Effect.suspend(() => {
      const known = this.#known.get(name)
      if (known !== undefined) return Effect.succeedSome(known)
      if (this.#complete) return Effect.succeedNone
      return Effect.map(
        this.#keeping(readSchema.keyspaces(this.read, name), (found) => {
          for (const keyspace of found.values()) this.#known.set(keyspace.name, keyspace)
        }),
        (found) => Option.fromNullable(found.get(name))
      )
    })

  /** Reads a part of a keyspace again, and puts it in its place if the keyspace is known. */
  readonly renew = <A>(
    keyspace: string,
    part: Effect.Effect<A, CassandraError>,
    put: (known: Keyspace, part: A) => Keyspace | undefined
  ): Effect.Effect<A, CassandraError> =>
    this.#keeping(part, (found) => {
      const known = this.#known.get(keyspace)
      if (known === undefined) return
      const renewed = put(known, found)
      if (renewed === undefined) this.#known.delete(keyspace)
      else this.#known.set(keyspace, renewed)
    })

  #keeping<A>(found: Effect.Effect<A, CassandraError>, keep: (found: A) => void): Effect.Effect<A, CassandraError> {
    if (!this.#keeps) return found
    return Effect.suspend(() => {
      const changes = this.#changes
      return Effect.tap(found, (value) =>
        Effect.sync(() => {
          if (changes === this.#changes) keep(value)
        })
      )
    })
  }
}

/** A cache that hears of changes until the scope closes. */
export const make = (view: ClusterView, session: Session): Effect.Effect<SchemaCache, never, Scope.Scope> =>
  Effect.gen(function* () {
    const cache = new SchemaCache(view, session)
    yield* Effect.acquireRelease(
      Effect.sync(() =>
        view.listen({
          schemaChanged: ({ keyspace }) => cache.forget(keyspace),
          changedByUs: cache.forget,
          // Nobody told what changed meanwhile.
          reconnected: () => cache.forget()
        })
      ),
      (stop) => Effect.sync(stop)
    )
    return cache
  })

/**
 * Reads from the host that tells of changes: another one may not have heard of a change yet, and what it says would be kept
 * as if it were new.
 */
const reader =
  (view: ClusterView, session: Session): readSchema.Read =>
  (table, where) => {
    const columns = Object.keys(where)
    const condition = columns.map((column) => `${column} = ?`).join(" AND ")
    const query = `SELECT * FROM ${table}${condition === "" ? "" : ` WHERE ${condition}`}`
    const rows = (host: string | undefined) =>
      session.rows(
        makeStatement(query, Object.values(where), {
          consistency: "LOCAL_ONE",
          idempotent: true,
          tracing: false,
          pageSize: 5000,
          host
        })
      )
    return Effect.suspend(() => {
      const host = view.controlAddress
      return host === undefined
        ? rows(undefined)
        : Effect.catchIf(
            rows(host),
            ({ _tag }) => _tag === "NoHostAvailableError" || _tag === "ConnectionError",
            () => rows(undefined)
          )
    })
  }
