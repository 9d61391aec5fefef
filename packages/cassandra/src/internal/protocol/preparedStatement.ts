import type { Column } from "./columnType.ts"
import type { ResultShape } from "./columns.ts"
import { type ValueWriter, writersFor } from "./encodeValue.ts"

/** The result metadata of a prepared statement, under the id that the server knows it by (v5). */
export interface PreparedResult {
  readonly id: Buffer | undefined
  /** Undefined when the statement gives no rows, or none that are known before it is executed. */
  readonly shape: ResultShape | undefined
}

/** The answer to a PREPARE. */
export interface PreparedResponse {
  readonly id: Buffer
  /** The id of the result metadata (v5). */
  readonly resultId: Buffer | undefined
  /** The bind markers, in order. */
  readonly variables: ReadonlyArray<Column>
  /** The keyspace of the variables, when they are all of one. */
  readonly keyspace: string | undefined
  /** The table of the variables, when they are all of one. */
  readonly table: string | undefined
  /** The indexes of the variables that make up the partition key; none when it is not bound as a whole. */
  readonly partitionKey: ReadonlyArray<number>
  readonly result: PreparedResult
}

/** A prepared statement as the protocol knows it; preparing it again changes it in place. */
export class PreparedStatement {
  readonly query: string
  /** The keyspace that it was prepared in. */
  readonly keyspace: string | undefined
  id!: Buffer
  variables!: ReadonlyArray<Column>
  partitionKey!: ReadonlyArray<number>
  /** The keyspace of the variables, when they are all of one. */
  tableKeyspace: string | undefined
  /** The table of the variables, when they are all of one. */
  table: string | undefined
  /** Replaced as well by an answer that tells of changed metadata. */
  result!: PreparedResult
  /** What writes the values of the variables. */
  writers!: ReadonlyArray<ValueWriter>

  constructor(query: string, keyspace: string | undefined, response: PreparedResponse) {
    this.query = query
    this.keyspace = keyspace
    this.update(response)
  }

  /** Takes over what the server answered to another PREPARE. */
  update(response: PreparedResponse): void {
    this.id = response.id
    this.variables = response.variables
    this.partitionKey = response.partitionKey
    this.tableKeyspace = response.keyspace
    this.table = response.table
    // A node of an older version knows no result id; what is remembered for the others must stay.
    if (response.resultId !== undefined || this.result?.id === undefined) this.result = response.result
    this.writers = writersFor(response.variables)
  }
}
