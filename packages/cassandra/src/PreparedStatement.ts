/**
 * Statements prepared ahead of time.
 *
 * Every statement with values is prepared when it is first executed, so preparing by hand is for two things: to fail at
 * start-up rather than at the first request, and to learn the types.
 *
 * @since 0.1.0
 */
import type * as Option from "effect/Option"
import type { Column } from "./ResultSet.ts"
import type { Row, Statement, Values } from "./Statement.ts"

/**
 * @since 0.1.0
 * @category models
 */
export interface PreparedStatement {
  readonly query: string
  /** The variables, in the order of their markers, with their CQL types as the server tells them. */
  readonly variables: ReadonlyArray<Column>
  /** The columns of its result; none where they are not known before the first answer. */
  readonly columns: Option.Option<ReadonlyArray<Column>>
  /**
   * A statement with values: an array for `?`, a record for `:name`. It goes to the keyspace that the text was prepared in, whatever
   * session executes it, and with the payload that it was prepared with, unless it is told otherwise.
   */
  readonly bind: (values: Values) => Statement<Row, never, never>
}
