/**
 * The token of a partition key: the first half of Cassandra's variant of MurmurHash3 x64 128, in 32-bit integer arithmetic.
 * Bigints would allocate at every step.
 */

/** A token as two signed words. */
export interface Token {
  high: number
  low: number
}

// A 64-bit value in flight is two words; functions return their result through these.
let rh = 0
let rl = 0

const add = (ah: number, al: number, bh: number, bl: number): void => {
  const low = (al >>> 0) + (bl >>> 0)
  rl = low | 0
  rh = (ah + bh + (low > 0xffffffff ? 1 : 0)) | 0
}

const mul = (ah: number, al: number, bh: number, bl: number): void => {
  const a0 = al & 0xffff
  const a1 = al >>> 16
  const b0 = bl & 0xffff
  const b1 = bl >>> 16
  const p00 = Math.imul(a0, b0) >>> 0
  const p01 = Math.imul(a0, b1) >>> 0
  const p10 = Math.imul(a1, b0) >>> 0
  const mid = (p00 >>> 16) + (p01 & 0xffff) + (p10 & 0xffff)
  rl = (mid << 16) | (p00 & 0xffff)
  rh = (Math.imul(a1, b1) + (p01 >>> 16) + (p10 >>> 16) + (mid >>> 16) + Math.imul(ah, bl) + Math.imul(al, bh)) | 0
}

const rotl = (h: number, l: number, n: number): void => {
  if (n < 32) {
    rh = (h << n) | (l >>> (32 - n))
    rl = (l << n) | (h >>> (32 - n))
  } else {
    const m = n - 32
    rh = (l << m) | (h >>> (32 - m))
    rl = (h << m) | (l >>> (32 - m))
  }
}

const C1H = 0x87c37b91 | 0
const C1L = 0x114253d5 | 0
const C2H = 0x4cf5ad43 | 0
const C2L = 0x2745937f | 0

/** k1 = rotl(k1 * c1, 31) * c2 */
const mixK1 = (h: number, l: number): void => {
  mul(h, l, C1H, C1L)
  rotl(rh, rl, 31)
  mul(rh, rl, C2H, C2L)
}

/** k2 = rotl(k2 * c2, 33) * c1 */
const mixK2 = (h: number, l: number): void => {
  mul(h, l, C2H, C2L)
  rotl(rh, rl, 33)
  mul(rh, rl, C1H, C1L)
}

const fmix = (h: number, l: number): void => {
  mul(h, l ^ (h >>> 1), 0xff51afd7 | 0, 0xed558ccd | 0)
  mul(rh, rl ^ (rh >>> 1), 0xc4ceb9fe | 0, 0x1a85ec53 | 0)
  rl ^= rh >>> 1
}

const le32 = (b: Uint8Array, o: number): number => b[o]! | (b[o + 1]! << 8) | (b[o + 2]! << 16) | (b[o + 3]! << 24)

/** Cassandra takes the bytes of the tail as signed: a high one smears its sign over everything above. */
const signedTail = (b: Uint8Array, o: number, n: number): void => {
  let h = 0
  let l = 0
  for (let i = 0; i < n; i++) {
    const byte = (b[o + i]! << 24) >> 24
    const shift = i * 8
    if (shift < 32) {
      l ^= byte << shift
      h ^= shift === 0 ? byte >> 31 : byte >> (32 - shift)
    } else {
      h ^= byte << (shift - 32)
    }
  }
  rh = h
  rl = l
}

/** The token of the key that lies between `start` and `end`, written to `out`. */
export const murmur3 = (key: Uint8Array, start: number, end: number, out: Token): Token => {
  const length = end - start
  const blocks = length >> 4
  let h1h = 0
  let h1l = 0
  let h2h = 0
  let h2l = 0
  for (let i = 0; i < blocks; i++) {
    const o = start + (i << 4)
    mixK1(le32(key, o + 4), le32(key, o))
    rotl(h1h ^ rh, h1l ^ rl, 27)
    add(rh, rl, h2h, h2l)
    mul(rh, rl, 0, 5)
    add(rh, rl, 0, 0x52dce729)
    h1h = rh
    h1l = rl
    mixK2(le32(key, o + 12), le32(key, o + 8))
    rotl(h2h ^ rh, h2l ^ rl, 31)
    add(rh, rl, h1h, h1l)
    mul(rh, rl, 0, 5)
    add(rh, rl, 0, 0x38495ab5)
    h2h = rh
    h2l = rl
  }
  const tail = start + (blocks << 4)
  const rest = length & 15
  if (rest > 8) {
    signedTail(key, tail + 8, rest - 8)
    mixK2(rh, rl)
    h2h ^= rh
    h2l ^= rl
  }
  if (rest > 0) {
    signedTail(key, tail, Math.min(rest, 8))
    mixK1(rh, rl)
    h1h ^= rh
    h1l ^= rl
  }
  h1l ^= length
  h2l ^= length
  add(h1h, h1l, h2h, h2l)
  h1h = rh
  h1l = rl
  add(h2h, h2l, h1h, h1l)
  h2h = rh
  h2l = rl
  fmix(h1h, h1l)
  h1h = rh
  h1l = rl
  fmix(h2h, h2l)
  add(h1h, h1l, rh, rl)
  out.high = rh
  out.low = rl
  return out
}
