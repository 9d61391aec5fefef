/**
 * A client of the driver, whichever way its requests take: what it is made to do otherwise than the driver has it, and what is
 * asked of it that the driver's public API does not tell. It needs far less of the driver's private parts than the wire, and
 * serves as well where the wire finds a driver that it does not know. Nothing here knows of the wire.
 */
export { checkAgreement } from "./agreement.ts"
export { amend } from "./amend.ts"
export { abortable, shutdown } from "./closing.ts"
export { listen, onDrop } from "./events.ts"
export {
  contactPoints,
  controlHost,
  isControlled,
  keepsSchema,
  loadBalancingOf,
  protocolVersion,
  tokensOf,
  unresolved
} from "./facts.ts"
export { adjustPools, openAllPools } from "./pools.ts"
export { prepare, prepareAgain, type StockPrepared } from "./prepare.ts"
export { forgetInDriver, refreshHosts } from "./refresh.ts"
export { type Ring, ringOf } from "./ring.ts"
export { type SchemaEvent } from "../driverShape.ts"
