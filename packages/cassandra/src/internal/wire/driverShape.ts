import type { EventEmitter } from "node:events"
import type { Socket } from "node:net"
import type { ConnectionOptions as TlsConnectionOptions } from "node:tls"
import type driver from "cassandra-driver"
import type { Column, ColumnType } from "../protocol/columnType.ts"

/**
 * The private shapes of cassandra-driver 4.10.0 that the wire relies on, and `client/` beside it: everything they reach into
 * is named here, and nothing of the driver is touched that is not.
 */

/** What the driver's own requests carry. */
export interface ExecutionOptions {
  getConsistency(): number | undefined
}

/** What travels through a connection: the driver's `OperationState`, or one of our attempts. */
export interface Operation {
  streamId: number
  canBeWritten(): boolean
  isByRow(): unknown
  setResult(error: unknown, result?: unknown, length?: number): void
  setResultRow(row: unknown, meta: unknown, rowLength: number, flags: unknown, header: FrameHeader): void
  readonly request: Request
}

export interface Request {
  write(encoder: Encoder, streamId: number): Buffer
  readonly query?: string | undefined
  /** Of a PREPARE. */
  readonly keyspace?: string | undefined
  readonly queryId?: Buffer | undefined
  consistency?: number | undefined
  options?: ExecutionOptions | undefined
}

export interface Encoder {
  protocolVersion: number
  decode(bytes: Buffer | null, type: ColumnType): unknown
  encode(value: unknown, type: ColumnType | undefined): Buffer | null | object
  readonly encodingOptions: { readonly useUndefinedAsUnset?: boolean | undefined }
}

export interface FrameHeader {
  readonly version: number
  readonly flags: number
  readonly streamId: number
  readonly opcode: number
  readonly bodyLength: number
}

/** The flags part of a response: tracing id, warnings and custom payload. */
export interface FlagsInfo {
  readonly traceId?: unknown
  readonly warnings?: ReadonlyArray<string>
  readonly customPayload?: Readonly<Record<string, Buffer>>
}

/** Metadata as the driver reads it. For a prepared statement it describes the variables. */
export interface Metadata {
  resultId?: Buffer | undefined
  newResultId?: Buffer | undefined
  pageState?: Buffer | undefined
  partitionKeys?: ReadonlyArray<number> | undefined
  keyspace?: string | undefined
  table?: string | undefined
  columns: ReadonlyArray<Column>
  columnsByName: Readonly<Record<string, number>>
}

export interface FrameReader {
  offset: number
  readInt(): number
  readShort(): number
  readString(): string
  readBytes(): Buffer | null
  readShortBytes(): Buffer
  readStringMultiMap(): unknown
  readFlagsInfo(): FlagsInfo
  readMetadata(kind: number): Metadata
  readError(): ResponseError
  readEvent(): unknown
  parseSchemaChange(): unknown
  remainingLength(): number
}

/** An error the server answered with; the members beyond `code` depend on it. */
export interface ResponseError extends Error {
  readonly code: number
  coordinator?: string
  query?: string
  consistencies?: number
  received?: number
  blockFor?: number
  required?: number
  alive?: number
  contentions?: number
  isDataPresent?: unknown
  writeType?: string
  queryId?: Buffer
  isSocketError?: boolean
  requestNotWritten?: boolean
  innerError?: unknown
}

export interface StreamIds {
  pop(): number | null
  push(id: number): void
  clear(): void
  readonly inUse: number
}

export interface ClientOptions {
  readonly contactPoints: ReadonlyArray<string>
  readonly policies: { readonly loadBalancing: driver.policies.loadBalancing.LoadBalancingPolicy }
  readonly protocolOptions: {
    readonly port: number
    readonly noCompact?: boolean | undefined
    readonly maxVersion?: number | undefined
  }
  readonly socketOptions: {
    readonly readTimeout: number
    readonly connectTimeout: number
    readonly coalescingThreshold: number
    readonly keepAlive: boolean
    readonly keepAliveDelay: number
    readonly tcpNoDelay: boolean
    readonly defunctReadTimeoutThreshold: number
  }
  readonly pooling: { readonly heartBeatInterval: number }
  readonly prepareOnAllHosts: boolean
  readonly isMetadataSyncEnabled: boolean
  readonly sslOptions?: TlsConnectionOptions | null
  readonly sni?: unknown
  readonly id?: { toString(): string } | undefined
  readonly applicationName?: string | undefined
  readonly applicationVersion?: string | undefined
  logEmitter: (...args: ReadonlyArray<unknown>) => void
  readonly encoding: { readonly useUndefinedAsUnset?: boolean | undefined }
}

export type Log = (level: "verbose" | "info" | "warning" | "error", message: string, further?: unknown) => void

export interface Connection extends EventEmitter {
  readonly endpoint: string
  readonly endpointFriendlyName: string
  readonly address: string
  readonly port: string
  readonly options: ClientOptions
  protocolVersion: number
  /** A heartbeat is under way. */
  sendingIdleQuery?: boolean
  _checkingVersion?: boolean
  _pendingWrites: Array<Operation>
  _streamIds: StreamIds
  _idleTimeout: NodeJS.Timeout | null
  encoder: Encoder
  keyspace: string | null
  emitDrain: boolean
  connected: boolean
  isSocketOpen: boolean
  timedOutOperations: number
  netClient: Socket
  log: Log
  writeQueue: unknown
  protocol: unknown
  parser: unknown
  send(request: Request, options: null): Promise<{ readonly rows?: ReadonlyArray<ServerRow> }>
  sendStream(
    request: Request,
    options: ExecutionOptions | null,
    callback: (error: unknown, response?: StockResponse) => void
  ): Operation
  startAuthenticating(name: string, callback: (error?: unknown) => void): void
  errorConnecting(error: unknown, destroy: boolean, callback: (error?: unknown) => void): void
  connectionReady(callback: (error?: unknown) => void): void
  decreaseVersion(version: number): void
  getInFlight(): number
  close(callback?: () => void): void
  open(callback: (error?: unknown) => void): void
  openAsync(): Promise<void>
  closeAsync(): Promise<void>
  changeKeyspace(keyspace: string | null | undefined): Promise<void>
  prepareOnce(
    query: string,
    keyspace: string | undefined,
    callback: (error: unknown, response: PreparedResponse) => void
  ): void
  bindSocketListeners(): void
  clearAndInvokePending(error?: unknown): void
  handleNodeEvent(header: unknown, event: unknown): void
  _write(operation: Operation, streamId: number): void
  _writeNext(): void
  _setIdleTimeout(): void
  _idleTimeoutHandler(): void
}

/** A row as the driver decodes it. */
export type ServerRow = Readonly<Record<string, unknown>>

export interface StockResponse {
  readonly mustAuthenticate?: boolean
  readonly authenticatorName?: string
  readonly keyspaceSet?: string
}

export interface PreparedResponse {
  readonly id: Buffer
  readonly meta: Metadata
}

export type ConnectionClass = new (endpoint: string, version: number | null, options: ClientOptions) => Connection

export interface Pool extends EventEmitter {
  connections: ReadonlyArray<Connection>
  responseCounter: number
  protocolVersion: number
  readonly options: ClientOptions
  readonly _address: string
  readonly _host: Host
  readonly coreConnectionsLength: number
  addExistingConnection(connection: Connection): void
  _createConnection(): Connection
  _addListeners(connection: Connection): void
  _attemptNewConnection(): Promise<void>
  scheduleNewConnectionAttempt(delay: number): void
  isClosing(): boolean
  remove(connection: Connection): void
}

export interface Host {
  readonly address: string
  readonly pool: Pool
  readonly cassandraVersion: string | null
  readonly dseVersion: string | null
  readonly hostId: { toString(): string } | null
  readonly datacenter: string
  readonly rack: string
  readonly tokens?: Iterable<unknown> | null
  isUp(): boolean
  checkIsUp(): void
  setUp(clearReconnection: boolean): void
  setDown(): void
  initializePool(): void
  warmupPool(keyspace: string | undefined): Promise<void>
  shutdown(waitForPending: boolean): Promise<void>
  _onNewConnectionOpen(error: unknown): Promise<void>
  borrowConnection(previous?: Connection): Connection
  checkHealth(connection: Connection): void
  removeFromPool(connection: Connection): void
}

export interface HostMap extends EventEmitter {
  values(): ReadonlyArray<Host>
  forEach(f: (host: Host) => void): void
  get(address: string): Host | undefined
  set(address: string, host: Host): void
}

export interface PreparedInfo extends EventEmitter {
  readonly query: string
  readonly keyspace: string | undefined
  queryId?: Buffer
  meta?: Metadata
  preparing?: boolean
  /** How often something had been dropped in its keyspace when it was prepared last. */
  drops?: number
}

export interface MutableLong {
  getLowBitsUnsigned(): number
  getHighBitsUnsigned(): number
}

/** Replicas by token, the owner of the token first. */
export type TokenToReplica = (
  tokenizer: unknown,
  ring: ReadonlyArray<string>,
  owners: Readonly<Record<string, Host>>,
  dataCenters: {
    readonly [name: string]: { readonly hostLength: number; readonly racks: { readonly length: number } }
  }
) => Readonly<Record<string, ReadonlyArray<Host>>>

export interface KeyspaceMetadata {
  readonly strategy?: string | null
  readonly strategyOptions?: Readonly<Record<string, string>>
  tokenToReplica: TokenToReplica
  /** By token, worked out when it is asked for. */
  replicas?: unknown
  readonly tables?: Record<string, unknown>
  readonly views?: Record<string, unknown>
  readonly udts?: Record<string, unknown>
  readonly functions?: Record<string, unknown>
  readonly aggregates?: Record<string, unknown>
}

export interface SchemaParser {
  _parseKeyspace(row: ServerRow, virtual?: boolean): KeyspaceMetadata
}

export interface ClusterMetadata {
  readonly ring?: ReadonlyArray<{ readonly _value: MutableLong }> | undefined
  readonly ringTokensAsStrings?: ReadonlyArray<string>
  readonly primaryReplicas?: Readonly<Record<string, Host>>
  readonly keyspaces: Readonly<Record<string, KeyspaceMetadata>>
  readonly tokenizer: object
  readonly _schemaParser: SchemaParser
  getReplicas(keyspace: string | undefined, token: unknown): ReadonlyArray<Host> | null
  _getKeyspaceReplicas(keyspace: object): Readonly<Record<string, ReadonlyArray<Host>>>
  getPreparedInfo(keyspace: string | undefined, query: string): PreparedInfo
  getPreparedById(id: Buffer): PreparedInfo | undefined
  setPreparedById(info: PreparedInfo): void
  getAllPrepared(): ReadonlyArray<PreparedInfo>
  buildTokens(hosts: HostMap): void
  setCassandraVersion(version: ReadonlyArray<number>): void
  checkSchemaAgreement(): Promise<boolean>
  compareSchemaVersions(connection: Connection): Promise<boolean>
}

/** A SCHEMA_CHANGE event as the driver's reader gives it. */
export interface SchemaEvent {
  readonly schemaChangeType: "CREATED" | "UPDATED" | "DROPPED"
  readonly keyspace: string
  readonly isKeyspace: boolean
  readonly table?: string | null
  readonly udt?: string | null
  readonly functionName?: string
  readonly aggregate?: string
  readonly signature?: ReadonlyArray<string> | null
}

/** A STATUS_CHANGE event. */
export interface StatusEvent {
  readonly up: boolean
  readonly inet: { readonly address: { toString(): string } }
}

export interface ProfileManager {
  /** Tells the host as well. The driver asks for that of no host when its control connection was lost meanwhile. */
  getDistance(host: Host | null): number
  getDefaultLoadBalancing(): {
    newQueryPlan(
      keyspace: null,
      options: null,
      callback: (error: unknown, plan: Iterator<Host, unknown, undefined>) => void
    ): void
  }
}

export interface ControlConnection extends EventEmitter {
  readonly options: ClientOptions
  readonly initialized: boolean
  protocolVersion: number | null
  readonly hosts: HostMap
  readonly metadata: ClusterMetadata
  host: Host | null
  connection: Connection | null
  /** As `address:port`. */
  _contactPoints: ReadonlySet<string>
  /** By contact point, as it was given: what it resolved to. */
  _resolvedContactPoints: ReadonlyMap<string, ReadonlyArray<string>>
  readonly _profileManager: ProfileManager
  readonly _reconnectionPolicy: { newSchedule(): { next(): { readonly value: number } } }
  readonly _addressTranslator: {
    translate(address: string, port: number, callback: (endpoint: string) => void): void
  }
  getEncoder(): Encoder | null
  handleSchemaChange(change: unknown, processNow: boolean): Promise<void>
  shutdown(): void
  reset(): Promise<void>
  _parseContactPoint(name: string): Promise<void>
  _createConnection(contactPoint: string): Promise<Connection>
  _borrowFirstConnection(contactPoints: Iterator<string>): Promise<void>
  _setHealthListeners(host: Host, connection: Connection): void
  _registerToConnectionEvents(): Promise<void>
  _refreshHosts(initializing: boolean, reconnecting: boolean): Promise<void>
  _nodeSchemaChangeHandler(event: SchemaEvent): void
  _nodeTopologyChangeHandler(event: unknown): void
  _nodeStatusChangeHandler(event: StatusEvent): void
}

export interface Client extends EventEmitter {
  readonly options: ClientOptions
  readonly controlConnection: ControlConnection
  readonly metadata: ClusterMetadata
  readonly profileManager: ProfileManager
  readonly hosts: HostMap
  readonly connected: boolean
  keyspace: string | undefined
  connect(callback: (error?: unknown) => void): void
  handleSchemaAgreementAndRefresh(connection: unknown, change: SchemaEvent): Promise<boolean>
  /** `isWanted` is ours: the driver's own waits on. */
  _waitForSchemaAgreement(connection: Connection, isWanted?: () => boolean): Promise<boolean>
}
