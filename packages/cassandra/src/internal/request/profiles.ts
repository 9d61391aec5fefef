/** The execution profiles of a cluster: those it was made with, and those added since. */
import type { ExecutionProfile } from "../../ExecutionProfile.ts"

/** What a profile that sets nothing is. */
const empty: ExecutionProfile = Object.freeze({})

/** The name that stands for the cluster's own options. It is always there. */
const standard = "default"

export class Profiles {
  readonly #byName: Map<string, ExecutionProfile>

  constructor(profiles: Readonly<Record<string, ExecutionProfile>>) {
    this.#byName = new Map(Object.entries(profiles))
  }

  get(name: string): ExecutionProfile | undefined {
    return this.#byName.get(name) ?? (name === standard ? empty : undefined)
  }

  has(name: string): boolean {
    return this.get(name) !== undefined
  }

  add(name: string, profile: ExecutionProfile): void {
    this.#byName.set(name, profile)
  }

  /** A copy, as it is now. */
  all(): Readonly<Record<string, ExecutionProfile>> {
    return Object.fromEntries([[standard, empty] as const, ...this.#byName])
  }
}
