/** The delays between attempts to reach a node, from a `Schedule`. */
import * as Effect from "effect/Effect"
import type * as Schedule from "effect/Schedule"
import * as Decision from "effect/ScheduleDecision"
import * as Intervals from "effect/ScheduleIntervals"
import { longestTimer, type Warn } from "../options/index.ts"

/** The least delay once a schedule has ended: one without delays would try again and again at once. */
const leastAtEnd = 1000

/** The delays of a schedule in milliseconds, without waiting for them; past its end the last one, for ever. */
export function* delays(schedule: Schedule.Schedule<unknown>, warn: Warn): Generator<number, never> {
  let state: unknown = schedule.initial
  let delay = 0
  for (;;) {
    const now = Date.now()
    let step: readonly [unknown, unknown, Decision.ScheduleDecision]
    try {
      step = Effect.runSync(schedule.step(now, undefined, state))
    } catch (cause) {
      warn("The schedule of `reconnection` cannot be followed: it fails, or waits for something", cause)
      break
    }
    const [next, , decision] = step
    if (Decision.isDone(decision)) break
    state = next
    if (Number.isNaN(Intervals.start(decision.intervals))) {
      warn("The schedule of `reconnection` cannot be followed: a delay is not a number")
      break
    }
    delay = Math.min(Math.max(0, Intervals.start(decision.intervals) - now), longestTimer)
    yield delay
  }
  for (;;) yield Math.max(delay, leastAtEnd)
}
