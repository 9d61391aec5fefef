/**
 * The lease: whoever has it applies migrations, and nobody else does.
 *
 * It is a cell with a TTL, written on the condition that there is none. Its holder renews it; when the holder dies, the TTL
 * frees it. A conditional write whose outcome is unknown is never simply sent again: a read at the serial consistency
 * settles what became of it.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { randomBytes } from "node:crypto"
import { hostname } from "node:os"
import type { CassandraError } from "../../CassandraError.ts"
import { MigrationError } from "../../MigrationError.ts"
import type { AppliedMigration } from "../../Migrator.ts"
import type { Store } from "./store.ts"

/** Says where to look for a holder, and is never the same twice. */
const newOwner = Effect.sync(() => `${hostname()}/${process.pid}/${randomBytes(6).toString("hex")}`)

/** Whether the request may have been carried out, or may be the next time. */
const mayHelpToWait = (error: CassandraError): boolean =>
  error._tag !== "SessionClosedError" && (error.isRetryable || error.writeState === "Unknown")

const retryDelay = Duration.millis(200)

/** What becomes of a lease that was asked for. */
export type Attempt = { readonly _tag: "Acquired" } | { readonly _tag: "Held"; readonly owner: string | undefined }

const notRecorded = (migration: AppliedMigration, why: string, cause?: unknown) =>
  new MigrationError({
    reason: "NotRecorded",
    migration: migration.name,
    message: `The migration ${migration.name} took effect, but could not be recorded: ${why}. It will be run again`,
    cause
  })

export interface Lease {
  readonly owner: string
  readonly tryAcquire: Effect.Effect<Attempt, CassandraError>
  /** Renews it for as long as it is used; to be forked once it is acquired. Ends when the lease is lost. */
  readonly keep: Effect.Effect<void>
  /** Makes sure of it: renews it now. Interrupts the fiber when it is lost. */
  readonly confirm: Effect.Effect<void>
  /** Interrupts the fiber when the lease may have expired. Costs a look at the clock. */
  readonly check: Effect.Effect<void>
  /** Writes down that a migration was applied. */
  readonly record: (migration: AppliedMigration) => Effect.Effect<void, MigrationError>
  /** Fails when the work has to stop. */
  readonly stopped: Deferred.Deferred<never, MigrationError>
  /** Stops the work: `stopped` fails, and so does the fiber. */
  readonly stop: (error: MigrationError) => Effect.Effect<never>
}

/** The lease is released when the scope closes. */
export const make = (store: Store, ttl: number): Effect.Effect<Lease, never, Scope.Scope> =>
  Effect.gen(function* () {
    const owner = yield* newOwner
    const stopped = yield* Deferred.make<never, MigrationError>()
    // The holder's own conditional writes must not contend with each other.
    const alone = yield* Effect.makeSemaphore(1)
    // Cassandra counts whole seconds, by the clocks of its nodes: the holder gives up a little earlier.
    const valid = BigInt(Math.round((ttl - Math.max(1, ttl / 10)) * 1e9))
    let expires = 0n
    let asked = false

    const stop = (error: MigrationError): Effect.Effect<never> =>
      Effect.zipRight(Deferred.fail(stopped, error), Effect.interrupt)

    const lost = (message: string, holder?: string) =>
      stop(new MigrationError({ reason: "LeaseLost", message: `${message}: nothing more was sent`, owner: holder }))

    const taken = (holder: string | undefined) =>
      holder === undefined
        ? lost(`The lease on ${store.title} expired or was removed`)
        : lost(`The lease on ${store.title} was taken by ${holder}`, holder)

    const remaining = Effect.map(Clock.currentTimeNanos, (now) => expires - now)

    /** Counts from when the request was sent: the server's time starts later. */
    const extend = <A, E, R>(write: Effect.Effect<A, E, R>, applied: (answer: A) => boolean) =>
      Effect.flatMap(Clock.currentTimeNanos, (sent) =>
        Effect.tap(write, (answer) =>
          Effect.sync(() => {
            if (applied(answer)) expires = sent + valid
          })
        )
      )

    const renewOnce = extend(store.renew(owner), (outcome) => outcome.applied)

    const check = Effect.flatMap(remaining, (left) =>
      left > 0n ? Effect.void : lost(`The lease on ${store.title} could not be renewed in time`)
    )

    /** A renewal may be sent again as long as the lease lasts: it is conditional on what only this holder writes. */
    const confirm: Effect.Effect<void> = Effect.suspend(() =>
      Effect.zipRight(
        check,
        Effect.matchEffect(renewOnce, {
          onSuccess: (outcome) => (outcome.applied ? Effect.void : taken(outcome.owner)),
          onFailure: () => Effect.zipRight(Effect.sleep(retryDelay), confirm)
        })
      )
    )

    const confirmAlone = alone.withPermits(1)(confirm)

    const tryAcquire: Lease["tryAcquire"] = Effect.suspend(() => {
      asked = true
      return extend(store.acquire(owner), (outcome) => outcome.applied)
    }).pipe(
      Effect.catchIf(mayHelpToWait, () =>
        // Unknown: whose is it now? What cannot be read is to be asked again later.
        store.read.pipe(
          Effect.map((seen) => ({ applied: false, owner: seen.owner })),
          Effect.catchIf(mayHelpToWait, () => Effect.succeed({ applied: false, owner: undefined }))
        )
      ),
      Effect.flatMap((outcome): Effect.Effect<Attempt, CassandraError> => {
        if (outcome.applied) return Effect.succeed({ _tag: "Acquired" })
        if (outcome.owner !== owner) return Effect.succeed({ _tag: "Held", owner: outcome.owner })
        // An attempt that seemed to fail had succeeded, it is not known when: the time starts with a renewal.
        return renewOnce.pipe(
          Effect.catchIf(mayHelpToWait, () => Effect.succeed({ applied: false, owner: undefined })),
          Effect.map((renewed) =>
            renewed.applied ? { _tag: "Acquired" as const } : { _tag: "Held" as const, owner: renewed.owner }
          )
        )
      })
    )

    // Whatever a renewal waits for, the end of the lease is noticed when it comes.
    const watch: Effect.Effect<void> = Effect.flatMap(remaining, (left) =>
      left > 0n ? Effect.zipRight(Effect.sleep(Duration.nanos(left)), watch) : check
    )

    /** Whether it is there with this owner's name: then an attempt that seemed to fail had succeeded. */
    const recorded = (migration: AppliedMigration) =>
      Effect.map(store.read, ({ history, owner: holder }) => ({
        done: history.some(({ appliedBy, id }) => id === migration.id && appliedBy === owner),
        holder
      }))

    const record = (migration: AppliedMigration): Effect.Effect<void, MigrationError> =>
      Effect.zipRight(
        check,
        extend(store.record(migration), (applied) => applied)
      ).pipe(
        Effect.flatMap((applied) =>
          applied
            ? Effect.void
            : Effect.flatMap(recorded(migration), ({ done, holder }) =>
                done
                  ? Effect.void
                  : holder === owner
                    ? Effect.fail(notRecorded(migration, "another migrator recorded it"))
                    : taken(holder)
              )
        ),
        Effect.catchAll((error) =>
          error._tag === "MigrationError"
            ? Effect.fail(error)
            : mayHelpToWait(error)
              ? settle(migration, error)
              : Effect.fail(notRecorded(migration, error.message, error))
        )
      )

    /** The outcome is unknown: read it, for as long as the lease lasts. */
    const settle = (migration: AppliedMigration, error: CassandraError): Effect.Effect<void, MigrationError> =>
      Effect.flatMap(remaining, (left) =>
        left <= 0n
          ? Effect.fail(notRecorded(migration, error.message, error))
          : Effect.matchEffect(recorded(migration), {
              onSuccess: ({ done }) => (done ? Effect.void : record(migration)),
              onFailure: () => Effect.zipRight(Effect.sleep(retryDelay), settle(migration, error))
            })
      )

    // What the server does with a request that nobody waits for any more is not known: ask it to forget the lease in any case.
    yield* Effect.addFinalizer(() =>
      Effect.suspend(() => (asked ? store.release(owner) : Effect.void)).pipe(
        Effect.catchAll((error) =>
          Effect.logDebug(`The lease on ${store.title} was not released; it expires by itself`, error)
        )
      )
    )

    return {
      owner,
      stopped,
      stop,
      check,
      tryAcquire,
      confirm: confirmAlone,
      record: (migration) => alone.withPermits(1)(record(migration)),
      keep: Effect.raceFirst(
        Effect.forever(Effect.zipRight(Effect.sleep(Duration.seconds(ttl / 3)), confirmAlone)),
        watch
      )
    }
  })
