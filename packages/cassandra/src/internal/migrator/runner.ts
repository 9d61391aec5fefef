/** Applying migrations: look, take the lease, look again, apply and record one after the other. */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { type CassandraError, type ConfigurationError, isCassandraError } from "../../CassandraError.ts"
import { MigrationError } from "../../MigrationError.ts"
import type { AppliedMigration, MigrationStatus, MigratorOptions, ResolvedMigration } from "../../Migrator.ts"
import { Session } from "../../Session.ts"
import { make as makeStatement } from "../../Statement.ts"
import { Argument, checkRequestOptions, flag, millis, text } from "../options/index.ts"
import * as guarded from "./guard.ts"
import * as leases from "./lease.ts"
import * as plans from "./plan.ts"
import * as stores from "./store.ts"

const defaultSchedule = Schedule.jittered(Schedule.spaced("500 millis"))

interface Resolved<R> {
  readonly session: Session
  readonly store: stores.Store
  readonly given: ReadonlyArray<ResolvedMigration<R>>
  readonly leaseTtl: number
  readonly lockTimeout: Duration.Duration
  readonly lockSchedule: Schedule.Schedule<unknown, unknown>
}

/** Throws a `ConfigurationError` for what makes no sense. */
const check = <R>(options: MigratorOptions<R>): void => {
  Argument.effect("Migrator.loader", Argument.record("Migrator", options).loader)
  text("Migrator.table", options.table)
  text("Migrator.keyspace", options.keyspace)
  flag("Migrator.allowGaps", options.allowGaps, false)
  if (options.lockSchedule !== undefined) Argument.schedule("Migrator.lockSchedule", options.lockSchedule)
  checkRequestOptions({ serialConsistency: options.serialConsistency }, "Migrator")
  for (const name of ["leaseTtl", "lockTimeout", "schemaAgreementTimeout"] as const) {
    if (options[name] !== undefined) millis(`Migrator.${name}`, options[name])
  }
}

const resolve = <R>(
  options: MigratorOptions<R>
): Effect.Effect<Resolved<R>, MigrationError | ConfigurationError, Session> =>
  Effect.gen(function* () {
    yield* Effect.try({ try: () => check(options), catch: (error) => error as ConfigurationError })
    const session = yield* Session
    const given = yield* plans.sorted(yield* options.loader, options.allowGaps ?? false)
    const keyspace = options.keyspace ?? Option.getOrUndefined(session.keyspace)
    if (keyspace === undefined) {
      return yield* new MigrationError({
        reason: "BadState",
        message: "The session has no keyspace: open it in the keyspace to migrate, or name one in the options"
      })
    }
    const leaseTtl = Math.ceil(Duration.toSeconds(options.leaseTtl ?? "30 seconds"))
    if (!(leaseTtl >= 3 && leaseTtl <= 86_400)) {
      return yield* new MigrationError({
        reason: "BadState",
        message: "leaseTtl: must be from 3 seconds to a day"
      })
    }
    return {
      session,
      given,
      leaseTtl,
      lockTimeout: Duration.decode(options.lockTimeout ?? "2 minutes"),
      lockSchedule: options.lockSchedule ?? defaultSchedule,
      store: stores.make(session, {
        keyspace,
        table: options.table ?? "cassandra_migrations",
        serialConsistency: options.serialConsistency ?? "SERIAL",
        leaseTtl,
        schemaAgreementTimeout: Duration.decode(options.schemaAgreementTimeout ?? "30 seconds")
      })
    }
  })

/** The plan as the table has it; without a table, nothing was applied. */
const look = <R>({ given, store }: Resolved<R>) =>
  Effect.flatMap(store.exists, (exists) =>
    exists
      ? Effect.map(store.readNew, ({ history }) => plans.make(given, history))
      : Effect.succeed(plans.make(given, []))
  )

export const list = <R>(
  options: MigratorOptions<R>
): Effect.Effect<ReadonlyArray<MigrationStatus>, MigrationError | CassandraError, Session> =>
  Effect.flatMap(resolve(options), (resolved) => Effect.map(look(resolved), (plan) => plan.statuses))

export const verify = <R>(
  options: MigratorOptions<R>
): Effect.Effect<ReadonlyArray<MigrationStatus>, MigrationError | CassandraError, Session> =>
  Effect.flatMap(resolve(options), (resolved) =>
    Effect.map(Effect.flatMap(look(resolved), plans.check), (plan) => plan.statuses)
  )

const ensureTable = ({ store }: { readonly store: stores.Store }) =>
  Effect.flatMap(store.exists, (exists) =>
    exists
      ? // Another migrator may have made it a moment ago. If it is older, the nodes need not agree on anything else.
        store
          .awaitAgreement("before reading the applied migrations")
          .pipe(Effect.catchAll((error) => Effect.logWarning(error.message)))
      : Effect.zipRight(store.create, store.awaitAgreement(`after creating ${store.title}`))
  )

export const run = <R>(
  options: MigratorOptions<R>
): Effect.Effect<ReadonlyArray<AppliedMigration>, MigrationError | CassandraError, Session | R> =>
  Effect.gen(function* () {
    const resolved = yield* resolve(options)
    yield* ensureTable(resolved)
    const { history } = yield* resolved.store.readNew
    const plan = yield* plans.check(plans.make(resolved.given, history))
    const newer = plan.statuses.filter(({ state }) => state === "Newer").map(({ name }) => name)
    if (newer.length > 0) {
      yield* Effect.logWarning(
        `${resolved.store.title} has migrations that are newer than those given: ${newer.join(", ")}`
      )
    }
    if (plan.pending.length === 0) {
      yield* Effect.logDebug(`${resolved.store.title}: nothing to migrate`)
      return []
    }
    return yield* Effect.scoped(underLease(resolved))
  })

const underLease = <R>(
  resolved: Resolved<R>
): Effect.Effect<ReadonlyArray<AppliedMigration>, MigrationError | CassandraError, Scope.Scope | R> =>
  Effect.gen(function* () {
    const { store } = resolved
    const lease = yield* leases.make(store, resolved.leaseTtl)
    if (!(yield* acquire(resolved, lease))) return []
    yield* Effect.forkScoped(lease.keep)
    const work = Effect.gen(function* () {
      // Who had the lease before may have applied some, or died in the middle of a schema change.
      const { history } = yield* store.readNew
      const { pending } = yield* plans.check(plans.make(resolved.given, history))
      if (pending.length > 0) yield* store.awaitAgreement("before the first migration")
      return yield* Effect.forEach(pending, (migration) => apply(resolved, lease, migration))
    })
    const exit = yield* Effect.exit(Effect.raceFirst(work, Deferred.await(lease.stopped)))
    // Why it was stopped says more than that it was interrupted.
    const stopped = yield* Deferred.poll(lease.stopped)
    return yield* Exit.isFailure(exit) && Option.isSome(stopped) ? stopped.value : exit
  })

/** False when waiting is over because others did the work. */
const acquire = <R>(
  { given, lockSchedule, lockTimeout, store }: Resolved<R>,
  lease: leases.Lease
): Effect.Effect<boolean, MigrationError | CassandraError> =>
  Effect.suspend(() => {
    let holder: string | undefined
    const locked = (waited: string) =>
      new MigrationError({
        reason: "Locked",
        owner: holder,
        message:
          holder === undefined
            ? `The lease on ${store.title} could not be had ${waited}`
            : `The lease on ${store.title} is held by ${holder}, still ${waited}`
      })
    return Effect.gen(function* () {
      const delays = yield* Schedule.driver(lockSchedule)
      while (true) {
        const attempt = yield* lease.tryAcquire
        if (attempt._tag === "Acquired") return true
        if (attempt.owner !== undefined && attempt.owner !== holder) {
          yield* Effect.logInfo(`Waiting for migrations of ${store.title}: ${attempt.owner} is applying them`)
        }
        holder = attempt.owner ?? holder
        // Only looking, until it seems to be free: many who ask for the lease hinder the one who has it.
        for (let free = false; !free;) {
          yield* Effect.mapError(delays.next(undefined), () => locked("when the schedule for waiting ended"))
          const seen = yield* Effect.option(store.peek)
          if (Option.isNone(seen)) continue
          const plan = yield* plans.check(plans.make(given, seen.value.history))
          if (plan.pending.length === 0) return false
          free = seen.value.owner === undefined
          holder = seen.value.owner ?? holder
        }
      }
    }).pipe(
      Effect.timeoutFail({
        duration: lockTimeout,
        onTimeout: () => locked(`after ${Duration.format(lockTimeout)}`)
      })
    )
  })

const messageOf = (error: unknown): string =>
  Predicate.hasProperty(error, "message") && typeof error.message === "string" && error.message !== ""
    ? error.message
    : Predicate.hasProperty(error, "_tag")
      ? String(error._tag)
      : String(error)

const failed = (
  name: string,
  statement: number | undefined,
  of: number | undefined,
  cause: unknown
): MigrationError => {
  const where = statement === undefined ? "" : ` at statement ${statement}${of === undefined ? "" : ` of ${of}`}`
  return new MigrationError({
    reason: "Failed",
    migration: name,
    statement,
    message: `The migration ${name} failed${where}: ${messageOf(cause)}`,
    cause
  })
}

const apply = <R>(
  { session, store }: Resolved<R>,
  lease: leases.Lease,
  { body, checksum, id, name }: ResolvedMigration<R>
): Effect.Effect<AppliedMigration, MigrationError, R> =>
  Effect.gen(function* () {
    const loaded = yield* body
    const guard = guarded.make(session, store, lease, name)
    const started = yield* Clock.currentTimeMillis
    yield* lease.confirm
    if (loaded._tag === "Statements") {
      const { statements } = loaded
      yield* Effect.forEach(
        statements,
        // Nobody reads the rows: they are not decoded.
        ({ options, query, values }, i) =>
          Effect.zipRight(lease.confirm, guard.session.execute(makeStatement(query, values, options))).pipe(
            Effect.mapError((cause) => failed(name, i + 1, statements.length, cause))
          ),
        { discard: true }
      )
    } else {
      const provided = Effect.provideService(loaded.effect, Session, guard.session) as Effect.Effect<
        unknown,
        unknown,
        R
      >
      yield* provided.pipe(
        Effect.mapError((cause) =>
          failed(name, isCassandraError(cause) && guard.count() > 0 ? guard.count() : undefined, undefined, cause)
        )
      )
    }
    const ended = yield* Clock.currentTimeMillis
    const applied: AppliedMigration = {
      id,
      name,
      checksum,
      appliedAt: new Date(ended),
      appliedBy: lease.owner,
      duration: Duration.millis(ended - started)
    }
    yield* lease.record(applied)
    yield* Effect.log(`Applied migration ${name} in ${ended - started} ms`)
    return applied
  }).pipe(Effect.annotateLogs({ migration: name }))
