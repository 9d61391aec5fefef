import * as net from "node:net"
import * as tls from "node:tls"
import type { ConnectionSettings, Endpoint } from "./settings.ts"

/**
 * Sockets read into this one buffer. What a read brought is decoded before the next read of any socket can happen, and
 * what has to be kept is copied; so there is nothing to allocate for a read.
 */
const readBuffer = Buffer.allocUnsafeSlow(256 * 1024)

/** A read of this many bytes is not followed by another before everything else in the process had its turn. */
const LARGE_READ = 64 * 1024

/** Bun reads into buffers of its own. */
const hasOnRead = process.versions["bun"] === undefined

/**
 * Opens a connection's socket. `onBytes` gets what arrives: it has to copy what it keeps, because sockets share the buffer.
 */
export const openSocket = (
  { address, port, serverName }: Endpoint,
  { socket: options, tls: tlsOptions }: ConnectionSettings,
  onBytes: (bytes: Buffer) => void,
  onOpen: () => void
): net.Socket => {
  let socket: net.Socket
  if (tlsOptions !== undefined) {
    const servername = serverName === undefined ? {} : { servername: serverName }
    socket = tls.connect({ host: address, port, ...servername, ...tlsOptions }, onOpen)
    socket.on("data", onBytes)
  } else if (hasOnRead) {
    const onread = {
      buffer: readBuffer,
      callback: (n: number, buf: Uint8Array): boolean => {
        onBytes((buf as Buffer).subarray(0, n))
        if (n < LARGE_READ) return true
        // Node reads on as long as there is something to read: timers would wait until a fast server has nothing more to say.
        setImmediate(() => socket.resume())
        return false
      }
    }
    socket = new net.Socket({ onread } as net.SocketConstructorOpts).connect({ host: address, port }, onOpen)
  } else {
    socket = net.connect({ host: address, port }, onOpen)
    socket.on("data", onBytes)
  }
  if (options.keepAlive) socket.setKeepAlive(true, options.keepAliveDelay)
  return socket.setNoDelay(options.noDelay)
}
