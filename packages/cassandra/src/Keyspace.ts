/**
 * Keyspaces and what is in them, as plain values: see `cluster.metadata`.
 *
 * @since 0.1.0
 */
import type * as Option from "effect/Option"

/**
 * A keyspace.
 *
 * @since 0.1.0
 * @category models
 */
export interface Keyspace {
  readonly name: string
  /** As the server says it: `{ class: "org.apache.cassandra.locator.SimpleStrategy", replication_factor: "1" }`. */
  readonly replication: Readonly<Record<string, string>>
  /** Whether writes go to the commit log. */
  readonly durableWrites: boolean
  /** Whether its tables are views on the state of one node, and stored nowhere. */
  readonly virtual: boolean
  readonly tables: ReadonlyMap<string, Table>
  readonly views: ReadonlyMap<string, MaterializedView>
  readonly userTypes: ReadonlyMap<string, UserType>
  /** Functions of one name differ in the types of their arguments. */
  readonly functions: ReadonlyArray<UserFunction>
  readonly aggregates: ReadonlyArray<UserAggregate>
}

/**
 * A column of a table or view.
 *
 * @since 0.1.0
 * @category models
 */
export interface TableColumn {
  readonly name: string
  /** The CQL type, as the server writes it: `frozen<list<int>>`, `vector<float, 3>`. */
  readonly type: string
  readonly kind: "partition_key" | "clustering" | "static" | "regular"
  /** The order of a clustering column. */
  readonly clusteringOrder: Option.Option<"ASC" | "DESC">
}

/**
 * A secondary index.
 *
 * @since 0.1.0
 * @category models
 */
export interface Index {
  readonly name: string
  /** `CUSTOM` for SAI and SASI, `COMPOSITES` for the built-in one. */
  readonly kind: string
  /** What is indexed: a column, or `keys(column)`, `values(column)`, `entries(column)`, `full(column)`. */
  readonly target: string
  /** What implements it: `sai`, `StorageAttachedIndex` or a class; none for the built-in one. */
  readonly className: Option.Option<string>
  /** The other options, as they were given: `{ case_sensitive: "false" }`. */
  readonly options: Readonly<Record<string, string>>
}

/**
 * A trigger.
 *
 * @since 0.1.0
 * @category models
 */
export interface Trigger {
  readonly name: string
  readonly options: Readonly<Record<string, string>>
}

/**
 * The value of a table's option: `gc_grace_seconds` is a number, `compaction` a record, `comment` a text.
 *
 * @since 0.1.0
 * @category models
 */
export type TableOption = string | number | boolean | Readonly<Record<string, string>>

/** What tables and views share. */
interface Relation {
  readonly keyspace: string
  readonly name: string
  /** The server's id of it; none for a virtual table. */
  readonly id: Option.Option<string>
  /** The partition key, the clustering columns, then the static and the other columns by name: as `SELECT *` gives them. */
  readonly columns: ReadonlyArray<TableColumn>
  readonly partitionKey: ReadonlyArray<TableColumn>
  readonly clusteringKey: ReadonlyArray<TableColumn>
  /** Every option that the server tells, by CQL's name for it: `compaction`, `compression`, `default_time_to_live`, `memtable`. */
  readonly options: Readonly<Record<string, TableOption>>
}

/**
 * A table.
 *
 * @since 0.1.0
 * @category models
 */
export interface Table extends Relation {
  readonly virtual: boolean
  /** `compound`, `counter`, `dense`, `super`. */
  readonly flags: ReadonlyArray<string>
  readonly indexes: ReadonlyArray<Index>
  readonly triggers: ReadonlyArray<Trigger>
}

/**
 * A materialized view.
 *
 * @since 0.1.0
 * @category models
 */
export interface MaterializedView extends Relation {
  /** The table it is a view of, in the same keyspace. */
  readonly baseTable: string
  /** Whether it takes all columns of its table, later ones too. */
  readonly includesAllColumns: boolean
  /** The condition it was made with, in CQL. */
  readonly whereClause: string
}

/**
 * A user-defined type.
 *
 * @since 0.1.0
 * @category models
 */
export interface UserType {
  readonly keyspace: string
  readonly name: string
  readonly fields: ReadonlyArray<{ readonly name: string; readonly type: string }>
}

/**
 * A user-defined function.
 *
 * @since 0.1.0
 * @category models
 */
export interface UserFunction {
  readonly keyspace: string
  readonly name: string
  readonly arguments: ReadonlyArray<{ readonly name: string; readonly type: string }>
  readonly returnType: string
  readonly language: string
  readonly body: string
  /** Whether it is called when an argument is null; otherwise its result is null then. */
  readonly calledOnNullInput: boolean
}

/**
 * A user-defined aggregate.
 *
 * @since 0.1.0
 * @category models
 */
export interface UserAggregate {
  readonly keyspace: string
  readonly name: string
  readonly argumentTypes: ReadonlyArray<string>
  readonly returnType: string
  /** The function that takes the state and a row's values, and gives the next state. */
  readonly stateFunction: string
  readonly stateType: string
  /** The function that makes the result of the last state. */
  readonly finalFunction: Option.Option<string>
  /** The state to begin with, as a CQL literal. */
  readonly initialCondition: Option.Option<string>
}
