import { createHash } from "node:crypto"
import { driverFile } from "./driverFile.ts"
import type {
  ClientOptions,
  Connection,
  ConnectionClass,
  Encoder,
  ExecutionOptions,
  FrameHeader,
  FrameReader,
  Host,
  Request
} from "./driverShape.ts"

/**
 * The driver's private modules, loaded and checked. The wire is written against one version: when another one is found,
 * or one whose functions are not the known ones, nothing is used of it.
 */
export interface Driver {
  readonly Connection: ConnectionClass & { readonly prototype: Connection }
  readonly FrameReader: new (header: FrameHeader, body: Buffer, offset?: number) => FrameReader
  readonly FrameHeader: new (
    version: number,
    flags: number,
    streamId: number,
    opcode: number,
    bodyLength: number
  ) => FrameHeader
  readonly Row: new (columns: unknown) => Record<string, unknown>
  readonly Encoder: new (version: number, options: ClientOptions) => Encoder
  readonly unset: unknown
  readonly Uuid: new (bytes: Buffer) => object
  readonly protocolVersion: {
    getHighestCommon(connection: Connection, hosts: { forEach(f: (host: Host) => void): void }): number
  }
  readonly distanceIgnored: number
  readonly description: string
  readonly emptyExecutionOptions: ExecutionOptions
  readonly PrepareRequest: new (query: string, keyspace: string | undefined) => Request
  /** What the driver sends as a heartbeat. */
  readonly optionsRequest: Request
  readonly errors: {
    readonly ResponseError: new (code: number, message: string) => Error & { readonly code: number }
    readonly DriverError: new (message: string) => Error & {
      isSocketError?: boolean
      requestNotWritten?: boolean
      innerError?: unknown
    }
    readonly OperationTimedOutError: new (message: string, host?: string) => Error
    readonly NoHostAvailableError: new (innerErrors: Readonly<Record<string, unknown>>, message: string) => Error
    readonly ArgumentError: new (message: string) => Error
  }
}

/** Can the wire be used with the driver that is installed? */
export type WireStatus = { readonly _tag: "Available" } | { readonly _tag: "Unavailable"; readonly reason: string }

const KNOWN_VERSION = "4.10.0"

/** Where a function that a copy of this client has put in the driver keeps the one that was there before. */
export const replaced: unique symbol = Symbol.for("effect-cassandra/wire/replaced")

/** The driver's own function, below those of other copies of this client: there may be another version in the process. */
const driversOwn = (put: unknown): unknown =>
  typeof put === "function" && replaced in put ? driversOwn(put[replaced]) : put

/**
 * The digest of the source of every function the wire replaces or whose inner workings it counts on. Another text is
 * another behaviour until someone has read it.
 */
const KNOWN_DIGEST = "d896cb37d08b9679"

type Functions = Readonly<Record<string, unknown>>

const digestOf = (parts: ReadonlyArray<unknown>): string => {
  const hash = createHash("sha256")
  for (const part of parts) hash.update(typeof part === "function" ? Function.prototype.toString.call(part) : "missing")
  return hash.digest("hex").slice(0, 16)
}

const unavailable = (reason: string) => ({ status: { _tag: "Unavailable", reason } as const })

const load = (): { readonly driver?: Driver; readonly status: WireStatus } => {
  try {
    const { description, version } = driverFile("package.json") as {
      version: string
      description: string
    }
    if (version !== KNOWN_VERSION) {
      return unavailable(`cassandra-driver is ${version}, the wire knows ${KNOWN_VERSION}`)
    }
    const Connection = driverFile("lib/connection") as Driver["Connection"]
    const Client = driverFile("lib/client") as { readonly prototype: Functions }
    const ControlConnection = driverFile("lib/control-connection") as { readonly prototype: Functions }
    const Pool = driverFile("lib/host-connection-pool") as { readonly prototype: Functions }
    const Metadata = driverFile("lib/metadata") as { readonly prototype: Functions }
    const PrepareHandler = driverFile("lib/prepare-handler")
    const { DefaultExecutionOptions, ExecutionOptions } = driverFile("lib/execution-options") as Functions & {
      readonly ExecutionOptions: { empty(): ExecutionOptions }
    }
    const requests = driverFile("lib/requests") as Driver & { readonly options: Request }
    const { FrameReader } = driverFile("lib/readers") as Driver
    const OperationState = driverFile("lib/operation-state")
    const { Parser, ResultEmitter } = driverFile("lib/streams") as Functions
    const types = driverFile("lib/types") as Driver & {
      readonly distance: { readonly ignored: number }
      readonly FrameHeader: Driver["FrameHeader"]
    }
    const digest = digestOf([
      Connection,
      ControlConnection,
      Pool,
      Metadata,
      PrepareHandler,
      DefaultExecutionOptions,
      FrameReader,
      OperationState,
      Parser,
      ResultEmitter,
      Client.prototype["handleSchemaAgreementAndRefresh"],
      Client.prototype["connect"],
      Client.prototype["_connect"],
      driversOwn(types.protocolVersion.getHighestCommon)
    ])
    if (digest !== KNOWN_DIGEST) {
      return unavailable(`the code of cassandra-driver ${version} is not the one the wire knows (${digest})`)
    }
    const driver: Driver = {
      Connection,
      FrameReader,
      FrameHeader: types.FrameHeader,
      Row: types.Row,
      Encoder: driverFile("lib/encoder") as Driver["Encoder"],
      unset: types.unset,
      Uuid: types.Uuid,
      protocolVersion: types.protocolVersion,
      distanceIgnored: types.distance.ignored,
      description,
      emptyExecutionOptions: ExecutionOptions.empty(),
      PrepareRequest: requests.PrepareRequest,
      optionsRequest: requests.options,
      errors: driverFile("lib/errors") as Driver["errors"]
    }
    return { driver, status: { _tag: "Available" } }
  } catch (cause) {
    return unavailable(`cassandra-driver cannot be looked into: ${String(cause)}`)
  }
}

let loaded: ReturnType<typeof load> | undefined

/** Loads the driver's private modules, once. */
export const wireStatus = (): WireStatus => (loaded ??= load()).status

/** The driver; only to be asked for where {@link wireStatus} is Available. */
export const theDriver = (): Driver => {
  const { driver, status } = (loaded ??= load())
  if (driver === undefined) throw new Error(status._tag === "Unavailable" ? status.reason : "the wire is not available")
  return driver
}
