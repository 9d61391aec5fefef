import { isConsistency, isSerialConsistency } from "../../Consistency.ts"
import type { RequestOptions } from "../../ExecutionProfile.ts"
import { integer, limit, refuse } from "./checks.ts"

/** Throws a `ConfigurationError` for options of requests that are invalid, wherever they are set. */
export const checkRequestOptions = (options: RequestOptions, path: string): void => {
  const at = (name: string) => (path === "" ? name : `${path}.${name}`)
  const { consistency, serialConsistency, pageSize, prefetch } = options
  if (consistency !== undefined && !isConsistency(consistency)) {
    refuse(
      at("consistency"),
      consistency === "ANY"
        ? "ANY cannot be asked for: a write at ANY is acknowledged before any replica has it, and the driver would send ONE"
        : "not a consistency level"
    )
  }
  if (serialConsistency !== undefined && !isSerialConsistency(serialConsistency)) {
    refuse(at("serialConsistency"), "must be SERIAL or LOCAL_SERIAL")
  }
  if (pageSize !== undefined) integer(at("pageSize"), pageSize, 1, 0x7fffffff)
  if (prefetch !== undefined) integer(at("prefetch"), prefetch, 0, 1024)
  if (options.timeout !== undefined) limit(at("timeout"), options.timeout)
  if (options.deadline !== undefined) limit(at("deadline"), options.deadline)
}
