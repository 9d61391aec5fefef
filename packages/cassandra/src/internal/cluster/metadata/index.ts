/** `cluster.metadata`: the schema by way of a session, nodes and tokens from the engine's view of the cluster. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { type CassandraError, ConnectionError, QueryError } from "../../../CassandraError.ts"
import { cql } from "../../../cql.ts"
import type { Keyspace, UserAggregate, UserFunction } from "../../../Keyspace.ts"
import {
  type AgreementOptions,
  type Metadata,
  type SchemaAgreementError,
  UserTypeNotFoundError
} from "../../../Metadata.ts"
import type { Session } from "../../../Session.ts"
import type { Values } from "../../../Statement.ts"
import {
  awaitAgreement,
  closedError,
  encoderOf,
  type Engine,
  failureOf,
  inAgreement,
  plainOptions,
  prepareOnce,
  turn
} from "../../request/index.ts"
import { hostOf } from "../../topology/index.ts"
import { agreementOptions, Argument, unknownOption } from "../../options/index.ts"
import * as readSchema from "./readSchema.ts"
import * as ring from "./ring.ts"
import * as Schema from "./schema.ts"

/** What asks the cluster itself, as long as that is open. */
const unless =
  (isClosed: () => boolean) =>
  <A>(effect: Effect.Effect<A, CassandraError>): Effect.Effect<A, CassandraError> =>
    Effect.suspend(() => (isClosed() ? Effect.fail(closedError("NotApplied", "cluster")) : effect))

const doneBy = (work: () => Promise<unknown>): Effect.Effect<void, CassandraError> =>
  Effect.zipRight(turn, Effect.tryPromise({ try: work, catch: (error) => error })).pipe(
    Effect.asVoid,
    Effect.catchAll((error) => failureOf(error, { timeout: 0, batch: false, sent: false }))
  )

/** `maxWait` is what is waited for the nodes to agree unless told otherwise, in milliseconds. */
export const make = (
  { transport, view }: Engine,
  session: Session,
  maxWait: number,
  isClosed: () => boolean
): Effect.Effect<Metadata, never, Scope.Scope> =>
  Effect.map(Schema.make(view, session), (cache): Metadata => {
    const { read } = cache
    const open = unless(isClosed)
    const engineDoes = (work: () => Promise<unknown>) => open(doneBy(work))

    const within = <A>(name: string, find: (keyspace: Keyspace) => A | undefined) =>
      Effect.map(cache.keyspace(name), Option.flatMapNullable(find))

    const userType = (keyspace: string, name: string) => within(keyspace, ({ userTypes }) => userTypes.get(name))

    const table = (keyspace: string, name: string) => within(keyspace, ({ tables }) => tables.get(name))

    const agree = (options: AgreementOptions = {}) => {
      const { maxWait: wait } = Argument.options("metadata.awaitSchemaAgreement", options, agreementOptions)
      return awaitAgreement(view, wait === undefined ? Duration.millis(maxWait) : Duration.decode(wait))
    }

    const hosts = Effect.sync(() => view.nodes.map(hostOf))

    return {
      keyspaces: cache.all,
      keyspace: cache.keyspace,
      table,
      view: (keyspace, name) => within(keyspace, ({ views }) => views.get(name)),
      userType,
      requireUserType: (keyspace, name) =>
        Effect.flatMap(
          userType(keyspace, name),
          Option.match({
            onSome: Effect.succeed,
            onNone: () =>
              new UserTypeNotFoundError({
                message: `There is no user type "${name}" in the keyspace "${keyspace}"`,
                keyspace,
                name
              })
          })
        ),
      function: (keyspace, name, types) =>
        within(keyspace, ({ functions }) => functions.find((known) => isFunction(known, name, types))),
      aggregate: (keyspace, name, types) =>
        within(keyspace, ({ aggregates }) => aggregates.find((known) => isAggregate(known, name, types))),

      hosts,
      host: (wanted) =>
        Effect.map(hosts, (known) =>
          Option.fromNullable(known.find(({ address, hostId }) => address === wanted || hostId === wanted))
        ),
      tokenMap: Effect.sync(() => Option.fromNullable(ring.tokenMap(view))),
      replicas: (keyspace, routingKey) =>
        Effect.sync(() => Option.fromNullable(ring.replicas(view, keyspace, routingKey))),
      replicasOf: (keyspace, name, key) =>
        Effect.flatMap(
          table(keyspace, name),
          Option.match({
            onNone: () => Effect.succeedNone,
            onSome: ({ partitionKey, virtual }) =>
              virtual
                ? Effect.succeedNone
                : Effect.map(open(routingKey(transport, keyspace, name, partitionKey, key)), (bytes) =>
                    Option.fromNullable(ring.replicas(view, keyspace, bytes))
                  )
          })
        ),
      tokenRanges: (keyspace) => Effect.sync(() => Option.fromNullable(ring.tokenRanges(view, keyspace))),

      refreshSchema: (options = {}) =>
        Effect.suspend((): Effect.Effect<void, CassandraError | SchemaAgreementError> => {
          const unknown = unknownOption("metadata.refreshSchema", options, agreementOptions)
          return unknown ?? (options.maxWait === undefined ? Effect.void : agree(options))
        }).pipe(
          Effect.zipRight(engineDoes(() => view.refreshKeyspaces())),
          Effect.tap(() => Effect.sync(() => cache.forget())),
          Effect.zipRight(cache.all)
        ),
      refreshKeyspace: (name) =>
        Effect.gen(function* () {
          yield* engineDoes(() => view.refreshKeyspace(name))
          const facts = yield* cache.renew(name, readSchema.keyspaceFacts(read, name), (known, found) =>
            Option.getOrUndefined(Option.map(found, (renewed) => ({ ...known, ...renewed })))
          )
          // One that is gone, or virtual, has nothing to renew: what is known of it now is what there is.
          if (Option.isNone(facts)) cache.forget(name)
          return yield* cache.keyspace(name)
        }),
      refreshTable: (keyspace, name) =>
        cache.renew(keyspace, readSchema.table(read, keyspace, name), (known, found) => ({
          ...known,
          tables: replaced(known.tables, name, found)
        })),
      refreshView: (keyspace, name) =>
        cache.renew(keyspace, readSchema.view(read, keyspace, name), (known, found) => ({
          ...known,
          views: replaced(known.views, name, found)
        })),
      refreshUserType: (keyspace, name) =>
        cache.renew(keyspace, readSchema.userType(read, keyspace, name), (known, found) => ({
          ...known,
          userTypes: replaced(known.userTypes, name, found)
        })),
      refreshFunction: (keyspace, name, types) =>
        Effect.map(
          cache.renew(keyspace, readSchema.functions(read, keyspace, name), (known, found) => ({
            ...known,
            functions: [...known.functions.filter((f) => f.name !== name), ...found]
          })),
          (found) => Option.fromNullable(found.find((known) => isFunction(known, name, types)))
        ),
      refreshAggregate: (keyspace, name, types) =>
        Effect.map(
          cache.renew(keyspace, readSchema.aggregates(read, keyspace, name), (known, found) => ({
            ...known,
            aggregates: [...known.aggregates.filter((a) => a.name !== name), ...found]
          })),
          (found) => Option.fromNullable(found.find((known) => isAggregate(known, name, types)))
        ),
      refreshNodes: Effect.tryPromise({
        try: () => view.refreshNodes(),
        catch: (error) =>
          new ConnectionError({
            message: `The nodes could not be asked for: ${error instanceof Error ? error.message : String(error)}`,
            cause: error,
            hosts: [],
            writeState: "NotApplied"
          })
      }).pipe(
        Effect.tapError(() => turn),
        open,
        Effect.zipRight(hosts)
      ),

      schemaInAgreement: inAgreement(view),
      awaitSchemaAgreement: agree
    }
  })

const sameTypes = (a: ReadonlyArray<string>, b: ReadonlyArray<string>): boolean =>
  a.length === b.length && a.every((type, i) => normal(type) === normal(b[i] ?? ""))

/** A type is the same however its parts are spaced, and an argument is always frozen. */
const normal = (type: string): string => type.replaceAll(/\s+/g, "").replaceAll("varchar", "text")

const isFunction = (known: UserFunction, name: string, types: ReadonlyArray<string>): boolean =>
  known.name === name &&
  sameTypes(
    known.arguments.map(({ type }) => type),
    types
  )

const isAggregate = (known: UserAggregate, name: string, types: ReadonlyArray<string>): boolean =>
  known.name === name && sameTypes(known.argumentTypes, types)

const replaced = <A>(known: ReadonlyMap<string, A>, name: string, found: Option.Option<A>): ReadonlyMap<string, A> => {
  const renewed = new Map(known)
  if (Option.isSome(found)) renewed.set(name, found.value)
  else renewed.delete(name)
  return renewed
}

/** The server's own types of the key's columns are those that count: the table is asked for by its key, but never read. */
const routingKey = (
  transport: Engine["transport"],
  keyspace: string,
  table: string,
  partitionKey: ReadonlyArray<{ readonly name: string }>,
  key: Values
): Effect.Effect<Uint8Array, CassandraError> =>
  Effect.flatMap(
    Effect.suspend(() => {
      const columns = partitionKey.map(({ name }) => cql.id(name).text)
      const condition = columns.map((column) => `${column} = ?`).join(" AND ")
      const query = `SELECT ${columns.join(", ")} FROM ${cql.id(keyspace, table).text} WHERE ${condition}`
      return prepareOnce(transport, query, plainOptions, false)
    }),
    ({ variables }) =>
      Effect.try({
        try: () =>
          ring.routingKeyOf(
            encoderOf(variables)(key).map((value, i) => {
              if (value instanceof Uint8Array) return value
              throw new QueryError({
                message: `The partition key's "${partitionKey[i]?.name ?? ""}" must have a value`,
                writeState: "NotApplied"
              })
            })
          ),
        catch: (error) => error
      }).pipe(Effect.catchAll((error) => failureOf(error, { timeout: 0, batch: false, sent: false })))
  )
