/**
 * What the standard policy does with every error: one table, for the test of the policy and for that on the wire.
 */
import { CassandraError as E, type Consistency } from "effect-cassandra"
import { codes } from "../src/Consistency.ts"
import * as Body from "./wire/body.ts"

type Level = Consistency.Consistency

/** An error as servers send it. */
export interface OnTheWire {
  readonly code: number
  /** What follows the message. */
  readonly rest: Buffer
}

export interface Case {
  readonly name: string
  /** The error of a request with this consistency. */
  readonly error: (consistency: Level) => E.CassandraError
  /** Undefined for what no server answers. */
  readonly wire?: ((consistency: Level) => OnTheWire) | undefined
  /** What is decided after 0, 1, 2, 3 and 4 retries, a letter each: r(ethrow), s(ame host), n(ext host). */
  readonly idempotent: string
  readonly notIdempotent: string
}

const common = { message: "m" }
const failureMap = Buffer.concat([Body.int(1), Buffer.from([4, 127, 0, 0, 9]), Body.short(1)])
const strings = (...all: ReadonlyArray<string>) => Buffer.concat([Body.short(all.length), ...all.map(Body.string)])
const level = (consistency: Level) => Body.short(codes[consistency])
const plain =
  (code: number, ...rest: ReadonlyArray<Buffer>) =>
  (): OnTheWire => ({ code, rest: Buffer.concat(rest) })

const never = { idempotent: "rrrrr", notIdempotent: "rrrrr" }
const sameHost = { idempotent: "sssrr", notIdempotent: "sssrr" }
const sameHostIfIdempotent = { idempotent: "sssrr", notIdempotent: "rrrrr" }
const nextHost = { idempotent: "nnnrr", notIdempotent: "nnnrr" }
const nextHostIfIdempotent = { idempotent: "nnnrr", notIdempotent: "rrrrr" }

const writeTypes: ReadonlyArray<E.WriteType> = [
  "SIMPLE",
  "BATCH",
  "UNLOGGED_BATCH",
  "COUNTER",
  "BATCH_LOG",
  "CAS",
  "VIEW",
  "CDC"
]

/** The write types that are retried after a timeout, when the statement is idempotent. */
const retriedWrites = new Set<E.WriteType>(["SIMPLE", "BATCH", "UNLOGGED_BATCH"])

const readTimeout = (received: number, dataPresent: boolean): Case => ({
  name: `ReadTimeoutError, ${received < 2 ? "too few" : "enough"} replicas, ${dataPresent ? "data retrieved" : "no data"}`,
  error: (consistency) => new E.ReadTimeoutError({ ...common, consistency, received, required: 2, dataPresent }),
  wire: (consistency) => ({
    code: 0x1200,
    rest: Buffer.concat([level(consistency), Body.int(received), Body.int(2), Buffer.from([dataPresent ? 1 : 0])])
  }),
  ...(received >= 2 || dataPresent ? sameHost : never)
})

const writeTimeout = (writeType: E.WriteType): Case => ({
  name: `WriteTimeoutError, ${writeType}`,
  error: (consistency) => new E.WriteTimeoutError({ ...common, consistency, received: 1, required: 2, writeType }),
  wire: (consistency) => ({
    code: 0x1100,
    rest: Buffer.concat([
      level(consistency),
      Body.int(1),
      Body.int(2),
      Body.string(writeType),
      // How often it contended.
      ...(writeType === "CAS" ? [Body.short(1)] : [])
    ])
  }),
  ...(retriedWrites.has(writeType) ? sameHostIfIdempotent : never)
})

const readFailure = (dataPresent: boolean): Case => ({
  name: `ReadFailureError, ${dataPresent ? "data retrieved" : "no data"}`,
  error: (consistency) =>
    new E.ReadFailureError({
      ...common,
      consistency,
      received: 1,
      required: 2,
      failureCount: 1,
      failures: new Map(),
      dataPresent
    }),
  wire: (consistency) => ({
    code: 0x1300,
    rest: Buffer.concat([level(consistency), Body.int(1), Body.int(2), failureMap, Buffer.from([dataPresent ? 1 : 0])])
  }),
  ...never
})

const writeFailure = (writeType: E.WriteType): Case => ({
  name: `WriteFailureError, ${writeType}`,
  error: (consistency) =>
    new E.WriteFailureError({
      ...common,
      consistency,
      received: 1,
      required: 2,
      failureCount: 1,
      failures: new Map(),
      writeType
    }),
  wire: (consistency) => ({
    code: 0x1500,
    rest: Buffer.concat([level(consistency), Body.int(1), Body.int(2), failureMap, Body.string(writeType)])
  }),
  ...never
})

/** An error that leaves open, or not, whether the request was applied. */
const perhapsWritten = (name: string, make: (writeState: E.WriteState) => E.CassandraError): ReadonlyArray<Case> => [
  { name: `${name}, known not to be written`, error: () => make("NotApplied"), ...nextHost },
  { name: `${name}, perhaps written`, error: () => make("Unknown"), ...nextHostIfIdempotent }
]

export const table: ReadonlyArray<Case> = [
  ...[1, 2].flatMap((received) => [readTimeout(received, false), readTimeout(received, true)]),
  ...writeTypes.map(writeTimeout),
  {
    name: "UnavailableError",
    error: (consistency) =>
      new E.UnavailableError({ ...common, consistency, required: 2, alive: 1, writeState: "NotApplied" }),
    wire: (consistency) => ({
      code: 0x1000,
      rest: Buffer.concat([level(consistency), Body.int(2), Body.int(1)])
    }),
    idempotent: "nsrrr",
    notIdempotent: "nsrrr"
  },
  {
    // Whatever the policy decides, a batch that may be written in part is not sent again: see `retrying.it.ts`.
    name: "UnavailableError, of a batch",
    error: (consistency) =>
      new E.UnavailableError({ ...common, consistency, required: 2, alive: 1, writeState: "Unknown" }),
    idempotent: "nsrrr",
    notIdempotent: "nsrrr"
  },
  ...perhapsWritten("ConnectionError", (writeState) => new E.ConnectionError({ ...common, hosts: ["a"], writeState })),
  ...perhapsWritten(
    "OperationTimedOutError",
    (writeState) => new E.OperationTimedOutError({ ...common, timeout: 1, writeState })
  ),
  {
    name: "OverloadedError",
    error: () => new E.OverloadedError(common),
    wire: plain(0x1001),
    ...nextHostIfIdempotent
  },
  { name: "BootstrappingError", error: () => new E.BootstrappingError(common), wire: plain(0x1002), ...nextHost },
  readFailure(false),
  readFailure(true),
  ...writeTypes.map(writeFailure),
  { name: "ConfigurationError", error: () => new E.ConfigurationError({ ...common, option: "port" }), ...never },
  { name: "AuthenticationError", error: () => new E.AuthenticationError(common), wire: plain(0x0100), ...never },
  { name: "UnauthorizedError", error: () => new E.UnauthorizedError(common), wire: plain(0x2100), ...never },
  { name: "NoHostAvailableError", error: () => new E.NoHostAvailableError({ ...common, errors: new Map() }), ...never },
  { name: "TruncateError", error: () => new E.TruncateError(common), wire: plain(0x1003), ...never },
  { name: "ServerError", error: () => new E.ServerError(common), wire: plain(0x0000), ...never },
  { name: "ProtocolError", error: () => new E.ProtocolError(common), wire: plain(0x000a), ...never },
  {
    name: "FunctionFailureError",
    error: () => new E.FunctionFailureError({ ...common, keyspace: "k", functionName: "f", argumentTypes: [] }),
    wire: plain(0x1400, Body.string("k"), Body.string("f"), strings("int")),
    ...never
  },
  { name: "CdcWriteFailureError", error: () => new E.CdcWriteFailureError(common), wire: plain(0x1600), ...never },
  {
    name: "CasWriteUnknownError",
    error: (consistency) => new E.CasWriteUnknownError({ ...common, consistency, received: 1, required: 2 }),
    wire: (consistency) => ({ code: 0x1700, rest: Buffer.concat([level(consistency), Body.int(1), Body.int(2)]) }),
    ...never
  },
  { name: "CqlSyntaxError", error: () => new E.CqlSyntaxError(common), wire: plain(0x2000), ...never },
  { name: "InvalidQueryError", error: () => new E.InvalidQueryError(common), wire: plain(0x2200), ...never },
  {
    name: "AlreadyExistsError",
    error: () => new E.AlreadyExistsError({ ...common, keyspace: "k", table: "t" }),
    wire: plain(0x2400, Body.string("k"), Body.string("t")),
    ...never
  },
  {
    name: "ServerConfigurationError",
    error: () => new E.ServerConfigurationError(common),
    wire: plain(0x2300),
    ...never
  },
  {
    name: "RequestThrottledError",
    error: () => new E.RequestThrottledError({ ...common, maxConcurrentRequests: 1, maxQueuedRequests: 1 }),
    ...never
  },
  ...(["NotApplied", "Unknown"] as const).flatMap((writeState): ReadonlyArray<Case> => [
    {
      name: `SessionClosedError, ${writeState}`,
      error: () => new E.SessionClosedError({ ...common, writeState }),
      ...never
    },
    { name: `QueryError, ${writeState}`, error: () => new E.QueryError({ ...common, writeState }), ...never }
  ])
]

/** Every consistency there is. */
export const consistencies = Object.keys(codes) as ReadonlyArray<Level>
