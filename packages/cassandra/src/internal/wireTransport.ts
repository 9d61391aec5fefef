/** Requests by the wire. */
import type driver from "cassandra-driver"
import { isCassandraError } from "../CassandraError.ts"
import { isEncodingError } from "./driverErrors.ts"
import type { Values } from "../Statement.ts"
import { type Answered, NotSent, type PreparedColumns, type Response, type Transport } from "./transport.ts"
import * as wire from "./wire/index.ts"

/** The wire knows the driver's client by its private shape. */
type WireClient = Parameters<typeof wire.execute>[0]

/** Prepared statements by keyspace and text; the oldest goes when there are too many. */
class Statements {
  readonly #byKeyspace = new Map<string | undefined, Map<string, wire.Prepared>>()
  readonly #most: number
  #size = 0
  constructor(most: number) {
    this.#most = most
  }
  get(keyspace: string | undefined, query: string): wire.Prepared | undefined {
    return this.#byKeyspace.get(keyspace)?.get(query)
  }
  add(keyspace: string | undefined, query: string, prepared: wire.Prepared): void {
    let statements = this.#byKeyspace.get(keyspace)
    if (statements === undefined) this.#byKeyspace.set(keyspace, (statements = new Map()))
    if (statements.has(query)) return
    if (this.#size >= this.#most) {
      const [oldest] = statements.keys()
      if (oldest !== undefined && statements.delete(oldest)) this.#size--
    }
    statements.set(query, prepared)
    this.#size++
  }
}

export const wireTransport = (driverClient: driver.Client, maxPrepared: number): Transport => {
  const client = driverClient as unknown as WireClient
  const statements = new Statements(maxPrepared)

  const prepare = (
    query: string,
    keyspace: string | undefined,
    done: (error: unknown, prepared?: wire.Prepared) => void
  ): wire.Cancellable =>
    wire.prepare(client, query, keyspace === undefined ? {} : { keyspace }, (error, prepared) => {
      if (prepared !== undefined) statements.add(keyspace, query, prepared)
      done(error, prepared)
    })

  /** Prepares what is not prepared yet, one after the other, and then sends. Gives back what cancels wherever it is. */
  const inTurn = (
    keyspace: string | undefined,
    queries: ReadonlyArray<string>,
    answered: Answered,
    send: (prepared: ReadonlyArray<wire.Prepared>) => wire.Cancellable
  ): wire.Cancellable => {
    const prepared: Array<wire.Prepared> = []
    let current = nothing
    const next = (): void => {
      for (let query = queries[prepared.length]; query !== undefined; query = queries[prepared.length]) {
        const known = statements.get(keyspace, query)
        if (known === undefined) {
          current = prepare(query, keyspace, (error, statement) => {
            if (statement === undefined) return answered(new NotSent(error), undefined)
            prepared.push(statement)
            next()
          })
          return
        }
        prepared.push(known)
      }
      current = send(prepared)
    }
    next()
    return { cancel: () => current.cancel() }
  }

  return {
    protocolVersion: () => wire.protocolVersion(client) ?? 0,
    get keyspacePerRequest() {
      return wire.protocolVersion(client) === 5
    },
    orphans: (host) => wire.orphans(client, host as unknown as Parameters<typeof wire.orphans>[1]),
    prepare: (query, keyspace, customPayload) =>
      new Promise<PreparedColumns>((resolve, reject) => {
        if (customPayload !== undefined) wire.setPreparePayload(client, query, keyspace, customPayload)
        prepare(query, keyspace, (error, prepared) => {
          if (prepared === undefined) return reject(error)
          resolve({
            variables: prepared.variables,
            columns: prepared.columns,
            keyspace: prepared.table.keyspace ?? "",
            table: prepared.table.name ?? ""
          })
        })
      }),
    send: (payload, options, answered) => {
      const raw = options as unknown as Parameters<typeof wire.execute>[3]
      const { keyspace } = options
      const callback: wire.WireCallback = (error, result) => {
        if (result !== undefined) return answered(null, result as Response)
        answered(isEncodingError(error) || isCassandraError(error) ? new NotSent(error) : error, undefined)
      }
      const execute = (prepared: wire.Prepared, values: Values): wire.Cancellable =>
        wire.execute(client, prepared, values, raw, callback)
      if (payload._tag === "Query") {
        const { query, values } = payload
        if (!payload.prepare) return wire.execute(client, query, undefined, raw, callback)
        const known = statements.get(keyspace, query)
        if (known !== undefined) return execute(known, values)
        return inTurn(keyspace, [query], answered, ([prepared]) => execute(prepared as wire.Prepared, values))
      }
      return inTurn(
        keyspace,
        payload.statements.map(({ query }) => query),
        answered,
        (prepared) => {
          const items = payload.statements.map(({ values }, i) => ({
            query: prepared[i] as wire.Prepared,
            params: values
          }))
          return wire.batch(client, items, raw, callback)
        }
      )
    }
  }
}

const nothing: wire.Cancellable = { cancel: () => undefined }
