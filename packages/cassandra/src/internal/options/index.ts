/** Checks of options and arguments, and their defaults. */
export * as Argument from "./arguments.ts"
export { flag, integer, longestTimer, millis, oneOf, refuse, shortText, text } from "./checks.ts"
export { type EffectRunner, makeEffectRunner, type Warn } from "./effectRunner.ts"
export { environment, environmentKeyspace } from "./environment.ts"
export type { ResolvedMetrics } from "./metrics.ts"
export {
  addProfileOptions,
  agreementOptions,
  batchOptions,
  type LocalOptions,
  localOptions,
  notOfBatches,
  prepareOptions,
  statementOptions,
  subscribeOptions
} from "./names.ts"
export { namesOf, refuseUnknown, unknownOption } from "./optionNames.ts"
export { checkProfile, checkRequestOptions } from "./requestOptions.ts"
export { resolve, type Resolved } from "./resolve.ts"
export { checkSessionOptions } from "./sessionOptions.ts"
