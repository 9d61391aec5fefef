import { endianness } from "node:os"

/**
 * One place of eight bytes seen as every kind of number. Reading a 64-bit value through it costs two 32-bit stores and
 * one typed read, which V8 compiles in place; `Buffer.readBigInt64BE` and a `DataView` per page are several times slower.
 */
const bytes = new ArrayBuffer(8)
const words = new Int32Array(bytes)
const bigints = new BigInt64Array(bytes)
const doubles = new Float64Array(bytes)
const floats = new Float32Array(bytes)

const LOW = endianness() === "LE" ? 0 : 1
const HIGH = 1 - LOW

/** The big-endian 32-bit integer at `o`. */
export const int32 = (b: Uint8Array, o: number): number =>
  (b[o]! << 24) | (b[o + 1]! << 16) | (b[o + 2]! << 8) | b[o + 3]!

/** The big-endian signed 64-bit integer at `o`. */
export const int64 = (b: Uint8Array, o: number): bigint => {
  words[HIGH] = int32(b, o)
  words[LOW] = int32(b, o + 4)
  return bigints[0]!
}

/** The big-endian double at `o`. */
export const float64 = (b: Uint8Array, o: number): number => {
  words[HIGH] = int32(b, o)
  words[LOW] = int32(b, o + 4)
  return doubles[0]!
}

/** The big-endian float at `o`. */
export const float32 = (b: Uint8Array, o: number): number => {
  words[0] = int32(b, o)
  return floats[0]!
}

/** The two halves of a 64-bit integer, to be written one after the other. */
export const split64 = (value: bigint): { readonly high: number; readonly low: number } => {
  bigints[0] = value
  return { high: words[HIGH]!, low: words[LOW]! }
}

/** The two halves of a double. */
export const splitDouble = (value: number): { readonly high: number; readonly low: number } => {
  doubles[0] = value
  return { high: words[HIGH]!, low: words[LOW]! }
}

/** The bits of a float. */
export const floatBits = (value: number): number => {
  floats[0] = value
  return words[0]!
}
