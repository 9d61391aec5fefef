/**
 * The smallest CQL client: enough to learn whether a server serves CQL, and lets us in.
 */
import * as Effect from "effect/Effect"
import * as Net from "node:net"
import * as Tls from "node:tls"

/** Where to knock, and as whom. */
export interface Target {
  readonly host: string
  readonly port: number
  readonly credentials?: { readonly username: string; readonly password: string } | undefined
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string } | undefined
}

const version = 0x04
const opcode = { error: 0x00, startup: 0x01, ready: 0x02, authenticate: 0x03, options: 0x05, supported: 0x06 } as const
const auth = { response: 0x0f, success: 0x10 } as const
const headerSize = 9

const frame = (code: number, body: Buffer = Buffer.alloc(0)): Buffer => {
  const header = Buffer.alloc(headerSize)
  header.writeUInt8(version, 0)
  header.writeUInt8(code, 4)
  header.writeInt32BE(body.length, 5)
  return Buffer.concat([header, body])
}

const shortString = (text: string): Buffer => {
  const bytes = Buffer.from(text)
  const size = Buffer.alloc(2)
  size.writeUInt16BE(bytes.length)
  return Buffer.concat([size, bytes])
}

const startup = Buffer.concat([Buffer.from([0, 1]), shortString("CQL_VERSION"), shortString("3.0.0")])

const plainText = (username: string, password: string): Buffer => {
  const token = Buffer.from(`\0${username}\0${password}`)
  const size = Buffer.alloc(4)
  size.writeInt32BE(token.length)
  return Buffer.concat([size, token])
}

const connect = (target: Target, onConnect: () => void): Net.Socket => {
  const { host, port } = target
  if (target.tls === undefined) return Net.connect({ host, port }, onConnect)
  return Tls.connect({ host, port, ...target.tls }, onConnect)
}

/**
 * Succeeds when the server answers OPTIONS with SUPPORTED and STARTUP with READY, or with AUTHENTICATE and then lets the
 * credentials in. Fails with what stood in the way.
 */
export const probe = (target: Target): Effect.Effect<void, Error> =>
  Effect.async<void, Error>((resume) => {
    let received: Buffer = Buffer.alloc(0)
    const socket = connect(target, () => socket.write(frame(opcode.options)))
    const done = (result: Effect.Effect<void, Error>) => {
      socket.destroy()
      resume(result)
    }
    const answer = (code: number, body: Buffer) => {
      switch (code) {
        case opcode.supported:
          return socket.write(frame(opcode.startup, startup))
        case opcode.ready:
        case auth.success:
          return done(Effect.void)
        case opcode.authenticate:
          return target.credentials === undefined
            ? done(Effect.void)
            : socket.write(frame(auth.response, plainText(target.credentials.username, target.credentials.password)))
        case opcode.error:
          return done(Effect.fail(new Error(body.subarray(6).toString("utf8"))))
        default:
          return done(Effect.fail(new Error(`unexpected opcode ${code}`)))
      }
    }
    socket.on("error", (error) => done(Effect.fail(error)))
    socket.on("close", () => done(Effect.fail(new Error("the server closed the connection"))))
    socket.on("data", (chunk) => {
      received = Buffer.concat([received, chunk])
      while (received.length >= headerSize) {
        const end = headerSize + received.readInt32BE(5)
        if (received.length < end) return
        const body = received.subarray(headerSize, end)
        const code = received.readUInt8(4)
        received = received.subarray(end)
        answer(code, body)
      }
    })
    return Effect.sync(() => {
      socket.removeAllListeners("close")
      socket.destroy()
    })
  }).pipe(
    Effect.timeoutFail({ duration: "2 seconds", onTimeout: () => new Error("the server did not answer in 2 seconds") })
  )
