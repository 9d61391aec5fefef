/**
 * A server on the loopback that speaks protocol v5 (and v4) well enough for the driver to connect, and for the rest says
 * what a test wants it to say: nothing, nonsense, or the truth in the wrong order.
 */
import { createHash } from "node:crypto"
import * as net from "node:net"
import type { Lz4 } from "../../src/internal/protocol/lz4.ts"
import { encodeSegment, headerSize, MAX_PAYLOAD, readHeader, readPayload } from "../../src/internal/protocol/segment.ts"
import { Opcode } from "../../src/internal/protocol/opcode.ts"
import { lz4 as loaded } from "../support/lz4.ts"
import * as Body from "./body.ts"

/** A request as it arrived. */
export interface Incoming {
  readonly connection: ServerConnection
  readonly version: number
  readonly flags: number
  readonly streamId: number
  readonly opcode: number
  readonly body: Buffer
  /** The body behind a custom payload. */
  readonly content: Buffer
  /** The text of a QUERY or PREPARE; the text that was prepared, of an EXECUTE. */
  readonly query: string | undefined
}

/** Answers a request and says true, or leaves it to the server's own answers. */
export type Script = (request: Incoming) => boolean | void

export interface ServerOptions {
  readonly script?: Script
  readonly host?: string
  readonly port?: number
  /** The versions it speaks. Default: 3, 4 and 5. */
  readonly versions?: ReadonlyArray<number>
  /** Complains about v5 as Cassandra 3.11 does, to which it is a beta. */
  readonly beta?: boolean
  readonly releaseVersion?: string
  /** The only password that is let in; nobody is asked for one unless given. */
  readonly password?: string
  /** Its own data centre. Default: `dc1`. */
  readonly dataCenter?: string
  readonly partitioner?: string
  readonly peers?: ReadonlyArray<{
    readonly address: string
    readonly releaseVersion: string
    readonly dataCenter?: string
    /** Default: that of this server. Only `system.peers_v2` tells it. */
    readonly port?: number
  }>
}

/** The host id of the node at an address, whoever tells of it: as bytes. */
export const hostIdOf = (address: string): Buffer => createHash("md5").update(address).digest()

/** The one token of the node at an address. */
export const tokenOf = (address: string): string => String(hostIdOf(address).readBigInt64BE(0))

const bytesOf = (address: string): Buffer => Buffer.from(address.split(".").map(Number))

export class ServerConnection {
  private pending = Buffer.alloc(0)
  private inner = Buffer.alloc(0)
  segmented = false
  lz4: Lz4 | undefined
  readonly socket: net.Socket
  private readonly server: ScriptedServer

  constructor(server: ScriptedServer, socket: net.Socket) {
    this.server = server
    this.socket = socket
    socket.on("data", (chunk) => this.onData(chunk))
    socket.on("error", () => {})
  }

  envelope(streamId: number, opcode: number, body: Buffer, version = 5, flags = 0): Buffer {
    const header = Buffer.alloc(9)
    header[0] = 0x80 | version
    header[1] = flags
    header.writeInt16BE(streamId, 2)
    header[4] = opcode
    header.writeUInt32BE(body.length, 5)
    return Buffer.concat([header, body])
  }

  /** An envelope of v4 as it is where LZ4 was agreed on. */
  compressed(envelope: Buffer): Buffer {
    const { lz4 } = this
    const body = envelope.subarray(9)
    if (this.segmented || lz4 === undefined) return envelope
    const block = Buffer.concat([Body.int(body.length), lz4.compress(body)])
    const header = Buffer.from(envelope.subarray(0, 9))
    header[1]! |= 1
    header.writeUInt32BE(block.length, 5)
    return Buffer.concat([header, block])
  }

  /** Segments around envelopes that were made elsewhere. */
  frame(envelopes: Buffer): Buffer {
    if (!this.segmented) return this.compressed(envelopes)
    if (envelopes.length <= MAX_PAYLOAD) return encodeSegment(envelopes, true, this.lz4)
    const out: Array<Buffer> = []
    for (let at = 0; at < envelopes.length; at += MAX_PAYLOAD) {
      out.push(encodeSegment(envelopes.subarray(at, at + MAX_PAYLOAD), false, this.lz4))
    }
    return Buffer.concat(out)
  }

  answer(request: Incoming, opcode: number, body: Buffer, flags = 0): void {
    this.write(this.frame(this.envelope(request.streamId, opcode, body, request.version, flags)))
  }

  error(request: Incoming, code: number, message: string, rest: Buffer = Buffer.alloc(0)): void {
    this.answer(request, Opcode.error, Buffer.concat([Body.int(code), Body.string(message), rest]))
  }

  write(bytes: Buffer): void {
    if (!this.socket.destroyed) this.socket.write(bytes)
  }

  private onData(chunk: Buffer): void {
    this.pending = Buffer.concat([this.pending, chunk])
    for (;;) {
      if (!this.segmented) {
        const size = this.pending.length < 9 ? Infinity : 9 + this.pending.readUInt32BE(5)
        if (this.pending.length < size) return
        const envelope = this.pending.subarray(0, size)
        this.pending = this.pending.subarray(size)
        this.server.onEnvelope(this, envelope)
        continue
      }
      const header = headerSize(this.lz4 !== undefined)
      if (this.pending.length < header) return
      const head = readHeader(this.pending, 0, this.lz4 !== undefined)
      const end = header + head.length + 4
      if (this.pending.length < end) return
      this.inner = Buffer.concat([this.inner, readPayload(this.pending, header, head, this.lz4)])
      this.pending = this.pending.subarray(end)
      while (this.inner.length >= 9 && this.inner.length >= 9 + this.inner.readUInt32BE(5)) {
        const size = 9 + this.inner.readUInt32BE(5)
        const envelope = this.inner.subarray(0, size)
        this.inner = this.inner.subarray(size)
        this.server.onEnvelope(this, envelope)
      }
    }
  }
}

/** The flag of a header that says that the body begins with a custom payload. */
const customPayload = 0x04

const behindPayload = (body: Buffer): Buffer => {
  let at = 2
  for (let left = body.readUInt16BE(0); left > 0; left--) {
    at += 2 + body.readUInt16BE(at)
    at += 4 + Math.max(body.readInt32BE(at), 0)
  }
  return body.subarray(at)
}

export class ScriptedServer {
  readonly requests: Array<Incoming> = []
  readonly connections: Array<ServerConnection> = []
  readonly prepared = new Map<string, string>()
  script: Script | undefined
  readonly options: ServerOptions
  private readonly server: net.Server

  private constructor(options: ServerOptions) {
    this.options = options
    this.script = options.script
    this.server = net.createServer((socket) => this.connections.push(new ServerConnection(this, socket)))
  }

  static start(options: ServerOptions = {}): Promise<ScriptedServer> {
    const server = new ScriptedServer(options)
    return new Promise((resolve, reject) => {
      server.server.once("error", reject)
      server.server.listen(options.port ?? 0, options.host ?? "127.0.0.1", () => resolve(server))
    })
  }

  get port(): number {
    return (this.server.address() as net.AddressInfo).port
  }

  /** Connections that are open now. */
  get open(): ReadonlyArray<ServerConnection> {
    return this.connections.filter((c) => !c.socket.destroyed)
  }

  count(opcode: number): number {
    return this.requests.filter((r) => r.opcode === opcode).length
  }

  close(): Promise<void> {
    for (const { socket } of this.connections) socket.destroy()
    return new Promise((resolve) => this.server.close(() => resolve()))
  }

  onEnvelope(connection: ServerConnection, envelope: Buffer): void {
    const sent = Buffer.from(envelope.subarray(9))
    const isCompressed = (envelope[1]! & 1) !== 0
    const body = isCompressed ? connection.lz4!.decompress(sent.subarray(4), sent.readInt32BE(0)) : sent
    const opcode = envelope[4]!
    const content = envelope[1]! & customPayload ? behindPayload(body) : body
    const request: Incoming = {
      connection,
      version: envelope[0]! & 0x7f,
      flags: envelope[1]!,
      streamId: envelope.readInt16BE(2),
      opcode,
      body,
      content,
      query:
        opcode === Opcode.query || opcode === Opcode.prepare
          ? content.toString("utf8", 4, 4 + content.readInt32BE(0))
          : opcode === Opcode.execute
            ? this.prepared.get(content.toString("hex", 2, 2 + content.readUInt16BE(0)))
            : undefined
    }
    this.requests.push(request)
    if (this.script?.(request) !== true) this.defaultAnswer(request)
  }

  defaultAnswer(request: Incoming): void {
    const { connection, query = "", version } = request
    switch (request.opcode) {
      case Opcode.options:
        return connection.answer(request, Opcode.supported, Body.short(0))
      case Opcode.startup:
        return this.startup(request)
      case Opcode.authResponse: {
        const [, , password] = request.body.subarray(4).toString("utf8").split("\0")
        if (password === this.options.password) return connection.answer(request, Opcode.authSuccess, Body.int(-1))
        return connection.error(request, 0x0100, "Provided username and/or password are incorrect")
      }
      case Opcode.register:
        return connection.answer(request, Opcode.ready, Buffer.alloc(0))
      case Opcode.prepare: {
        const id = createHash("md5").update(query).digest()
        this.prepared.set(id.toString("hex"), query)
        return connection.answer(request, Opcode.result, Body.prepared(version, id, query))
      }
      case Opcode.execute:
        if (request.query === undefined) {
          const id = request.content.subarray(0, 2 + request.content.readUInt16BE(0))
          return connection.error(request, 0x2500, "Prepared query not found", id)
        }
        return connection.answer(request, Opcode.result, this.executed(request))
      case Opcode.query:
        if (/^USE /i.test(query)) {
          const keyspace = query.slice(4).replaceAll('"', "")
          return connection.answer(request, Opcode.result, Buffer.concat([Body.int(3), Body.string(keyspace)]))
        }
        if (/system\.local/.test(query)) return connection.answer(request, Opcode.result, this.local())
        if (/system\.peers_v2/.test(query)) {
          if (this.isBefore4) return connection.error(request, 0x2200, "unconfigured table peers_v2")
          return connection.answer(request, Opcode.result, this.peersV2())
        }
        if (/system\.peers/.test(query)) return connection.answer(request, Opcode.result, this.peers())
        if (/^SELECT/i.test(query)) return connection.answer(request, Opcode.result, Body.rows([["v", 9]], []))
        return connection.answer(request, Opcode.result, Body.int(1))
      default:
        return connection.answer(request, Opcode.result, Body.int(1))
    }
  }

  /** One row, `v = 42`; without metadata when the request says that it is known. */
  executed(request: Incoming, value = 42): Buffer {
    if (!/^SELECT/i.test(request.query ?? "")) return Body.int(1)
    return Body.rows([["v", 9]], [[Body.int(value)]], { skipMetadata: skipsMetadata(request) })
  }

  private startup(request: Incoming): void {
    const { connection, version } = request
    const versions = this.options.versions ?? [3, 4, 5]
    if (!versions.includes(version)) {
      const message =
        this.options.beta === true && version === 5
          ? "Beta version of the protocol used (5/v5-beta), but USE_BETA flag is unset"
          : `Invalid or unsupported protocol version (${version}); the lowest supported version is 3 and the greatest is 4`
      const body = Buffer.concat([Body.int(0x0a), Body.string(message)])
      const envelope = connection.envelope(request.streamId, Opcode.error, body, Math.max(...versions))
      connection.socket.end(envelope)
      return
    }
    const compression = request.body.includes("COMPRESSION") ? loaded : undefined
    // As servers do: in v4 the answer to STARTUP is compressed already.
    if (version < 5) connection.lz4 = compression
    const authenticate = this.options.password !== undefined
    connection.answer(
      request,
      authenticate ? Opcode.authenticate : Opcode.ready,
      authenticate ? Body.string("org.apache.cassandra.auth.PasswordAuthenticator") : Buffer.alloc(0)
    )
    if (version < 5) return
    connection.lz4 = compression
    connection.segmented = true
  }

  private get isBefore4(): boolean {
    return /^[0-3]\./.test(this.options.releaseVersion ?? "5.0.9")
  }

  private local(): Buffer {
    const { dataCenter, host = "127.0.0.1", partitioner, releaseVersion } = this.options
    return Body.rows(
      [
        ["key", 13],
        ["data_center", 13],
        ["rack", 13],
        ["release_version", 13],
        ["partitioner", 13],
        ["host_id", 12],
        ["tokens", [0x22, 13]],
        ["schema_version", 12]
      ],
      [
        [
          Body.text("local"),
          Body.text(dataCenter ?? "dc1"),
          Body.text("r1"),
          Body.text(releaseVersion ?? "5.0.9"),
          Body.text(partitioner ?? "org.apache.cassandra.dht.Murmur3Partitioner"),
          hostIdOf(host),
          Body.textSet(tokenOf(host)),
          schemaVersion
        ]
      ]
    )
  }

  private peers(): Buffer {
    return Body.rows(
      [["peer", 16], ["rpc_address", 16], ...peerColumns],
      (this.options.peers ?? []).map((peer) => [bytesOf(peer.address), bytesOf(peer.address), ...peerRow(peer)])
    )
  }

  private peersV2(): Buffer {
    return Body.rows(
      [["peer", 16], ["peer_port", 9], ["native_address", 16], ["native_port", 9], ...peerColumns],
      (this.options.peers ?? []).map((peer) => [
        bytesOf(peer.address),
        Body.int(7000),
        bytesOf(peer.address),
        Body.int(peer.port ?? this.port),
        ...peerRow(peer)
      ])
    )
  }
}

const schemaVersion = Buffer.alloc(16, 2)

const peerColumns: ReadonlyArray<readonly [string, Body.TypeSpec]> = [
  ["data_center", 13],
  ["rack", 13],
  ["release_version", 13],
  ["host_id", 12],
  ["tokens", [0x22, 13]],
  ["schema_version", 12]
]

const peerRow = ({ address, dataCenter, releaseVersion }: NonNullable<ServerOptions["peers"]>[number]) => [
  Body.text(dataCenter ?? "dc1"),
  Body.text("r1"),
  Body.text(releaseVersion),
  hostIdOf(address),
  Body.textSet(tokenOf(address)),
  schemaVersion
]

/** Does an EXECUTE of v5 say that it knows the result's metadata? */
export const skipsMetadata = ({ content: body, version }: Incoming): boolean => {
  if (version < 5) return false
  const afterId = 2 + body.readUInt16BE(0)
  const afterResultId = afterId + 2 + body.readUInt16BE(afterId)
  return (body.readInt32BE(afterResultId + 2) & 2) !== 0
}
