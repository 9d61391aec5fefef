/** The schemas of the types that are made of others: exported by `CqlType`. */
import { identity } from "effect/Function"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { annotate, keepsNull, withoutNulls } from "../request/index.ts"
import { Argument, integer, refuse, text } from "../options/index.ts"
import { fieldsOf } from "./schemaFit.ts"

/** Without a collection, Cassandra keeps nothing: an empty one that is not frozen reads as null. */
const emptyForNull = <A, I extends object, R>(
  schema: Schema.Schema<A, I, R>,
  empty: I
): Schema.Schema<A, I | null, R> =>
  Schema.transform(Schema.NullOr(Schema.typeSchema(Schema.encodedSchema(schema))), schema, {
    strict: true,
    decode: (value) => value ?? empty,
    encode: (value) => value
  })

/**
 * A `list`. An empty list that is not frozen is stored as nothing at all, so null is read as an empty array; wrap it in
 * `nullable`, `option` or `optional` to tell the two apart in a frozen one, or to write nothing where there was nothing.
 *
 * @example
 * ```ts
 * import { Schema } from "effect"
 * import { CqlType } from "effect-cassandra"
 *
 * const Track = Schema.Struct({ id: CqlType.uuid, points: CqlType.list(CqlType.double) })
 * ```
 *
 * @since 0.1.0
 * @category collections
 */
export const list = <A, I, R>(
  element: Schema.Schema<A, I, R>
): Schema.Schema<ReadonlyArray<A>, ReadonlyArray<I> | null, R> =>
  annotate(
    emptyForNull<ReadonlyArray<A>, ReadonlyArray<I>, R>(Schema.Array(Argument.schema("CqlType.list", element)), []),
    {
      name: "list",
      kind: "collection",
      parameters: [element.ast]
    }
  )

/**
 * A `set`. Null is read as an empty set, as with {@link list}.
 *
 * @since 0.1.0
 * @category collections
 */
export const set = <A, I, R>(
  element: Schema.Schema<A, I, R>
): Schema.Schema<ReadonlySet<A>, ReadonlySet<I> | null, R> =>
  annotate(
    emptyForNull<ReadonlySet<A>, ReadonlySet<I>, R>(
      Schema.ReadonlySetFromSelf(Argument.schema("CqlType.set", element)),
      new Set<I>()
    ),
    {
      name: "set",
      kind: "collection",
      parameters: [element.ast]
    }
  )

/**
 * A `map`. Null is read as an empty map, as with {@link list}.
 *
 * @since 0.1.0
 * @category collections
 */
export const map = <K, KI, KR, V, VI, VR>(
  key: Schema.Schema<K, KI, KR>,
  value: Schema.Schema<V, VI, VR>
): Schema.Schema<ReadonlyMap<K, V>, ReadonlyMap<KI, VI> | null, KR | VR> =>
  annotate(
    emptyForNull<ReadonlyMap<K, V>, ReadonlyMap<KI, VI>, KR | VR>(
      Schema.ReadonlyMapFromSelf({
        key: Argument.schema("CqlType.map", key),
        value: Argument.schema("CqlType.map", value)
      }),
      new Map<KI, VI>()
    ),
    { name: "map", kind: "collection", parameters: [key.ast, value.ast] }
  )

/**
 * A `vector<element, dimension>`: an array of exactly so many elements, none of them null.
 *
 * @example
 * ```ts
 * import { Schema } from "effect"
 * import { CqlType } from "effect-cassandra"
 *
 * const Document = Schema.Struct({ id: CqlType.uuid, embedding: CqlType.vector(CqlType.float, 384) })
 * ```
 *
 * @since 0.1.0
 * @category collections
 */
export const vector = <A, I, R>(
  element: Schema.Schema<A, I, R>,
  dimension: number
): Schema.Schema<ReadonlyArray<A>, ReadonlyArray<I>, R> =>
  annotate(
    Schema.Array(Argument.schema("CqlType.vector", element)).pipe(
      Schema.itemsCount(integer("CqlType.vector", dimension, 1, 0x7fffffff))
    ),
    {
      name: "vector",
      kind: "collection",
      parameters: [element.ast],
      dimension
    }
  )

/**
 * A `tuple`. Any element of a tuple may be null: wrap those that are in `nullable`.
 *
 * @since 0.1.0
 * @category collections
 */
export const tuple = <const Elements extends ReadonlyArray<Schema.Schema.Any>>(
  ...elements: Elements
): Schema.Schema<
  { readonly [K in keyof Elements]: Schema.Schema.Type<Elements[K]> },
  { readonly [K in keyof Elements]: Schema.Schema.Encoded<Elements[K]> },
  Schema.Schema.Context<Elements[number]>
> =>
  annotate(
    Schema.Tuple(
      ...elements.map((element) => Argument.schema("CqlType.tuple", element))
    ) as Schema.Schema.Any as Schema.Schema<
      { readonly [K in keyof Elements]: Schema.Schema.Type<Elements[K]> },
      { readonly [K in keyof Elements]: Schema.Schema.Encoded<Elements[K]> },
      Schema.Schema.Context<Elements[number]>
    >,
    { name: "tuple", kind: "collection", parameters: elements.map((element) => element.ast) }
  )

/**
 * A user defined type by its name, with a schema for its fields: a `Schema.Struct`, a `Schema.Class`. Nothing has to be
 * registered; the server tells the types of the fields.
 *
 * Fields that the type has and the schema has not are left out on reading and written as null. A field that was added to the
 * type later is null in older rows: make it optional, with `CqlType.optional` or `Schema.optional`, or nullable.
 *
 * @example
 * ```ts
 * import { Schema } from "effect"
 * import { CqlType } from "effect-cassandra"
 *
 * class Address extends Schema.Class<Address>("Address")({
 *   street: CqlType.text,
 *   zip: Schema.optional(CqlType.text)
 * }) {}
 *
 * const User = Schema.Struct({ id: CqlType.uuid, addresses: CqlType.list(CqlType.udt("address", Address)) })
 * ```
 *
 * @since 0.1.0
 * @category collections
 */
export const udt = <A, I extends object, R>(name: string, schema: Schema.Schema<A, I, R>): Schema.Schema<A, I, R> => {
  if (text("CqlType.udt", name) === undefined) refuse("CqlType.udt", "takes the name of the type")
  Argument.schema("CqlType.udt", schema)
  const annotation = { name, kind: "udt", parameters: [schema.ast] } as const
  // For those the null that the server sends is their absence.
  const absentForNull = (fieldsOf(schema.ast) ?? [])
    .filter(({ optional, type }) => optional && !keepsNull(type))
    .map((field) => field.name)
  return annotate(absentForNull.length === 0 ? schema : withoutNulls(schema, absentForNull, `Udt.${name}`), annotation)
}

/**
 * A column that may be null: `A | null`.
 *
 * @since 0.1.0
 * @category nulls
 */
export const nullable = <A, I, R>(schema: Schema.Schema<A, I, R>): Schema.Schema<A | null, I | null, R> =>
  // Null comes first: a collection would read it as an empty one.
  Schema.Union(Schema.Null, Argument.schema("CqlType.nullable", schema))

/**
 * A column that may be null, as an `Option`: `Option.none()` is written as null.
 *
 * @example
 * ```ts
 * import { Schema } from "effect"
 * import { CqlType } from "effect-cassandra"
 *
 * const User = Schema.Struct({ id: CqlType.uuid, nickname: CqlType.option(CqlType.text) })
 * ```
 *
 * @since 0.1.0
 * @category nulls
 */
export const option = <A, I, R>(schema: Schema.Schema<A, I, R>): Schema.Schema<Option.Option<A>, I | null, R> =>
  Schema.transform(
    nullable(schema),
    Schema.OptionFromSelf(Schema.typeSchema(Argument.schema("CqlType.option", schema))),
    {
      strict: true,
      decode: Option.fromNullable,
      encode: (value) => Option.getOrNull(value)
    }
  ) as Schema.Schema.Any as Schema.Schema<Option.Option<A>, I | null, R>

/**
 * A field that may be absent: null is read as its absence. When it is absent, `Columns` leaves the column as it is.
 *
 * @example
 * ```ts
 * import { Schema } from "effect"
 * import { CqlType } from "effect-cassandra"
 *
 * const User = Schema.Struct({ id: CqlType.uuid, nickname: CqlType.optional(CqlType.text) })
 * // { readonly id: string; readonly nickname?: string | undefined }
 * ```
 *
 * @since 0.1.0
 * @category nulls
 */
export const optional = <A, I, R>(
  schema: Schema.Schema<A, I, R>
): Schema.optionalWith<Schema.Schema<A, I, R>, { readonly nullable: true }> =>
  Object.assign(
    Schema.optionalToOptional(
      // Null comes first, as in `nullable`.
      Schema.Union(Schema.Null, Schema.Undefined, Argument.schema("CqlType.optional", schema)),
      Schema.UndefinedOr(Schema.typeSchema(schema)),
      { decode: Option.filter(Predicate.isNotNull), encode: identity }
    ),
    { from: schema }
  ) as unknown as Schema.optionalWith<Schema.Schema<A, I, R>, { readonly nullable: true }>
