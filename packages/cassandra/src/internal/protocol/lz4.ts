import { createRequire } from "node:module"
import { WireError } from "./errors.ts"

/**
 * LZ4 blocks through `lz4-napi`, an optional peer dependency: it is looked for when a client asks for compression and at
 * no other time.
 */
export interface Lz4 {
  /** The block for these bytes, without any length prefix. */
  readonly compress: (data: Buffer) => Buffer
  /** The bytes of a block whose size is known. */
  readonly decompress: (block: Buffer, size: number) => Buffer
}

interface Lz4Napi {
  readonly compressSync: (data: Buffer) => Buffer
  readonly uncompressSync: (data: Buffer) => Buffer
}

let loaded: Lz4 | WireError | undefined

const load = (): Lz4 | WireError => {
  let napi: Lz4Napi
  try {
    napi = createRequire(import.meta.url)("lz4-napi") as Lz4Napi
  } catch {
    return new WireError(
      "CompressionUnavailable",
      'compression "lz4" needs the optional package "lz4-napi": install it beside the client, or ask for "none"'
    )
  }
  return {
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
  }
}

/** LZ4, or the error that says what to install. The package is loaded once. */
export const lz4 = (): Lz4 | WireError => (loaded ??= load())
