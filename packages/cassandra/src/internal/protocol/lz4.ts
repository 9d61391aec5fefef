import { WireError } from "./errors.ts"

/** LZ4 blocks. */
export interface Lz4 {
  /** The block for these bytes, without any length prefix. */
  readonly compress: (data: Buffer) => Buffer
  /** The bytes of a block whose size is known. */
  readonly decompress: (block: Buffer, size: number) => Buffer
}

/** What there is of them in `lz4-napi`. */
export interface Lz4Napi {
  readonly compressSync: (data: Buffer) => Buffer
  readonly uncompressSync: (data: Buffer) => Buffer
}

/** LZ4 by that package. */
export const lz4Of = (napi: Lz4Napi): Lz4 => ({
  // lz4-napi puts the length of its input in front of its output, as four bytes; the protocol carries it elsewhere.
  compress: (data) => napi.compressSync(data).subarray(4),
  decompress: (block, size) => {
    const prefixed = Buffer.allocUnsafe(block.length + 4)
    prefixed.writeUInt32LE(size, 0)
    block.copy(prefixed, 4)
    let out: Buffer
    try {
      out = napi.uncompressSync(prefixed)
    } catch (cause) {
      throw new WireError("CorruptPayload", `compressed bytes do not decompress: ${String(cause)}`)
    }
    if (out.length !== size) {
      throw new WireError("CorruptPayload", `a compressed block gave ${out.length} bytes instead of ${size}`)
    }
    return out
  }
})
