/**
 * The wire: native protocol v5, LZ4, fast rows and true cancellation for `cassandra-driver`, in one folder that nothing
 * else has to know the inside of.
 *
 * ```ts
 * const client = clientInside(new cassandra.Client(options))   // the driver's own client, not connected yet
 * if (wireStatus()._tag === "Available") attach(client, { plan, compression: "auto", minimumProtocolVersion: 5 })
 * client.connect(...)                                   // as ever: pools, topology, events, client.getState()
 *
 * prepare(client, "SELECT * FROM t WHERE id = ?", options, false, { answered: (error, prepared) => {} })
 * const handle = execute(client, prepared, [id], options, { answered: (error, response) => {} })
 * handle.cancel()                                       // the receiver will hear nothing
 * ```
 *
 * - `attach` works on this one client; another client of the process, and the driver's classes, are not touched.
 * - `prepare`, `execute`, `query` (a text without values) and `batch` send past the driver's request code, but by its pools
 *   and by the `plan` that `attach` was given. Nothing is retried but what was certainly not sent: that is decided above.
 *   Rows come as plain values (see `decodeValue.ts`), one page a call; `response.pageState` goes into the next call's
 *   options. With `defer` the rows are decoded as they are taken.
 * - `keyspace` is sent with the request under v5 and fails below it, unless it is the client's own; `nowInSeconds` needs v5;
 *   consistency 0 (ANY) is honoured.
 * - Values to bind are plain ones or the driver's own classes (see `encodeScalar.ts`); one that does not fit is a `Misfit`,
 *   and nothing is sent.
 * - Failures are the driver's errors with their fields. Failures of the wire itself are `WireError`s: as the error itself
 *   (`UnpreparedLoop`, `NotSupportedByVersion`), as `innerError` of a "Socket was closed" (`CorruptHeader`,
 *   `CorruptPayload`, `Malformed`, `FrameTooLarge`), or in `innerErrors` of the `NoHostAvailableError` that ends connecting
 *   (`UnsupportedVersion`). `CompressionUnavailable` is thrown by `attach`.
 *   Errors 0x1600 (CDC_WRITE_FAILURE) and 0x1700 (CAS_WRITE_UNKNOWN: `consistencies`, `received`, `blockFor`) are
 *   `ResponseError`s like the rest; read and write failures carry `reasons` by address; a CAS write timeout `contentions`.
 * - `abort` ends a `connect` that is under way. `protocolOptions.maxVersion` is the driver's and means nothing on an
 *   attached client: `maximumProtocolVersion` says where the negotiation begins.
 * - `client.execute` and everything else of the driver still works on an attached client, with the driver's own values.
 * - What our clients need of the driver's private parts with the wire or without it is in `client/`, which has a door of its
 *   own.
 */
export { abort, attach } from "./attach.ts"
export { type Column, type ColumnType, TypeCode } from "../protocol/columnType.ts"
export { decodeRows, type Row, rowsDecoder, type RowsDecoder } from "../protocol/decodeRows.ts"
export { makeReader, type Reader } from "../protocol/decodeValue.ts"
export { type DurationValue } from "../protocol/decodeTime.ts"
export { wireStatus, type WireStatus } from "./driver.ts"
export { isWireError, WireError, type WireErrorReason } from "../protocol/errors.ts"
export { batch, type BatchStatement, execute, prepare, query, setPreparePayload } from "./execute.ts"
export { clientInside, hostInside } from "./inside.ts"
export { protocolVersion } from "./negotiate.ts"
export { type Prepared } from "./prepare.ts"
export { type WireResponse } from "./result.ts"
export { counters, dropped, isCompressed, orphans, type WireCounters, type WireOptions } from "./state.ts"
