/**
 * What a cluster has: keyspaces with everything in them, nodes, and which of these own what.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { CassandraError } from "./CassandraError.ts"
import type { Host } from "./Host.ts"
import type { Keyspace, MaterializedView, Table, UserAggregate, UserFunction, UserType } from "./Keyspace.ts"
import type { Values } from "./Statement.ts"
import type { ReplicatedRange, TokenMap } from "./TokenMap.ts"

/**
 * The nodes did not come to agree on one schema in the time they were given. What was changed is not undone: nodes that
 * were slow or cut off learn of it later.
 *
 * @since 0.1.0
 * @category errors
 */
export class SchemaAgreementError extends Data.TaggedError("SchemaAgreementError")<{
  readonly message: string
  /** How long was waited, in milliseconds. */
  readonly waited: number
}> {}

/**
 * There is no such user type. Types can be used only after they were created.
 *
 * @since 0.1.0
 * @category errors
 */
export class UserTypeNotFoundError extends Data.TaggedError("UserTypeNotFoundError")<{
  readonly message: string
  readonly keyspace: string
  readonly name: string
}> {}

/**
 * How long to wait for nodes to agree.
 *
 * @since 0.1.0
 * @category models
 */
export interface AgreementOptions {
  /** Default: the cluster's `maxSchemaAgreementWait`. `Duration.infinity` is no limit. */
  readonly maxWait?: Duration.DurationInput | undefined
}

/**
 * The metadata of a cluster: `cluster.metadata`. All values are plain and never change; ask again to see what is new.
 *
 * **Schema.** A keyspace is read when it is first asked for and kept until the servers tell of a change to it, or until this
 * client changed it itself; so what you get is at most as old as the last news from the servers. What is missing is `None`.
 * Names are as the server has them: in lower case unless they were quoted. Where the cluster was told not to keep schema
 * metadata, nothing is kept and each question goes to a server.
 *
 * **Nodes and tokens** are known to the client and cost no round trip. They are kept up to date by events. Where the cluster
 * was told not to keep token metadata, `tokenMap`, `replicas` and `tokenRanges` are `None`.
 *
 * @example
 * ```ts
 * import { Effect, Option } from "effect"
 * import { Cluster } from "effect-cassandra"
 *
 * const program = Effect.gen(function* () {
 *   const { metadata } = yield* Cluster.Cluster
 *   const table = yield* metadata.table("shop", "orders")
 *   const columns = Option.map(table, (known) => known.columns.map(({ name, type }) => `${name} ${type}`))
 *   const owners = yield* metadata.replicasOf("shop", "orders", { customer: 42 })
 *   return { columns, owners }
 * })
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export interface Metadata {
  /** Every keyspace by its name, system and virtual ones too. */
  readonly keyspaces: Effect.Effect<ReadonlyMap<string, Keyspace>, CassandraError>
  readonly keyspace: (name: string) => Effect.Effect<Option.Option<Keyspace>, CassandraError>
  readonly table: (keyspace: string, name: string) => Effect.Effect<Option.Option<Table>, CassandraError>
  readonly view: (keyspace: string, name: string) => Effect.Effect<Option.Option<MaterializedView>, CassandraError>
  readonly userType: (keyspace: string, name: string) => Effect.Effect<Option.Option<UserType>, CassandraError>
  /** The user type, or the typed error that it is not there: for a program that cannot go on without it. */
  readonly requireUserType: (
    keyspace: string,
    name: string
  ) => Effect.Effect<UserType, CassandraError | UserTypeNotFoundError>
  /** The function with these argument types, as CQL writes them: `["int", "list<text>"]`. */
  readonly function: (
    keyspace: string,
    name: string,
    argumentTypes: ReadonlyArray<string>
  ) => Effect.Effect<Option.Option<UserFunction>, CassandraError>
  /** The aggregate with these argument types. */
  readonly aggregate: (
    keyspace: string,
    name: string,
    argumentTypes: ReadonlyArray<string>
  ) => Effect.Effect<Option.Option<UserAggregate>, CassandraError>

  /** The nodes as they are known now. */
  readonly hosts: Effect.Effect<ReadonlyArray<Host>>
  /** The node with this `address:port`, or with this host id. */
  readonly host: (addressOrId: string) => Effect.Effect<Option.Option<Host>>
  /** Who owns which part of the ring. */
  readonly tokenMap: Effect.Effect<Option.Option<TokenMap>>
  /**
   * The nodes that hold the partition with this routing key, the owner of its token first. The routing key is the value of
   * the partition key in its CQL form; `replicasOf` makes it. `None` when the keyspace is not known.
   */
  readonly replicas: (keyspace: string, routingKey: Uint8Array) => Effect.Effect<Option.Option<ReadonlyArray<Host>>>
  /**
   * The nodes that hold the partition of a table: `replicasOf("shop", "orders", [customer, day])`, or with a record of the
   * partition key's columns. `None` when there is no such table, or when its data belongs to each node alone. Fails with a
   * `QueryError` when a value does not fit its column.
   */
  readonly replicasOf: (
    keyspace: string,
    table: string,
    partitionKey: Values
  ) => Effect.Effect<Option.Option<ReadonlyArray<Host>>, CassandraError>
  /** The ranges of the ring, each with the nodes that hold a keyspace's data in it. */
  readonly tokenRanges: (keyspace: string) => Effect.Effect<Option.Option<ReadonlyArray<ReplicatedRange>>>

  /**
   * Forgets what is known of the schema, and reads it all again. With `maxWait`, first waits for the nodes to agree, as
   * `awaitSchemaAgreement` does; without, it does not wait.
   */
  readonly refreshSchema: (
    options?: AgreementOptions
  ) => Effect.Effect<ReadonlyMap<string, Keyspace>, CassandraError | SchemaAgreementError>
  /** Reads again how a keyspace is replicated and whether its writes are durable; not what it contains. */
  readonly refreshKeyspace: (name: string) => Effect.Effect<Option.Option<Keyspace>, CassandraError>
  /** Reads a table again, with its indexes and triggers. */
  readonly refreshTable: (keyspace: string, name: string) => Effect.Effect<Option.Option<Table>, CassandraError>
  readonly refreshView: (
    keyspace: string,
    name: string
  ) => Effect.Effect<Option.Option<MaterializedView>, CassandraError>
  readonly refreshUserType: (keyspace: string, name: string) => Effect.Effect<Option.Option<UserType>, CassandraError>
  readonly refreshFunction: (
    keyspace: string,
    name: string,
    argumentTypes: ReadonlyArray<string>
  ) => Effect.Effect<Option.Option<UserFunction>, CassandraError>
  readonly refreshAggregate: (
    keyspace: string,
    name: string,
    argumentTypes: ReadonlyArray<string>
  ) => Effect.Effect<Option.Option<UserAggregate>, CassandraError>
  /**
   * Asks the node that the client learns from which nodes there are and which tokens they own, builds the ring anew, and gives
   * the nodes.
   */
  readonly refreshNodes: Effect.Effect<ReadonlyArray<Host>, CassandraError>

  /** Whether all nodes that are up have the same schema now; `false` as well when nobody could be asked. */
  readonly schemaInAgreement: Effect.Effect<boolean>
  /** Waits until all nodes that are up have the same schema. Interrupting ends the wait at once. */
  readonly awaitSchemaAgreement: (options?: AgreementOptions) => Effect.Effect<void, SchemaAgreementError>
}
