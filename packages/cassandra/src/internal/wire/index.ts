/**
 * The wire: native protocol v5, LZ4, fast rows and true cancellation for `cassandra-driver`, in one folder that nothing
 * else has to know the inside of.
 *
 * ```ts
 * const client = new cassandra.Client(options)          // the driver's own client, not connected yet
 * if (wireStatus()._tag === "Available") attach(client, { compression: "auto", minimumProtocolVersion: 5 })
 * client.connect(...)                                   // as ever: pools, topology, events, client.getState()
 *
 * const handle = execute(client, "SELECT * FROM t WHERE id = ?", [id], { prepare: true, keyspace: "ks" }, (error, result) => {})
 * handle.cancel()                                       // the callback will not be called
 * ```
 *
 * - `attach` works on this one client; another client of the process, and the driver's classes, are not touched.
 * - `execute` and `batch` send past the driver's request code, but by its pools, load balancing and retry policies, request
 *   tracker and metrics; `speculation` in the options tells when a second execution starts; rows come as plain values (see `decodeValue.ts`), one page a call:
 *   `result.pageState` goes into the next call's `pageState`. Values to bind are the same plain values or the driver's own
 *   classes (see `encodeScalar.ts`); one that does not fit is a `Misfit`, and nothing is sent. `prepare` gives a statement that `execute` and `batch` take in place of its text, which saves the lookup.
 * - `options` are the driver's query options. `keyspace` is sent with the request under v5 and fails below it, unless it
 *   is the client's own; `nowInSeconds` needs v5; `consistency: 0` (ANY) is honoured. The object itself is what policies
 *   and trackers get from `getRawQueryOptions()`.
 * - Failures are the driver's errors with their fields. Failures of the wire itself are `WireError`s: as the error itself
 *   (`UnpreparedLoop`, `NotSupportedByVersion`), as `innerError` of a "Socket was closed" (`CorruptHeader`,
 *   `CorruptPayload`, `Malformed`, `FrameTooLarge`), or in `innerErrors` of the `NoHostAvailableError` that ends connecting
 *   (`UnsupportedVersion`). `CompressionUnavailable` is thrown by `attach`.
 *   Errors 0x1600 (CDC_WRITE_FAILURE) and 0x1700 (CAS_WRITE_UNKNOWN: `consistencies`, `received`, `blockFor`) are
 *   `ResponseError`s like the rest; read and write failures carry `reasons` by address; a CAS write timeout `contentions`.
 * - `abortConnecting` ends a `connect` that is under way. `protocolOptions.maxVersion` is the driver's and means nothing on an
 *   attached client: `maximumProtocolVersion` says where the negotiation begins.
 * - `client.execute` and everything else of the driver still works on an attached client, with the driver's own values.
 */
export { abortConnecting, attach } from "./attach.ts"
export { type Column, type ColumnType, TypeCode } from "./columnType.ts"
export { decodeRows, type Row, rowsDecoder, type RowsDecoder } from "./decodeRows.ts"
export { makeReader, type Reader } from "./decodeValue.ts"
export { type DurationValue } from "./decodeTime.ts"
export { wireStatus, type WireStatus } from "./driver.ts"
export { isWireError, WireError, type WireErrorReason } from "./errors.ts"
export {
  batch,
  type BatchStatement,
  type Cancellable,
  execute,
  type Params,
  prepare,
  type Prepared,
  setPreparePayload
} from "./execute.ts"
export { protocolVersion } from "./negotiate.ts"
export { type WireCallback } from "./request.ts"
export { type WireResult } from "./result.ts"
export { counters, isCompressed, orphans, type WireCounters, type WireOptions } from "./state.ts"
