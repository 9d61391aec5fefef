/** Classes of the driver, which checks with `instanceof`, where its types only have interfaces. */
import driver from "cassandra-driver"

type Base = new () => object

export const { AuthProvider } = driver.auth as unknown as { readonly AuthProvider: Base }
export const { AddressTranslator } = driver.policies.addressResolution as unknown as {
  readonly AddressTranslator: Base
}
export const { ReconnectionPolicy } = driver.policies.reconnection as unknown as { readonly ReconnectionPolicy: Base }
export const { TimestampGenerator } = driver.policies.timestampGeneration as unknown as {
  readonly TimestampGenerator: Base
}
