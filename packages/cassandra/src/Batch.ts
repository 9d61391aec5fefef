/**
 * Batches: several writes in one request.
 *
 * A batch is for atomicity, not for speed: it makes one coordinator do the work of many. To write many rows fast, execute
 * single statements concurrently.
 *
 * @since 0.1.0
 */
import { dual } from "effect/Function"
import { NodeInspectSymbol } from "effect/Inspectable"
import { type Pipeable, pipeArguments } from "effect/Pipeable"
import * as Predicate from "effect/Predicate"
import type { Statement, StatementOptions } from "./Statement.ts"
import { QueryError } from "./CassandraError.ts"
import { withCallerFrames } from "./internal/options/callerFrames.ts"
import * as Argument from "./internal/options/arguments.ts"

/**
 * @since 0.1.0
 * @category type ids
 */
export const TypeId: TypeId = "~effect-cassandra/Batch"

/**
 * @since 0.1.0
 * @category type ids
 */
export type TypeId = "~effect-cassandra/Batch"

/**
 * - `LOGGED`: all of the writes are applied in the end, or none.
 * - `UNLOGGED`: no such promise; for writes to one partition, which are atomic anyway.
 * - `COUNTER`: for counter updates, which allow no other kind.
 *
 * @since 0.1.0
 * @category models
 */
export type BatchType = "LOGGED" | "UNLOGGED" | "COUNTER"

/**
 * What a batch can be told beside its type.
 *
 * @since 0.1.0
 * @category models
 */
export type BatchOptions = Omit<StatementOptions, "pageSize" | "pagingState" | "prefetch" | "prepared">

/**
 * @since 0.1.0
 * @category models
 */
export interface Batch extends Pipeable {
  readonly [TypeId]: TypeId
  readonly type: BatchType
  readonly statements: ReadonlyArray<Statement.Any>
  readonly options: BatchOptions
}

class BatchImpl implements Batch {
  get [TypeId](): TypeId {
    return TypeId
  }
  readonly type: BatchType
  readonly statements: ReadonlyArray<Statement.Any>
  readonly options: BatchOptions
  constructor(type: BatchType, statements: ReadonlyArray<Statement.Any>, options: BatchOptions) {
    this.type = type
    this.statements = statements
    this.options = options
  }
  pipe() {
    // oxlint-disable-next-line prefer-rest-params -- pipeArguments takes the arguments object
    return pipeArguments(this, arguments)
  }
  /** A custom payload may be a secret, as the values of the statements may: neither is printed. */
  toJSON(): unknown {
    const { customPayload, ...options } = this.options
    return {
      _id: "Batch",
      type: this.type,
      statements: this.statements,
      options: customPayload === undefined ? options : { ...options, customPayload: "<redacted>" }
    }
  }
  [NodeInspectSymbol](): unknown {
    return this.toJSON()
  }
}

/**
 * @since 0.1.0
 * @category guards
 */
export const isBatch = (u: unknown): u is Batch => Predicate.hasProperty(u, TypeId)

/**
 * A batch of writes. Whether it is idempotent and prepared, each statement says for itself. Its other options are the batch's:
 * the batch sets them, or all of its statements do, to the same. `keyspace`, `tracing` and `customPayload` may be set by some of
 * the statements and left out by others. Where they disagree, and for options that a batch does not have (those of paging, and
 * `Statement.as`), the batch fails with a `ConfigurationError` that names the option.
 *
 * @example
 * ```ts
 * import { Batch, cql } from "effect-cassandra"
 *
 * const rename = (id: string, name: string) =>
 *   Batch.make("LOGGED", [
 *     cql`UPDATE users SET name = ${name} WHERE id = ${id}`,
 *     cql`INSERT INTO users_by_name (name, id) VALUES (${name}, ${id})`
 *   ])
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (type: BatchType, statements: Iterable<Statement.Any>, options: BatchOptions = {}): Batch => {
  if (!Predicate.isIterable(statements))
    throw withCallerFrames(invalid("The statements of a batch are an array, or something else to iterate over"))
  return new BatchImpl(type, Array.from(statements), Argument.record("Batch.make", options))
}

const invalid = (message: string) => new QueryError({ message, writeState: "NotApplied" })

const given = (self: Batch): Batch => {
  if (!isBatch(self)) throw withCallerFrames(invalid("Not a batch: make one with Batch.make"))
  return self
}

/**
 * The batch with one more statement.
 *
 * @since 0.1.0
 * @category combinators
 */
export const add: {
  (statement: Statement.Any): (self: Batch) => Batch
  (self: Batch, statement: Statement.Any): Batch
} = dual(2, (self: Batch, statement: Statement.Any) => {
  const { options, statements, type } = given(self)
  return make(type, [...statements, statement], options)
})

/**
 * The batch with some options changed.
 *
 * @since 0.1.0
 * @category combinators
 */
export const withOptions: {
  (options: BatchOptions): (self: Batch) => Batch
  (self: Batch, options: BatchOptions): Batch
} = dual(2, (self: Batch, options: BatchOptions) => {
  const { options: before, statements, type } = given(self)
  return make(type, statements, { ...before, ...Argument.record("Batch.withOptions", options) })
})

/**
 * Says that applying the batch twice does no more than once. Without it, a batch is idempotent when every statement of it
 * says so, and it is no counter batch.
 *
 * @since 0.1.0
 * @category combinators
 */
export const idempotent = (self: Batch): Batch => withOptions(self, { idempotent: true })

/**
 * @since 0.1.0
 * @category getters
 */
export const isIdempotent = (self: Batch): boolean =>
  given(self).options.idempotent ??
  (self.type !== "COUNTER" && self.statements.every((statement) => statement.options.idempotent === true))
