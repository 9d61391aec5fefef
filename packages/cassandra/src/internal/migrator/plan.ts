/** What has to be done: the migrations given beside those that were applied. Pure. */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { MigrationError, type MigrationErrorReason } from "../../MigrationError.ts"
import type { AppliedMigration, MigrationState, MigrationStatus, ResolvedMigration } from "../../Migrator.ts"
import { agree } from "./checksum.ts"

export interface Plan<R> {
  /** All of them, given or applied, in the order of their ids. */
  readonly statuses: ReadonlyArray<MigrationStatus>
  readonly pending: ReadonlyArray<ResolvedMigration<R>>
}

const fail = (reason: MigrationErrorReason, migration: string, message: string) =>
  Either.left(new MigrationError({ reason, migration, message }))

/** The migrations in the order of their ids, when these are unique and, where they count, complete. */
export const sorted = <R>(
  migrations: ReadonlyArray<ResolvedMigration<R>>,
  allowGaps: boolean
): Either.Either<ReadonlyArray<ResolvedMigration<R>>, MigrationError> => {
  const result = migrations.toSorted((a, b) => a.id - b.id)
  // Ids that start higher, such as dates, are not counted.
  const counts = !allowGaps && result[0] !== undefined && result[0].id <= 1
  for (let i = 1; i < result.length; i++) {
    const [before, { id, name }] = result.slice(i - 1) as [ResolvedMigration<R>, ResolvedMigration<R>]
    if (id === before.id) {
      return fail(
        "Duplicate",
        name,
        before.name === name
          ? `The migration ${name} is there twice`
          : `The migrations ${before.name} and ${name} have the same id: ${id}`
      )
    }
    if (counts && id !== before.id + 1) {
      return fail(
        "Gap",
        name,
        `No migration has the id ${before.id + 1}: ${name} follows on ${before.name}. If that is meant, set allowGaps`
      )
    }
  }
  return Either.right(result)
}

const stateOf = (
  given: ResolvedMigration<unknown> | undefined,
  applied: AppliedMigration | undefined,
  id: number,
  lastGiven: number,
  lastApplied: number
): MigrationState => {
  if (given === undefined) return id > lastGiven ? "Newer" : "Missing"
  if (applied === undefined) return id < lastApplied ? "OutOfOrder" : "Pending"
  return given.name === applied.name && agree(given.checksum, applied.checksum) ? "Applied" : "Changed"
}

/** `given` must be `sorted`. */
export const make = <R>(
  given: ReadonlyArray<ResolvedMigration<R>>,
  history: ReadonlyArray<AppliedMigration>
): Plan<R> => {
  const givenById = new Map(given.map((migration) => [migration.id, migration]))
  const appliedById = new Map(history.map((migration) => [migration.id, migration]))
  const lastGiven = Math.max(-1, ...givenById.keys())
  const lastApplied = Math.max(-1, ...appliedById.keys())
  const ids = [...new Set([...givenById.keys(), ...appliedById.keys()])].toSorted((a, b) => a - b)
  return {
    statuses: ids.map((id) => {
      const local = givenById.get(id)
      const applied = appliedById.get(id)
      return {
        id,
        name: (local ?? applied)?.name ?? String(id),
        state: stateOf(local, applied, id, lastGiven, lastApplied),
        applied: Option.fromNullable(applied)
      }
    }),
    pending: given.filter(({ id }) => !appliedById.has(id))
  }
}

/** The plan, unless there is something wrong with it. The first thing that is wrong is the error. */
export const check = <R>(plan: Plan<R>): Either.Either<Plan<R>, MigrationError> => {
  const newest = plan.statuses.findLast((status) => Option.isSome(status.applied))?.name ?? ""
  for (const { applied, name, state } of plan.statuses) {
    if (state === "Changed") {
      const before = Option.match(applied, { onNone: () => name, onSome: (migration) => migration.name })
      return fail(
        "ChecksumMismatch",
        name,
        before === name
          ? `The migration ${name} was changed after it had been applied. Put it back as it was, and make the change in a new migration`
          : `The migration ${name} was applied under the name ${before}. Give it its name back`
      )
    }
    if (state === "Missing") {
      return fail("Missing", name, `The migration ${name} was applied, but is not among the migrations given`)
    }
    if (state === "OutOfOrder") {
      return fail(
        "OutOfOrder",
        name,
        `The migration ${name} was not applied, although it is older than ${newest}, which was. Give it a higher id`
      )
    }
  }
  return Either.right(plan)
}
