/**
 * Migrations: what has to be done to a keyspace, each once and in order, however many instances of an application start at once.
 *
 * What was applied is recorded in a table, with a checksum. Whoever applies migrations holds a lease, a conditional write with
 * a TTL, so that all others wait, and so that the lease of a process that died ends by itself.
 *
 * Schema changes are no transaction. A migration that fails in the middle has done its first half, and is run again from its
 * first statement when it was mended: write `IF NOT EXISTS` and `IF EXISTS`, and one change a migration where you can.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type * as Schedule from "effect/Schedule"
import type { CassandraError } from "./CassandraError.ts"
import type { SerialConsistency } from "./Consistency.ts"
import { loaders, runner } from "./internal/migrator/index.ts"
import type { MigrationError } from "./MigrationError.ts"
import type { Session } from "./Session.ts"
import type { Statement } from "./Statement.ts"

export {
  /**
   * @since 0.1.0
   * @category guards
   */
  isMigrationError,
  /**
   * @since 0.1.0
   * @category errors
   */
  MigrationError
} from "./MigrationError.ts"

export type {
  /**
   * @since 0.1.0
   * @category models
   */
  MigrationErrorReason
} from "./MigrationError.ts"

/**
 * What a migration does: CQL, or an effect. The `Session` of the effect's context sends nothing once the lease is lost, and
 * waits for the nodes to agree after each schema change.
 *
 * @since 0.1.0
 * @category models
 */
export type MigrationBody<R = never> =
  | { readonly _tag: "Statements"; readonly statements: ReadonlyArray<Statement.Any> }
  | { readonly _tag: "Effect"; readonly effect: Effect.Effect<unknown, unknown, R | Session> }

/**
 * A migration as a loader gives it.
 *
 * @since 0.1.0
 * @category models
 */
export interface ResolvedMigration<R = never> {
  /** The number its name starts with. Migrations are applied in this order. */
  readonly id: number
  /** The whole name, number included: `0001_create_users`. */
  readonly name: string
  readonly checksum: string
  /** Evaluated when the migration is about to be applied. */
  readonly body: Effect.Effect<MigrationBody<R>, MigrationError>
}

/**
 * Where migrations come from.
 *
 * @since 0.1.0
 * @category models
 */
export type Loader<R = never> = Effect.Effect<ReadonlyArray<ResolvedMigration<R>>, MigrationError>

/**
 * A migration that was applied, as it is recorded.
 *
 * @since 0.1.0
 * @category models
 */
export interface AppliedMigration {
  readonly id: number
  readonly name: string
  readonly checksum: string
  readonly appliedAt: Date
  /** Host, process id and a unique part of who applied it, separated by slashes. */
  readonly appliedBy: string
  readonly duration: Duration.Duration
}

/**
 * - `Applied`: as it is given.
 * - `Pending`: to be applied by the next run.
 * - `Newer`: applied, not given, and later than all that are: by a newer version of the application. No error.
 * - `Changed`: applied with another checksum or under another name.
 * - `Missing`: applied, not given, although later ones are.
 * - `OutOfOrder`: not applied, although later ones were.
 *
 * @since 0.1.0
 * @category models
 */
export type MigrationState = "Applied" | "Pending" | "Newer" | "Changed" | "Missing" | "OutOfOrder"

/**
 * A migration, given or applied, and how it stands.
 *
 * @since 0.1.0
 * @category models
 */
export interface MigrationStatus {
  readonly id: number
  readonly name: string
  readonly state: MigrationState
  /** What is recorded of it. */
  readonly applied: Option.Option<AppliedMigration>
}

/**
 * @since 0.1.0
 * @category models
 */
export interface MigratorOptions<R = never> {
  readonly loader: Loader<R>
  /** The table for what was applied, created when it is not there. Default `cassandra_migrations`. */
  readonly table?: string | undefined
  /** The keyspace of that table. Default: the session's, which is where the migrations themselves are run in any case. */
  readonly keyspace?: string | undefined
  /**
   * The consistency of the lease and of the record. Default `SERIAL`, which holds between data centres; `LOCAL_SERIAL` is
   * faster, and right only when migrations are run in one data centre.
   */
  readonly serialConsistency?: SerialConsistency | undefined
  /** How long the lease of a process that died lasts: whole seconds, at least 3. Default 30 seconds. */
  readonly leaseTtl?: Duration.DurationInput | undefined
  /** How long to wait while another migrator holds the lease. Default 2 minutes. */
  readonly lockTimeout?: Duration.DurationInput | undefined
  /** When to look whether the lease is free. Default: every 500 ms, with jitter. */
  readonly lockSchedule?: Schedule.Schedule<unknown, unknown> | undefined
  /** How long to wait for the nodes to agree on a schema change. Default 30 seconds. */
  readonly schemaAgreementTimeout?: Duration.DurationInput | undefined
  /**
   * Whether ids that count from 0 or 1 may leave a number out. Default `false`: a number left out is more often a file left
   * out. Ids that start higher, such as dates, may always leave gaps.
   */
  readonly allowGaps?: boolean | undefined
}

/**
 * What a record of migrations can hold.
 *
 * @since 0.1.0
 * @category models
 */
export type RecordEntry = Statement.Any | ReadonlyArray<Statement.Any> | Effect.Effect<unknown, unknown, unknown>

/**
 * What the effects among the migrations ask for, beside the session.
 *
 * @since 0.1.0
 * @category models
 */
export type RecordContext<Entry> =
  Entry extends Effect.Effect<infer _A, infer _E, infer R> ? Exclude<R, Session> : never

/**
 * Migrations from a record: a statement, several, or an effect for each name, which is a number, an underscore and a name.
 *
 * An effect has no text to make a checksum of: that it was changed after it had been applied is not noticed.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { cql, Migrator, Session } from "effect-cassandra"
 *
 * const loader = Migrator.fromRecord({
 *   "0001_create_users": cql`CREATE TABLE IF NOT EXISTS users (id uuid PRIMARY KEY, name text)`,
 *   "0002_add_email": [
 *     cql`ALTER TABLE users ADD IF NOT EXISTS email text`,
 *     cql`CREATE INDEX IF NOT EXISTS users_by_email ON users (email)`
 *   ],
 *   "0003_first_user": Effect.gen(function* () {
 *     const session = yield* Session.Session
 *     yield* session.execute(cql`INSERT INTO users (id, name) VALUES (uuid(), ${"Ada"})`)
 *   })
 * })
 * ```
 *
 * @since 0.1.0
 * @category loaders
 */
export const fromRecord = <Entries extends Readonly<Record<string, RecordEntry>>>(
  migrations: Entries
): Loader<RecordContext<Entries[keyof Entries]>> => loaders.fromRecord(migrations)

/**
 * Migrations from the files of a directory.
 *
 * - `0001_create_users.cql`: statements separated by semicolons.
 * - `0002_fill.ts`, `.mts`, `.js` or `.mjs`: a module whose default export is a statement, several, or an effect that needs no
 *   more than a `Session`. It is imported when it is about to be applied. TypeScript needs a Node that runs it.
 *
 * Other files are left alone, but a `.cql` file whose name is not like this is an error. The checksum of CQL leaves comments
 * and spacing out; that of a module is of its source, where TypeScript and its compiled form cannot be compared and pass.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Migrator } from "effect-cassandra"
 *
 * const migrate = Migrator.run({ loader: Migrator.fromDirectory(new URL("./migrations", import.meta.url)) }).pipe(
 *   Effect.tap((applied) => Effect.log(`${applied.length} migrations applied`))
 * )
 * ```
 *
 * @since 0.1.0
 * @category loaders
 */
export const fromDirectory = (path: string | URL): Loader => loaders.fromDirectory(path)

/**
 * Applies the migrations that were not applied yet, one after the other, and gives those that it applied: none when there was
 * nothing to do, or when another instance did it meanwhile.
 *
 * Fails with a `MigrationError`, whose `reason` says what to do about it, or with what the requests for the record and the
 * lease failed with. What had been applied until then stays applied and recorded; running again continues with the first
 * migration that is not recorded.
 *
 * @example
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { Cluster, cql, Migrator, Session } from "effect-cassandra"
 *
 * const program = Migrator.run({
 *   loader: Migrator.fromRecord({
 *     "0001_create_users": cql`CREATE TABLE IF NOT EXISTS users (id uuid PRIMARY KEY, name text)`
 *   })
 * }).pipe(
 *   Effect.catchTag("MigrationError", (error) => Effect.logError(`${error.reason}: ${error.message}`)),
 *   Effect.provide(Session.layerEnv().pipe(Layer.provide(Cluster.layerEnv())))
 * )
 * ```
 *
 * @since 0.1.0
 * @category running
 */
export const run: <R = never>(
  options: MigratorOptions<R>
) => Effect.Effect<ReadonlyArray<AppliedMigration>, MigrationError | CassandraError, Session | R> = runner.run

/**
 * All migrations, given or applied, and how they stand. Changes nothing and needs no lease.
 *
 * @since 0.1.0
 * @category running
 */
export const list: <R = never>(
  options: MigratorOptions<R>
) => Effect.Effect<ReadonlyArray<MigrationStatus>, MigrationError | CassandraError, Session> = runner.list

/**
 * `list`, but fails with a `MigrationError` when a migration was changed, renamed or removed after it had been applied, or
 * came too late. Migrations that are pending are no failure.
 *
 * @since 0.1.0
 * @category running
 */
export const verify: <R = never>(
  options: MigratorOptions<R>
) => Effect.Effect<ReadonlyArray<MigrationStatus>, MigrationError | CassandraError, Session> = runner.verify

/**
 * Applies the migrations when the application starts: what is provided by a layer on top of this one finds the schema in
 * place.
 *
 * @example
 * ```ts
 * import { Layer } from "effect"
 * import { Cluster, Migrator, Session } from "effect-cassandra"
 *
 * const SessionLive = Session.layer({ keyspace: "shop" }).pipe(
 *   Layer.provide(Cluster.layer({ contactPoints: ["127.0.0.1"] }))
 * )
 * const CassandraLive = Migrator.layer({ loader: Migrator.fromDirectory("./migrations") }).pipe(
 *   Layer.provideMerge(SessionLive)
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = <R = never>(
  options: MigratorOptions<R>
): Layer.Layer<never, MigrationError | CassandraError, Session | R> => Layer.effectDiscard(run(options))
