/** The query table: what each statement has cost so far, by its text without values. */
import { batch, type Operation, operationOf } from "./operations.ts"
import { tableOf, withoutValues } from "../cql/index.ts"

/** What a statement has cost. */
export class StatementUse {
  readonly text: string
  readonly operation: Operation
  /** The table it reads or writes. */
  readonly table: string | undefined
  count = 0
  errors = 0
  seconds = 0
  longest = 0

  constructor(text: string, operation: Operation) {
    this.text = text
    this.operation = operation
    this.table = tableOf(text)
  }

  add(seconds: number, failed: boolean): void {
    this.count++
    if (failed) this.errors++
    this.seconds += seconds
    if (seconds > this.longest) this.longest = seconds
  }
}

/** Texts that differ in nothing but values are one statement; there may be more of them. */
const textsPerStatement = 4

export class StatementTable {
  readonly #most: number
  readonly #byText = new Map<string, StatementUse>()
  /** Batches, by the text of their first statement. */
  readonly #batches = new Map<string, StatementUse>()
  #uses = new Map<string, StatementUse>()
  /** What was dropped from the table, all in one. */
  readonly dropped = new StatementUse("(others)", operationOf(""))

  constructor(most: number) {
    this.#most = most
  }

  of(query: string): StatementUse {
    return this.#byText.get(query) ?? this.#add(this.#byText, query, withoutValues)
  }

  ofBatch(first: string): StatementUse {
    return (
      this.#batches.get(first) ?? this.#add(this.#batches, first, (query) => `BEGIN BATCH ${withoutValues(query)}; …`)
    )
  }

  #add(texts: Map<string, StatementUse>, query: string, textOf: (query: string) => string): StatementUse {
    const text = textOf(query)
    let use = this.#uses.get(text)
    if (use === undefined) {
      if (this.#uses.size >= this.#most) this.#shrink()
      use = new StatementUse(text, operationOf(text))
      this.#uses.set(text, use)
    }
    if (texts.size >= textsPerStatement * this.#most) texts.clear()
    texts.set(query, use)
    return use
  }

  /** Keeps the half that took the most time. */
  #shrink(): void {
    const uses = this.all().toSorted((a, b) => b.seconds - a.seconds)
    const kept = uses.slice(0, this.#most >> 1)
    for (const use of uses.slice(this.#most >> 1)) {
      const { dropped } = this
      dropped.count += use.count
      dropped.errors += use.errors
      dropped.seconds += use.seconds
      dropped.longest = Math.max(dropped.longest, use.longest)
    }
    this.#uses = new Map(kept.map((use) => [use.text, use]))
    this.#byText.clear()
    this.#batches.clear()
  }

  all(): Array<StatementUse> {
    return [...this.#uses.values()]
  }
}

/** What a batch without statements is; the server is not asked to run one. */
export const emptyBatch = new StatementUse("BEGIN BATCH APPLY BATCH", batch)
