import type { ByteWriter } from "../protocol/byteWriter.ts"
import { type Driver } from "./driver.ts"
import type { ClientOptions, Connection, ExecutionOptions, Operation, Request, StockResponse } from "./driverShape.ts"
import { ENVELOPE_HEADER, EnvelopeReader } from "../protocol/envelope.ts"
import { WireError } from "../protocol/errors.ts"
import { HeaderFlag, Opcode } from "../protocol/opcode.ts"
import { endEnvelope, writePayload } from "../protocol/requests.ts"
import { tellsOfCorruption } from "../protocol/serverError.ts"
import { DIALECT, isVersionComplaint, startupRequest, tooOld, wireVersion } from "./negotiate.ts"
import { openSocket } from "./openSocket.ts"
import { retire } from "./orphans.ts"
import { Sent } from "./sent.ts"
import { stateOf, type WireState } from "./state.ts"
import { deliverStock } from "./stockResponse.ts"
import { WireWriteQueue } from "./writeQueue.ts"

/**
 * A connection of the driver's with our own reading and writing: no streams between the socket and the requests, segments
 * under protocol v5, envelopes written into one buffer. Everything else (heartbeats, authentication, events, pools) is the
 * driver's. It is a subclass used for our clients only; the driver's class is not changed.
 */
export interface WireConnection extends Connection {
  readonly wire: WireState
  readonly isV5: boolean
  /** Requests that were abandoned and not answered yet; each still holds its stream id. */
  orphans: number
  /** Set once the connection is being replaced. */
  retiring: boolean
  /** Sends one of our own requests. */
  sendWire(operation: WireOperation): void
  /** An operation of this connection was given up while the server works on it. */
  orphaned(): void
  /** Runs a callback that may throw: an exception must not reach the reading of the socket. */
  guard(run: () => void): void
}

/** One of our own requests, encoded and decoded without the driver. */
export interface WireOperation extends Operation {
  readonly isWire: true
  encode(w: ByteWriter, connection: WireConnection): void
  respond(flags: number, opcode: number, buf: Buffer, start: number, end: number): void
}

const isWire = (operation: Operation): operation is WireOperation => (operation as { isWire?: true }).isWire === true

/** Makes the class for the driver that is loaded. */
export const makeConnectionClass = (
  driver: Driver
): new (endpoint: string, version: number | null, options: ClientOptions) => WireConnection =>
  class Connection extends driver.Connection implements WireConnection {
    readonly wire: WireState
    orphans = 0
    retiring = false
    private readonly sent = new Sent()
    private reader: EnvelopeReader | undefined
    private serverVersion = 0
    private lastWrite = 0
    /** The socket is closed to be opened again, with another version. */
    private isReopening = false
    /** The time to connect ran out. */
    private expired = false

    constructor(endpoint: string, version: number | null, options: ClientOptions) {
      const wire = stateOf(options)!
      super(endpoint, version, options)
      this.wire = wire
      // The negotiation begins where the wire's options say, whatever the driver's own `maxVersion`.
      if (version === null) this.decreaseVersion(wire.maximumVersion < 5 ? 4 : DIALECT)
    }

    get isV5(): boolean {
      return this.protocolVersion === DIALECT
    }

    /** One budget for all of it: TCP, TLS, the versions that are tried, and authentication. */
    override open(callback: (error?: unknown) => void): void {
      this.log("info", `Connecting to ${this.endpointFriendlyName}`)
      this.expired = false
      const timer = setTimeout(() => {
        this.expired = true
        this.netClient.destroy(new driver.errors.DriverError("Connection timeout"))
      }, this.options.socketOptions.connectTimeout)
      const { opening } = this.wire
      const done = (error?: unknown): void => {
        clearTimeout(timer)
        opening.delete(this)
        callback(error)
      }
      opening.add(this)
      try {
        this.connect(done)
      } catch (error) {
        // Node refuses what TLS was to use.
        done(error)
      }
    }

    private connect(callback: (error?: unknown) => void): void {
      this.netClient = openSocket(
        this,
        this.wire.client,
        (bytes) => this.onBytes(bytes),
        () => {
          this.log("verbose", `Socket connected to ${this.endpointFriendlyName}`)
          this.bindSocketListeners()
          this.startup(callback)
        }
      )
      const { netClient } = this
      this.isReopening = false
      netClient.once("error", (error) => this.errorConnecting(error, false, callback))
      // A peer that closes in the middle of the handshake makes no error, and nobody else would notice.
      netClient.once("close", () => {
        if (!this.connected && !this.isReopening) callback(this.socketError(true))
      })
      if (this.wire.isAborted) this.netClient.destroy(abortedError())
      else if (this.expired) this.netClient.destroy(new driver.errors.DriverError("Connection timeout"))
    }

    override bindSocketListeners(): void {
      const socket = this.netClient
      this.isSocketOpen = true
      this.wire.connections.add(this)
      socket.on("close", () => {
        this.log("info", `Connection to ${this.endpointFriendlyName} closed`)
        this.wire.connections.delete(this)
        this.isSocketOpen = false
        const wasConnected = this.connected
        this.close()
        if (wasConnected) this.emit("socketClose")
      })
      this.reader = new EnvelopeReader(
        (version, flags, streamId, opcode, buf, start, end) =>
          this.onEnvelope(version, flags, streamId, opcode, buf, start, end),
        this.wire.maxFrameLength
      )
      // The driver calls this where it finishes reading a frame row by row.
      this.parser = { setOptions: () => {}, clearOptions: () => {} }
      this.writeQueue = new WireWriteQueue({
        netClient: socket,
        encode: (w, operation) => this.encodeOperation(w, operation),
        onSent: (operation) => this.sent.add(operation),
        onUnsent: (operation, error) => {
          this._streamIds.push(operation.streamId)
          if (error !== undefined) this.guard(() => operation.setResult(error))
        },
        onWritten: (bytes) => {
          this.wire.counters.bytesWritten += bytes
          this._setIdleTimeout()
        }
      })
      // A TLS socket decrypts into buffers of its own.
      if (this.options.sslOptions !== undefined && this.options.sslOptions !== null) {
        socket.on("data", (chunk: Buffer) => this.onBytes(chunk))
      }
    }

    private onBytes(chunk: Buffer): void {
      this.wire.counters.bytesRead += chunk.length
      const { reader } = this
      if (reader === undefined) return
      try {
        reader.push(chunk)
      } catch (error) {
        // The place in the stream is lost, and with it every answer still to come.
        this.reader = undefined
        this.log("error", `Connection to ${this.endpointFriendlyName} is unusable: ${String(error)}`, error)
        this.netClient.destroy(error as Error)
      }
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
      if ((opcode === Opcode.ready || opcode === Opcode.authenticate) && this.isV5) {
        // READY also answers REGISTER; by then there are segments and this changes nothing.
        if (this.serverVersion === 0) {
          this.reader!.useSegments(this.wire.lz4)
          ;(this.writeQueue as WireWriteQueue).useSegments(this.wire.lz4)
        }
      }
      this.serverVersion = version
      if (opcode === Opcode.error && this.isV5 && tellsOfCorruption(buf, start, end)) {
        throw new WireError("CorruptPayload", "the server received a segment whose checksum does not match")
      }
      if (streamId < 0) {
        const body = Buffer.from(buf.subarray(start, end))
        this.guard(() => {
          const header = new driver.FrameHeader(this.protocolVersion, flags, streamId, opcode, body.length)
          const reader = new driver.FrameReader(header, body)
          reader.readFlagsInfo()
          this.handleNodeEvent(header, reader.readEvent())
        })
        return
      }
      const operation = this.sent.take(streamId)
      if (operation === undefined) {
        this.log("error", `The server replied with a wrong streamId #${streamId}`)
        return
      }
      this._streamIds.push(streamId)
      if (isWire(operation)) {
        operation.respond(flags, opcode, buf, start, end)
      } else {
        const body = Buffer.from(buf.subarray(start, end))
        const frame = { version: this.protocolVersion, flags, streamId, opcode }
        this.guard(() => deliverStock(driver, boundReprepares(operation, this.wire), this.encoder, frame, body))
      }
      if (this.emitDrain && this._streamIds.inUse === 0 && this._pendingWrites.length === 0) this.emit("drain")
      if (this._pendingWrites.length > 0) this._writeNext()
    }

    guard(run: () => void): void {
      try {
        run()
      } catch (error) {
        this.log("error", `A callback threw: ${String(error)}`, error)
      }
    }

    private encodeOperation(w: ByteWriter, operation: Operation): void {
      if (isWire(operation)) return operation.encode(w, this)
      const { request } = operation
      // The driver takes ANY, whose code is 0, for "not given" and sends ONE.
      if (request.consistency === 1 && request.options?.getConsistency() === 0) request.consistency = 0
      const data = request.write(this.encoder, operation.streamId)
      data[0] = wireVersion(this.protocolVersion)
      const payload = data[4] === Opcode.prepare ? this.preparePayload(request) : undefined
      if (payload === undefined) return w.bytes(data)
      const at = w.length
      data[1]! |= HeaderFlag.payload
      w.bytes(data.subarray(0, ENVELOPE_HEADER))
      writePayload(w, payload)
      w.bytes(data.subarray(ENVELOPE_HEADER))
      endEnvelope(w, at)
    }

    private preparePayload({ keyspace, query }: Request): Readonly<Record<string, Uint8Array>> | undefined {
      const { client, preparePayloads } = this.wire
      return query === undefined ? undefined : preparePayloads.get(client.metadata.getPreparedInfo(keyspace, query))
    }

    /** The driver's own requests come without options: each kind has its own limit. */
    override sendStream(
      request: Request,
      options: ExecutionOptions | null,
      callback: (error: unknown, response?: StockResponse) => void
    ): Operation {
      return super.sendStream(request, options ?? this.wire.limits.of(this, request), callback)
    }

    sendWire(operation: WireOperation): void {
      const streamId = this._streamIds.pop()
      if (streamId === null) {
        this._pendingWrites.push(operation)
        return
      }
      this._write(operation, streamId)
    }

    override _write(operation: Operation, streamId: number): void {
      operation.streamId = streamId
      if (this.isSocketOpen && !this.netClient.destroyed) {
        ;(this.writeQueue as WireWriteQueue).push(operation)
        return
      }
      // Closed while somebody still held it: a write would go nowhere and be waited for in vain.
      this._streamIds.push(streamId)
      process.nextTick(() => this.guard(() => operation.setResult(this.socketError(true))))
    }

    /** One timer that looks when the last write was, instead of a timer set and cleared by every write. */
    override _setIdleTimeout(): void {
      const { heartBeatInterval } = this.options.pooling
      if (!(heartBeatInterval > 0)) return
      this.lastWrite = performance.now()
      if (this._idleTimeout === null) this.armIdleTimeout(heartBeatInterval)
    }

    private armIdleTimeout(delay: number): void {
      const { heartBeatInterval } = this.options.pooling
      this._idleTimeout = setTimeout(() => {
        const left = this.lastWrite + heartBeatInterval - performance.now()
        this._idleTimeout = null
        if (left > 0) this.armIdleTimeout(left)
        else if (this.connected) this._idleTimeoutHandler()
        // A heartbeat between STARTUP and its answer would not be in the form that the server expects by then.
        else if (this.isSocketOpen) this.armIdleTimeout(heartBeatInterval)
      }, delay)
    }

    startup(callback: (error?: unknown) => void): void {
      if (this._checkingVersion === true) {
        this.log("info", `Trying to use protocol version ${wireVersion(this.protocolVersion)}`)
      }
      this.serverVersion = 0
      const done = (error?: unknown): void => {
        if (error !== undefined && error !== null) return this.errorConnecting(error, false, callback)
        this.connectionReady(callback)
      }
      this.sendStream(startupRequest(driver, this), null, (error: unknown, response?: StockResponse) => {
        if (isVersionComplaint(error)) {
          const version = wireVersion(this.protocolVersion)
          if (version <= this.wire.minimumVersion || version <= 4) {
            return done(tooOld(this.endpointFriendlyName, this.serverVersion, this.wire.minimumVersion, error))
          }
          this.log("info", `${this.endpointFriendlyName} does not speak protocol version ${version}, using 4`)
          this.decreaseVersion(4)
          this.isReopening = true
          // The server closes the connection after such a complaint.
          setImmediate(() => this.close(() => this.connect(callback)))
          return
        }
        if (response?.mustAuthenticate === true) {
          return this.startAuthenticating(response.authenticatorName ?? "", done)
        }
        done(error)
      })
    }

    /** Under v5 a keyspace travels with each request; a connection is only switched to the client's own. */
    override changeKeyspace(keyspace: string | null | undefined): Promise<void> {
      if (this.isV5 && keyspace !== this.wire.client.keyspace) return Promise.resolve()
      return super.changeKeyspace(keyspace)
    }

    override clearAndInvokePending(innerError?: unknown): void {
      if (this._idleTimeout !== null) {
        clearTimeout(this._idleTimeout)
        this._idleTimeout = null
      }
      this._streamIds.clear()
      if (this.emitDrain) this.emit("drain")
      this.orphans = 0
      const sent = this.sent.takeAll()
      const unsent = [...((this.writeQueue as WireWriteQueue | undefined)?.clear() ?? []), ...this._pendingWrites]
      this._pendingWrites = []
      for (const operation of sent) this.guard(() => operation.setResult(this.socketError(false, innerError)))
      for (const operation of unsent) this.guard(() => operation.setResult(this.socketError(true, innerError)))
    }

    /** What the driver fails requests with when their connection is lost. */
    private socketError(notWritten: boolean, innerError?: unknown): Error {
      const error = new driver.errors.DriverError("Socket was closed")
      error.isSocketError = true
      if (notWritten) error.requestNotWritten = true
      if (innerError !== undefined) error.innerError = innerError
      return error
    }

    orphaned(): void {
      this.orphans++
      if (this.orphans > this.wire.maxOrphans && !this.retiring) retire(this)
    }
  }

/** What connecting fails with after it was given up. */
export const abortedError = (): Error => new Error("Connecting was interrupted")

const REPREPARES = "_wireReprepares"

/** The driver prepares and retries without end when a server keeps answering UNPREPARED. */
const boundReprepares = (operation: Operation, wire: WireState): Operation => {
  const request = operation.request as Request & { [REPREPARES]?: number }
  if (request?.queryId === undefined || request.queryId === null) return operation
  const { setResult } = operation
  operation.setResult = (error, result, length) => {
    if ((error as { code?: number } | null)?.code === 0x2500) {
      // A plain property: the driver copies those when it clones a request to retry it.
      request[REPREPARES] = (request[REPREPARES] ?? 0) + 1
      if (request[REPREPARES] > wire.maxReprepares) {
        return setResult.call(operation, unpreparedLoop(request[REPREPARES]), undefined, length)
      }
    }
    setResult.call(operation, error, result, length)
  }
  return operation
}

/** The failure of a request whose statement the server forgets as fast as it is prepared. */
export const unpreparedLoop = (times: number): WireError =>
  new WireError("UnpreparedLoop", `the server answered UNPREPARED ${times} times to a statement it had just prepared`)
