import type { Operation } from "./operation.ts"

/**
 * The operations of a connection that wait for their answer, by stream id.
 *
 * Not a Map: one that is added to and deleted from makes a new table every few hundred requests, and each table that is left keeps
 * the requests it held and the next table alive. Once one has become old to the garbage collector, so does every request after it.
 */
export class InFlight {
  private readonly operations: Array<Operation | undefined> = []

  add(operation: Operation): void {
    this.operations[operation.streamId] = operation
  }

  /** The operation that the answer is for, which is no longer waiting. */
  take(streamId: number): Operation | undefined {
    const operation = this.operations[streamId]
    if (operation !== undefined) this.operations[streamId] = undefined
    return operation
  }

  /** All of them, which are no longer waiting. */
  takeAll(): ReadonlyArray<Operation> {
    const all = this.operations.filter((operation) => operation !== undefined)
    this.operations.length = 0
    return all
  }
}
