/**
 * What a request gives: one page of rows and what is known about how they came.
 *
 * @since 0.1.0
 */
import type * as Option from "effect/Option"
import type { Consistency } from "./Consistency.ts"
import type { PagingState } from "./PagingState.ts"

/**
 * A column of a result, or a variable of a prepared statement.
 *
 * @since 0.1.0
 * @category models
 */
export interface Column {
  readonly keyspace: string
  readonly table: string
  readonly name: string
  /** The CQL type, as CQL writes it: `map<text, list<int>>`. */
  readonly type: string
}

/**
 * How the request was answered.
 *
 * @since 0.1.0
 * @category models
 */
export interface ResultInfo {
  /** The host that answered, as `address:port`. */
  readonly coordinator: string
  /** The hosts that were tried and failed before it, over all attempts. */
  readonly triedHosts: ReadonlyArray<string>
  /** How many times the request was sent: 1 unless it was retried. */
  readonly attempts: number
  readonly speculativeExecutions: number
  readonly achievedConsistency: Consistency | "ANY"
  /** The id of the server's trace, when tracing was asked for. */
  readonly traceId: Option.Option<string>
  readonly warnings: ReadonlyArray<string>
  readonly customPayload: Option.Option<Readonly<Record<string, Uint8Array | null>>>
  /** Whether all nodes agreed on the schema after a change to it. True after anything else. */
  readonly schemaInAgreement: boolean
}

/**
 * One page of a result.
 *
 * @since 0.1.0
 * @category models
 */
export interface ResultSet<out A> {
  /** The rows of this page; a page in the middle of a result can be empty. */
  readonly rows: ReadonlyArray<A>
  /** The first row of this page. `session.one` gives the first row of the result, from whichever page it is on. */
  readonly one: Option.Option<A>
  /** Where the next page starts; none when this page is the last. */
  readonly pagingState: Option.Option<PagingState>
  readonly columns: ReadonlyArray<Column>
  /**
   * Whether a conditional write was applied; none for any other statement. When it was not, `rows` tells what was there
   * instead. The server's `[applied]` column is this answer, and no part of the rows. A write that was not applied when it was sent
   * again, after an attempt of unknown outcome, fails with a `CasWriteUnknownError` instead.
   */
  readonly wasApplied: Option.Option<boolean>
  readonly info: ResultInfo
}
