/**
 * Consistency levels, by the names CQL gives them.
 *
 * @since 0.1.0
 */

import { consistencyCodes, consistencyName } from "./internal/protocol/consistency.ts"

/**
 * How many replicas must answer before a request succeeds. `ANY` is missing on purpose: such a write is acknowledged
 * before any replica has it. A value of `"ANY"` from untyped code is refused with a `ConfigurationError`.
 *
 * @since 0.1.0
 * @category models
 */
export type Consistency =
  "ONE" | "TWO" | "THREE" | "QUORUM" | "ALL" | "LOCAL_QUORUM" | "EACH_QUORUM" | "LOCAL_ONE" | SerialConsistency

/**
 * The consistency of the Paxos phase of a conditional write. As a read's consistency it makes the read linearizable.
 *
 * @since 0.1.0
 * @category models
 */
export type SerialConsistency = "SERIAL" | "LOCAL_SERIAL"

// What can be asked for: `ANY` is among the codes of the protocol only because servers report it.
const { ANY: _, ...levels } = consistencyCodes

/**
 * The protocol's code of each level.
 *
 * @since 0.1.0
 * @category models
 */
export const codes: Readonly<Record<Consistency, number>> = levels

/**
 * The level's name for the protocol's code, as servers report it in errors and results. `ANY` can come back from a server
 * although it cannot be asked for.
 *
 * @since 0.1.0
 * @category conversions
 */
export const fromCode = (code: number): Consistency | "ANY" => consistencyName(code) ?? "ONE"

/**
 * @since 0.1.0
 * @category guards
 */
export const isConsistency = (u: unknown): u is Consistency => typeof u === "string" && Object.hasOwn(codes, u)

/**
 * @since 0.1.0
 * @category guards
 */
export const isSerialConsistency = (u: unknown): u is SerialConsistency => u === "SERIAL" || u === "LOCAL_SERIAL"
