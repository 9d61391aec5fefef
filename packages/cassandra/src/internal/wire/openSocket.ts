import * as net from "node:net"
import * as tls from "node:tls"
import type { Client, Connection } from "./driverShape.ts"

/**
 * Sockets read into this one buffer. What a read brought is decoded before the next read of any socket can happen, and
 * what has to be kept is copied; so there is nothing to allocate for a read.
 */
const readBuffer = Buffer.allocUnsafeSlow(256 * 1024)

/** A read of this many bytes is not followed by another before everything else in the process had its turn. */
const LARGE_READ = 64 * 1024

/**
 * The host name that a node's address was found by, for its certificate: the driver knows nothing but addresses. Undefined
 * for a node that no contact point named.
 */
const nameOf = ({ controlConnection }: Client, { address, port }: Connection): string | undefined => {
  const endpoint = net.isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`
  for (const [contactPoint, endpoints] of controlConnection._resolvedContactPoints) {
    if (!endpoints.includes(endpoint)) continue
    const name = contactPoint.replace(/:\d+$/, "")
    if (net.isIP(name) === 0 && !name.startsWith("[")) return name
  }
  return undefined
}

/**
 * Opens a connection's socket, as the driver does, but for the buffer that it reads into and the name that its certificate
 * has to be for. `onBytes` gets what arrives unencrypted; a TLS socket decrypts into buffers of its own.
 */
export const openSocket = (
  connection: Connection,
  client: Client,
  onBytes: (bytes: Buffer) => void,
  onOpen: () => void
): net.Socket => {
  const { keepAlive, keepAliveDelay, tcpNoDelay } = connection.options.socketOptions
  const { sslOptions } = connection.options
  const target = { host: connection.address, port: Number(connection.port) }
  let socket: net.Socket
  if (sslOptions !== undefined && sslOptions !== null) {
    const servername = nameOf(client, connection)
    socket = tls.connect({ ...target, ...(servername === undefined ? {} : { servername }), ...sslOptions }, onOpen)
  } else {
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
    socket = new net.Socket({ onread } as net.SocketConstructorOpts).connect(target, onOpen)
  }
  if (keepAlive) socket.setKeepAlive(true, keepAliveDelay)
  return socket.setNoDelay(tcpNoDelay)
}
