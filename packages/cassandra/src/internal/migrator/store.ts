/**
 * The table that migrations are recorded in: one partition, in which the rows are the history and the static columns the lease.
 *
 * That both are in one partition is what makes the record safe: one conditional write says "if the lease is still mine, and this
 * is not recorded".
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import { createHash } from "node:crypto"
import * as Batch from "../../Batch.ts"
import type { CassandraError } from "../../CassandraError.ts"
import type { Consistency, SerialConsistency } from "../../Consistency.ts"
import { cql } from "../../cql.ts"
import { MigrationError } from "../../MigrationError.ts"
import type { AppliedMigration } from "../../Migrator.ts"
import type { Session } from "../../Session.ts"
import { make as makeStatement, type Row, type StatementOptions } from "../../Statement.ts"
import { schemaAgreement } from "../request/index.ts"

/** The partition. A table holds one history; the key leaves room for more. */
const ledger = "migrations"

export interface Snapshot {
  readonly history: ReadonlyArray<AppliedMigration>
  readonly owner: string | undefined
}

/** How a conditional write ended: `owner` is who has the lease when it was not applied. */
export interface Outcome {
  readonly applied: boolean
  readonly owner: string | undefined
}

export interface Store {
  /** `keyspace.table`, for messages. */
  readonly title: string
  readonly exists: Effect.Effect<boolean, CassandraError>
  readonly create: Effect.Effect<void, CassandraError | MigrationError>
  /** At the serial consistency: completes or defeats whatever conditional write was under way. */
  readonly read: Effect.Effect<Snapshot, CassandraError>
  /** `read` for a table that was created a moment ago. */
  readonly readNew: Effect.Effect<Snapshot, CassandraError>
  /** At a quorum: good enough to see whether waiting may be over. */
  readonly peek: Effect.Effect<Snapshot, CassandraError>
  readonly acquire: (owner: string) => Effect.Effect<Outcome, CassandraError>
  readonly renew: (owner: string) => Effect.Effect<Outcome, CassandraError>
  readonly release: (owner: string) => Effect.Effect<void, CassandraError>
  /** Writes a migration down and renews the lease, if the lease is the owner's and the migration is not there yet. */
  readonly record: (migration: AppliedMigration) => Effect.Effect<boolean, CassandraError>
  /** Waits until the nodes agree on the schema. */
  readonly awaitAgreement: (doing: string) => Effect.Effect<void, MigrationError>
}

export interface StoreOptions {
  readonly keyspace: string
  readonly table: string
  readonly serialConsistency: SerialConsistency
  readonly leaseTtl: number
  readonly schemaAgreementTimeout: Duration.Duration
}

/**
 * The id of the table. Two nodes that are asked at once to create a table if it is not there both do, each with an id of its
 * own, and are in trouble when they hear of each other. With one id for all, they create the same table. The age of the
 * keyspace is part of it, so that a keyspace made anew does not get the old table's id.
 */
const tableId = (keyspace: string, table: string, since: string): string => {
  const bytes = createHash("sha256")
    .update(JSON.stringify([keyspace, table, since]))
    .digest()
    .subarray(0, 16)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-")
}

const appliedOf = (row: Row): AppliedMigration => ({
  id: Number(row["id"]),
  name: String(row["name"]),
  checksum: String(row["checksum"]),
  appliedAt: row["applied_at"] as Date,
  appliedBy: String(row["applied_by"]),
  duration: Duration.millis(Number(row["duration_ms"]))
})

const ownerOf = (row: Row | undefined): string | undefined => {
  const owner = row?.["lease_owner"]
  return typeof owner === "string" ? owner : undefined
}

const agreementOf = (session: Session): Effect.Effect<boolean> =>
  Predicate.hasProperty(session, schemaAgreement)
    ? (session[schemaAgreement] as Effect.Effect<boolean>)
    : Effect.succeed(true)

// Reading twice does no harm, and reading at the serial consistency can meet a conditional write in its middle.
const readSchedule = Schedule.spaced("100 millis").pipe(Schedule.upTo("2 seconds"))
const isPassing = (error: CassandraError): boolean => error.isRetryable || error._tag === "CasWriteUnknownError"

// A table is in a node's list of tables a moment before the node serves it, and other nodes hear of it later still: until then
// they answer that there is no such table, or the coordinator that they failed.
const newTableSchedule = Schedule.spaced("200 millis").pipe(Schedule.upTo("10 seconds"))
const isUnknownTable = (error: CassandraError): boolean =>
  (error._tag === "InvalidQueryError" && /table .*does not exist|unconfigured table/.test(error.message)) ||
  (error._tag === "ServerError" && error.message.includes("Unknown CF"))
const isNotYetThere = (error: CassandraError): boolean => error._tag === "ReadFailureError" || isUnknownTable(error)

export const make = (session: Session, options: StoreOptions): Store => {
  const { keyspace, leaseTtl: ttl, schemaAgreementTimeout, serialConsistency, table } = options
  const name = cql.id(keyspace, table)
  const title = `${keyspace}.${table}`
  // The consistency that sees what conditional writes committed.
  const quorum: Consistency = serialConsistency === "SERIAL" ? "QUORUM" : "LOCAL_QUORUM"
  // A renewal that hangs must leave time for another one.
  const timeout = Duration.seconds(Math.min(10, Math.max(1, ttl / 3)))
  const requestOptions: StatementOptions = { consistency: quorum, serialConsistency, timeout, idempotent: false }

  const execute = ({ query, values }: ReturnType<typeof cql>, changes: StatementOptions = {}) =>
    session.execute(makeStatement(query, values, { ...requestOptions, ...changes }))

  const conditional = (statement: ReturnType<typeof cql>): Effect.Effect<Outcome, CassandraError> =>
    Effect.map(execute(statement), (result) => ({
      applied: Option.getOrElse(result.wasApplied, () => false),
      owner: ownerOf(result.rows[0])
    }))

  const snapshot = (consistency: Consistency): Effect.Effect<Snapshot, CassandraError> =>
    Effect.map(
      session.rows(
        makeStatement(
          cql`SELECT id, name, checksum, applied_at, applied_by, duration_ms, lease_owner FROM ${name} WHERE ledger = ?`
            .query,
          [ledger],
          { ...requestOptions, consistency, serialConsistency: undefined, idempotent: true }
        )
      ),
      (rows) => ({
        // Without any history, the static columns come with a row of nulls.
        history: rows.filter((row) => row["id"] !== null).map(appliedOf),
        owner: ownerOf(rows[0])
      })
    )

  const read = Effect.retry(snapshot(serialConsistency), { while: isPassing, schedule: readSchedule })

  const renewal = (owner: string) =>
    cql`UPDATE ${name} USING TTL ${ttl} SET lease_owner = ${owner}, lease_since = ${new Date()} WHERE ledger = ${ledger} IF lease_owner = ${owner}`

  const awaitAgreement = (doing: string): Effect.Effect<void, MigrationError> =>
    agreementOf(session).pipe(
      Effect.repeat({ until: (agreed) => agreed, schedule: Schedule.spaced("200 millis") }),
      Effect.timeoutFail({
        duration: schemaAgreementTimeout,
        onTimeout: () =>
          new MigrationError({
            reason: "SchemaDisagreement",
            message: `The nodes did not agree on the schema within ${Duration.format(schemaAgreementTimeout)} ${doing}`
          })
      }),
      Effect.asVoid
    )

  return {
    title,
    awaitAgreement,
    exists: Effect.map(
      execute(
        cql`SELECT table_name FROM system_schema.tables WHERE keyspace_name = ${keyspace} AND table_name = ${table}`,
        { consistency: "LOCAL_ONE", idempotent: true }
      ),
      (result) => result.rows.length > 0
    ),
    create: Effect.gen(function* () {
      const [row] = (yield* execute(
        cql`SELECT writetime(durable_writes) AS since FROM system_schema.keyspaces WHERE keyspace_name = ${keyspace}`,
        { consistency: "LOCAL_ONE", idempotent: true }
      )).rows
      if (row === undefined) {
        return yield* new MigrationError({
          reason: "BadState",
          message: `There is no keyspace ${keyspace}: create it first, with the replication it needs`
        })
      }
      const id = tableId(keyspace, table, String(row["since"]))
      yield* session.execute(
        makeStatement(
          cql`CREATE TABLE IF NOT EXISTS ${name} (
            ledger text,
            id bigint,
            name text,
            checksum text,
            applied_at timestamp,
            applied_by text,
            duration_ms bigint,
            lease_owner text static,
            lease_since timestamp static,
            PRIMARY KEY (ledger, id)
          )`.query + ` WITH ID = '${id}' AND comment = 'Applied migrations, and the lease of whoever applies them'`
        )
      )
    }),
    read,
    readNew: Effect.retry(read, { while: isNotYetThere, schedule: newTableSchedule }),
    peek: snapshot(quorum),
    acquire: (owner) =>
      Effect.retry(
        conditional(
          cql`INSERT INTO ${name} (ledger, lease_owner, lease_since) VALUES (${ledger}, ${owner}, ${new Date()}) IF NOT EXISTS USING TTL ${ttl}`
        ),
        { while: (error) => error._tag === "InvalidQueryError" && isUnknownTable(error), schedule: newTableSchedule }
      ),
    renew: (owner) => conditional(renewal(owner)),
    release: (owner) =>
      Effect.asVoid(
        execute(cql`DELETE lease_owner, lease_since FROM ${name} WHERE ledger = ${ledger} IF lease_owner = ${owner}`)
      ),
    record: (migration) =>
      Effect.map(
        session.batch(
          Batch.make(
            "UNLOGGED",
            [
              renewal(migration.appliedBy),
              cql`INSERT INTO ${name} (ledger, id, name, checksum, applied_at, applied_by, duration_ms) VALUES (${ledger}, ${BigInt(migration.id)}, ${migration.name}, ${migration.checksum}, ${migration.appliedAt}, ${migration.appliedBy}, ${BigInt(Math.round(Duration.toMillis(migration.duration)))}) IF NOT EXISTS`
            ],
            requestOptions
          )
        ),
        (result) => Option.getOrElse(result.wasApplied, () => false)
      )
  }
}
