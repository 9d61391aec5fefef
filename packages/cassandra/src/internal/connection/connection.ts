import type { Socket } from "node:net"
import {
  type Answer,
  Cursor,
  EnvelopeReader,
  Opcode,
  type PreparedResponse,
  type ProtocolVersion,
  readEvent,
  type RequestOptions,
  type ServerEvent,
  tellsOfCorruption,
  WireError,
  writeOptions,
  writePrepare,
  writeRequest
} from "../protocol/index.ts"
import { Deadline } from "./deadlines.ts"
import { ConnectError, isSocketClosed, SocketClosedError } from "./errors.ts"
import { Exchange, type OwnRequest } from "./exchange.ts"
import { handshake, tooOld } from "./handshake.ts"
import { InFlight } from "./inFlight.ts"
import { openSocket } from "./openSocket.ts"
import type { Operation } from "./operation.ts"
import { type ConnectionSettings, type Endpoint, endpointName } from "./settings.ts"
import { StreamIds } from "./streamIds.ts"
import { WriteQueue } from "./writeQueue.ts"

/** How long the other side has to agree to the end of a connection, in milliseconds. */
const FAREWELL = 250

/** Who owns a connection. */
export interface ConnectionOwner {
  /** It was open, and is not any more. */
  closed(connection: Connection): void
  /** A heartbeat was not answered, or an answer made no sense: whoever owns it closes it. */
  broken(connection: Connection, error: Error): void
  /** Too many abandoned requests are unanswered: it is to be replaced. */
  clogged(connection: Connection): void
}

/**
 * One socket to one node: handshake, stream ids, segments, heartbeats. Requests are written once a turn of the event loop, in one
 * system call, and answers are handed to their operations as they are read.
 */
export class Connection {
  /** Requests that were abandoned and not answered yet; each still holds its stream id. */
  orphans = 0
  /** Of these, those that had run out of time. */
  timedOut = 0
  /** The version that is spoken; the one to begin with until it is open. */
  version: ProtocolVersion
  /** The keyspace that it was switched to; under v5 the keyspace travels with the requests. */
  keyspace: string | undefined
  isOpen = false
  owner: ConnectionOwner | undefined
  /** Told of what the node announces. */
  onEvent: ((event: ServerEvent) => void) | undefined
  readonly name: string
  readonly endpoint: Endpoint
  readonly settings: ConnectionSettings
  private socket: Socket | undefined
  private reader: EnvelopeReader | undefined
  private writeQueue: WriteQueue | undefined
  private readonly inFlight = new InFlight()
  private readonly streamIds: StreamIds
  /** What waits for a stream id. */
  private waiting: Array<Operation> = []
  private hasSocket = false
  private isClosed = false
  private isCloggedTold = false
  /** What it was ended with before it was open. */
  private destroyedWith: Error | undefined
  /** Told of the end while it is opened. */
  private onEnd: ((error: Error) => void) | undefined
  private lastWrite = 0
  private heartbeat: NodeJS.Timeout | undefined
  /** The version byte of the last answer: what the server speaks, also where it refuses ours. */
  private serverVersion = 0
  private readonly preparing = new Map<string, Array<PreparedCallback>>()
  private switching: Promise<void> | undefined

  /** `version` is the only one to try; where it is undefined, the highest that both sides speak is found. */
  constructor(settings: ConnectionSettings, endpoint: Endpoint, version?: ProtocolVersion) {
    this.settings = settings
    this.endpoint = endpoint
    this.name = endpointName(endpoint)
    this.version = version ?? settings.maximumVersion
    this.streamIds = new StreamIds(settings.maxStreams)
  }

  get isV5(): boolean {
    return this.version === 5
  }

  /** Requests on their way, the abandoned ones included, and what waits for a stream id. */
  get load(): number {
    return this.streamIds.inUse + this.waiting.length
  }

  /** Opens the socket, and agrees with the server on how to speak. One budget of time for all of it. */
  async open(): Promise<void> {
    const { connectTimeout, deadlines, log } = this.settings
    const deadline = new Deadline(() => this.destroy(new ConnectError("Connection timeout")))
    deadlines.add(deadline, connectTimeout)
    try {
      while (!(await this.tryVersion())) {
        log("info", `${this.name} does not speak protocol version ${this.version}, using 4`)
        this.version = 4
        this.isClosed = false
      }
    } catch (error) {
      // What ended the socket says more than that it ended.
      const failure = isSocketClosed(error) && error.cause instanceof Error ? error.cause : (error as Error)
      this.destroy(failure)
      throw failure
    } finally {
      deadlines.remove(deadline)
    }
    this.onEnd = undefined
    this.isOpen = true
    this.touch()
  }

  /** Opens the socket and speaks the version; false when the server refuses that and another one may be tried. */
  private async tryVersion(): Promise<boolean> {
    await this.openSocket()
    this.serverVersion = 0
    // A login may hang where nobody hears of the end of the connection.
    const outcome = await Promise.race([handshake(this), this.ended()])
    if (outcome === undefined) return true
    if (this.version <= this.settings.minimumVersion || this.version <= 4) {
      throw tooOld(this.name, this.serverVersion, this.settings.minimumVersion, outcome)
    }
    // The server closes the connection after such a complaint.
    this.destroy()
    return false
  }

  /** Rejects with the end of the connection that is being opened. */
  private ended(): Promise<never> {
    return new Promise((_, reject) => {
      if (this.isClosed) reject(this.destroyedWith ?? new SocketClosedError(true))
      else this.onEnd = reject
    })
  }

  private openSocket(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.destroyedWith !== undefined) return reject(this.destroyedWith)
      const { settings } = this
      let socket: Socket
      try {
        socket = openSocket(
          this.endpoint,
          settings,
          (bytes) => {
            if (socket === this.socket) this.onBytes(bytes)
          },
          () => {
            this.hasSocket = true
            resolve()
          }
        )
      } catch (error) {
        // Node refuses what TLS was to use.
        return reject(error as Error)
      }
      this.socket = socket
      this.hasSocket = false
      let failure: Error | undefined
      socket.on("error", (error) => {
        failure ??= error
        reject(error)
      })
      // A peer that closes in the middle of the handshake makes no error, and nobody else would notice.
      socket.on("close", () => {
        if (socket !== this.socket) return
        reject(failure ?? new SocketClosedError(true))
        this.onSocketClosed(failure)
      })
      this.reader = new EnvelopeReader(
        (version, flags, streamId, opcode, buf, start, end) =>
          this.onEnvelope(version, flags, streamId, opcode, buf, start, end),
        settings.maxFrameLength,
        this.version
      )
      // Servers compress their answer to STARTUP already.
      if (!this.isV5 && settings.lz4 !== undefined) this.reader.useCompression(settings.lz4)
      this.writeQueue = new WriteQueue({
        socket,
        encode: (w, operation) => operation.encode(w, this),
        onSent: (operation) => this.inFlight.add(operation),
        onUnsent: (operation, error) => {
          this.streamIds.release(operation.streamId)
          if (error !== undefined) operation.fail(error)
          // No answer will come for it: what waits for its stream id is not to wait for one.
          if (this.waiting.length > 0) this.sendWaiting()
        },
        onWritten: (bytes) => {
          settings.counters.bytesWritten += bytes
          this.touch()
        }
      })
    })
  }

  /** The server has agreed: from here on both sides speak as the version and the compression want it. */
  useFraming(): void {
    const { lz4 } = this.settings
    if (this.isV5) {
      this.reader!.useSegments(lz4)
      this.writeQueue!.useSegments(lz4)
    } else if (lz4 !== undefined) {
      this.writeQueue!.useCompression(lz4)
    }
  }

  private onBytes(chunk: Buffer): void {
    this.settings.counters.bytesRead += chunk.length
    const { reader } = this
    if (reader === undefined) return
    try {
      reader.push(chunk)
    } catch (error) {
      // The place in the stream is lost, and with it every answer still to come.
      this.distrust(error as Error)
    }
  }

  /** Nothing more that comes over it can be trusted: it is closed, and replaced by its pool. */
  distrust(error: Error): void {
    this.settings.log("error", `Connection to ${this.name} is unusable: ${String(error)}`, error)
    this.destroy(error)
  }

  private onEnvelope(
    version: number,
    flags: number,
    streamId: number,
    opcode: number,
    buf: Buffer,
    start: number,
    end: number
  ): void {
    // Before the answer to STARTUP is handled: what follows it is framed already.
    if (!this.isOpen && this.serverVersion === 0 && (opcode === Opcode.ready || opcode === Opcode.authenticate)) {
      this.useFraming()
    }
    this.serverVersion = version
    if (opcode === Opcode.error && this.isV5 && tellsOfCorruption(buf, start, end)) {
      throw new WireError("CorruptPayload", "the server received a segment whose checksum does not match")
    }
    if (streamId < 0) {
      if (opcode !== Opcode.event) throw new WireError("Malformed", `opcode ${opcode} on a stream of no request`)
      return this.announced(buf, start, end)
    }
    const operation = this.inFlight.take(streamId)
    if (operation === undefined) {
      this.settings.log("error", `${this.name} replied on stream ${streamId}, where nothing is asked`)
      return
    }
    this.streamIds.release(streamId)
    operation.respond(flags, opcode, buf, start, end)
    if (this.waiting.length > 0) this.sendWaiting()
  }

  private announced(buf: Buffer, start: number, end: number): void {
    const event = readEvent(new Cursor(buf, start, end))
    if (event !== undefined) this.guard(() => this.onEvent?.(event))
  }

  /** Runs what may throw: an exception must not reach the reading of the socket. */
  guard(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.settings.log("error", `A callback threw: ${String(error)}`, error)
    }
  }

  send(operation: Operation): void {
    if (this.isClosed || !this.hasSocket || this.socket!.destroyed) {
      // Closed while somebody still held it: a write would go nowhere and be waited for in vain.
      process.nextTick(() => operation.fail(new SocketClosedError(true)))
      return
    }
    const streamId = this.streamIds.take()
    if (streamId < 0) {
      this.waiting.push(operation)
      return
    }
    operation.streamId = streamId
    this.writeQueue!.push(operation)
  }

  private sendWaiting(): void {
    const operation = this.waiting.shift()
    if (operation !== undefined) this.send(operation)
  }

  /** Asks the node something of the client's own. `timeout` in milliseconds; 0 for none. */
  ask(request: OwnRequest, timeout: number): Promise<Answer> {
    return new Promise((resolve, reject) => {
      new Exchange(this, request, timeout, (error, answer) => {
        if (error === undefined) resolve(answer!)
        else reject(error)
      }).start()
    })
  }

  /** The rows of a query of the client's own. */
  async query(query: string, timeout: number): Promise<ReadonlyArray<Readonly<Record<string, unknown>>>> {
    const answer = await this.ask(this.ownQuery(query), timeout)
    return answer._tag === "Result" ? (answer.response.rows ?? []) : []
  }

  private ownQuery(query: string): OwnRequest {
    return {
      opcode: Opcode.query,
      write: (w, id) =>
        writeRequest(w, this.version, id, { _tag: "Query", query, keyspace: undefined }, ownOptions, undefined)
    }
  }

  /** Prepares a statement here, once for all who ask at the same time. */
  prepare(
    query: string,
    keyspace: string | undefined,
    payload: Readonly<Record<string, Uint8Array>> | undefined,
    timeout: number,
    callback: PreparedCallback
  ): void {
    const key = `${keyspace ?? ""}\0${query}`
    const waiting = this.preparing.get(key)
    if (waiting !== undefined) return void waiting.push(callback)
    const callbacks = [callback]
    this.preparing.set(key, callbacks)
    const request: OwnRequest = {
      opcode: Opcode.prepare,
      write: (w, id) => writePrepare(w, this.version, id, query, keyspace, payload)
    }
    new Exchange(this, request, timeout, (error, answer) => {
      this.preparing.delete(key)
      const prepared = answer?._tag === "Result" ? answer.response.prepared : undefined
      const failure =
        error ?? (prepared === undefined ? new WireError("Malformed", "the answer to PREPARE is none") : undefined)
      for (const each of callbacks) this.guard(() => each(failure, prepared))
    }).start()
  }

  /** Switches to a keyspace, as v4 needs it: once, however many ask. */
  async useKeyspace(keyspace: string): Promise<void> {
    while (this.keyspace !== keyspace) {
      const switching = (this.switching ??= this.switchTo(keyspace).finally(() => (this.switching = undefined)))
      await switching
    }
  }

  private async switchTo(keyspace: string): Promise<void> {
    const quoted = `"${keyspace.replaceAll('"', '""')}"`
    await this.ask({ ...this.ownQuery(`USE ${quoted}`), use: true }, this.settings.connectTimeout)
    this.keyspace = keyspace
  }

  /** A request was abandoned that the server has: its stream id is taken until its answer comes. */
  unanswered(timedOut: boolean): void {
    this.orphans++
    if (timedOut) this.timedOut++
    if (this.orphans <= this.settings.maxOrphans || this.isCloggedTold) return
    this.isCloggedTold = true
    this.guard(() => this.owner?.clogged(this))
  }

  /** The answer to one of those. */
  lateAnswer(timedOut: boolean): void {
    this.orphans--
    if (timedOut) this.timedOut--
  }

  /** Something was written: the next heartbeat is due after a while without. One timer, not one for each write. */
  private touch(): void {
    const { heartbeatInterval } = this.settings
    if (!(heartbeatInterval > 0)) return
    this.lastWrite = performance.now()
    if (this.heartbeat === undefined && this.isOpen) this.armHeartbeat(heartbeatInterval)
  }

  private armHeartbeat(delay: number): void {
    this.heartbeat = setTimeout(() => {
      this.heartbeat = undefined
      if (!this.isOpen) return
      const { heartbeatInterval, heartbeatTimeout } = this.settings
      const left = this.lastWrite + heartbeatInterval - performance.now()
      if (left > 0) return this.armHeartbeat(left)
      const request: OwnRequest = { opcode: Opcode.options, write: (w, id) => writeOptions(w, this.version, id) }
      new Exchange(this, request, heartbeatTimeout, (error) => {
        if (error === undefined || !this.isOpen) return
        this.settings.log("warning", `${this.name} did not answer a heartbeat: ${error.message}`, error)
        if (this.owner === undefined) this.close()
        else this.owner.broken(this, error)
      }).start()
    }, delay)
  }

  /** Ends it in good order: a node that does not agree to that is left after a moment. What is in flight fails. */
  close(): void {
    if (this.isClosed) return
    this.end(undefined)
    const { socket } = this
    if (socket === undefined || socket.destroyed) return
    const timer = setTimeout(() => socket.destroy(), FAREWELL)
    socket.once("close", () => clearTimeout(timer))
    socket.end()
  }

  /** Ends when its socket has, which it does within a moment of the end of the connection. */
  get gone(): Promise<void> {
    const { socket } = this
    if (socket === undefined || socket.closed) return Promise.resolve()
    return new Promise((resolve) => socket.once("close", () => resolve()))
  }

  /** Ends it at once; what it is opened for fails with `error`. */
  destroy(error?: Error): void {
    if (error !== undefined) this.destroyedWith ??= error
    this.socket?.destroy(error)
    this.end(error)
  }

  private onSocketClosed(error: Error | undefined): void {
    this.hasSocket = false
    this.end(error)
  }

  private end(cause: Error | undefined): void {
    const wasOpen = this.isOpen
    this.isOpen = false
    if (this.isClosed) return
    this.isClosed = true
    this.reader = undefined
    clearTimeout(this.heartbeat)
    this.heartbeat = undefined
    const { onEnd } = this
    this.onEnd = undefined
    this.orphans = 0
    this.timedOut = 0
    const sent = this.inFlight.takeAll()
    const unsent = [...(this.writeQueue?.clear() ?? []), ...this.waiting]
    this.waiting = []
    this.streamIds.clear()
    for (const operation of sent) operation.fail(new SocketClosedError(false, cause))
    for (const operation of unsent) operation.fail(new SocketClosedError(true, cause))
    onEnd?.(cause ?? new SocketClosedError(true))
    if (!wasOpen) return
    this.settings.log("info", `Connection to ${this.name} closed`)
    this.guard(() => this.owner?.closed(this))
  }
}

/** Those of the client's own queries: one node's word is enough, and they have one page. */
const ownOptions: RequestOptions = {
  consistency: 1,
  serialConsistency: undefined,
  pageSize: 0,
  pageState: undefined,
  tracing: false,
  customPayload: undefined,
  nowInSeconds: undefined
}

export type PreparedCallback = (error: Error | undefined, prepared: PreparedResponse | undefined) => void
