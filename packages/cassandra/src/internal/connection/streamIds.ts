/** The stream ids of a connection: the one freed last is used first, so that few are ever used. */
export class StreamIds {
  private readonly free: Array<number> = []
  private next = 0
  private readonly most: number

  /** `most` is how many there are, up to 32,768. */
  constructor(most: number) {
    this.most = most
  }

  get inUse(): number {
    return this.next - this.free.length
  }

  /** An id that nothing waits on; -1 when all are taken. */
  take(): number {
    const freed = this.free.pop()
    if (freed !== undefined) return freed
    return this.next < this.most ? this.next++ : -1
  }

  release(id: number): void {
    this.free.push(id)
  }

  clear(): void {
    this.free.length = 0
    this.next = 0
  }
}
