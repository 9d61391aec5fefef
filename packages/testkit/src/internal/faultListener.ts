/**
 * The sockets of a fault proxy: a listener, and for every connection to it one to the target.
 */
import * as Net from "node:net"
import type { LinkFaults } from "./faultLink.ts"
import { FaultLink, healthy } from "./faultLink.ts"

/** Where to listen, or to connect to. */
export interface Endpoint {
  readonly host: string
  readonly port: number
}

type Way = "toServer" | "toClient"

class Connection {
  readonly client: Net.Socket
  readonly server: Net.Socket
  readonly links: Readonly<Record<Way, FaultLink>>

  constructor(client: Net.Socket, target: Endpoint, faults: Readonly<Record<Way, LinkFaults>>, onGone: () => void) {
    this.client = client
    this.server = Net.connect({ ...target, allowHalfOpen: true, noDelay: true })
    this.links = {
      toServer: new FaultLink(client, this.server, faults.toServer),
      toClient: new FaultLink(this.server, client, faults.toClient)
    }
    this.#tie(client, this.links.toServer, this.server)
    this.#tie(this.server, this.links.toClient, client)
    for (const socket of [client, this.server]) {
      socket.on("close", () => {
        if (client.destroyed && this.server.destroyed) onGone()
      })
    }
  }

  /** The end of one socket is the end of the other, unless nothing of it may get through. */
  #tie(socket: Net.Socket, link: FaultLink, other: Net.Socket): void {
    let broken = false
    socket.on("error", () => {
      broken = true
    })
    socket.on("close", () => {
      if (other.destroyed) return
      if (link.isSilent) {
        if (other.readableEnded) other.destroy()
      } else if (broken) {
        other.resetAndDestroy()
      } else if (other.readableEnded) {
        other.destroySoon()
      }
    })
  }

  get sockets(): ReadonlyArray<Net.Socket> {
    return [this.client, this.server]
  }

  end(how: "reset" | "close"): void {
    this.links.toServer.close()
    this.links.toClient.close()
    for (const socket of this.sockets) {
      if (how === "reset") socket.resetAndDestroy()
      else socket.destroySoon()
    }
  }

  destroy(): void {
    this.links.toServer.close()
    this.links.toClient.close()
    for (const socket of this.sockets) socket.destroy()
  }
}

export class FaultListener {
  accepted = 0
  readonly faults: Record<Way, LinkFaults> = { toServer: healthy, toClient: healthy }
  readonly #listen: Endpoint
  readonly #server: Net.Server
  readonly #connections = new Set<Connection>()
  /** Bytes of connections that are gone. */
  readonly #past = { toServer: 0, toClient: 0 }

  constructor(listen: Endpoint, target: Endpoint) {
    this.#listen = listen
    this.#server = Net.createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
      this.accepted += 1
      const connection: Connection = new Connection(client, target, this.faults, () => {
        if (!this.#connections.delete(connection)) return
        for (const way of ["toServer", "toClient"] as const) this.#past[way] += connection.links[way].forwarded
        connection.destroy()
      })
      this.#connections.add(connection)
    })
  }

  get open(): number {
    return this.#connections.size
  }

  get isListening(): boolean {
    return this.#server.listening
  }

  forwarded(way: Way): number {
    let sum = this.#past[way]
    for (const { links } of this.#connections) sum += links[way].forwarded
    return sum
  }

  start(done: (error: NodeJS.ErrnoException | undefined) => void): void {
    if (this.#server.listening) return done(undefined)
    this.#server.once("error", done)
    this.#server.listen({ ...this.#listen, exclusive: true }, () => {
      this.#server.off("error", done)
      done(undefined)
    })
  }

  /** No more connections; those that are there stay. */
  refuse(): void {
    if (this.#server.listening) this.#server.close()
  }

  change(way: Way, faults: LinkFaults): void {
    this.faults[way] = faults
    for (const connection of this.#connections) {
      const link = connection.links[way]
      link.change(faults)
      // With a hole in it, a stream is of no use to anybody: firewalls that forgot a connection answer with a reset, too.
      if (link.lost && faults.flow !== "drop") connection.end("reset")
    }
  }

  end(how: "reset" | "close"): void {
    for (const connection of this.#connections) connection.end(how)
  }

  stop(done: () => void): void {
    for (const connection of this.#connections) connection.destroy()
    if (this.#server.listening) this.#server.close(() => done())
    else done()
  }
}
