/** The value that leaves a column as it is. */
import { values } from "../protocol/index.ts"

const UnsetTypeId = "~effect-cassandra/Unset"

/**
 * The type of {@link unset}.
 *
 * @since 0.1.0
 * @category unset
 */
export interface Unset {
  readonly [UnsetTypeId]?: never
  readonly unset: true
}

/**
 * Bound in place of a value, leaves the column as it is, whereas `null` deletes what is there and leaves a tombstone. It
 * fits a column of any type, but not a key, nor a part of a collection, tuple or UDT.
 *
 * @example
 * ```ts
 * import { cql, CqlType } from "effect-cassandra"
 *
 * const touch = (id: string, name: string | undefined) =>
 *   cql`UPDATE users SET name = ${name ?? CqlType.unset}, seen_at = ${new Date()} WHERE id = ${id}`
 * ```
 *
 * @since 0.1.0
 * @category unset
 */
export const unset: Unset = values.unset as Unset

/**
 * @since 0.1.0
 * @category unset
 */
export const isUnset = (u: unknown): u is Unset => values.isUnset(u)
