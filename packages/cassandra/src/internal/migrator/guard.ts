/** The session that migrations get: it sends nothing once the lease is lost, and waits for the nodes after schema changes. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Session } from "../../Session.ts"
import type { Statement } from "../../Statement.ts"
import { kindOf } from "../cql/index.ts"
import type { Lease } from "./lease.ts"
import type { Store } from "./store.ts"

export interface Guard {
  readonly session: Session
  /** Statements that were begun. */
  readonly count: () => number
}

// A schema change is rare and cannot be taken back: the server is asked whether the lease still holds.
const isChange = (statement: Statement.Any) => !kindOf(statement.query).prepared

export const make = (session: Session, store: Store, lease: Lease, migration: string): Guard => {
  let count = 0

  const begin = (confirm: boolean) =>
    Effect.suspend(() => {
      count++
      return confirm ? lease.confirm : lease.check
    })

  const settled = Effect.suspend(() =>
    store.awaitAgreement(`after statement ${count} of the migration ${migration}`).pipe(Effect.catchAll(lease.stop))
  )

  const execute: Session["execute"] = (statement) =>
    Effect.zipRight(
      begin(isChange(statement)),
      Effect.tap(session.execute(statement), (result) => (result.info.schemaInAgreement ? Effect.void : settled))
    )

  return {
    count: () => count,
    session: {
      ...session,
      execute,
      // A change is followed by the wait for agreement, whichever way it is made; it has one page and no rows.
      one: (statement) =>
        isChange(statement)
          ? Effect.map(execute(statement), (result) => result.one)
          : Effect.zipRight(begin(false), session.one(statement)),
      rows: (statement) =>
        isChange(statement)
          ? Effect.map(execute(statement), (result) => result.rows)
          : Effect.zipRight(begin(false), session.rows(statement)),
      stream: (statement) => Stream.concat(Stream.drain(Stream.fromEffect(begin(false))), session.stream(statement)),
      pages: (statement) => Stream.concat(Stream.drain(Stream.fromEffect(begin(false))), session.pages(statement)),
      batch: (batch) => Effect.zipRight(begin(false), session.batch(batch))
    }
  }
}
