import type { ClusterOptions } from "../../ClusterOptions.ts"
import type { BreakerSettings } from "../routing/index.ts"
import { refuseUnknown } from "./optionNames.ts"
import { breakerOptions } from "./names.ts"
import { integer, limit, refuse } from "./checks.ts"

/** Undefined for none. */
export const resolveBreaker = (breaker: ClusterOptions["breaker"] = {}): BreakerSettings | undefined => {
  if (breaker === false) return undefined
  if (typeof breaker !== "object" || breaker === null) return refuse("breaker", "must be false, or an object")
  refuseUnknown("breaker", breaker, breakerOptions)
  return {
    failures: integer("breaker.failures", breaker.failures ?? 5, 1, 1_000_000),
    window: limit("breaker.window", breaker.window ?? "30 seconds"),
    openFor: limit("breaker.openFor", breaker.openFor ?? "10 seconds"),
    halfOpenRequests: integer("breaker.halfOpenRequests", breaker.halfOpenRequests ?? 1, 1, 1_000_000)
  }
}
