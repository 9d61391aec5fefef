/** Clusters of tests over `cassandra-driver`, where the run asks for that engine: see `scripts/test/bothEngines.ts`. */
import type driver from "cassandra-driver"
import type { CassandraError, Cluster } from "effect-cassandra"
import { DriverCluster } from "effect-cassandra/driver"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"

export const isDriverEngine = process.env["EFFECT_CASSANDRA_ENGINE"] === "driver"

class Translator implements driver.policies.addressResolution.AddressTranslator {
  readonly #translate: NonNullable<Cluster.ClusterOptions["addressTranslator"]>
  constructor(translate: NonNullable<Cluster.ClusterOptions["addressTranslator"]>) {
    this.#translate = translate
  }
  translate(address: string, port: number, callback: (endpoint: string) => void): void {
    const found = this.#translate({ address, port })
    const node = Effect.isEffect(found) ? Effect.runSync(found as Effect.Effect<Cluster.NodeAddress>) : found
    callback(`${node.address}:${node.port}`)
  }
}

const millis = (duration: Duration.DurationInput | undefined): number | undefined =>
  duration === undefined ? undefined : Duration.toMillis(duration)

/** A cluster by the driver, with the options of one that is native. What the driver has no option for is left out. */
export const makeCluster = ({
  addressTranslator,
  connectTimeout,
  contactPoints = [],
  credentials,
  localDataCenter,
  port,
  ...rest
}: Cluster.ClusterOptions): Effect.Effect<Cluster.Cluster, CassandraError.CassandraError, Scope.Scope> => {
  const {
    breaker: _breaker,
    compression: _compression,
    heartbeatInterval: _heartbeatInterval,
    reconnection: _reconnection,
    ...options
  } = rest
  const timeout = millis(connectTimeout)
  return DriverCluster.make(
    {
      contactPoints: [...contactPoints],
      ...(localDataCenter === undefined ? {} : { localDataCenter }),
      ...(port === undefined ? {} : { protocolOptions: { port } }),
      ...(timeout === undefined ? {} : { socketOptions: { connectTimeout: timeout } }),
      ...(credentials === undefined
        ? {}
        : { credentials: { username: credentials.username, password: Redacted.value(credentials.password) } }),
      ...(addressTranslator === undefined ? {} : { policies: { addressResolution: new Translator(addressTranslator) } })
    },
    options
  )
}
