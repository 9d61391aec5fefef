/**
 * Time based uuids (version 1), the values of `timeuuid`, as strings.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Argument from "./internal/options/arguments.ts"
import * as internal from "./internal/typed/timeUuid.ts"

/**
 * A new one, for the time of the `Clock`. Those made within one millisecond still differ, and sort in the order they were
 * made.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { cql, Session, TimeUuid } from "effect-cassandra"
 *
 * const record = (sensor: string, value: number) =>
 *   Effect.gen(function* () {
 *     const session = yield* Session.Session
 *     const at = yield* TimeUuid.make
 *     yield* session.execute(cql`INSERT INTO readings (sensor, at, value) VALUES (${sensor}, ${at}, ${value})`)
 *   })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: Effect.Effect<string> = Effect.map(Clock.currentTimeMillis, internal.next)

/**
 * The smallest one of a millisecond, as CQL's `minTimeuuid`: for ranges, never as an identifier.
 *
 * @since 0.1.0
 * @category constructors
 */
export const min = (date: Date): string => internal.least(Argument.date("TimeUuid.min", date).getTime())

/**
 * The largest one of a millisecond, as CQL's `maxTimeuuid`: for ranges, never as an identifier.
 *
 * @since 0.1.0
 * @category constructors
 */
export const max = (date: Date): string => internal.greatest(Argument.date("TimeUuid.max", date).getTime())

/**
 * The time that one was made at, to the millisecond; none for a string that is no uuid of version 1.
 *
 * @since 0.1.0
 * @category getters
 */
export const timestamp = (timeuuid: string): Option.Option<Date> =>
  typeof timeuuid === "string" && /^[0-9a-f]{8}-[0-9a-f]{4}-1[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(timeuuid)
    ? Option.some(new Date(internal.millisOf(timeuuid)))
    : Option.none()
