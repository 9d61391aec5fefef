import type { Driver } from "./driver.ts"
import type { Connection, ExecutionOptions, Request } from "./driverShape.ts"
import type { WireOptions } from "./state.ts"

/**
 * How long the driver's own requests may take. To the driver they are all alike, and have the time of a request of the
 * application's; here a heartbeat, a query for nodes or schema, and preparing each have their own.
 */
export class Limits {
  readonly #driver: Driver
  readonly #none: ExecutionOptions
  readonly #control: ExecutionOptions
  readonly #heartbeat: ExecutionOptions
  readonly #request: ExecutionOptions

  constructor(driver: Driver, { controlTimeout, heartbeatTimeout }: WireOptions) {
    const limited = (millis: number | undefined): ExecutionOptions =>
      Object.create(driver.emptyExecutionOptions, { getReadTimeout: { value: () => millis } }) as ExecutionOptions
    this.#driver = driver
    this.#none = limited(0)
    this.#control = limited(controlTimeout)
    this.#heartbeat = limited(heartbeatTimeout)
    this.#request = limited(undefined)
  }

  /** The same options without a limit: the wire's own deadlines hold. */
  without(options: ExecutionOptions): ExecutionOptions {
    return Object.create(options, { getReadTimeout: { value: () => 0 } }) as ExecutionOptions
  }

  of(connection: Connection, request: Request): ExecutionOptions {
    // The handshake has the time that the whole of connecting has.
    if (!connection.connected) return this.#none
    if (request instanceof this.#driver.PrepareRequest) return this.#request
    return connection.sendingIdleQuery === true ? this.#heartbeatOr(request) : this.#control
  }

  #heartbeatOr(request: Request): ExecutionOptions {
    return request === this.#driver.optionsRequest ? this.#heartbeat : this.#control
  }
}
