import { assert, describe, it } from "@effect/vitest"
import driver from "cassandra-driver"
import type { CassandraError as E } from "effect-cassandra"
import { inspect } from "node:util"
import { fromEngineError, isBug, type RequestFacts } from "../src/internal/request/engineErrors.ts"
import { Misfit } from "../src/internal/protocol/misfit.ts"

const { responseErrorCodes: codes } = driver.types
const facts: RequestFacts = { timeout: 1234, batch: false, sent: true }
const coordinator = "10.0.0.1:9042"

/** An error as the driver's reader and request handler leave it. */
const response = (code: number, fields: object = {}) =>
  Object.assign(new driver.errors.ResponseError(code, "the server's words"), { coordinator, ...fields })

const counts = { consistencies: 4, received: 1, blockFor: 2 }
const replicas = { consistency: "QUORUM", received: 1, required: 2 }
const text = { query: "SELECT x" }

interface Case {
  readonly code: number
  readonly fields?: object
  readonly tag: E.CassandraErrorTag
  readonly expected?: object
  readonly retryable: boolean
  readonly writeState: E.WriteState
}

const table: Readonly<Record<string, Case>> = {
  serverError: { code: codes.serverError, tag: "ServerError", retryable: false, writeState: "Unknown" },
  protocolError: { code: codes.protocolError, tag: "ProtocolError", retryable: false, writeState: "NotApplied" },
  badCredentials: {
    code: codes.badCredentials,
    tag: "AuthenticationError",
    retryable: false,
    writeState: "NotApplied"
  },
  unavailableException: {
    code: codes.unavailableException,
    fields: { consistencies: 6, required: 2, alive: 1 },
    tag: "UnavailableError",
    expected: { consistency: "LOCAL_QUORUM", required: 2, alive: 1 },
    retryable: true,
    writeState: "NotApplied"
  },
  overloaded: { code: codes.overloaded, tag: "OverloadedError", retryable: true, writeState: "Unknown" },
  isBootstrapping: {
    code: codes.isBootstrapping,
    tag: "BootstrappingError",
    retryable: true,
    writeState: "NotApplied"
  },
  truncateError: { code: codes.truncateError, tag: "TruncateError", retryable: false, writeState: "Unknown" },
  writeTimeout: {
    code: codes.writeTimeout,
    fields: { ...counts, writeType: "CAS" },
    tag: "WriteTimeoutError",
    expected: { ...replicas, writeType: "CAS" },
    retryable: true,
    writeState: "Unknown"
  },
  readTimeout: {
    code: codes.readTimeout,
    fields: { ...counts, isDataPresent: 1 },
    tag: "ReadTimeoutError",
    expected: { ...replicas, dataPresent: true },
    retryable: true,
    writeState: "NotApplied"
  },
  readFailure: {
    code: codes.readFailure,
    fields: { ...counts, failures: 2, reasons: { "10.0.0.2": 1, "10.0.0.3": 99 }, isDataPresent: 0 },
    tag: "ReadFailureError",
    expected: {
      ...replicas,
      dataPresent: false,
      failureCount: 2,
      failures: new Map<string, unknown>([
        ["10.0.0.2", "READ_TOO_MANY_TOMBSTONES"],
        ["10.0.0.3", 99]
      ])
    },
    retryable: false,
    writeState: "NotApplied"
  },
  functionFailure: {
    code: codes.functionFailure,
    fields: { keyspace: "ks", functionName: "f", argTypes: ["int", "text"] },
    tag: "FunctionFailureError",
    expected: { keyspace: "ks", functionName: "f", argumentTypes: ["int", "text"] },
    retryable: false,
    writeState: "NotApplied"
  },
  writeFailure: {
    code: codes.writeFailure,
    // Below protocol v5 the server tells the number of failures, and no reasons.
    fields: { ...counts, failures: 1, writeType: "SIMPLE" },
    tag: "WriteFailureError",
    expected: { ...replicas, writeType: "SIMPLE", failureCount: 1, failures: new Map() },
    retryable: false,
    writeState: "Unknown"
  },
  cdcWriteFailure: { code: 0x1600, tag: "CdcWriteFailureError", retryable: false, writeState: "NotApplied" },
  casWriteUnknown: {
    code: 0x1700,
    fields: counts,
    tag: "CasWriteUnknownError",
    expected: replicas,
    retryable: false,
    writeState: "Unknown"
  },
  syntaxError: {
    code: codes.syntaxError,
    fields: text,
    tag: "CqlSyntaxError",
    expected: text,
    retryable: false,
    writeState: "NotApplied"
  },
  unauthorized: { code: codes.unauthorized, tag: "UnauthorizedError", retryable: false, writeState: "NotApplied" },
  invalid: {
    code: codes.invalid,
    fields: text,
    tag: "InvalidQueryError",
    expected: text,
    retryable: false,
    writeState: "NotApplied"
  },
  configError: { code: codes.configError, tag: "ServerConfigurationError", retryable: false, writeState: "NotApplied" },
  alreadyExists: {
    code: codes.alreadyExists,
    fields: { keyspace: "ks", table: "t" },
    tag: "AlreadyExistsError",
    expected: { keyspace: "ks", table: "t" },
    retryable: false,
    writeState: "NotApplied"
  }
}

describe("an error that the server answered with", () => {
  for (const [name, { code, expected, fields, retryable, tag, writeState }] of Object.entries(table)) {
    it(`${name} is a ${tag} with its fields`, () => {
      const cause = response(code, fields)
      const error = fromEngineError(cause, facts)
      assert.strictEqual(error._tag, tag)
      assert.strictEqual(error.message, cause.message)
      assert.strictEqual(error.cause, cause)
      assert.strictEqual((error as { host?: string }).host, coordinator)
      assert.strictEqual(error.isRetryable, retryable)
      assert.strictEqual(error.writeState, writeState)
      for (const [field, value] of Object.entries(expected ?? {})) {
        assert.deepStrictEqual((error as unknown as Record<string, unknown>)[field], value, field)
      }
    })
  }

  it("every code that the driver knows has a row, but UNPREPARED, which it answers itself", () => {
    const known = Object.entries(codes as unknown as Record<string, number>).filter(
      ([name]) => name !== "unprepared" && name !== "clientWriteFailure"
    )
    const tested = new Set(Object.values(table).map(({ code }) => code))
    for (const [name, code] of known) assert.isTrue(tested.has(code), name)
  })

  it("an unknown code is a ServerError", () => {
    assert.strictEqual(fromEngineError(response(0x7777), facts)._tag, "ServerError")
  })

  it("every replica failure reason of protocol v5 has its name", () => {
    const names: ReadonlyArray<E.FailureReason> = [
      "UNKNOWN",
      "READ_TOO_MANY_TOMBSTONES",
      "TIMEOUT",
      "INCOMPATIBLE_SCHEMA",
      "READ_SIZE",
      "NODE_DOWN",
      "INDEX_NOT_AVAILABLE",
      "READ_TOO_MANY_INDEXES"
    ]
    names.forEach((name, reason) => {
      const error = fromEngineError(response(codes.readFailure, { reasons: { a: reason } }), facts)
      assert.strictEqual(error._tag === "ReadFailureError" && error.failures.get("a"), name)
    })
  })

  it("an unavailable for a part of a batch leaves open whether the batch was written", () => {
    const error = fromEngineError(response(codes.unavailableException), { ...facts, batch: true })
    assert.strictEqual(error.writeState, "Unknown")
  })

  it("an existing keyspace has no table", () => {
    const error = fromEngineError(response(codes.alreadyExists, { keyspace: "ks" }), facts)
    assert.deepInclude(error, { keyspace: "ks", table: undefined })
  })
})

const socket = (fields: object) => Object.assign(new Error("Connection was closed"), { coordinator, ...fields })

/** The driver's errors have the names of their functions, which minifiers change. */
const renamed = (error: Error): Error => Object.assign(error, { name: "qR" })

describe("a minified driver's error", () => {
  const { errors } = driver
  const made: ReadonlyArray<() => Error> = [
    ...Object.values(table).map(
      ({ code }) =>
        () =>
          new errors.ResponseError(code, "the server's words")
    ),
    () => new errors.NoHostAvailableError({ [coordinator]: new errors.ResponseError(codes.overloaded, "busy") }),
    () => new errors.OperationTimedOutError("late", coordinator),
    () => new errors.BusyConnectionError(coordinator, 1, 1),
    () => new errors.AuthenticationError("no"),
    () => new errors.ArgumentError("no"),
    () => new errors.DriverInternalError("no"),
    () => new errors.NotSupportedError("no")
  ]
  it("is what it is by any other name", () => {
    for (const make of made) {
      const expected = fromEngineError(make(), facts)
      const found = fromEngineError(renamed(make()), facts)
      assert.strictEqual(found._tag, expected._tag)
      assert.strictEqual(found.message, expected.message)
      assert.strictEqual(found.writeState, expected.writeState)
    }
  })
})

describe("an error of the driver's own", () => {
  it("a client time-out carries the host, the time and whether the request had left", () => {
    const cause = new driver.errors.OperationTimedOutError("The host did not reply", coordinator)
    for (const [sent, writeState] of [
      [true, "Unknown"],
      [false, "NotApplied"]
    ] as const) {
      const error = fromEngineError(cause, { ...facts, sent })
      assert.strictEqual(error._tag, "OperationTimedOutError")
      assert.deepInclude(error, { host: coordinator, timeout: 1234 })
      assert.strictEqual(error.writeState, writeState)
      assert.strictEqual(error.message, cause.message)
    }
  })

  it("a lost connection is Unknown, unless the request was not written", () => {
    const lost = fromEngineError(socket({ isSocketError: true }), facts)
    assert.strictEqual(lost._tag, "ConnectionError")
    assert.strictEqual(lost.writeState, "Unknown")
    assert.deepStrictEqual(lost._tag === "ConnectionError" && lost.hosts, [coordinator])
    const before = fromEngineError(socket({ isSocketError: true, requestNotWritten: true }), facts)
    assert.strictEqual(before.writeState, "NotApplied")
  })

  for (const code of ["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT", "ENOTFOUND", "DEPTH_ZERO_SELF_SIGNED_CERT"]) {
    it(`${code} is a ConnectionError`, () => {
      assert.strictEqual(fromEngineError(socket({ code }), facts)._tag, "ConnectionError")
    })
  }

  it("a busy connection was not written to", () => {
    const error = fromEngineError(new driver.errors.BusyConnectionError(coordinator, 2048, 1), facts)
    assert.strictEqual(error._tag, "ConnectionError")
    assert.strictEqual(error.writeState, "NotApplied")
  })

  it("no host available has an error of ours for each host", () => {
    const cause = new driver.errors.NoHostAvailableError({
      a: response(codes.overloaded),
      b: "Host considered as DOWN" as never,
      c: socket({ isSocketError: true }),
      d: null as never
    })
    const error = fromEngineError(cause, facts)
    assert.strictEqual(error._tag, "NoHostAvailableError")
    if (error._tag !== "NoHostAvailableError") return
    assert.deepStrictEqual(
      [...error.errors].map(([host, { _tag, writeState }]) => [host, _tag, writeState]),
      [
        ["a", "OverloadedError", "Unknown"],
        ["b", "ConnectionError", "NotApplied"],
        ["c", "ConnectionError", "Unknown"],
        ["d", "ConnectionError", "NotApplied"]
      ]
    )
    assert.strictEqual(error.cause, cause)
    assert.strictEqual(error.writeState, "Unknown")
  })

  it("a refused login is an AuthenticationError", () => {
    assert.strictEqual(fromEngineError(new driver.errors.AuthenticationError("no"), facts)._tag, "AuthenticationError")
  })

  it("a refused argument was not sent", () => {
    const error = fromEngineError(new driver.errors.ArgumentError("bad"), facts)
    assert.strictEqual(error._tag, "QueryError")
    assert.strictEqual(error.writeState, "NotApplied")
  })

  it("anything else is a QueryError with the cause", () => {
    const cause = new driver.errors.DriverInternalError("a bug")
    const error = fromEngineError(cause, facts)
    assert.strictEqual(error._tag, "QueryError")
    assert.strictEqual(error.cause, cause)
    assert.strictEqual(error.message, "a bug")
    assert.strictEqual(fromEngineError("text", facts)._tag, "QueryError")
    assert.strictEqual(fromEngineError(undefined, facts)._tag, "QueryError")
  })

  it("a bug is told from what an error says", () => {
    const bugs = [new TypeError("x is not a function"), new RangeError("Invalid array length"), new ReferenceError("y")]
    const nodes = Object.assign(new RangeError("out of range"), { code: "ERR_OUT_OF_RANGE" })
    for (const bug of [...bugs, nodes]) assert.isTrue(isBug(bug))
    const errors = [
      new Misfit("an integer"),
      response(codes.invalid),
      socket({ isSocketError: true }),
      socket({ code: "ECONNREFUSED" }),
      new driver.errors.ArgumentError("bad"),
      new Error("x"),
      "x",
      undefined
    ]
    for (const error of errors) assert.isFalse(isBug(error))
  })

  it("what is ours already stays as it is", () => {
    const error = fromEngineError(new driver.errors.AuthenticationError("no"), facts)
    assert.strictEqual(fromEngineError(error, facts), error)
  })

  const quoting: ReadonlyArray<Error> = [
    new TypeError("Expected Number, obtained 'planted'"),
    new TypeError("Not a valid text value, expected String obtained 'planted'"),
    new TypeError("Invalid date: planted"),
    new TypeError("LocalTime could not be parsed Error: planted is not a time"),
    new TypeError("Unexpected routingKey 'planted' provided."),
    new RangeError('The value of "value" is out of range. It must be >= -1 and <= 1. Received planted'),
    new TypeError("Expected Number, obtained 'a\n    at planted\n    at planted'")
  ]
  for (const cause of quoting) {
    it(`never shows the value in: ${JSON.stringify(cause.message)}`, () => {
      const error = fromEngineError(cause, facts)
      assert.strictEqual(error._tag, "QueryError")
      assert.strictEqual(error.writeState, "Unknown")
      assert.strictEqual(fromEngineError(cause, { ...facts, sent: false }).writeState, "NotApplied")
      for (const shown of [
        error.message,
        String(error),
        error.stack,
        JSON.stringify(error),
        inspect(error, { depth: 20, showHidden: true })
      ]) {
        assert.notInclude(shown, "planted")
      }
    })
  }
})
