/**
 * Consistency levels, by the names CQL gives them.
 *
 * @since 0.1.0
 */

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

/**
 * The protocol's code of each level.
 *
 * @since 0.1.0
 * @category models
 */
export const codes: Readonly<Record<Consistency, number>> = {
  ONE: 1,
  TWO: 2,
  THREE: 3,
  QUORUM: 4,
  ALL: 5,
  LOCAL_QUORUM: 6,
  EACH_QUORUM: 7,
  SERIAL: 8,
  LOCAL_SERIAL: 9,
  LOCAL_ONE: 10
}

const names = new Map<number, Consistency | "ANY">([
  [0, "ANY"],
  ...Object.entries(codes).map(([name, code]) => [code, name as Consistency] as const)
])

/**
 * The level's name for the protocol's code, as servers report it in errors and results. `ANY` can come back from a server
 * although it cannot be asked for.
 *
 * @since 0.1.0
 * @category conversions
 */
export const fromCode = (code: number): Consistency | "ANY" => names.get(code) ?? "ONE"

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
