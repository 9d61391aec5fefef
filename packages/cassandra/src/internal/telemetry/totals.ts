/** Counters that are plain numbers until somebody looks: what requests pay for them is an increment. */
import type * as MetricHook from "effect/MetricHook"
import { type CounterName, counterOf, counters, type Labels } from "./metrics.ts"

/** Those without labels of their own. */
export type TotalName = Exclude<CounterName, "retries" | "hostErrors">

export type Totals = { readonly [K in TotalName]: number }

/** What a transport has counted. */
export type TransportTotals = Omit<Totals, "attempts" | "throttled" | "pages" | "rows">

export const noTransportTotals: TransportTotals = {
  speculative: 0,
  cancelled: 0,
  replaced: 0,
  preparedHits: 0,
  preparedMisses: 0,
  reprepared: 0,
  bytesRead: 0,
  bytesWritten: 0,
  uncompressed: 0,
  compressed: 0
}

export const sum = (all: ReadonlyArray<TransportTotals>): TransportTotals => {
  const total: Record<string, number> = { ...noTransportTotals }
  for (const one of all) for (const [name, value] of Object.entries(one)) total[name]! += value
  return total as TransportTotals
}

/** Gives the registry what has been added since it was last told. */
export class TotalsFeed {
  readonly #labels: Labels
  readonly #told = new Map<TotalName, { readonly hook: MetricHook.MetricHook.Counter<number>; value: number }>()

  constructor(labels: Labels) {
    this.#labels = labels
  }

  tell(totals: Totals): void {
    for (const [key, value] of Object.entries(totals)) {
      const name = key as TotalName
      let told = this.#told.get(name)
      if (told === undefined) this.#told.set(name, (told = { hook: counterOf(counters[name], this.#labels), value: 0 }))
      told.hook.update(value - told.value)
      told.value = value
    }
  }
}

/** A counter by labels of its own, and by name for whoever reads it in process. */
export class LabelledCounter {
  readonly #make: (key: string) => MetricHook.MetricHook.Counter<number>
  readonly #values = new Map<string, { readonly hook: MetricHook.MetricHook.Counter<number>; value: number }>()

  constructor(make: (key: string) => MetricHook.MetricHook.Counter<number>) {
    this.#make = make
  }

  increment(key: string): void {
    let counted = this.#values.get(key)
    if (counted === undefined) this.#values.set(key, (counted = { hook: this.#make(key), value: 0 }))
    counted.hook.update(1)
    counted.value++
  }

  all(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#values].map(([key, { value }]) => [key, value]))
  }
}
