/** Requests by the wire. */
import type driver from "cassandra-driver"
import * as BigDecimal from "effect/BigDecimal"
import type { BatchType } from "../Batch.ts"
import type { Values } from "../Statement.ts"
import { isEmpty } from "./boundValues.ts"
import { decimals } from "./protocol/decimals.ts"
import {
  type BatchMember,
  type Cancellable,
  NotSent,
  type PreparedColumns,
  type Receiver,
  type Response,
  type SendOptions,
  type Transport
} from "./transport.ts"
import { noTransportTotals, type TransportTotals } from "./telemetry/totals.ts"
import { onDrop } from "./wire/client/index.ts"
import * as wire from "./wire/index.ts"

// What a `decimal` is read as.
decimals.make = BigDecimal.make

/** Prepared statements by keyspace and text; the oldest goes when there are too many. */
class Statements {
  readonly #byKeyspace = new Map<string | undefined, Map<string, wire.Prepared>>()
  readonly #most: number
  size = 0
  hits = 0
  misses = 0
  constructor(most: number) {
    this.#most = most
  }
  get(keyspace: string | undefined, query: string): wire.Prepared | undefined {
    const known = this.#byKeyspace.get(keyspace)?.get(query)
    if (known === undefined) this.misses++
    else this.hits++
    return known
  }
  add(keyspace: string | undefined, query: string, prepared: wire.Prepared): void {
    let statements = this.#byKeyspace.get(keyspace)
    if (statements === undefined) this.#byKeyspace.set(keyspace, (statements = new Map()))
    if (statements.has(query)) return
    if (this.size >= this.#most) {
      const [oldest] = statements.keys()
      if (oldest !== undefined && statements.delete(oldest)) this.size--
    }
    statements.set(query, prepared)
    this.size++
  }
}

/** What a request does first, and then: wherever it is, this gives it up. */
class Course implements Cancellable {
  current: Cancellable | undefined = undefined
  cancel(): void {
    this.current?.cancel()
  }
}

class WireTransport implements Transport {
  readonly #client: ReturnType<typeof wire.clientInside>
  readonly #statements: Statements

  constructor(client: driver.Client, maxPrepared: number) {
    this.#client = wire.clientInside(client)
    this.#statements = new Statements(maxPrepared)
    onDrop(client, (keyspace) => wire.dropped(this.#client, keyspace))
  }

  readonly protocolVersion = (): number => wire.protocolVersion(this.#client) ?? 0

  get keyspacePerRequest(): boolean {
    return wire.protocolVersion(this.#client) === 5
  }

  readonly orphans = (host: driver.Host): number => wire.orphans(this.#client, wire.hostInside(host))

  readonly totals = (): TransportTotals => {
    const counters = wire.counters(this.#client)
    const { hits, misses } = this.#statements
    return counters === undefined
      ? noTransportTotals
      : {
          preparedHits: hits,
          preparedMisses: misses,
          speculative: counters.speculative,
          cancelled: counters.cancelled,
          replaced: counters.connectionsReplaced,
          reprepared: counters.reprepared,
          bytesRead: counters.bytesRead,
          bytesWritten: counters.bytesWritten,
          uncompressed: counters.bytesBeforeCompression,
          compressed: counters.bytesAfterCompression
        }
  }

  readonly preparedStatements = (): number => this.#statements.size

  readonly compression = (): "lz4" | "none" => (wire.isCompressed(this.#client) ? "lz4" : "none")

  readonly prepare = (
    query: string,
    options: SendOptions,
    again: boolean,
    receiver: Receiver<PreparedColumns>
  ): Cancellable => {
    const { customPayload, keyspace } = options
    if (customPayload !== undefined) wire.setPreparePayload(this.#client, query, keyspace, customPayload)
    return this.#prepare(query, options, again, {
      answered: (error, prepared) =>
        receiver.answered(
          error,
          prepared && {
            variables: prepared.variables,
            columns: prepared.columns,
            keyspace: prepared.table.keyspace ?? "",
            table: prepared.table.name ?? ""
          }
        )
    })
  }

  readonly execute = (
    query: string,
    values: Values,
    options: SendOptions,
    receiver: Receiver<Response>
  ): Cancellable | undefined => {
    const { keyspace } = options
    if (!options.prepare && isEmpty(values)) return wire.query(this.#client, query, options, receiver)
    const known = this.#statements.get(keyspace, query)
    if (known !== undefined) return wire.execute(this.#client, known, values, options, receiver)
    const course = new Course()
    course.current = this.#prepare(query, options, false, {
      answered: (error, prepared) => {
        if (prepared === undefined) return receiver.answered(new NotSent(error), undefined)
        sending(receiver, () => {
          course.current = wire.execute(this.#client, prepared, values, options, receiver)
        })
      }
    })
    return course
  }

  readonly batch = (
    type: BatchType,
    members: ReadonlyArray<BatchMember>,
    options: SendOptions,
    receiver: Receiver<Response>
  ): Cancellable => {
    const course = new Course()
    const statements: Array<wire.BatchStatement> = []
    // What is not prepared yet is prepared one after the other.
    const next = (): void => {
      for (let member = members[statements.length]; member !== undefined; member = members[statements.length]) {
        const known = this.#statements.get(options.keyspace, member.query)
        if (known === undefined) {
          const unknown = member
          course.current = this.#prepare(unknown.query, options, false, {
            answered: (error, prepared) => {
              if (prepared === undefined) return receiver.answered(new NotSent(error), undefined)
              sending(receiver, () => {
                statements.push({ prepared, values: unknown.values })
                next()
              })
            }
          })
          return
        }
        statements.push({ prepared: known, values: member.values })
      }
      course.current = wire.batch(this.#client, type, statements, options, receiver)
    }
    next()
    return course
  }

  #prepare(query: string, options: SendOptions, again: boolean, receiver: Receiver<wire.Prepared>): Cancellable {
    return wire.prepare(this.#client, query, options, again, {
      answered: (error, prepared) => {
        if (prepared !== undefined) this.#statements.add(options.keyspace, query, prepared)
        receiver.answered(error, prepared)
      }
    })
  }
}

/** What is thrown on the way to the wire is the answer: nothing was sent. */
const sending = (receiver: Receiver<never>, run: () => void): void => {
  try {
    run()
  } catch (error) {
    receiver.answered(new NotSent(error), undefined)
  }
}

export const wireTransport = (client: driver.Client, maxPrepared: number): Transport =>
  new WireTransport(client, maxPrepared)
