import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { CassandraError } from "../../CassandraError.ts"
import { cql } from "../../cql.ts"
import type { HostHealth, HostState } from "../../Health.ts"
import type { Host } from "../../Host.ts"
import { never } from "../../RetryPolicy.ts"
import type { Session } from "../../Session.ts"
import * as Statement from "../../Statement.ts"

const Local = Schema.Struct({ data_center: Schema.String, rack: Schema.String, release_version: Schema.String })

/** Without values, so that it is not prepared, which would involve other hosts. */
const question = cql`SELECT data_center, rack, release_version FROM system.local`.pipe(
  Statement.as(Local),
  Statement.withConsistency("ONE"),
  Statement.withRetryPolicy(never)
)

const ask = (session: Session, address: string, timeout: Duration.Duration) =>
  session
    .one(question.pipe(Statement.withHost(address), Statement.withTimeout(timeout), Statement.withDeadline(timeout)))
    .pipe(
      // What is no row of this kind is no answer to go by, but an answer.
      Effect.catchTag("ParseError", () => Effect.succeedNone),
      Effect.timed,
      Effect.either
    )

/** A request for one host fails with all that was tried, which is that host, or nothing where the client ignores it. */
const reasonOf = (
  error: CassandraError,
  address: string
): { readonly state: HostState; readonly reason: CassandraError } => {
  switch (error._tag) {
    case "NoHostAvailableError":
      return { state: error.errors.size === 0 ? "ignored" : "down", reason: error.errors.get(address) ?? error }
    // Closed, or gone since the list of hosts was made.
    case "ConnectionError":
    case "SessionClosedError":
    case "ConfigurationError":
      return { state: "down", reason: error }
    default:
      return { state: "failing", reason: error }
  }
}

/** What asking a host says of it. */
export type ProbeOutcome = Pick<HostHealth, "state" | "latency" | "error"> &
  Partial<Pick<Host, "dataCenter" | "rack" | "version">>

/** What is said of a host that gave no answer. */
export const failed = (error: CassandraError, address: string): ProbeOutcome => {
  const { reason, state } = reasonOf(error, address)
  return { state, latency: Option.none(), error: state === "ignored" ? Option.none() : Option.some(reason) }
}

/** Asks a host, on that host. */
export const probe = (session: Session, { address }: Host, timeout: Duration.Duration): Effect.Effect<ProbeOutcome> =>
  Effect.map(
    ask(session, address, timeout),
    Either.match({
      onLeft: (error) => failed(error, address),
      onRight: ([latency, answer]): ProbeOutcome => ({
        state: "up",
        latency: Option.some(latency),
        error: Option.none(),
        ...Option.match(answer, {
          onNone: () => ({}),
          onSome: ({ data_center, rack, release_version }) => ({
            dataCenter: data_center,
            rack,
            version: release_version
          })
        })
      })
    })
  )
