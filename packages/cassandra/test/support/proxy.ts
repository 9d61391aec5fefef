/**
 * A proxy between the client and a real server that sees the frames of the native protocol (not compressed):
 * it counts them, and a test can have it answer, hold or lose some of them.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Net from "node:net"
import { encodeSegment, headerSize, MAX_PAYLOAD, readHeader, readPayload } from "../../src/internal/protocol/segment.ts"
import { UnitReader } from "../../src/internal/protocol/unitReader.ts"

export const opcodes = { error: 0, startup: 1, query: 7, result: 8, prepare: 9, execute: 10, batch: 13 } as const

export interface Frame {
  readonly stream: number
  readonly opcode: number
  readonly body: Buffer
  readonly raw: Buffer
}

/** READY and AUTHENTICATE: what follows comes in segments. */
const handshakeEnds = new Set([2, 3])

/**
 * - `forward`: to the server.
 * - `drop`: nobody hears of it.
 * - `cut`: the connection to the client breaks, and the server hears nothing.
 * - `cutAfter`: the connection breaks once the server has answered, instead of the answer.
 * - a buffer: the answer, made by `answer`; the server hears nothing.
 */
export type Action = "forward" | "drop" | "cut" | "cutAfter" | Buffer

export interface Proxy {
  readonly port: number
  /** Frames from the client so far, by opcode. */
  readonly count: (opcode: number) => number
  /** Connections that are open, and that were ever opened. */
  readonly open: () => number
  readonly opened: () => number
  /** Decides about each frame from the client. By default all are forwarded. */
  onRequest: (frame: Frame) => Action | Promise<Action>
  /** Sees each frame from the server, and may change it. */
  onResponse: (frame: Frame) => Buffer
}

const headerLength = 9

/** Cuts a stream of bytes into frames, which travel bare at first and, under v5, in segments after the handshake. */
class Framer {
  #segments: UnitReader | undefined
  readonly #frames: UnitReader
  constructor(onFrame: (frame: Frame) => void) {
    this.#frames = new UnitReader({
      sizeOf: (bytes, offset, available) =>
        available < headerLength ? headerLength : headerLength + bytes.readInt32BE(offset + 5),
      onUnit: (bytes, start, end) => {
        const raw = Buffer.from(bytes.subarray(start, end))
        onFrame({ stream: raw.readInt16BE(2), opcode: raw.readUInt8(4), body: raw.subarray(headerLength), raw })
        return false
      }
    })
  }
  useSegments(): void {
    const header = headerSize(false)
    this.#segments = new UnitReader({
      sizeOf: (bytes, offset, available) =>
        available < header ? header : header + readHeader(bytes, offset, false).length + 4,
      onUnit: (bytes, start) => {
        const payload = readPayload(bytes, start + header, readHeader(bytes, start, false), undefined)
        this.#frames.push(payload, 0, payload.length)
        return false
      }
    })
  }
  push(chunk: Buffer): void {
    const reader = this.#segments ?? this.#frames
    reader.push(chunk, 0, chunk.length)
  }
  /** Bytes of a frame, as they travel. */
  wrap(frame: Buffer): Buffer {
    if (this.#segments === undefined) return frame
    if (frame.length <= MAX_PAYLOAD) return encodeSegment(frame, true, undefined)
    const pieces: Array<Buffer> = []
    for (let at = 0; at < frame.length; at += MAX_PAYLOAD) {
      pieces.push(encodeSegment(frame.subarray(at, at + MAX_PAYLOAD), false, undefined))
    }
    return Buffer.concat(pieces)
  }
}

/** A response to a frame. */
export const answer = (to: Frame, opcode: number, body: Buffer): Buffer => {
  const header = Buffer.alloc(headerLength)
  header.writeUInt8(0x80 | to.raw.readUInt8(0), 0)
  header.writeInt16BE(to.stream, 2)
  header.writeUInt8(opcode, 4)
  header.writeInt32BE(body.length, 5)
  return Buffer.concat([header, body])
}

const text = (value: string) => {
  const bytes = Buffer.from(value)
  return Buffer.concat([short(bytes.length), bytes])
}
const short = (value: number) => Buffer.from([value >> 8, value & 255])
const int = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

const error = (to: Frame, code: number, ...details: ReadonlyArray<Buffer>) =>
  answer(to, opcodes.error, Buffer.concat([int(code), text("made by the test"), ...details]))

/** Errors, as a server would answer. Consistency is LOCAL_ONE where there is one. */
export const errors = {
  overloaded: (to: Frame) => error(to, 0x1001),
  bootstrapping: (to: Frame) => error(to, 0x1002),
  server: (to: Frame) => error(to, 0x0000),
  /** `id` with its length before it, as the execution has it. */
  unprepared: (to: Frame, id: Buffer) => error(to, 0x2500, id),
  unavailable: (to: Frame) => error(to, 0x1000, short(10), int(1), int(0)),
  writeTimeout: (to: Frame, writeType: string) => error(to, 0x1100, short(10), int(0), int(1), text(writeType)),
  readTimeout: (to: Frame, received: number, dataPresent: boolean) =>
    error(to, 0x1200, short(10), int(received), int(1), Buffer.from([dataPresent ? 1 : 0]))
}

/** A proxy to a server, closed with the scope. */
export const make = (server: {
  readonly contactPoints: ReadonlyArray<string>
  readonly port: number
}): Effect.Effect<Proxy, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.async<Proxy & { readonly close: () => Promise<void> }>((resume) => {
      const counts = new Map<number, number>()
      const sockets = new Set<Net.Socket>()
      let open = 0
      let opened = 0
      const listener = Net.createServer((client) => {
        open++
        opened++
        const upstream = Net.connect(server.port, server.contactPoints[0])
        for (const socket of [client, upstream]) {
          sockets.add(socket)
          socket.on("error", () => undefined)
          socket.on("close", () => {
            sockets.delete(socket)
            client.destroy()
            upstream.destroy()
          })
        }
        client.on("close", () => open--)
        const cutting = new Set<number>()
        let v5 = false
        const act = (frame: Frame, action: Action) => {
          if (Buffer.isBuffer(action)) client.write(requests.wrap(action))
          else if (action === "cut") client.destroy()
          else if (action !== "drop") {
            if (action === "cutAfter") cutting.add(frame.stream)
            upstream.write(requests.wrap(frame.raw))
          }
        }
        const requests = new Framer((frame) => {
          counts.set(frame.opcode, (counts.get(frame.opcode) ?? 0) + 1)
          if (frame.opcode === opcodes.startup) v5 = frame.raw.readUInt8(0) === 5
          const action = proxy.onRequest(frame)
          if (action instanceof Promise) void action.then((later) => act(frame, later))
          else act(frame, action)
        })
        const responses = new Framer((frame) => {
          if (cutting.has(frame.stream)) {
            client.destroy()
            return
          }
          client.write(responses.wrap(proxy.onResponse(frame)))
          if (v5 && handshakeEnds.has(frame.opcode)) {
            v5 = false
            requests.useSegments()
            responses.useSegments()
          }
        })
        client.on("data", (chunk) => requests.push(chunk))
        upstream.on("data", (chunk) => responses.push(chunk))
      })
      const proxy: { -readonly [K in keyof Proxy]: Proxy[K] } & { readonly close: () => Promise<void> } = {
        port: 0,
        count: (opcode: number) => counts.get(opcode) ?? 0,
        open: () => open,
        opened: () => opened,
        onRequest: () => "forward",
        onResponse: (frame) => frame.raw,
        close: () =>
          new Promise<void>((resolve) => {
            listener.close(() => resolve())
            for (const socket of sockets) socket.destroy()
          })
      }
      listener.listen(0, "127.0.0.1", () => {
        proxy.port = (listener.address() as Net.AddressInfo).port
        resume(Effect.succeed(proxy))
      })
    }),
    (proxy) => Effect.promise(() => proxy.close())
  )

/** The options that lead a client through the proxy. */
export const through = (proxy: Proxy) => ({
  contactPoints: ["127.0.0.1"],
  port: proxy.port,
  compression: "none" as const
})
