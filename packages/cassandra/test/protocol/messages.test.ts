/** Requests as the specification has them, and the answers that no server can be made to give. */
import * as fc from "fast-check"
import { assert, describe, it } from "vitest"
import { ByteWriter } from "../../src/internal/protocol/byteWriter.ts"
import { TypeCode } from "../../src/internal/protocol/columnType.ts"
import { Cursor, readShape } from "../../src/internal/protocol/columns.ts"
import { isWireError } from "../../src/internal/protocol/errors.ts"
import { readEvent, readSchemaChange } from "../../src/internal/protocol/events.ts"
import { ErrorCode, HeaderFlag, Opcode, type ProtocolVersion } from "../../src/internal/protocol/opcode.ts"
import { PreparedStatement } from "../../src/internal/protocol/preparedStatement.ts"
import * as Requests from "../../src/internal/protocol/requests.ts"
import { readAnswer, readResponse } from "../../src/internal/protocol/responses.ts"
import { readServerError, ServerResponseError } from "../../src/internal/protocol/serverError.ts"
import * as Body from "../wire/body.ts"
import { requestOf } from "./recordings/recording.ts"

/** A request, read as the specification describes it. */
const readRequest = (bytes: Buffer) => {
  const version = bytes[0]!
  const flags = bytes[1]!
  const opcode = bytes[4]!
  assert.strictEqual(bytes.readInt32BE(5), bytes.length - 9)
  const c = new Cursor(bytes, 9, bytes.length)
  const long = (): bigint => c.fixed(8).readBigInt64BE()
  const longString = (): string => c.fixed(c.int()).toString("utf8")
  const values = (): Array<number> =>
    c.list(() => {
      assert.strictEqual(c.int(), 4)
      return c.int()
    })
  const payload = (flags & 0x04) === 0 ? undefined : Object.fromEntries(c.list(() => [c.string(), c.bytes()] as const))
  const parameters = () => {
    const consistency = c.short()
    const bits = version === 5 ? c.int() : c.byte()
    const part = <A>(bit: number, read: () => A): A | undefined => ((bits & bit) === 0 ? undefined : read())
    return {
      consistency,
      values: part(0x01, values),
      skipMetadata: (bits & 0x02) !== 0,
      pageSize: part(0x04, () => c.int()),
      pageState: part(0x08, () => c.bytes()),
      serialConsistency: part(0x10, () => c.short()),
      timestamp: part(0x20, long),
      keyspace: part(0x80, () => c.string()),
      nowInSeconds: part(0x100, () => c.int())
    }
  }
  const members = () =>
    c.list(() =>
      c.byte() === 0
        ? { query: longString(), values: values() }
        : { id: c.shortBytes().toString("latin1"), values: values() }
    )
  const body = () => {
    switch (opcode) {
      case Opcode.query:
        return { query: longString(), ...parameters() }
      case Opcode.execute: {
        const id = c.shortBytes().toString("latin1")
        return { id, resultId: version === 5 ? c.shortBytes().toString("latin1") : undefined, ...parameters() }
      }
      case Opcode.batch:
        return { type: c.byte(), members: members(), ...parameters() }
      case Opcode.prepare: {
        const query = longString()
        return { query, keyspace: version === 5 && c.int() === 1 ? c.string() : undefined }
      }
      case Opcode.register:
        return { events: c.list(() => c.string()) }
      case Opcode.authResponse:
        return { token: c.bytes()!.toString("latin1") }
      case Opcode.startup:
        return { entries: c.list(() => [c.string(), c.string()]) }
      default:
        return {}
    }
  }
  const read = { version, tracing: (flags & 0x02) !== 0, streamId: bytes.readInt16BE(2), opcode, payload, ...body() }
  assert.strictEqual(c.at, bytes.length)
  return read
}

const options: Requests.RequestOptions = {
  consistency: 6,
  serialConsistency: undefined,
  pageSize: 5000,
  pageState: undefined,
  tracing: false,
  customPayload: undefined,
  nowInSeconds: undefined
}

const written = (write: (w: ByteWriter) => void): Buffer => {
  const w = new ByteWriter()
  // Not at the beginning of the buffer, as in a batch of requests.
  w.text("before")
  w.take()
  write(w)
  return Buffer.from(w.take())
}

const given = fc.record({
  consistency: fc.integer({ min: 1, max: 10 }),
  serialConsistency: fc.constantFrom(undefined, 8, 9),
  pageSize: fc.constantFrom(1, 100, 5000),
  pageState: fc.option(
    fc.uint8Array({ minLength: 1, maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    { nil: undefined }
  ),
  tracing: fc.boolean(),
  customPayload: fc.option(
    fc.dictionary(fc.string({ minLength: 1, maxLength: 5 }), fc.constant(Buffer.from("value")), {
      minKeys: 1,
      maxKeys: 2,
      noNullPrototype: true
    }),
    { nil: undefined }
  ),
  nowInSeconds: fc.constant(undefined)
})
const timestamp = fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { nil: undefined })
const keyspace = fc.constantFrom(undefined, "ks", "ünïcode")

const int = { name: "v", type: { code: TypeCode.int } }

const preparedOf = (version: ProtocolVersion, variables = [int]): PreparedStatement => {
  const resultId = version === 5 ? Buffer.from("result") : undefined
  return new PreparedStatement("SELECT ?", undefined, {
    id: Buffer.from("identity"),
    resultId,
    variables,
    keyspace: "ks",
    table: "t",
    partitionKey: [0],
    result: { id: resultId, shape: undefined }
  })
}

const read = (write: (w: ByteWriter) => void): object => readRequest(written(write))

/** What of the options there is in a request. */
const sent = (o: Requests.RequestOptions, t: bigint | undefined, ks: string | undefined, version: ProtocolVersion) => ({
  consistency: o.consistency,
  pageSize: o.pageSize === 0 ? undefined : o.pageSize,
  pageState: o.pageState,
  serialConsistency: o.serialConsistency,
  timestamp: t,
  keyspace: version === 5 ? ks : undefined,
  nowInSeconds: undefined,
  skipMetadata: false,
  values: undefined
})

for (const version of [4, 5] as const) {
  const header = (opcode: number, o: Requests.RequestOptions = options) => ({
    version,
    streamId: 300,
    opcode,
    tracing: o.tracing,
    payload: o.customPayload
  })

  describe(`requests of v${version}`, () => {
    it("QUERY", () => {
      fc.assert(
        fc.property(given, timestamp, keyspace, fc.string({ unit: "grapheme" }), (o, t, ks, query) => {
          const bytes = written((w) =>
            Requests.writeRequest(w, version, 300, { _tag: "Query", query, keyspace: ks }, o, t)
          )
          assert.deepStrictEqual(readRequest(bytes) as object, {
            ...header(Opcode.query, o),
            query,
            ...sent(o, t, ks, version)
          })
        })
      )
    })

    it("EXECUTE", () => {
      const prepared = preparedOf(version)
      fc.assert(
        fc.property(given, timestamp, fc.integer(), (o, t, value) => {
          const payload = { _tag: "Execute", prepared, writers: prepared.writers, values: [value] } as const
          const bytes = written((w) => {
            assert.strictEqual(Requests.writeRequest(w, version, 300, payload, o, t), prepared.result)
          })
          assert.deepStrictEqual(readRequest(bytes) as object, {
            ...header(Opcode.execute, o),
            id: "identity",
            resultId: version === 5 ? "result" : undefined,
            ...sent(o, t, undefined, version),
            values: [value]
          })
        })
      )
    })

    it("EXECUTE without values, and without metadata where that is known and v5", () => {
      const prepared = preparedOf(version, [])
      const c = Body.columns([["v", 9]])
      prepared.result = { id: prepared.result.id, shape: readShape(new Cursor(c, 0, c.length), 1, true) }
      const payload = { _tag: "Execute", prepared, writers: [], values: [] } as const
      const bytes = written((w) => Requests.writeRequest(w, version, 300, payload, options, undefined))
      assert.deepStrictEqual(readRequest(bytes) as object, {
        ...header(Opcode.execute),
        id: "identity",
        resultId: version === 5 ? "result" : undefined,
        ...sent(options, undefined, undefined, version),
        skipMetadata: version === 5
      })
    })

    it("BATCH", () => {
      const prepared = preparedOf(version)
      const member = fc.oneof(fc.integer(), fc.string())
      fc.assert(
        fc.property(given, timestamp, keyspace, fc.array(member, { maxLength: 4 }), (o, t, ks, members) => {
          const items = members.map((m) =>
            typeof m === "string" ? { query: m } : { prepared, writers: prepared.writers, values: [m] }
          )
          const bytes = written((w) =>
            Requests.writeRequest(w, version, 300, { _tag: "Batch", type: 1, items, keyspace: ks }, o, t)
          )
          assert.deepStrictEqual(readRequest(bytes) as object, {
            ...header(Opcode.batch, o),
            type: 1,
            members: members.map((m) =>
              typeof m === "string" ? { query: m, values: [] } : { id: "identity", values: [m] }
            ),
            ...sent({ ...o, pageSize: 0, pageState: undefined }, t, ks, version)
          })
        })
      )
    })

    it("PREPARE, REGISTER, AUTH_RESPONSE, STARTUP and OPTIONS", () => {
      for (const ks of [undefined, "", "ks"]) {
        assert.deepStrictEqual(
          read((w) => Requests.writePrepare(w, version, 300, "SELECT 1", ks, undefined)),
          { ...header(Opcode.prepare), query: "SELECT 1", keyspace: version === 5 && ks === "ks" ? ks : undefined }
        )
      }
      const events = ["STATUS_CHANGE", "SCHEMA_CHANGE"]
      assert.deepStrictEqual(
        read((w) => Requests.writeRegister(w, version, 300, events)),
        { ...header(Opcode.register), events }
      )
      const token = "\0user\0password"
      assert.deepStrictEqual(
        read((w) => Requests.writeAuthResponse(w, version, 300, Buffer.from(token))),
        { ...header(Opcode.authResponse), token }
      )
      const entries = { CQL_VERSION: "3.0.0", X: "ü" }
      assert.deepStrictEqual(
        read((w) => Requests.writeStartup(w, version, 300, entries)),
        { ...header(Opcode.startup), entries: Object.entries(entries) }
      )
      assert.deepStrictEqual(
        read((w) => Requests.writeOptions(w, version, 300)),
        header(Opcode.options)
      )
    })

    it("a PREPARE with a custom payload", () => {
      const bytes = written((w) => Requests.writePrepare(w, version, 1, "Q", undefined, { k: Buffer.from("v") }))
      assert.strictEqual(bytes[1], HeaderFlag.payload)
      const payload = Buffer.concat([Body.short(1), Body.string("k"), Body.bytes(Buffer.from("v"))])
      const rest = [Body.int(1), Body.text("Q"), ...(version === 5 ? [Body.int(0)] : [])]
      assert.deepStrictEqual(bytes.subarray(9), Buffer.concat([payload, ...rest]))
    })
  })
}

describe("between the versions", () => {
  const query = { _tag: "Query", query: "Q", keyspace: "ks" } as const

  it("nowInSeconds is v5's", () => {
    const now = { ...options, nowInSeconds: 77 }
    const v5 = written((w) => Requests.writeRequest(w, 5, 1, query, now, undefined))
    assert.strictEqual(v5.readInt32BE(v5.length - 4), 77)
    assert.throws(() => Requests.writeRequest(new ByteWriter(), 4, 1, query, now, undefined), /v5/)
  })

  it("a statement prepared by v4 has no result id for v5", () => {
    const prepared = preparedOf(4)
    const payload = { _tag: "Execute", prepared, writers: prepared.writers, values: [1] } as const
    assert.throws(() => Requests.writeRequest(new ByteWriter(), 5, 1, payload, options, undefined), /older version/)
  })

  it("a node of an older version takes nothing from what is remembered", () => {
    const prepared = preparedOf(5)
    const { result } = prepared
    const { id, partitionKey } = prepared
    const text = { name: "v", type: { code: TypeCode.text } }
    const again = { id, resultId: undefined, variables: [text], keyspace: "ks", table: "t", partitionKey }
    prepared.update({ ...again, result: { id: undefined, shape: undefined } })
    assert.strictEqual(prepared.result, result)
    assert.deepStrictEqual(prepared.variables, [text])
    const newer = { id: Buffer.from("newer"), shape: undefined }
    prepared.update({ ...again, resultId: newer.id, result: newer })
    assert.strictEqual(prepared.result, newer)
  })
})

const cursor = (...parts: ReadonlyArray<Buffer>): Cursor => {
  const body = Buffer.concat(parts)
  return new Cursor(body, 0, body.length)
}

const replicas = Buffer.concat([Body.short(6), Body.int(1), Body.int(2)])
const told = { consistencies: 6, received: 1, blockFor: 2 }
const byte = (n: number): Buffer => Buffer.from([n])
const failed = (version: ProtocolVersion): Buffer =>
  version === 4
    ? Body.int(2)
    : Buffer.concat([
        Body.int(2),
        Buffer.from([4, 10, 0, 0, 1, 0, 1]),
        Buffer.from([16, ...Array.from({ length: 15 }, () => 0), 1, 0, 2])
      ])
const failures = (version: ProtocolVersion) =>
  version === 4 ? { failures: 2 } : { failures: 2, reasons: { "10.0.0.1": 1, "::1": 2 } }

interface Case {
  readonly code: number
  readonly body: Buffer
  readonly fields: object
}

const errors = (version: ProtocolVersion): ReadonlyArray<Case> => [
  ...[
    ErrorCode.server,
    ErrorCode.protocol,
    ErrorCode.badCredentials,
    ErrorCode.overloaded,
    ErrorCode.bootstrapping,
    ErrorCode.truncate,
    ErrorCode.cdcWriteFailure,
    ErrorCode.syntax,
    ErrorCode.unauthorized,
    ErrorCode.invalid,
    ErrorCode.config
  ].map((code) => ({ code, body: Buffer.alloc(0), fields: {} })),
  {
    code: ErrorCode.unavailable,
    body: Buffer.concat([Body.short(6), Body.int(3), Body.int(1)]),
    fields: { consistencies: 6, required: 3, alive: 1 }
  },
  { code: ErrorCode.readTimeout, body: Buffer.concat([replicas, byte(1)]), fields: { ...told, isDataPresent: true } },
  {
    code: ErrorCode.readFailure,
    body: Buffer.concat([replicas, failed(version), byte(0)]),
    fields: { ...told, ...failures(version), isDataPresent: false }
  },
  {
    code: ErrorCode.writeTimeout,
    body: Buffer.concat([replicas, Body.string("BATCH_LOG")]),
    fields: { ...told, writeType: "BATCH_LOG" }
  },
  {
    code: ErrorCode.writeTimeout,
    body: Buffer.concat([replicas, Body.string("CAS"), ...(version === 5 ? [Body.short(9)] : [])]),
    fields: { ...told, writeType: "CAS", ...(version === 5 ? { contentions: 9 } : {}) }
  },
  {
    code: ErrorCode.writeFailure,
    body: Buffer.concat([replicas, failed(version), Body.string("SIMPLE")]),
    fields: { ...told, ...failures(version), writeType: "SIMPLE" }
  },
  { code: ErrorCode.casWriteUnknown, body: replicas, fields: told },
  {
    code: ErrorCode.functionFailure,
    body: Buffer.concat([Body.string("ks"), Body.string("f"), Body.short(2), Body.string("int"), Body.string("text")]),
    fields: { keyspace: "ks", functionName: "f", argTypes: ["int", "text"] }
  },
  {
    code: ErrorCode.alreadyExists,
    body: Buffer.concat([Body.string("ks"), Body.string("")]),
    fields: { keyspace: "ks", table: "" }
  },
  {
    code: ErrorCode.unprepared,
    body: Body.shortBytes(Buffer.from("id")),
    fields: { queryId: Buffer.from("id") }
  }
]

for (const version of [4, 5] as const) {
  describe(`errors of v${version}`, () => {
    it("are all told with their fields, and with nothing else", () => {
      const seen = new Set<number>()
      for (const { body, code, fields } of errors(version)) {
        seen.add(code)
        const error = readServerError(cursor(Body.int(code), Body.string("why"), body), version)
        assert.instanceOf(error, ServerResponseError)
        assert.strictEqual(error.message, "why")
        const { name, ...rest } = error
        assert.strictEqual(name, "ServerResponseError")
        assert.deepStrictEqual({ ...rest }, { code, ...fields } as never)
      }
      assert.deepStrictEqual([...seen].toSorted(), Object.values(ErrorCode).toSorted())
    })

    it("cut short anywhere are malformed", () => {
      for (const { body, code } of errors(version)) {
        const whole = Buffer.concat([Body.int(code), Body.string("why"), body])
        for (let end = 0; end < whole.length; end++) {
          const error = thrownBy(() => readServerError(new Cursor(whole, 0, end), version))
          assert.isTrue(isWireError(error) && error.reason === "Malformed", `${code} at ${end}`)
        }
      }
    })

    it("of a code that nobody knows are told too", () => {
      const error = readServerError(cursor(Body.int(0x7777), Body.string("new"), Body.int(5)), version)
      assert.strictEqual(error.code, 0x7777)
    })

    it("with an address of no known kind are malformed", () => {
      if (version === 4) return
      const body = [replicas, Body.int(1), Buffer.from([5, 1, 2, 3, 4, 5, 0, 1]), Body.string("SIMPLE")]
      const c = cursor(Body.int(ErrorCode.writeFailure), Body.string(""), ...body)
      assert.throws(() => readServerError(c, version), /5 bytes/)
    })
  })
}

const thrownBy = (run: () => unknown): unknown => {
  try {
    run()
  } catch (error) {
    return error
  }
  return undefined
}

describe("events", () => {
  const inet = Buffer.concat([byte(4), Buffer.from([10, 0, 0, 1]), Body.int(9042)])

  it("of the topology and of the nodes' state", () => {
    const address = { address: "10.0.0.1", port: 9042 }
    for (const change of ["NEW_NODE", "REMOVED_NODE", "MOVED_NODE"]) {
      const event = readEvent(cursor(Body.string("TOPOLOGY_CHANGE"), Body.string(change), inet))
      assert.deepStrictEqual(event, { type: "TOPOLOGY_CHANGE", change, ...address } as never)
    }
    for (const change of ["UP", "DOWN"]) {
      const event = readEvent(cursor(Body.string("STATUS_CHANGE"), Body.string(change), inet))
      assert.deepStrictEqual(event, { type: "STATUS_CHANGE", change, ...address } as never)
    }
    const ipv6 = Buffer.concat([byte(16), Buffer.from("20010db8000000000000000000000001", "hex"), Body.int(1)])
    const event = readEvent(cursor(Body.string("STATUS_CHANGE"), Body.string("UP"), ipv6))
    assert.strictEqual(event?.type === "STATUS_CHANGE" && event.address, "2001:db8::1")
  })

  it("that nobody knows are left alone", () => {
    for (const [type, change] of [
      ["STATUS_CHANGE", "SLOW"],
      ["TOPOLOGY_CHANGE", "SPLIT"],
      ["SCHEMA_CHANGE", "RENAMED"],
      ["WEATHER_CHANGE", "UP"]
    ] as const) {
      assert.isUndefined(readEvent(cursor(Body.string(type), Body.string(change), inet)))
    }
    assert.isUndefined(readSchemaChange(cursor(Body.string("CREATED"), Body.string("TRIGGER"), Body.string("ks"))))
  })

  it("cut short anywhere, or with an address of five bytes, are malformed", () => {
    const whole = Buffer.concat([Body.string("STATUS_CHANGE"), Body.string("DOWN"), inet])
    for (let end = 0; end < whole.length; end++) {
      const error = thrownBy(() => readEvent(new Cursor(whole, 0, end)))
      assert.isTrue(isWireError(error) && error.reason === "Malformed", String(end))
    }
    const five = Buffer.from([5, 1, 2, 3, 4, 5, 0, 0, 0, 1])
    assert.throws(() => readEvent(cursor(Body.string("STATUS_CHANGE"), Body.string("UP"), five)), /5 bytes/)
  })
})

const answer = (opcode: number, ...parts: ReadonlyArray<Buffer>) => {
  const body = Buffer.concat(parts)
  return readAnswer(5, 0, opcode, body, 0, body.length, requestOf(0, opcode, body, 0, body.length))
}

const asked = { opcode: Opcode.query, prepared: undefined, defer: false, mostRows: 1000, use: false }

describe("answers", () => {
  it("of the handshake", () => {
    assert.deepStrictEqual(answer(Opcode.ready), { _tag: "Ready" })
    assert.deepStrictEqual(answer(Opcode.authenticate, Body.string("Some")), {
      _tag: "Authenticate",
      authenticator: "Some"
    })
    for (const [opcode, _tag] of [
      [Opcode.authChallenge, "AuthChallenge"],
      [Opcode.authSuccess, "AuthSuccess"]
    ] as const) {
      assert.deepStrictEqual(answer(opcode, Body.bytes(null)), { _tag, token: undefined })
      assert.deepStrictEqual(answer(opcode, Body.bytes(Buffer.from("t"))), { _tag, token: Buffer.from("t") })
    }
  })

  it("a response is a result or an error", () => {
    const body = Body.string("")
    for (const opcode of [Opcode.ready, Opcode.supported, Opcode.event, 0x7f]) {
      assert.throws(() => readResponse(5, 0, opcode, body, 0, 2, asked), /answered QUERY with/)
    }
    assert.throws(() => answer(Opcode.query), /answered OPTIONS with/)
    assert.throws(() => answer(Opcode.result, Body.int(9)), /kind of result/)
  })

  it("a custom payload and warnings come before the rest", () => {
    const flags = HeaderFlag.payload | HeaderFlag.warning
    const body = Buffer.concat([
      Body.short(1),
      Body.string("careful"),
      Body.short(2),
      Body.string("a"),
      Body.bytes(Buffer.from("1")),
      Body.string("b"),
      Body.bytes(null),
      Body.int(1)
    ])
    const response = readResponse(5, flags, Opcode.result, body, 0, body.length, asked)
    assert.deepStrictEqual(response.warnings, ["careful"])
    assert.deepStrictEqual(response.customPayload, { a: Buffer.from("1"), b: null })
  })

  it("a partition key beyond the variables is malformed", () => {
    const body = Buffer.concat([
      Body.int(4),
      Body.shortBytes(Buffer.from("id")),
      Body.int(1),
      Body.int(1),
      Body.int(1),
      Body.short(1),
      Body.columns([["v", 9]]),
      Body.int(4),
      Body.int(0)
    ])
    assert.throws(
      () => readResponse(4, 0, Opcode.result, body, 0, body.length, { ...asked, opcode: Opcode.prepare }),
      /partition key/
    )
  })
})
