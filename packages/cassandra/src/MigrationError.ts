/**
 * What can go wrong with migrations, beside what can go wrong with any request.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Predicate from "effect/Predicate"

/**
 * @since 0.1.0
 * @category type ids
 */
export const TypeId: TypeId = "~effect-cassandra/MigrationError"

/**
 * @since 0.1.0
 * @category type ids
 */
export type TypeId = "~effect-cassandra/MigrationError"

/**
 * Why migrations stopped.
 *
 * - `Failed`: a statement or the effect of a migration failed. Earlier statements of it may have taken effect: schema changes are no
 *   transaction. Mend it and run again; what was not recorded is run from its first statement.
 * - `NotRecorded`: a migration took effect, but that could not be written down. It will be run again.
 * - `Locked`: another migrator holds the lease and kept it longer than `lockTimeout`.
 * - `LeaseLost`: the lease expired or was taken before the migrations were done; nothing was sent after that was noticed.
 * - `SchemaDisagreement`: the nodes did not agree on the schema in `schemaAgreementTimeout`.
 * - `ChecksumMismatch`: a migration was changed, or renamed, after it had been applied.
 * - `Missing`: a migration was applied that is not among those given, although later ones are.
 * - `OutOfOrder`: a migration that was not applied is older than one that was.
 * - `Duplicate`: two migrations have the same id.
 * - `Gap`: an id is left out, where ids count from 0 or 1.
 * - `InvalidName`: a name is not like `0001_create_users`.
 * - `ImportError`: a file cannot be read or imported, or a statement is known to be one that cannot be run, such as `USE`.
 * - `BadState`: the migrator cannot work like this, for example without a keyspace.
 *
 * @since 0.1.0
 * @category models
 */
export type MigrationErrorReason =
  | "Failed"
  | "NotRecorded"
  | "Locked"
  | "LeaseLost"
  | "SchemaDisagreement"
  | "ChecksumMismatch"
  | "Missing"
  | "OutOfOrder"
  | "Duplicate"
  | "Gap"
  | "InvalidName"
  | "ImportError"
  | "BadState"

/**
 * Migrations stopped, or cannot start.
 *
 * @since 0.1.0
 * @category errors
 */
export class MigrationError extends Data.TaggedError("MigrationError")<{
  readonly reason: MigrationErrorReason
  readonly message: string
  /** The migration at fault: `0001_create_users`. */
  readonly migration?: string | undefined
  /** Which of its statements, counted from 1. */
  readonly statement?: number | undefined
  /** Who has the lease, for `Locked` and `LeaseLost`: host, process id and a unique part, separated by slashes. */
  readonly owner?: string | undefined
  /** The error this one was made from. */
  readonly cause?: unknown
}> {
  get [TypeId](): TypeId {
    return TypeId
  }
}

/**
 * @since 0.1.0
 * @category guards
 */
export const isMigrationError = (u: unknown): u is MigrationError => Predicate.hasProperty(u, TypeId)
