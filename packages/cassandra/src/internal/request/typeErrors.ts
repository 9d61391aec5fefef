/**
 * What does not compile although it would be a plain value to TypeScript: the type that is expected is then a text that says
 * what to do instead.
 */
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"

type IsAny<T> = 0 extends 1 & T ? true : false

type Any = ReturnType<typeof JSON.parse>

/** Why a value cannot be bound; `never` for one that can. Distributes over unions. */
type MisuseOf<T> =
  IsAny<T> extends true
    ? never
    : T extends Option.Option<Any>
      ? "An Option is no value to bind: use Option.getOrNull, or Option.getOrElse(() => CqlType.unset)"
      : T extends Effect.Effect<Any, Any, Any>
        ? "An Effect is no value to bind: run it first, with yield*"
        : T extends PromiseLike<unknown>
          ? "A Promise is no value to bind: await it first, or use Effect.promise and yield*"
          : T extends (...args: Any) => unknown
            ? "A function is no value to bind: call it"
            : T extends abstract new (...args: Any) => unknown
              ? "A class is no value to bind: bind an instance, or its fields"
              : T extends symbol
                ? "A symbol is no value to bind: bind its description, or CqlType.unset to leave the column as it is"
                : never

/** The same, for the elements of an array as well: those of `IN ${ids}`. */
type Misuse<T> = MisuseOf<T> | (IsAny<T> extends true ? never : T extends ReadonlyArray<infer E> ? MisuseOf<E> : never)

type Checked<M> = [M] extends [never] ? unknown : M

/** What is expected of values beside their own types: nothing, or a text that none of them is. */
export type BoundValues<V> = { readonly [K in keyof V]: Checked<Misuse<V[K]>> }

type NoRow =
  "Statement.as takes the schema of a row, such as Schema.Struct({ name: CqlType.text }): its encoded side has a field for each column"

type TextForTime<Field extends string> =
  `"${Field}" reads a text, as Schema.Date does, but a row has a Date for a timestamp: use CqlType.timestamp or CqlType.timestampDate. Where the column is a text, give the schema the type Schema.Schema<A, any>`

/** How deep within a field it is looked for. */
type Depth = readonly [unknown, unknown, unknown]

/** Points in time that are read from a text: for a field, or what is in it. */
type FieldMisuse<Field extends string, A, I, D extends ReadonlyArray<unknown> = Depth> = D extends readonly [
  unknown,
  ...infer Rest
]
  ? IsAny<A> extends true
    ? never
    : IsAny<I> extends true
      ? never
      : [A] extends [I]
        ? never
        : [A] extends [Date | DateTime.DateTime]
          ? [I] extends [string]
            ? TextForTime<Field>
            : never
          : [A] extends [Option.Option<infer X>]
            ? FieldMisuse<Field, NonNullable<X>, I, Rest>
            : [A, I] extends [ReadonlyArray<infer X>, ReadonlyArray<infer Y>]
              ? FieldMisuse<Field, NonNullable<X>, NonNullable<Y>, Rest>
              : // A map has all that a set has.
                [A, I] extends [ReadonlyMap<Any, infer X>, ReadonlyMap<Any, infer Y>]
                ? FieldMisuse<Field, X, Y, Rest>
                : [A, I] extends [ReadonlySet<infer X>, ReadonlySet<infer Y>]
                  ? FieldMisuse<Field, X, Y, Rest>
                  : [A, I] extends [object, object]
                    ? RowMisuse<A, I, Rest, `${Field}.`>
                    : never
  : never

type RowMisuse<A, I, D extends ReadonlyArray<unknown> = Depth, Path extends string = ""> = {
  readonly [K in keyof A & keyof I & string]-?: FieldMisuse<`${Path}${K}`, NonNullable<A[K]>, NonNullable<I[K]>, D>
}[keyof A & keyof I & string]

/** What no row is. */
type NotARow = ReadonlyArray<unknown> | ReadonlySet<unknown> | ReadonlyMap<unknown, unknown> | Date | Uint8Array

/**
 * What is expected of the schema of rows beside being one: nothing, or a text that says why it reads no rows. `any` and `unknown`
 * as the encoded side are taken.
 */
export type RowSchema<A, I> =
  IsAny<I> extends true
    ? unknown
    : unknown extends I
      ? unknown
      : [I] extends [object]
        ? [Extract<I, NotARow | ((...args: Any) => unknown)>] extends [never]
          ? Checked<RowMisuse<A, I>>
          : NoRow
        : NoRow
