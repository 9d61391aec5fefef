/** UUIDs of version 1: a time in steps of 100 ns, a clock sequence and a node, both at random for this process. */
import { randomBytes } from "node:crypto"

/** From the beginning of the Gregorian calendar to that of Unix's time, in milliseconds. */
const GREGORIAN_OFFSET = 12_219_292_800_000n

const STEPS_PER_MILLISECOND = 10_000n

/** The least and the greatest clock sequence and node, as Cassandra compares them: as signed bytes. */
const LEAST = Buffer.from("8080808080808080", "hex")
const GREATEST = Buffer.from("7f7f7f7f7f7f7f7f", "hex")

const own = (): Buffer => {
  const bytes = randomBytes(8)
  // The variant of RFC 4122, and a node that is no address of a network card's.
  bytes[0] = (bytes[0]! & 0x3f) | 0x80
  bytes[2]! |= 0x01
  return bytes
}

const textOf = (steps: bigint, clockAndNode: Buffer): string => {
  const time = BigInt.asUintN(60, steps).toString(16).padStart(15, "0")
  const rest = clockAndNode.toString("hex")
  return `${time.slice(7)}-${time.slice(3, 7)}-1${time.slice(0, 3)}-${rest.slice(0, 4)}-${rest.slice(4)}`
}

const stepsOf = (millis: number): bigint => (BigInt(millis) + GREGORIAN_OFFSET) * STEPS_PER_MILLISECOND

let clockAndNode: Buffer | undefined
let lastMillis = 0
let steps = 0n

/** A new one. Those of one millisecond, up to 10,000, sort in the order in which they were made. */
export const next = (millis: number): string => {
  steps = millis === lastMillis ? steps + 1n : 0n
  // The same time may come again, when the clock is set back or the steps of a millisecond are used up: not with this clock sequence.
  if (millis < lastMillis || steps === STEPS_PER_MILLISECOND) {
    clockAndNode = undefined
    steps = 0n
  }
  lastMillis = millis
  return textOf(stepsOf(millis) + steps, (clockAndNode ??= own()))
}

export const least = (millis: number): string => textOf(stepsOf(millis), LEAST)

export const greatest = (millis: number): string => textOf(stepsOf(millis) + STEPS_PER_MILLISECOND - 1n, GREATEST)

/** Milliseconds of Unix's time. */
export const millisOf = (text: string): number => {
  const hex = text.replaceAll("-", "")
  const since = BigInt(`0x${hex.slice(13, 16)}${hex.slice(8, 12)}${hex.slice(0, 8)}`)
  return Number(since / STEPS_PER_MILLISECOND - GREGORIAN_OFFSET)
}
