import type { DcAware, LoadBalancing } from "../../LoadBalancing.ts"
import { namesOf, unknownOption } from "./optionNames.ts"

/** What is wrong with a policy whatever the cluster; undefined if nothing is. Untyped code can get anything wrong. */
export const problemWith = (policy: LoadBalancing): string | undefined => {
  if (typeof policy !== "object" || policy === null) return notAPolicy
  switch (policy._tag) {
    case "TokenAware":
      return problemWith(policy.policy)
    case "AllowList":
      return typeof policy.allows === "function"
        ? problemWith(policy.policy)
        : "an allow list takes addresses or a predicate"
    case "Custom":
      return typeof policy.distance === "function" && typeof policy.plan === "function"
        ? undefined
        : "a custom policy has a distance and a plan"
    case "DcAware": {
      const unknown = unknownOption("", policy, dcAwareNames)
      if (unknown !== undefined) return unknown.message
      const { hostsPerRemoteDataCenter: most, localDataCenter, remoteDataCenters = [] } = policy
      if (localDataCenter !== undefined && localDataCenter.trim() === "") return "localDataCenter must not be empty"
      if (new Set(remoteDataCenters).size !== remoteDataCenters.length) return "remoteDataCenters names one twice"
      return most === undefined || (Number.isInteger(most) && most >= 1)
        ? undefined
        : `hostsPerRemoteDataCenter must be a whole number of at least 1, not ${most}`
    }
    default:
      return notAPolicy
  }
}

const dcAwareNames = namesOf<DcAware>({
  _tag: true,
  localDataCenter: true,
  remoteDataCenters: true,
  hostsPerRemoteDataCenter: true,
  failoverLocalConsistencies: true
})

const notAPolicy = "not a policy: make one with LoadBalancing"
