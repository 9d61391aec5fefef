/** The address by which a node is reached, from the one that it announces. */
import * as Effect from "effect/Effect"
import { isIP } from "node:net"
import type { ClusterOptions, NodeAddress } from "../../ClusterOptions.ts"
import type { EffectRunner } from "../options/index.ts"

type Translator = NonNullable<ClusterOptions["addressTranslator"]>

const isAddress = (translated: unknown): translated is NodeAddress => {
  if (typeof translated !== "object" || translated === null) return false
  const { address, port } = translated as { readonly address?: unknown; readonly port?: unknown }
  return typeof address === "string" && address !== "" && Number.isInteger(port) && isPort(port as number)
}

const isPort = (port: number): boolean => port >= 1 && port <= 65_535

/** IPv6 without brackets. A name is resolved when the connection is opened. */
const plain = ({ address, port }: NodeAddress): NodeAddress =>
  isIP(address) === 0 && address.startsWith("[") ? { address: address.slice(1, -1), port } : { address, port }

/** The user's translator, of which nothing can fail: an address that it cannot translate within `timeout` is used as it is. */
export const translatorOf = (
  translator: Translator | undefined,
  runner: EffectRunner,
  timeout: number
): ((address: string, port: number) => Promise<NodeAddress>) => {
  if (translator === undefined) return (address, port) => Promise.resolve({ address, port })
  return (address, port) =>
    new Promise((resolve) => {
      const announced = { address, port }
      const keep = (why: unknown) => {
        runner.warn(`The address of node ${address} could not be translated, and is used as it is`, why)
        resolve(announced)
      }
      const take = (translated: NodeAddress) => {
        if (isAddress(translated)) resolve(plain(translated))
        else keep(new Error("addressTranslator gave no address and port"))
      }
      let result: NodeAddress | Effect.Effect<NodeAddress, unknown>
      try {
        result = translator(announced)
      } catch (error) {
        return keep(error)
      }
      if (!Effect.isEffect(result)) return take(result)
      runner.run(Effect.timeout(result, timeout), keep, take)
    })
}
