/**
 * A lock for many processes, by conditional writes. Who holds it stands in a cell with a TTL, renewed while the holder works: the
 * lock of a process that died is free again soon, and a holder that has lost it is interrupted. No clock can promise that it
 * notices in time, so every holder gets a fencing token, larger than all before it, by which what the lock guards refuses who
 * comes too late.
 *
 * Prints:
 *   5 workers added 1 each: the balance is 5
 *   while it is held, another try fails: LockedError
 *   the holder died, and after its TTL the next one got the lock
 *   its token is larger: true
 *   a write with the token of the dead is refused: true
 *   a holder whose lock was taken away is interrupted: LockLostError
 */
import { Batch, cql, CqlType, Session, Statement } from "effect-cassandra"
import * as Console from "effect/Console"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { randomUUID } from "node:crypto"
import { run } from "./support/main.ts"
import { SessionLive } from "./support/server.ts"

class LockedError extends Data.TaggedError("LockedError")<{ readonly lock: string }> {
  override get message() {
    return `Someone else holds ${this.lock}`
  }
}

class LockLostError extends Data.TaggedError("LockLostError")<{ readonly lock: string }> {
  override get message() {
    return `${this.lock} is held no longer`
  }
}

/** Seconds until the lock of a holder that died is free. */
const timeToLive = 2

const Lock = Schema.Struct({ fence: CqlType.bigint, holder: CqlType.nullable(CqlType.uuid) })

/** Takes the lock once, for `timeToLive`, and gives the token. To be called again with the same holder is harmless. */
const take = (lock: string, holder: string) =>
  Effect.gen(function* () {
    const session = yield* Session.Session
    // A serial read sees the outcome of every conditional write before it.
    const found = yield* session.one(
      cql`SELECT fence, holder FROM locks WHERE name = ${lock}`.pipe(
        Statement.as(Lock),
        Statement.withConsistency("SERIAL")
      )
    )
    const { fence: token, holder: current } = Option.getOrElse(found, () => ({ fence: null, holder: null }))
    // Ours already: the answer to an earlier try was lost.
    if (current === holder && token !== null) return token
    if (current !== null) return yield* new LockedError({ lock })

    const next = (token ?? 0n) + 1n
    // A conditional batch of one partition is applied as a whole. The token stays; the holder goes with its TTL.
    const { wasApplied } = yield* session.batch(
      Batch.make("UNLOGGED", [
        cql`UPDATE locks SET fence = ${next} WHERE name = ${lock} IF fence = ${token} AND holder = null`,
        cql`UPDATE locks USING TTL ${timeToLive} SET holder = ${holder} WHERE name = ${lock}`
      ])
    )
    return Option.contains(wasApplied, true) ? next : yield* new LockedError({ lock })
  })

const renew = (lock: string, holder: string) =>
  Effect.gen(function* () {
    const session = yield* Session.Session
    const { wasApplied } = yield* session.execute(
      cql`UPDATE locks USING TTL ${timeToLive} SET holder = ${holder} WHERE name = ${lock} IF holder = ${holder}`
    )
    if (!Option.contains(wasApplied, true)) return yield* new LockLostError({ lock })
  })

/** Renews the lock for ever. It fails when someone else has it, or when it could not be renewed before it ran out. */
const keep = (lock: string, holder: string) =>
  renew(lock, holder).pipe(
    Effect.retry({ while: ({ _tag }) => _tag !== "LockLostError", schedule: Schedule.spaced("100 millis") }),
    Effect.timeoutFail({ duration: `${timeToLive * 600} millis`, onTimeout: () => new LockLostError({ lock }) }),
    Effect.delay(`${timeToLive * 300} millis`),
    Effect.forever
  )

const release = (lock: string, holder: string) =>
  Effect.flatMap(Session.Session, (session) =>
    session.execute(cql`UPDATE locks SET holder = null WHERE name = ${lock} IF holder = ${holder}`)
  )

/** Runs an effect, given the fencing token, while it holds the lock; interrupts it when the lock is lost. */
const withLock = <A, E, R>(lock: string, use: (token: bigint) => Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const holder = randomUUID()
    // Before the first try: a try that failed without an answer may have been applied. Not ours, it changes nothing.
    yield* Effect.addFinalizer(() => Effect.ignore(release(lock, holder)))
    const token = yield* take(lock, holder).pipe(
      Effect.retry({
        while: ({ _tag }) => _tag === "LockedError" || _tag === "WriteTimeoutError" || _tag === "CasWriteUnknownError",
        schedule: Schedule.jittered(Schedule.spaced("50 millis"))
      }),
      Effect.timeoutFail({ duration: "30 seconds", onTimeout: () => new LockedError({ lock }) })
    )
    return yield* Effect.raceFirst(use(token), keep(lock, holder))
  }).pipe(Effect.scoped)

const Account = Schema.Struct({ balance: CqlType.int })

/** What the lock guards: a read and a write that must not be mixed with another's. The token is checked where the data is. */
const write = (balance: number, token: bigint) =>
  Effect.flatMap(Session.Session, (session) =>
    session.execute(cql`UPDATE accounts SET balance = ${balance}, fence = ${token} WHERE id = 1 IF fence <= ${token}`)
  )

const balance = Effect.gen(function* () {
  const session = yield* Session.Session
  const account = yield* session.one(
    cql`SELECT balance FROM accounts WHERE id = 1`.pipe(Statement.as(Account), Statement.withConsistency("SERIAL"))
  )
  return Option.match(account, { onNone: () => 0, onSome: (row) => row.balance })
})

const worker = withLock("account 1", (token) => Effect.flatMap(balance, (before) => write(before + 1, token)))

const program = Effect.gen(function* () {
  const session = yield* Session.Session
  yield* session.execute(cql`CREATE TABLE locks (name text PRIMARY KEY, fence bigint, holder uuid)`)
  yield* session.execute(cql`CREATE TABLE accounts (id int PRIMARY KEY, balance int, fence bigint)`)
  yield* session.execute(cql`INSERT INTO accounts (id, balance, fence) VALUES (1, 0, 0) IF NOT EXISTS`)

  yield* Effect.replicateEffect(worker, 5, { concurrency: "unbounded", discard: true })
  yield* Console.log(`5 workers added 1 each: the balance is ${yield* balance}`)

  // A process that takes the lock and dies: nothing renews it, nothing releases it.
  const dead = yield* take("account 1", randomUUID())
  yield* take("account 1", randomUUID()).pipe(
    Effect.catchTag("LockedError", ({ _tag }) => Console.log(`while it is held, another try fails: ${_tag}`))
  )
  yield* withLock("account 1", (token) =>
    Effect.gen(function* () {
      yield* Console.log("the holder died, and after its TTL the next one got the lock")
      yield* Console.log(`its token is larger: ${token > dead}`)
      yield* write(100, token)
      const late = yield* write(0, dead)
      yield* Console.log(`a write with the token of the dead is refused: ${Option.contains(late.wasApplied, false)}`)
    })
  )

  // Somebody takes the lock away from its holder, who would otherwise go on for a minute.
  const takeAway = session.execute(cql`UPDATE locks SET holder = null WHERE name = 'account 1' IF EXISTS`)
  yield* withLock("account 1", () => Effect.zipRight(takeAway, Effect.sleep("1 minute"))).pipe(
    Effect.catchTag("LockLostError", ({ _tag }) =>
      Console.log(`a holder whose lock was taken away is interrupted: ${_tag}`)
    )
  )
})

run(program.pipe(Effect.provide(SessionLive)))
