/**
 * Latencies in buckets that are 2 % wide, so that contenders in any language can count them, and rounds can be added up.
 *
 * Bucket n holds what takes from 1.02^n to 1.02^(n + 1) microseconds; bucket 0 also holds what takes less than one.
 */

/** How many measurements fell into each bucket that is not empty: `[bucket, count]`. */
export type Histogram = ReadonlyArray<readonly [bucket: number, count: number]>

const width = Math.log(1.02)

export const bucketOf = (milliseconds: number): number =>
  Math.max(0, Math.floor(Math.log(Math.max(1, milliseconds * 1000)) / width))

/** The middle of a bucket, in milliseconds. */
const valueOf = (bucket: number): number => Math.exp((bucket + 0.5) * width) / 1000

export interface Recorder {
  readonly record: (milliseconds: number) => void
  readonly histogram: () => Histogram
}

export const recorder = (): Recorder => {
  const counts: Array<number> = []
  return {
    record: (milliseconds) => {
      const bucket = bucketOf(milliseconds)
      counts[bucket] = (counts[bucket] ?? 0) + 1
    },
    histogram: () => counts.flatMap((count, bucket) => (count > 0 ? [[bucket, count] as const] : []))
  }
}

export const merge = (histograms: Iterable<Histogram>): Histogram => {
  const counts = new Map<number, number>()
  for (const histogram of histograms) {
    for (const [bucket, count] of histogram) counts.set(bucket, (counts.get(bucket) ?? 0) + count)
  }
  return [...counts].toSorted(([a], [b]) => a - b)
}

export const countOf = (histogram: Histogram): number => histogram.reduce((sum, [, count]) => sum + count, 0)

/** The latency, in milliseconds, that this part of all measurements (0 to 1) did not exceed. */
export const quantile = (histogram: Histogram, part: number): number => {
  const wanted = Math.ceil(countOf(histogram) * part)
  let seen = 0
  for (const [bucket, count] of histogram) {
    seen += count
    if (seen >= wanted) return valueOf(bucket)
  }
  return Number.NaN
}
