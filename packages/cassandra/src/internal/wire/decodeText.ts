import { WireError } from "./errors.ts"

/** Strings out of bytes. Measured: building short strings from char codes beats a call into Node's C++ by half. */

interface Slices {
  readonly utf8Slice: (start: number, end: number) => string
}

const fc = String.fromCharCode

const utf8 = (b: Buffer, o: number, len: number): string => (b as unknown as Slices).utf8Slice(o, o + len)

/** `len` bytes of UTF-8 at `o`. */
export const readText = (b: Buffer, o: number, len: number): string => {
  if (len > 8) return utf8(b, o, len)
  if (len === 0) return ""
  const c0 = b[o]!
  if (len === 1) return c0 < 128 ? fc(c0) : utf8(b, o, len)
  const c1 = b[o + 1]!
  if (len === 2) return (c0 | c1) < 128 ? fc(c0, c1) : utf8(b, o, len)
  const c2 = b[o + 2]!
  if (len === 3) return (c0 | c1 | c2) < 128 ? fc(c0, c1, c2) : utf8(b, o, len)
  const c3 = b[o + 3]!
  let all = c0 | c1 | c2 | c3
  if (len === 4) return all < 128 ? fc(c0, c1, c2, c3) : utf8(b, o, len)
  const c4 = b[o + 4]!
  all |= c4
  if (len === 5) return all < 128 ? fc(c0, c1, c2, c3, c4) : utf8(b, o, len)
  const c5 = b[o + 5]!
  all |= c5
  if (len === 6) return all < 128 ? fc(c0, c1, c2, c3, c4, c5) : utf8(b, o, len)
  const c6 = b[o + 6]!
  all |= c6
  if (len === 7) return all < 128 ? fc(c0, c1, c2, c3, c4, c5, c6) : utf8(b, o, len)
  const c7 = b[o + 7]!
  all |= c7
  return all < 128 ? fc(c0, c1, c2, c3, c4, c5, c6, c7) : utf8(b, o, len)
}

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
