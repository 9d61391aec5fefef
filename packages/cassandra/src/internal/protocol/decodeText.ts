import { canGenerate } from "./canGenerate.ts"
import { WireError } from "./errors.ts"

/** Strings out of bytes. */

interface Slices {
  readonly utf8Slice: (start: number, end: number) => string
}

const fc = String.fromCharCode

const utf8 = (b: Buffer, o: number, len: number): string => (b as unknown as Slices).utf8Slice(o, o + len)

/** Texts of up to this many bytes are made of their char codes: half of a call into Node's C++ at 13 bytes, two thirds here. */
const SHORT = 32

type ShortReader = (b: Buffer, o: number) => string

/** Reads a text of `len` bytes in one expression, when all of them are ASCII. */
const generateReader = (len: number): ShortReader => {
  const bytes = Array.from({ length: len }, (_, i) => `c${i}`)
  // oxlint-disable-next-line no-new-func -- the text is made of numbers
  const make = new Function(
    "fc",
    "utf8",
    `return (b,o)=>{const ${bytes.map((c, i) => `${c}=b[o+${i}]`).join(",")};
return (${bytes.join("|")})<128?fc(${bytes.join(",")}):utf8(b,o,${len})}`
  ) as (fromCharCode: typeof fc, text: typeof utf8) => ShortReader
  return make(fc, utf8)
}

/** Readers by length, each made when a text of its length comes for the first time. */
const readers: Array<ShortReader> = Array.from({ length: SHORT + 1 }, (_, len) => (b, o) => {
  readers[len] = generateReader(len)
  return readers[len](b, o)
})
readers[0] = () => ""

/** `len` bytes of UTF-8 at `o`. */
export const readText: (b: Buffer, o: number, len: number) => string = canGenerate
  ? (b, o, len) => (len <= SHORT ? readers[len]!(b, o) : utf8(b, o, len))
  : utf8

/** Char codes of the hexadecimal digits. */
const X = Uint8Array.from("0123456789abcdef", (c) => c.charCodeAt(0))

/** The canonical text of the 16 bytes at `o`. */
export const readUuid = (b: Buffer, o: number): string => {
  const a0 = b[o]!
  const a1 = b[o + 1]!
  const a2 = b[o + 2]!
  const a3 = b[o + 3]!
  const a4 = b[o + 4]!
  const a5 = b[o + 5]!
  const a6 = b[o + 6]!
  const a7 = b[o + 7]!
  const a8 = b[o + 8]!
  const a9 = b[o + 9]!
  const aa = b[o + 10]!
  const ab = b[o + 11]!
  const ac = b[o + 12]!
  const ad = b[o + 13]!
  const ae = b[o + 14]!
  const af = b[o + 15]!
  // One call with every character: the string is made flat, at once.
  // prettier-ignore
  return fc(
    X[a0 >> 4]!, X[a0 & 15]!, X[a1 >> 4]!, X[a1 & 15]!, X[a2 >> 4]!, X[a2 & 15]!, X[a3 >> 4]!, X[a3 & 15]!, 45,
    X[a4 >> 4]!, X[a4 & 15]!, X[a5 >> 4]!, X[a5 & 15]!, 45, X[a6 >> 4]!, X[a6 & 15]!, X[a7 >> 4]!, X[a7 & 15]!, 45,
    X[a8 >> 4]!, X[a8 & 15]!, X[a9 >> 4]!, X[a9 & 15]!, 45, X[aa >> 4]!, X[aa & 15]!, X[ab >> 4]!, X[ab & 15]!,
    X[ac >> 4]!, X[ac & 15]!, X[ad >> 4]!, X[ad & 15]!, X[ae >> 4]!, X[ae & 15]!, X[af >> 4]!, X[af & 15]!
  )
}

/** An address as text: dotted for 4 bytes, RFC 5952 for 16. */
export const readInet = (b: Buffer, o: number, len: number): string => {
  if (len === 4) return `${b[o]}.${b[o + 1]}.${b[o + 2]}.${b[o + 3]}`
  if (len !== 16) throw new WireError("Malformed", `an inet of ${len} bytes`)
  const groups: Array<number> = []
  for (let i = 0; i < 16; i += 2) groups.push((b[o + i]! << 8) | b[o + i + 1]!)
  if (groups.slice(0, 5).every((g) => g === 0) && groups[5] === 0xffff) {
    return `::ffff:${b[o + 12]}.${b[o + 13]}.${b[o + 14]}.${b[o + 15]}`
  }
  // The first of the longest runs of two zero groups or more is what "::" stands for.
  let start = -1
  let longest = 1
  for (let i = 0; i < 8; i++) {
    let j = i
    while (j < 8 && groups[j] === 0) j++
    if (j - i > longest) {
      start = i
      longest = j - i
    }
    if (j > i) i = j - 1
  }
  const hex = (from: number, to: number): string =>
    groups
      .slice(from, to)
      .map((g) => g.toString(16))
      .join(":")
  return start < 0 ? hex(0, 8) : `${hex(0, start)}::${hex(start + longest, 8)}`
}
