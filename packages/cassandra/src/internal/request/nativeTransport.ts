/** Requests by the client's own connections. */
import type { BatchType } from "../../Batch.ts"
import type { Values } from "../../Statement.ts"
import { inOrder, isEmpty } from "./boundValues.ts"
import { type PlainStatement, type ValueWriter, WireError } from "../protocol/index.ts"
import type { TransportTotals } from "../telemetry/index.ts"
import type { ClusterStatement, Node } from "../topology/index.ts"
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
import { type Bound, Execution, type ExecutionPayload } from "./execution.ts"
import type { NativeClient } from "./nativeClient.ts"
import { Preparations } from "./preparing.ts"

/**
 * A statement with its values, to be executed. No object literal: once those of a burst of requests have survived a collection of
 * garbage, V8 makes all that follow as old objects, which keep the values alive long after the request.
 */
class Execute implements Bound {
  readonly _tag = "Execute"
  readonly prepared: ClusterStatement
  writers: ReadonlyArray<ValueWriter>
  readonly values: ReadonlyArray<unknown>

  constructor(prepared: ClusterStatement, values: Values) {
    this.prepared = prepared
    this.writers = prepared.writers
    this.values = inOrder(prepared.variables, values)
  }
}

/** What a request does first, and then: wherever it is, this gives it up. */
class Steps implements Cancellable {
  current: Cancellable | undefined = undefined
  cancel(): void {
    this.current?.cancel()
  }
}

const batchTypes = { LOGGED: 0, UNLOGGED: 1, COUNTER: 2 } as const

export class NativeTransport implements Transport {
  readonly #client: NativeClient
  readonly #preparations: Preparations

  constructor(client: NativeClient) {
    this.#client = client
    this.#preparations = new Preparations(client)
  }

  readonly protocolVersion = (): number => this.#client.topology.version

  get keyspacePerRequest(): boolean {
    return this.#client.topology.version === 5
  }

  readonly totals = (): TransportTotals => {
    const { connections, counters, topology } = this.#client
    const { hits, misses } = topology.prepared
    return {
      preparedHits: hits,
      preparedMisses: misses,
      speculative: counters.speculative,
      cancelled: counters.cancelled,
      reprepared: counters.reprepared,
      replaced: connections.connectionsReplaced,
      bytesRead: connections.bytesRead,
      bytesWritten: connections.bytesWritten,
      uncompressed: connections.bytesBeforeCompression,
      compressed: connections.bytesAfterCompression
    }
  }

  readonly preparedStatements = (): number => this.#client.topology.prepared.size

  readonly compression = (): "lz4" | "none" =>
    this.#client.topology.options.settings.lz4 === undefined ? "none" : "lz4"

  readonly prepare = (
    query: string,
    options: SendOptions,
    again: boolean,
    receiver: Receiver<PreparedColumns>
  ): Cancellable =>
    this.#preparations.prepare(query, this.#keyspaceOf(options), options, again, {
      answered: (error, prepared) =>
        receiver.answered(
          error,
          prepared && {
            variables: prepared.variables,
            columns: prepared.result.shape?.columns,
            keyspace: prepared.tableKeyspace ?? "",
            table: prepared.table ?? ""
          }
        )
    })

  readonly execute = (
    query: string,
    values: Values,
    options: SendOptions,
    receiver: Receiver<Response>
  ): Cancellable | undefined => {
    const keyspace = this.#keyspaceOf(options)
    if (!options.prepare && isEmpty(values)) {
      return this.#send({ _tag: "Query", query, keyspace }, undefined, options, receiver)
    }
    const known = this.#client.topology.prepared.get(query, keyspace)
    if (known !== undefined) return this.#execute(known, values, options, receiver)
    const steps = new Steps()
    steps.current = this.#preparations.prepare(query, keyspace, options, false, {
      answered: (error, prepared) => {
        if (prepared === undefined) return receiver.answered(new NotSent(error), undefined)
        sending(receiver, () => {
          steps.current = this.#execute(prepared, values, options, receiver)
        })
      }
    })
    return steps
  }

  readonly batch = (
    type: BatchType,
    members: ReadonlyArray<BatchMember>,
    options: SendOptions,
    receiver: Receiver<Response>
  ): Cancellable => {
    const keyspace = this.#keyspaceOf(options)
    const steps = new Steps()
    const items: Array<Bound | PlainStatement> = []
    let routed: Bound | undefined
    const add = (prepared: ClusterStatement, values: Values): void => {
      const bound = new Execute(prepared, values)
      routed ??= bound
      items.push(bound)
    }
    // What is not prepared yet is prepared one after the other.
    const next = (): void => {
      for (let member = members[items.length]; member !== undefined; member = members[items.length]) {
        const { prepare, query, values } = member
        if (!prepare && isEmpty(values)) {
          items.push({ query })
          continue
        }
        const known = this.#client.topology.prepared.get(query, keyspace)
        if (known === undefined) {
          steps.current = this.#preparations.prepare(query, keyspace, options, false, {
            answered: (error, prepared) => {
              if (prepared === undefined) return receiver.answered(new NotSent(error), undefined)
              sending(receiver, () => {
                add(prepared, values)
                next()
              })
            }
          })
          return
        }
        add(known, values)
      }
      steps.current = this.#send({ _tag: "Batch", type: batchTypes[type], items, keyspace }, routed, options, receiver)
    }
    next()
    return steps
  }

  #execute(
    prepared: ClusterStatement,
    values: Values,
    options: SendOptions,
    receiver: Receiver<Response>
  ): Cancellable {
    const payload = new Execute(prepared, values)
    return this.#send(payload, payload, options, receiver)
  }

  #send(
    payload: ExecutionPayload,
    routed: Bound | undefined,
    options: SendOptions,
    receiver: Receiver<Response>
  ): Cancellable {
    const client = this.#client
    const { host } = options
    const execution = new Execution(
      client,
      options,
      payload,
      options.timestamp ?? options.nextTimestamp?.(),
      host === undefined ? client.routing.plan(this.#targetOf(routed, options), options) : this.#only(host),
      receiver
    )
    execution.start()
    return execution
  }

  /** What a request is about, as far as its plan needs to know. */
  #targetOf(routed: Bound | undefined, options: SendOptions) {
    if (routed === undefined || routed.prepared.partitionKey.length === 0) return undefined
    return this.#client.target.at(routed, routed.prepared.tableKeyspace ?? this.#keyspaceOf(options))
  }

  /** The plan of a request for one node; one that is not connected to on purpose has nothing to say. */
  #only(node: Node): Iterator<Node, undefined> {
    const nodes = this.#client.routing.distance(node) === "ignored" ? [] : [node]
    return nodes.values() as Iterator<Node, undefined>
  }

  /** The keyspace of a request: its own, which only v5 can, or that of the connections. */
  #keyspaceOf({ keyspace }: SendOptions): string | undefined {
    const { keyspace: ofConnections, topology } = this.#client
    if (keyspace === undefined || keyspace === ofConnections) return ofConnections
    if (topology.version === 5) return keyspace
    throw new WireError("NotSupportedByVersion", `a keyspace per request ("${keyspace}") needs native protocol v5`)
  }
}

/** What is thrown on the way to the connection is the answer: nothing was sent. */
const sending = (receiver: Receiver<never>, run: () => void): void => {
  try {
    run()
  } catch (error) {
    receiver.answered(new NotSent(error), undefined)
  }
}
