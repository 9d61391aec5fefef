import { Breaker } from "../breaker.ts"
import { Drops } from "../drops.ts"
import type { SendOptions } from "../transport.ts"
import { WireError } from "../protocol/errors.ts"
import { lz4, type Lz4 } from "../protocol/lz4.ts"
import { Deadlines } from "./deadlines.ts"
import type { Driver } from "./driver.ts"
import type { Client, Connection, Host } from "./driverShape.ts"
import { Aim, type Target } from "./routing.ts"
import { MAX_FRAME_LENGTH } from "../protocol/envelope.ts"
import { Limits } from "./limits.ts"

/** How a client speaks to its cluster. */
export interface WireOptions {
  /** The hosts to try for a request, in order; `target` is what it is about, as far as that is known. */
  readonly plan: (target: Target | undefined, options: SendOptions) => Iterator<Host>
  /** Told how attempts end. None unless given. */
  readonly breaker?: Breaker | undefined
  /**
   * `"lz4"` compresses the segments of protocol v5 and fails where `lz4-napi` is not installed; `"auto"` compresses where
   * it is. Version 4 is never compressed. `"none"` unless given.
   */
  readonly compression?: "lz4" | "none" | "auto" | undefined
  /** Below this version connecting fails. 5 unless given. */
  readonly minimumProtocolVersion?: 4 | 5 | undefined
  /** The version to begin the negotiation with. 5 unless given. */
  readonly maximumProtocolVersion?: 4 | 5 | undefined
  /** The version of CQL that STARTUP asks for. `3.0.0` unless given. */
  readonly cqlVersion?: string | undefined
  /** How long the driver's own queries may take, in milliseconds; 0 is no limit. As long as a request unless given. */
  readonly controlTimeout?: number | undefined
  /** How long to wait for the answer to a heartbeat. As long as for a request unless given. */
  readonly heartbeatTimeout?: number | undefined
  /** The largest response to accept, in bytes. 256 MiB unless given. */
  readonly maxFrameLength?: number | undefined
  /** With more abandoned requests than this still unanswered a connection is replaced. 256 unless given. */
  readonly maxOrphans?: number | undefined
  /** How often one request prepares its statement again before it fails. 3 unless given. */
  readonly maxReprepares?: number | undefined
  /** What `system_views.clients` shows as the driver's name. The driver's own name unless given. */
  readonly driverName?: string | undefined
  /** What `system_views.clients` shows as the driver's version. The driver's own version unless given. */
  readonly driverVersion?: string | undefined
}

/** What has gone over the sockets of one client, in bytes. */
export interface WireCounters {
  /** Read from sockets. */
  bytesRead: number
  /** Written to sockets. */
  bytesWritten: number
  /** Payload of compressed segments before compression, both ways. */
  bytesBeforeCompression: number
  /** The same after compression. */
  bytesAfterCompression: number
  /** Requests abandoned so far. */
  cancelled: number
  /** Executions started while another one of the same request was under way. */
  speculative: number
  /** Statements prepared again because a node had forgotten them. */
  reprepared: number
  /** Connections replaced because too many requests were abandoned on them. */
  connectionsReplaced: number
}

/** Everything the wire knows about one client. */
export class WireState {
  readonly client: Client
  readonly lz4: Lz4 | undefined
  readonly minimumVersion: number
  readonly maximumVersion: number
  readonly maxFrameLength: number
  readonly maxOrphans: number
  readonly maxReprepares: number
  readonly limits: Limits
  readonly options: WireOptions
  readonly plan: WireOptions["plan"]
  readonly breaker: Breaker
  readonly aim: Aim
  readonly deadlines = new Deadlines()
  readonly connections = new Set<Connection & { readonly orphans: number }>()
  /** Connections that are being opened. */
  readonly opening = new Set<Connection>()
  /** The custom payloads that go with preparing, by what the driver remembers of the statements. */
  readonly preparePayloads = new WeakMap<object, Readonly<Record<string, Uint8Array>>>()
  readonly drops = new Drops()
  /** Set once connecting was given up, or the client closed. */
  isAborted = false
  readonly counters: WireCounters = {
    bytesRead: 0,
    bytesWritten: 0,
    bytesBeforeCompression: 0,
    bytesAfterCompression: 0,
    cancelled: 0,
    speculative: 0,
    reprepared: 0,
    connectionsReplaced: 0
  }

  readonly driver: Driver

  constructor(driver: Driver, client: Client, options: WireOptions) {
    this.driver = driver
    this.client = client
    this.options = options
    this.plan = options.plan
    this.breaker = options.breaker ?? new Breaker(undefined)
    this.aim = new Aim(client.metadata)
    this.minimumVersion = options.minimumProtocolVersion ?? 5
    this.maximumVersion = options.maximumProtocolVersion ?? 5
    this.maxFrameLength = options.maxFrameLength ?? MAX_FRAME_LENGTH
    this.maxOrphans = options.maxOrphans ?? 256
    this.maxReprepares = options.maxReprepares ?? 3
    this.limits = new Limits(driver, options)
    this.lz4 = this.counted(options.compression ?? "none")
  }

  log(level: string, message: string, further?: unknown): void {
    try {
      this.client.emit("log", level, "Wire", message, further ?? "")
    } catch {
      // A log handler that throws is not our failure.
    }
  }

  /** Requests abandoned on this host, or on all of them, that the server has not answered yet. */
  orphans(host?: Host): number {
    let sum = 0
    for (const c of this.connections) {
      if (host === undefined || host.pool.connections.includes(c)) sum += c.orphans
    }
    return sum
  }

  private counted(compression: "lz4" | "none" | "auto"): Lz4 | undefined {
    if (compression === "none") return undefined
    const codec = lz4()
    if (codec instanceof WireError) {
      if (compression === "auto") return undefined
      throw codec
    }
    const { counters } = this
    return {
      compress: (data) => {
        const out = codec.compress(data)
        counters.bytesBeforeCompression += data.length
        counters.bytesAfterCompression += Math.min(out.length, data.length)
        return out
      },
      decompress: (block, size) => {
        counters.bytesBeforeCompression += size
        counters.bytesAfterCompression += block.length
        return codec.decompress(block, size)
      }
    }
  }
}

const states = new WeakMap<object, WireState>()

/** Remembers the state under the client and under the options that its connections carry. */
export const setState = (client: Client, state: WireState): void => {
  states.set(client, state)
  states.set(client.options, state)
}

/** The state of a client, or of the client whose options these are; undefined for a client that is not ours. */
export const stateOf = (clientOrOptions: object): WireState | undefined => states.get(clientOrOptions)

/** The counters of an attached client, live; undefined for another one. */
export const counters = (client: Client): Readonly<WireCounters> | undefined => stateOf(client)?.counters

/** Requests given up and not answered yet, on one host or on all; 0 for a client that is not attached. */
export const orphans = (client: Client, host?: Host): number => stateOf(client)?.orphans(host) ?? 0

/** A keyspace was dropped, or something in it. */
export const dropped = (client: Client, keyspace: string): void => stateOf(client)?.drops.add(keyspace)

/** Does this client compress what it sends? Only v5 does, and only where `lz4-napi` was found. */
export const isCompressed = (client: Client): boolean =>
  stateOf(client)?.lz4 !== undefined && client.controlConnection.protocolVersion === 0x42
