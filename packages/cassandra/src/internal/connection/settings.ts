import type { Lz4, ProtocolVersion } from "../protocol/index.ts"
import type { ConnectionOptions as TlsConnectionOptions } from "node:tls"
import type { Deadlines } from "./deadlines.ts"

/** Where a node listens. */
export interface Endpoint {
  /** An IP address. */
  readonly address: string
  readonly port: number
  /** The name that the address was found by, which the node's certificate has to be for. */
  readonly serverName: string | undefined
}

/** Answers the server's authenticator, for one connection. */
export interface Authenticator {
  initialResponse(answer: (error: Error | undefined, token?: Uint8Array) => void): void
  evaluateChallenge(challenge: Uint8Array, answer: (error: Error | undefined, token?: Uint8Array) => void): void
  onSuccess(): void
}

/** Bytes and events of all connections of a client, counted. */
export interface ConnectionCounters {
  /** Read from sockets. */
  bytesRead: number
  /** Written to sockets. */
  bytesWritten: number
  /** Payload of compressed segments and envelopes before compression, both ways. */
  bytesBeforeCompression: number
  /** The same after compression. */
  bytesAfterCompression: number
  /** Connections replaced because too many requests were abandoned on them. */
  connectionsReplaced: number
}

export type LogLevel = "error" | "warning" | "info" | "debug"

/** What all connections of a client share. Times are in milliseconds. */
export interface ConnectionSettings {
  /** The options of STARTUP, without the compression. */
  readonly startup: Readonly<Record<string, string>>
  readonly lz4: Lz4 | undefined
  readonly minimumVersion: ProtocolVersion
  readonly maximumVersion: ProtocolVersion
  /** The largest response to accept, in bytes. */
  readonly maxFrameLength: number
  /** With more abandoned requests than this still unanswered a connection is replaced. */
  readonly maxOrphans: number
  /** Stream ids of a connection. */
  readonly maxStreams: number
  /** For all of connecting: TCP, TLS, the versions that are tried, and authentication. */
  readonly connectTimeout: number
  /** After so long without a write a heartbeat is sent; 0 for never. */
  readonly heartbeatInterval: number
  /** How long a heartbeat may remain unanswered; 0 for ever. */
  readonly heartbeatTimeout: number
  /** Undefined for plaintext. */
  readonly tls: TlsConnectionOptions | undefined
  readonly socket: { readonly noDelay: boolean; readonly keepAlive: boolean; readonly keepAliveDelay: number }
  /** Asked when the server wants a login by the class `authenticator`; `host` is `address:port`. */
  readonly authenticate: (host: string, authenticator: string) => Authenticator
  readonly counters: ConnectionCounters
  readonly deadlines: Deadlines
  readonly log: (level: LogLevel, message: string, cause?: unknown) => void
}

/** `address:port`, the name of a node everywhere. IPv6 has no brackets. */
export const endpointName = ({ address, port }: Endpoint): string => `${address}:${port}`
