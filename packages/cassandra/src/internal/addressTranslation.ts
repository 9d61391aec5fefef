/** The driver's address translator, from ours. */
import type driver from "cassandra-driver"
import * as Effect from "effect/Effect"
import { isIP } from "node:net"
import type { ClusterOptions, NodeAddress } from "../ClusterOptions.ts"
import type { Callbacks } from "./callbacks.ts"
import { AddressTranslator } from "./driverBases.ts"

type Translation = driver.policies.addressResolution.AddressTranslator
type Translator = NonNullable<ClusterOptions["addressTranslator"]>

const isAddress = (translated: unknown): translated is NodeAddress => {
  if (typeof translated !== "object" || translated === null) return false
  const { address, port } = translated as { readonly address?: unknown; readonly port?: unknown }
  return typeof address === "string" && address !== "" && Number.isInteger(port) && isPort(port as number)
}

const isPort = (port: number): boolean => port >= 1 && port <= 65_535

export class AddressTranslation extends AddressTranslator implements Translation {
  readonly #translator: Translator
  readonly #callbacks: Callbacks
  readonly #timeout: number
  constructor(translator: Translator, callbacks: Callbacks, timeout: number) {
    super()
    this.#translator = translator
    this.#callbacks = callbacks
    this.#timeout = timeout
  }

  translate(address: string, port: number, callback: (endpoint: string) => void): void {
    const announced = { address, port }
    const keep = (why: unknown) => {
      this.#callbacks.warn(`The address of node ${address} could not be translated, and is used as it is`, why)
      callback(endpointOf(announced))
    }
    const take = (translated: NodeAddress) => {
      if (!isAddress(translated)) return keep(new Error("addressTranslator gave no address and port"))
      callback(endpointOf(translated))
    }
    let result: NodeAddress | Effect.Effect<NodeAddress, unknown>
    try {
      result = this.#translator(announced)
    } catch (error) {
      return keep(error)
    }
    if (!Effect.isEffect(result)) return take(result)
    this.#callbacks.run(Effect.timeout(result, this.#timeout), keep, take)
  }
}

/** As the driver writes it, IPv6 without brackets. A name is resolved when the connection is opened. */
const endpointOf = ({ address, port }: NodeAddress): string =>
  isIP(address) === 0 && address.startsWith("[") ? `${address.slice(1, -1)}:${port}` : `${address}:${port}`
