/**
 * An empty page in the middle of a result, as servers give them when filtering finds nothing for a while. The proxy answers
 * the request for the second page itself: with the first page's answer, its rows taken out, so that the client asks again.
 */
import * as Proxy from "./proxy.ts"

const hasMorePages = 2
const noMetadata = 4
const metadataChanged = 8
const globalSpec = 1

/** The answer's body without its rows; undefined for anything but a page of rows that has a next one. */
const withoutRows = (body: Buffer): Buffer | undefined => {
  if (body.readInt32BE(0) !== 2) return undefined
  const flags = body.readInt32BE(4)
  if ((flags & hasMorePages) === 0) return undefined
  const columns = body.readInt32BE(8)
  let at = 12
  at += 4 + body.readInt32BE(at)
  const skipText = () => (at += 2 + body.readUInt16BE(at))
  if (flags & metadataChanged) skipText()
  if ((flags & noMetadata) === 0) {
    if (flags & globalSpec) {
      skipText()
      skipText()
    }
    for (let i = 0; i < columns; i++) {
      skipText()
      // The type: the tests that use this read simple types only.
      at += 2
    }
  }
  return Buffer.concat([body.subarray(0, at), Buffer.alloc(4)])
}

/** Makes the second page of the next result empty. */
export const emptyPage = (proxy: Proxy.Proxy): void => {
  let empty: Buffer | undefined
  proxy.onResponse = (frame) => {
    if (frame.opcode === Proxy.opcodes.result) empty ??= withoutRows(frame.body)
    return frame.raw
  }
  proxy.onRequest = (frame) => {
    if (frame.opcode !== Proxy.opcodes.execute || empty === undefined) return "forward"
    const body = empty
    proxy.onRequest = () => "forward"
    proxy.onResponse = (later) => later.raw
    return Proxy.answer(frame, Proxy.opcodes.result, body)
  }
}
