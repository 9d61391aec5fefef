/** What the server has, compared with what the client said. */
import { cql, type Session, Statement } from "effect-cassandra"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { lists, type Writes } from "./workload.ts"

export interface Verdict {
  /** Acknowledged writes that are not there. */
  readonly lost: ReadonlyArray<string>
  /** Writes that are there twice, or though they were said not to be. */
  readonly duplicated: ReadonlyArray<string>
  /** How many writes were looked at. */
  readonly looked: number
}

/** A row, by tries enough for nodes that are back, but do not see each other yet. */
const asking = (session: Session.Session) => (statement: Statement.Statement) =>
  Effect.retry(session.one(statement.pipe(Statement.withConsistency("QUORUM"))), {
    schedule: Schedule.spaced("500 millis"),
    times: 40
  }).pipe(Effect.orDie, Effect.map(Option.getOrUndefined))

/** Looks at each, many at once. */
const each = <A>(items: Iterable<A>, look: (item: A) => Effect.Effect<void>) =>
  Effect.forEach(items, look, { concurrency: 32, discard: true })

/** Looks at every write of a run, by a session whose way to the nodes no fault is on. */
export const verify = (session: Session.Session, run: number, writes: Writes): Effect.Effect<Verdict> =>
  Effect.gen(function* () {
    const lost: Array<string> = []
    const duplicated: Array<string> = [...writes.lies]
    const ask = asking(session)

    yield* each(writes.versions, ([id, { acknowledged, sent }]) =>
      Effect.map(ask(cql`SELECT v FROM versions WHERE run = ${run} AND id = ${id}`), (row) => {
        const v = (row?.["v"] as number | undefined) ?? 0
        if (v < acknowledged) lost.push(`version ${acknowledged} of ${id} was acknowledged and ${v} is there`)
        if (v > sent) duplicated.push(`version ${v} of ${id} is there and was never sent`)
      })
    )

    const elements = new Map<number, number>()
    yield* each(
      Array.from({ length: lists }, (_, id) => id),
      (id) =>
        Effect.map(ask(cql`SELECT v FROM lists WHERE run = ${run} AND id = ${id}`), (row) => {
          for (const element of (row?.["v"] as ReadonlyArray<number> | null | undefined) ?? []) {
            elements.set(element, (elements.get(element) ?? 0) + 1)
          }
        })
    )
    for (const [element, outcome] of writes.appended) {
      const times = elements.get(element) ?? 0
      if (outcome === "applied" && times === 0) lost.push(`element ${element} was acknowledged and is not there`)
      if (times > 1) duplicated.push(`element ${element} is there ${times} times`)
      if (outcome === "not applied" && times > 0) duplicated.push(`element ${element} is there, and was said not to be`)
    }

    yield* each(writes.counted, ([id, { applied, unknown }]) =>
      Effect.map(ask(cql`SELECT n FROM hits WHERE run = ${run} AND id = ${id}`), (row) => {
        const n = Number((row?.["n"] as bigint | undefined) ?? 0n)
        if (n < applied) lost.push(`counter ${id} is ${n} after ${applied} acknowledged increments`)
        if (n > applied + unknown)
          duplicated.push(`counter ${id} is ${n} after ${applied + unknown} possible increments`)
      })
    )

    yield* each(writes.inserted, ([id, outcome]) =>
      Effect.map(ask(cql`SELECT v FROM once WHERE run = ${run} AND id = ${id}`), (row) => {
        if (outcome === "applied" && row === undefined) lost.push(`the conditional insert of ${id} is not there`)
        if (outcome === "not applied" && row !== undefined) {
          duplicated.push(`the conditional insert of ${id} is there, and was said not to be`)
        }
      })
    )

    yield* each(
      [...writes.batched].flatMap((id) => [id, id + 1]),
      (id) =>
        Effect.map(ask(cql`SELECT v FROM pairs WHERE run = ${run} AND id = ${id}`), (row) => {
          if (row === undefined) lost.push(`half ${id % 2} of the acknowledged batch ${id - (id % 2)} is not there`)
        })
    )

    const looked = writes.versions.size + writes.appended.size + writes.inserted.size + 2 * writes.batched.size
    return { lost, duplicated, looked }
  })
