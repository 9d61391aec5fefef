import { ByteWriter } from "../protocol/byteWriter.ts"
import { type Driver, replaced } from "./driver.ts"
import type { Client, Connection, Encoder, Host, Request } from "./driverShape.ts"
import { WireError } from "../protocol/errors.ts"
import { Opcode } from "../protocol/opcode.ts"
import { beginEnvelope, endEnvelope } from "../protocol/requests.ts"
import { stateOf, type WireState } from "./state.ts"

/**
 * Which protocol version is spoken. The driver knows v1 to v4 and DataStax's DSE v2, whose requests are those of v5 but for
 * the version byte; so it is made to believe that it speaks DSE v2 wherever v5 is spoken.
 */

/** The driver's number for what is v5 on the wire. */
export const DIALECT = 0x42

/** The version byte that belongs to the driver's number. */
export const wireVersion = (driverVersion: number): number => (driverVersion === DIALECT ? 5 : driverVersion)

interface CodedError {
  readonly code: number
  readonly message: string
}

/** Does the server say that it does not know the version? 3.11 knows v5, but as a beta that has to be asked for. */
export const isVersionComplaint = (error: unknown): error is CodedError => {
  if (typeof error !== "object" || error === null) return false
  const { code, message } = error as Partial<CodedError>
  if (typeof message !== "string") return false
  // Some versions wrap it into a server error (CASSANDRA-9451).
  if (code !== 0x000a && code !== 0x0000) return false
  return /Invalid or unsupported protocol version|Beta version of the protocol used/.test(message)
}

/** The failure of a negotiation that came out below what the client accepts. */
export const tooOld = (host: string, serverVersion: number, minimum: number, cause?: unknown): WireError => {
  const version = serverVersion > 0 && serverVersion < 5 ? serverVersion : 4
  const hint = minimum >= 5 ? "; minimumProtocolVersion: 4 accepts such servers" : ""
  const error = new WireError(
    "UnsupportedVersion",
    `${host} speaks native protocol v${version}, and this client needs v${minimum}` +
      (minimum >= 5 ? `, which came with Cassandra 4.0${hint}` : ""),
    { version, host }
  )
  if (cause !== undefined) error.cause = cause
  return error
}

/** The STARTUP request: what the driver says, the compression, and the name of the client when one was given. */
export const startupRequest = (driver: Driver, connection: Connection & { readonly wire: WireState }): Request => {
  const { options, wire } = connection
  return {
    write: (encoder: Encoder, streamId: number): Buffer => {
      const entries: Record<string, string> = {
        CQL_VERSION: wire.options.cqlVersion ?? "3.0.0",
        DRIVER_NAME: wire.options.driverName ?? driver.description,
        DRIVER_VERSION: wire.options.driverVersion ?? "4.10.0"
      }
      if (options.protocolOptions.noCompact === true) entries["NO_COMPACT"] = "true"
      if (options.id !== undefined && options.id !== null) entries["CLIENT_ID"] = options.id.toString()
      if (options.applicationName) entries["APPLICATION_NAME"] = options.applicationName
      if (options.applicationVersion) entries["APPLICATION_VERSION"] = options.applicationVersion
      if (encoder.protocolVersion === DIALECT && wire.lz4 !== undefined) entries["COMPRESSION"] = "lz4"
      const w = new ByteWriter()
      const at = beginEnvelope(w, wireVersion(encoder.protocolVersion), 0, streamId, Opcode.startup)
      w.i16(Object.keys(entries).length)
      for (const [key, value] of Object.entries(entries)) {
        w.string(key)
        w.string(value)
      }
      endEnvelope(w, at)
      return w.take()
    }
  }
}

/** The highest version a host speaks, as far as its release tells: Cassandra has v5 since 4.0, DSE never. */
const hostVersion = (host: Host): number | undefined => {
  if (host.dseVersion) return 4
  if (!host.cassandraVersion) return undefined
  const major = Number.parseInt(host.cassandraVersion, 10)
  if (Number.isNaN(major)) return undefined
  return major >= 4 ? 5 : 4
}

let patched = false

/**
 * Lets the driver's choice of a common version know about v5, for our clients' connections. This is the only function of
 * the driver's that is replaced; for every other connection it calls what was there before.
 */
export const patchHighestCommon = (driver: Driver): void => {
  if (patched) return
  patched = true
  const { protocolVersion } = driver
  const original = protocolVersion.getHighestCommon
  const choose: typeof original = (connection, hosts) => {
    const state = stateOf(connection.options)
    if (state === undefined) return original.call(protocolVersion, connection, hosts)
    let older: Host | undefined
    hosts.forEach((host) => {
      if (hostVersion(host) === 4) older ??= host
    })
    if (connection.protocolVersion === DIALECT && older === undefined) return DIALECT
    const common = original.call(protocolVersion, connection, hosts)
    const version = wireVersion(common)
    if (version < state.minimumVersion) {
      // The driver forgets this connection when this throws.
      connection.close()
      throw tooOld(older?.address ?? connection.endpointFriendlyName, version, state.minimumVersion)
    }
    return common
  }
  protocolVersion.getHighestCommon = Object.assign(choose, { [replaced]: original })
}

/** The native protocol version a client speaks: 5 or less; undefined before it is connected. */
export const protocolVersion = (client: Client): number | undefined => {
  const version = client.controlConnection.protocolVersion
  return version === null ? undefined : wireVersion(version)
}
