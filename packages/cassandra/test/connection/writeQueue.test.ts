import { once } from "node:events"
import * as net from "node:net"
import { afterEach, assert, it } from "vitest"
import type { Operation } from "../../src/internal/connection/operation.ts"
import { WriteQueue } from "../../src/internal/connection/writeQueue.ts"

const opened: Array<net.Socket | net.Server> = []
afterEach(() => {
  for (const end of opened.splice(0)) {
    if (end instanceof net.Socket) end.destroy()
    else end.close()
  }
})

/** Two ends of a connection; nobody reads the second one yet. */
const socketPair = async (): Promise<[net.Socket, net.Socket]> => {
  const server = net.createServer({ pauseOnConnect: true }).listen(0, "127.0.0.1")
  await once(server, "listening")
  const near = net.connect((server.address() as net.AddressInfo).port, "127.0.0.1")
  const [far] = (await once(server, "connection")) as [net.Socket]
  opened.push(server, near, far)
  return [near, far]
}

/** What is written for the n-th operation: differs from those before and after it. */
const requestOf = (n: number): Buffer => Buffer.alloc(1 + ((n * 7919) % 9000), `request ${n};`)

it("what is not sent yet is not written over, whether the socket keeps up or not", async () => {
  const [near, far] = await socketPair()
  let refused = 0
  const queue = new WriteQueue({
    socket: near,
    encode: (w, operation) => w.bytes(requestOf(operation.streamId)),
    onSent: () => {},
    onUnsent: () => refused++,
    onWritten: () => {}
  })
  const push = (n: number) => queue.push({ streamId: n, canBeWritten: () => true } as unknown as Operation)
  const received: Array<Buffer> = []
  const total = 3000

  // One by one: the operating system takes them all, and then no more.
  let taken = 0
  for (let n = 0; n < total; n++) {
    push(n)
    await new Promise(setImmediate)
    if (near.writableLength === 0) taken = n
  }
  assert.isAbove(taken, 20)
  assert.isAbove(near.writableLength, 0)

  const expected = Buffer.concat(Array.from({ length: total }, (_, n) => requestOf(n)))
  far.on("data", (chunk) => received.push(chunk)).resume()
  while (received.reduce((sum, { length }) => sum + length, 0) < expected.length) await once(far, "data")
  assert.isTrue(Buffer.concat(received).equals(expected))
  assert.strictEqual(refused, 0)
})
