/**
 * One connection: its socket, handshake and authentication, stream ids, write queue, deadlines and heartbeats.
 * Nothing of Effect.
 */
export { Connection, type ConnectionOwner, type PreparedCallback } from "./connection.ts"
export { Deadlines, GRACE, LATE, type Timed, type Timer } from "./deadlines.ts"
export { ConnectError, isSocketClosed, UnansweredError } from "./errors.ts"
export { tooOld } from "./handshake.ts"
export type { Operation } from "./operation.ts"
export {
  type Authenticator,
  type ConnectionCounters,
  type ConnectionSettings,
  type Endpoint,
  endpointName
} from "./settings.ts"
