import {
  type Connection,
  isSocketClosed,
  type PreparedCallback,
  type Timed,
  type Timer,
  UnansweredError
} from "../connection/index.ts"
import { ofStatement, type PreparedResponse } from "../protocol/index.ts"
import { ClusterStatement } from "../topology/index.ts"
import type { Cancellable, Receiver, SendOptions } from "./transport.ts"
import type { NativeClient } from "./nativeClient.ts"
import { Route } from "./route.ts"

type Outcome = (error: Error | undefined, prepared: ClusterStatement | undefined) => void

/** Statements of one client that are being prepared. */
export class Preparations {
  private readonly underWay = new Map<string, Array<Outcome>>()
  private readonly client: NativeClient

  constructor(client: NativeClient) {
    this.client = client
  }

  /**
   * Prepares a statement, once however many ask for it at the same time. Each waits no longer than its options say; the preparing
   * itself goes on. `again` asks a node although the answer is known.
   */
  prepare(
    query: string,
    keyspace: string | undefined,
    options: SendOptions,
    again: boolean,
    receiver: Receiver<ClusterStatement>
  ): Cancellable {
    const waiter = new Waiter(this.client, options.timeout, receiver)
    const known = again ? undefined : this.client.topology.prepared.find(query, keyspace)
    if (known !== undefined) {
      process.nextTick(() => waiter.done(undefined, known))
      return waiter
    }
    const key = `${keyspace ?? ""}\0${query}`
    const waiting = this.underWay.get(key)
    if (waiting !== undefined) {
      waiting.push(waiter.done)
      return waiter
    }
    const outcomes: Array<Outcome> = [waiter.done]
    this.underWay.set(key, outcomes)
    new Preparation(this.client, query, keyspace, options, (error, prepared) => {
      this.underWay.delete(key)
      for (const outcome of outcomes) outcome(error, prepared)
    }).start()
    return waiter
  }
}

/** Somebody who waits until a statement is prepared. */
class Waiter implements Timed, Cancellable {
  deadline = 0
  previous: Timed | undefined = undefined
  next: Timed | undefined = undefined
  timer: Timer = undefined
  private receiver: Receiver<ClusterStatement> | undefined
  private readonly client: NativeClient
  private readonly timeout: number

  constructor(client: NativeClient, timeout: number, receiver: Receiver<ClusterStatement>) {
    this.client = client
    this.timeout = timeout
    this.receiver = receiver
    client.topology.options.settings.deadlines.add(this, timeout)
  }

  readonly done: Outcome = (error, prepared) => {
    this.end()?.answered(error ?? null, prepared)
  }

  onDeadline(): void {
    this.end()?.answered(
      new UnansweredError(`The statement was not prepared before timeout ${this.timeout} ms`),
      undefined
    )
  }

  cancel(): void {
    if (this.end() !== undefined) this.client.counters.cancelled++
  }

  private end(): Receiver<ClusterStatement> | undefined {
    const { receiver } = this
    this.receiver = undefined
    this.client.topology.options.settings.deadlines.remove(this)
    return receiver
  }
}

/** Prepares one statement on the first node that can, and then on the others, for which nobody waits. */
class Preparation {
  private readonly client: NativeClient
  private readonly query: string
  private readonly keyspace: string | undefined
  private readonly options: SendOptions
  private readonly route: Route
  private readonly outcome: Outcome

  constructor(
    client: NativeClient,
    query: string,
    keyspace: string | undefined,
    options: SendOptions,
    outcome: Outcome
  ) {
    this.client = client
    this.query = query
    this.keyspace = keyspace
    this.options = options
    this.outcome = outcome
    this.route = new Route(client.topology, client.routing.plan(undefined, options))
  }

  start(): void {
    this.proceed()
  }

  private proceed(): void {
    const connection = this.route.next()
    const { node } = this.route
    if (connection === undefined || node === undefined) {
      return void setImmediate(() => this.outcome(this.route.exhausted(), undefined))
    }
    const { breaker } = this.client
    this.on(connection, (error, response) => {
      if (response !== undefined) {
        breaker.answered(node.address)
        return this.prepared(response)
      }
      const failure = error ?? new Error("no answer")
      Object.assign(failure, { coordinator: node.address, query: this.query })
      this.route.failed(node, failure)
      if (isSocketClosed(failure)) {
        breaker.lost(node.address, connection)
        this.client.topology.pool(node)?.remove(connection)
      } else if (failure instanceof UnansweredError) {
        breaker.timedOut(node.address, this.options.timeout)
      } else {
        // What the server says of the statement, another one would say too.
        breaker.answered(node.address)
        ofStatement(failure, this.query)
        return this.outcome(failure, undefined)
      }
      this.proceed()
    })
  }

  private on(connection: Connection, callback: PreparedCallback): void {
    const { keyspace } = this.client
    if (keyspace === undefined || connection.isV5) return this.prepareOn(connection, callback)
    void this.prepareIn(keyspace, connection, callback)
  }

  private async prepareIn(keyspace: string, connection: Connection, callback: PreparedCallback): Promise<void> {
    try {
      await connection.useKeyspace(keyspace)
    } catch (error) {
      return callback(error as Error, undefined)
    }
    this.prepareOn(connection, callback)
  }

  private prepareOn(connection: Connection, callback: PreparedCallback): void {
    const { customPayload, timeout } = this.options
    connection.prepare(this.query, connection.isV5 ? this.keyspace : undefined, customPayload, timeout, callback)
  }

  private prepared(response: PreparedResponse): void {
    const { topology } = this.client
    const prepared =
      topology.prepared.find(this.query, this.keyspace) ?? new ClusterStatement(this.query, this.keyspace, response)
    prepared.renew(response, topology.drops)
    prepared.payload = this.options.customPayload
    topology.prepared.set(this.query, this.keyspace, prepared)
    this.outcome(undefined, prepared)
    if (this.client.prepareOnAllHosts) this.elsewhere()
  }

  /** A node that does not know the statement yet would answer its first execution with UNPREPARED. */
  private elsewhere(): void {
    for (let connection = this.route.next(); connection !== undefined; connection = this.route.next()) {
      const { address } = this.route.node!
      this.on(connection, (error) => {
        if (error !== undefined)
          this.client.log("warning", `The statement was not prepared on ${address}: ${error.message}`)
      })
    }
  }
}
