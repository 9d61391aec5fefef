/** Clusters and sessions: what the public modules hand out. */
export { make } from "./cluster.ts"
export { connectError } from "./connectError.ts"
export { failed, probe, type ProbeOutcome } from "./healthProbe.ts"
export { native } from "./nativeEngine.ts"
