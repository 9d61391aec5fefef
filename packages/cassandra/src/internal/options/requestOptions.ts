import { isConsistency, isSerialConsistency } from "../../Consistency.ts"
import type { ExecutionProfile, RequestOptions } from "../../ExecutionProfile.ts"
import type { SpeculativeExecution } from "../../SpeculativeExecution.ts"
import { problemWith } from "./policies.ts"
import * as Argument from "./arguments.ts"
import { namesOf, refuseUnknown } from "./optionNames.ts"
import { requestOptions } from "./names.ts"
import { integer, limit, millis, oneOf, refuse } from "./checks.ts"

/** Throws a `ConfigurationError` for options of requests that are invalid, wherever they are set. */
export const checkRequestOptions = (options: RequestOptions, path: string): void => {
  const at = (name: string) => (path === "" ? name : `${path}.${name}`)
  const { consistency, serialConsistency, pageSize, prefetch, retryPolicy } = Argument.record(
    path || "options",
    options
  )
  if (consistency !== undefined && !isConsistency(consistency)) {
    refuse(
      at("consistency"),
      consistency === "ANY"
        ? "ANY cannot be asked for: a write at ANY is acknowledged before any replica has it"
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
  if (retryPolicy !== undefined) {
    Argument.aFunction(at("retryPolicy.decide"), Argument.record(at("retryPolicy"), retryPolicy).decide)
    Argument.schedule(at("retryPolicy.schedule"), retryPolicy.schedule)
  }
  const { loadBalancing, speculativeExecution } = options
  if (loadBalancing !== undefined) {
    const problem = problemWith(loadBalancing)
    if (problem !== undefined) refuse(at("loadBalancing"), problem)
  }
  if (speculativeExecution !== undefined) checkSpeculation(at("speculativeExecution"), speculativeExecution)
}

/** Throws a `ConfigurationError` for a profile that is none. */
export const checkProfile = (profile: ExecutionProfile, path: string): void => {
  checkRequestOptions(profile, path)
  refuseUnknown(path, profile, requestOptions)
}

const speculationNames = {
  None: namesOf<SpeculationOf<"None">>({ _tag: true }),
  Constant: namesOf<SpeculationOf<"Constant">>({ _tag: true, delay: true, maxExecutions: true }),
  Custom: namesOf<SpeculationOf<"Custom">>({ _tag: true, next: true })
}

type SpeculationOf<Tag> = Extract<SpeculativeExecution, { readonly _tag: Tag }>

const checkSpeculation = (option: string, speculation: SpeculativeExecution): void => {
  oneOf(option, Argument.record(option, speculation)._tag, ["None", "Constant", "Custom"])
  refuseUnknown(option, speculation, speculationNames[speculation._tag])
  if (speculation._tag === "Constant") {
    millis(`${option}.delay`, speculation.delay)
    integer(`${option}.maxExecutions`, speculation.maxExecutions, 1, 1000)
  } else if (speculation._tag === "Custom" && typeof speculation.next !== "function") {
    refuse(option, "a custom one is a function")
  }
}
