/**
 * What preparing a query fails with when its schemas and the database do not agree.
 *
 * It is no part of `CassandraError`: it is about the program and not about a request, and only preparing a query can fail
 * with it, much as only decoding can fail with a `ParseError`.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"

/**
 * One field that does not agree with the database.
 *
 * - `MissingColumn`: the query's result has no such column.
 * - `WrongType`: the column or variable has a type that the schema does not fit.
 * - `Nullable`: the column can be null and the schema does not take null, or the other way round for a key.
 *
 * @since 0.1.0
 * @category models
 */
export interface Mismatch {
  readonly problem: "MissingColumn" | "WrongType" | "Nullable"
  readonly side: "Request" | "Result"
  /** The field of the schema's encoded side; empty when the request is one value and no record. */
  readonly field: string
  /** What the schema says. */
  readonly schema: string
  /** What the database says. */
  readonly database: string
  /** Both, and what to do, in a sentence. */
  readonly message: string
}

/**
 * The schemas of a query do not match the table. The message lists every mismatch.
 *
 * @since 0.1.0
 * @category errors
 */
export class SchemaMismatchError extends Data.TaggedError("SchemaMismatchError")<{
  readonly message: string
  /** The CQL text. */
  readonly query: string
  readonly keyspace: string
  readonly table: string
  readonly mismatches: ReadonlyArray<Mismatch>
}> {}
