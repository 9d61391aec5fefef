/** What the examples print with: headings, a line of progress, a heartbeat. Plain lines when the output is not a terminal. */
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"

const interactive = process.stdout.isTTY === true && process.env["TERM"] !== "dumb"
const coloured = interactive && process.env["NO_COLOR"] === undefined

const sgr = (code: number) => (text: string) => (coloured ? `\u001b[${code}m${text}\u001b[0m` : text)
export const bold = sgr(1)
export const dim = sgr(2)
const green = sgr(32)
const cyan = sgr(36)

/** 240000 as 240,000. */
export const count = (n: number): string => Math.round(n).toLocaleString("en")

export const seconds = (duration: Duration.Duration): string => {
  const millis = Duration.toMillis(duration)
  return millis < 1000 ? `${Math.round(millis)} ms` : `${(millis / 1000).toFixed(1)} s`
}

export const heading = (text: string) => Console.log(`\n${cyan("◆")} ${bold(text)}`)
export const line = (text: string) => Console.log(`  ${text}`)
export const done = (text: string) => Console.log(`  ${green("✓")} ${text}`)

/** A line that shows how far something is. */
export interface Progress {
  readonly add: (n: number) => void
}

/**
 * Draws progress towards `total` as long as the scope is open: ten times a second over the same line of a terminal, otherwise a
 * line at each quarter. `note` may add something that changes on the way.
 */
export const progress = (total: number, note: () => string = () => ""): Effect.Effect<Progress, never, Scope.Scope> =>
  Effect.gen(function* () {
    const start = performance.now()
    let added = 0
    let quarter = 0
    const text = () => {
      const share = added / total
      const bar = "█".repeat(Math.round(share * 24)).padEnd(24, "░")
      const rate = added / ((performance.now() - start) / 1000)
      const percent = `${Math.floor(share * 100)} %`.padStart(5)
      const shown = `  ${bar} ${percent}  ${count(added)} of ${count(total)}  ${count(rate)}/s`
      const noted = `${shown}  ${note()}`
      // A line that wraps could not be drawn over.
      return interactive && noted.length >= process.stdout.columns ? shown : noted.trimEnd()
    }
    const draw = Effect.sync(() => {
      if (interactive) {
        process.stdout.write(`\r\u001b[2K${text()}`)
      } else if (Math.floor((4 * added) / total) > quarter) {
        quarter = Math.floor((4 * added) / total)
        process.stdout.write(`${text()}\n`)
      }
    })
    yield* Effect.addFinalizer(() => Effect.zipRight(draw, interactive ? Console.log("") : Effect.void))
    yield* Effect.forkScoped(Effect.repeat(draw, Schedule.spaced("100 millis")))
    return {
      add: (n) => {
        added += n
      }
    }
  })

/** What a heartbeat has seen. */
export interface Pulse {
  readonly beats: number
  /** The longest time between two beats, in milliseconds. */
  readonly largestGap: number
}

/**
 * Runs an effect while a fiber beats every ten milliseconds. It can only beat when the event loop is free, so a gap is a time in
 * which nothing else of the program could run either.
 */
export const withHeartbeat = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<readonly [A, Pulse], E, R> =>
  Effect.gen(function* () {
    let beats = 0
    let largestGap = 0
    let last = performance.now()
    const beat = Effect.sync(() => {
      const now = performance.now()
      beats++
      largestGap = Math.max(largestGap, now - last)
      last = now
    })
    yield* Effect.forkScoped(Effect.repeat(beat, Schedule.spaced("10 millis")))
    const result = yield* effect
    return [result, { beats, largestGap }] as const
  }).pipe(Effect.scoped)
