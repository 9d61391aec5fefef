/**
 * Column lists from a schema: what stands in a SELECT, an INSERT or an UPDATE for its fields, so that nobody writes forty
 * column names twice.
 *
 * Each function gives a fragment for the `cql` template. Names are those of the encoded side, so fields renamed with
 * `Schema.fromKey` come out as their columns; they are quoted and so must be written as Cassandra has them, in lower case
 * unless the table was made with quoted names. Values are always bound.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import type * as AST from "effect/SchemaAST"
import { cql } from "./cql.ts"
import { unset } from "./internal/typed/unset.ts"
import { make, type Row, type Statement } from "./Statement.ts"
import * as Argument from "./internal/options/arguments.ts"
import { namesOf } from "./internal/options/optionNames.ts"

/**
 * A part of a statement, for the `cql` template.
 *
 * @since 0.1.0
 * @category models
 */
export type Fragment = Statement<Row, never, never>

/**
 * Which of a schema's columns are meant. Without either: all.
 *
 * @since 0.1.0
 * @category models
 */
export interface Selection<Name extends string = string> {
  readonly only?: ReadonlyArray<Name> | undefined
  readonly except?: ReadonlyArray<Name> | undefined
}

const selectionNames = namesOf<Selection>({ only: true, except: true })

/** The columns of a schema: the keys of its encoded side. */
type NameOf<I> = Extract<keyof I, string>

const known = new WeakMap<AST.AST, ReadonlyArray<string>>()

const allNames = (schema: Schema.Schema.Any): ReadonlyArray<string> => {
  let all = known.get(Argument.schema("Columns", schema).ast)
  if (all === undefined) {
    all = fieldsOf(Schema.encodedSchema(schema).ast)
    known.set(schema.ast, all)
  }
  return all
}

const fieldsOf = (ast: AST.AST): ReadonlyArray<string> => {
  switch (ast._tag) {
    case "TypeLiteral":
      return ast.propertySignatures.map(({ name }) => String(name))
    case "Suspend":
      return fieldsOf(ast.f())
    case "Refinement":
      return fieldsOf(ast.from)
    case "Union":
      return [...new Set(ast.types.flatMap(fieldsOf))]
    default:
      return []
  }
}

const selected = (schema: Schema.Schema.Any, selection: Selection): ReadonlyArray<string> => {
  const { except = [], only } = Argument.options("Columns", selection, selectionNames)
  Argument.array("Columns", except)
  if (only !== undefined) Argument.array("Columns", only)
  return allNames(schema).filter((name) => only?.includes(name) !== false && !except.includes(name))
}

const quote = (name: string): string => cql.id(name).text

/** A field that the values do not have leaves its column as it is; so the text is the same whatever they have. */
const valuesOf = (values: object, columns: ReadonlyArray<string>): ReadonlyArray<unknown> => {
  Argument.record("Columns", values)
  return columns.map((name) => {
    const value = Argument.field(values, name)
    return value === undefined ? unset : value
  })
}

/**
 * The names of a schema's columns, not quoted.
 *
 * @example
 * ```ts
 * import { Schema } from "effect"
 * import { Columns, CqlType } from "effect-cassandra"
 *
 * class User extends Schema.Class<User>("User")({
 *   id: CqlType.uuid,
 *   displayName: Schema.propertySignature(CqlType.text).pipe(Schema.fromKey("display_name"))
 * }) {}
 *
 * Columns.names(User) // ["id", "display_name"]
 * ```
 *
 * @since 0.1.0
 * @category getters
 */
export const names = <A, I, R>(
  schema: Schema.Schema<A, I, R>,
  selection: Selection<NameOf<I>> = {}
): ReadonlyArray<NameOf<I>> => selected(schema, selection) as ReadonlyArray<NameOf<I>>

/**
 * A select list: `"id", "display_name"`.
 *
 * @example
 * ```ts
 * import { Schema } from "effect"
 * import { Columns, cql, CqlType, Statement } from "effect-cassandra"
 *
 * class User extends Schema.Class<User>("User")({ id: CqlType.uuid, name: CqlType.text }) {}
 *
 * const users = cql`SELECT ${Columns.select(User)} FROM users`.pipe(Statement.as(User))
 * ```
 *
 * @since 0.1.0
 * @category fragments
 */
export const select = <A, I, R>(schema: Schema.Schema<A, I, R>, selection: Selection<NameOf<I>> = {}): Fragment =>
  make(selected(schema, selection).map(quote).join(", "))

/**
 * The columns and values of an INSERT: `("id", "name") VALUES (?, ?)`. The values are encoded ones, as `Query` hands them to
 * `execute`; a field that is absent is bound as unset.
 *
 * @example
 * ```ts
 * import { Schema } from "effect"
 * import { Columns, cql, CqlType, Query } from "effect-cassandra"
 *
 * class User extends Schema.Class<User>("User")({ id: CqlType.uuid, name: CqlType.text }) {}
 *
 * const insert = Query.void({
 *   Request: User,
 *   execute: (user) => cql`INSERT INTO users ${Columns.insert(User, user)}`
 * })
 * ```
 *
 * @since 0.1.0
 * @category fragments
 */
export const insert = <A, I extends object, R>(
  schema: Schema.Schema<A, I, R>,
  values: I,
  selection: Selection<NameOf<I>> = {}
): Fragment => {
  const columns = selected(schema, selection)
  const markers = columns.map(() => "?").join(", ")
  return make(`(${columns.map(quote).join(", ")}) VALUES (${markers})`, valuesOf(values, columns))
}

/**
 * The assignments of an UPDATE: `"name" = ?, "email" = ?`. Leave out the primary key, which cannot be assigned. A field that
 * is absent is bound as unset, and so left as it is.
 *
 * @example
 * ```ts
 * import { Schema } from "effect"
 * import { Columns, cql, CqlType, Query } from "effect-cassandra"
 *
 * class User extends Schema.Class<User>("User")({ id: CqlType.uuid, name: CqlType.text }) {}
 *
 * const update = Query.void({
 *   Request: User,
 *   execute: (user) => cql`
 *     UPDATE users SET ${Columns.set(User, user, { except: ["id"] })} WHERE ${Columns.where(User, user, ["id"])}`
 * })
 * ```
 *
 * @since 0.1.0
 * @category fragments
 */
export const set = <A, I extends object, R>(
  schema: Schema.Schema<A, I, R>,
  values: { readonly [K in keyof I]?: I[K] | undefined },
  selection: Selection<NameOf<I>>
): Fragment => {
  const columns = selected(schema, selection)
  return make(columns.map((name) => `${quote(name)} = ?`).join(", "), valuesOf(values, columns))
}

/**
 * Equalities for a WHERE: `"tenant" = ? AND "id" = ?`, in the order of the names given.
 *
 * @since 0.1.0
 * @category fragments
 */
export const where = <A, I extends object, R, const Name extends NameOf<I>>(
  schema: Schema.Schema<A, I, R>,
  values: { readonly [K in Name]: I[K] },
  columns: readonly [Name, ...ReadonlyArray<Name>]
): Fragment => {
  Argument.schema("Columns.where", schema)
  Argument.record("Columns.where", values)
  return make(
    Argument.array("Columns.where", columns)
      .map((name) => `${quote(name)} = ?`)
      .join(" AND "),
    columns.map((name) => Argument.field(values, name))
  )
}
