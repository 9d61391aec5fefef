import { afterEach, assert, describe, it, vi } from "@effect/vitest"
import * as fc from "fast-check"
import dns from "node:dns"
import {
  type ContactPointError,
  type Lookup,
  parseContactPoint,
  resolveContactPoints,
  systemLookup
} from "../../src/internal/topology/contactPoints.ts"

const failure = (text: string): ContactPointError => {
  try {
    parseContactPoint(text, 9042)
  } catch (error) {
    return error as ContactPointError
  }
  return assert.fail(`${text} was accepted`)
}

describe("a contact point", () => {
  it("is a host or an address, with a port or without", () => {
    const written: ReadonlyArray<readonly [string, string, number]> = [
      ["10.0.0.1", "10.0.0.1", 9042],
      ["10.0.0.1:9142", "10.0.0.1", 9142],
      ["db", "db", 9042],
      ["db.example.com:1", "db.example.com", 1],
      ["db-1_a.example.com.:65535", "db-1_a.example.com.", 65_535],
      ["bücher.example", "bücher.example", 9042],
      ["::1", "::1", 9042],
      ["fe80::1%eth0", "fe80::1%eth0", 9042],
      ["2001:db8::1", "2001:db8::1", 9042],
      ["[2001:db8::1]", "2001:db8::1", 9042],
      ["[::1]:9142", "::1", 9142],
      ["::ffff:10.0.0.1", "::ffff:10.0.0.1", 9042]
    ]
    for (const [text, host, port] of written)
      assert.deepStrictEqual(parseContactPoint(text, 9042), { host, port }, text)
  })

  it("that is none is refused, with what is wrong with it", () => {
    const wrong: ReadonlyArray<readonly [string, RegExp]> = [
      ["", /empty/],
      ["  ", /empty/],
      [":9042", /no host/],
      [":", /no host/],
      ["127.0.0.1:99999", /port/],
      ["127.0.0.1:0", /port/],
      ["127.0.0.1:abc", /port/],
      ["127.0.0.1:", /port/],
      ["127.0.0.1:-1", /port/],
      ["127.0.0.1:9042.5", /port/],
      ["127.0.0.1:0x10", /port/],
      ["127.0.0.1:1e3", /port/],
      ["[::1]:", /port/],
      ["[::1]:99999", /port/],
      ["[::1", /IPv6/],
      ["::1]:9042", /IPv6/],
      ["[]:9042", /brackets/],
      ["[db]:9042", /brackets/],
      ["[::1]9042", /IPv6/],
      ["::1:9042:x", /IPv6/],
      ["a:b:c", /IPv6/],
      ["10.0.0.1,10.0.0.2", /by itself/],
      ["a b", /host name/],
      [" db", /host name/],
      ["db\n", /host name/],
      ["db\0", /host name/],
      ["cassandra://db:9042", /URL/],
      ["db/ks", /host name/],
      ["user@db", /host name/]
    ]
    for (const [text, what] of wrong) {
      const error = failure(text)
      assert.strictEqual(error._tag, "ContactPoint", text)
      assert.match(error.message, what, text)
      assert.include(error.message, JSON.stringify(text))
    }
  })

  it("comes back from how it is written", () => {
    const host = fc.oneof(fc.ipV4(), fc.domain())
    fc.assert(
      fc.property(fc.oneof(host, fc.ipV6()), fc.integer({ min: 1, max: 65_535 }), (address, port) => {
        const isIPv6 = address.includes(":")
        assert.deepStrictEqual(parseContactPoint(isIPv6 ? `[${address}]:${port}` : `${address}:${port}`, 1), {
          host: address,
          port
        })
        assert.deepStrictEqual(parseContactPoint(address, port), { host: address, port })
      })
    )
  })

  it("is either read or refused, whatever the text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        try {
          const { host, port } = parseContactPoint(text, 9042)
          assert.isTrue(host !== "" && port > 0)
        } catch (error) {
          assert.strictEqual((error as ContactPointError)._tag, "ContactPoint")
        }
      })
    )
  })
})

/** Knows these names and no others. */
const names =
  (known: Readonly<Record<string, ReadonlyArray<string>>>): Lookup =>
  (name) =>
    Object.hasOwn(known, name) ? Promise.resolve(known[name] ?? []) : Promise.reject(new Error(`unknown ${name}`))

const resolve = (
  points: ReadonlyArray<string>,
  lookup: Lookup,
  previous: Awaited<ReturnType<typeof resolveContactPoints>>["endpoints"] = [],
  timeout = 1000
) =>
  resolveContactPoints(
    points.map((text) => parseContactPoint(text, 9042)),
    timeout,
    previous,
    lookup
  )

/** Never answers for `slow.test`. */
const slow: Lookup = (name) =>
  name === "slow.test" ? new Promise(() => undefined) : names({ "db.test": ["10.0.0.1"] })(name)

describe("the addresses of contact points", () => {
  it("are all that the names have, each once and with the name for its certificate", async () => {
    const lookup = names({ "db.test": ["10.0.0.1", "fd00::1"], "other.test.": ["10.0.0.1", "10.0.0.2"] })
    const { endpoints, failures } = await resolve(
      ["db.test", "other.test.", "other.test.:9142", "10.0.0.3", "[::1]:1"],
      lookup
    )
    assert.deepStrictEqual(endpoints, [
      { address: "10.0.0.1", port: 9042, serverName: "db.test" },
      { address: "fd00::1", port: 9042, serverName: "db.test" },
      { address: "10.0.0.2", port: 9042, serverName: "other.test" },
      { address: "10.0.0.1", port: 9142, serverName: "other.test" },
      { address: "10.0.0.2", port: 9142, serverName: "other.test" },
      { address: "10.0.0.3", port: 9042, serverName: undefined },
      { address: "::1", port: 1, serverName: undefined }
    ])
    assert.strictEqual(failures.size, 0)
  })

  it("of a name without any are told of, and those of the others are there", async () => {
    const { endpoints, failures } = await resolve(["nowhere.test", "empty.test", "db.test"], (name) => {
      if (name === "nowhere.test") throw new Error("unknown nowhere.test")
      return names({ "empty.test": [], "db.test": ["10.0.0.1"] })(name)
    })
    assert.deepStrictEqual(
      endpoints.map(({ address }) => address),
      ["10.0.0.1"]
    )
    assert.deepStrictEqual([...failures.keys()].toSorted(), ["empty.test", "nowhere.test"])
    assert.match(String(failures.get("nowhere.test")), /unknown nowhere\.test/)
  })

  it("are those of now, and those of before where they cannot be told", async () => {
    const before = await resolve(
      ["a.test", "b.test", "b.test:1"],
      names({ "a.test": ["10.0.0.1"], "b.test": ["10.0.0.2"] })
    )
    const now = await resolve(["a.test", "b.test", "b.test:1"], names({ "a.test": ["10.0.0.9"] }), before.endpoints)
    assert.deepStrictEqual(
      now.endpoints.map(({ address, port }) => `${address}:${port}`),
      ["10.0.0.9:9042", "10.0.0.2:9042", "10.0.0.2:1"]
    )
    assert.deepStrictEqual([...now.failures.keys()], ["b.test"])
  })

  it("are not waited for longer than the time for it", async () => {
    const { endpoints, failures } = await resolve(["slow.test", "db.test"], slow, [], 20)
    assert.deepStrictEqual(
      endpoints.map(({ address }) => address),
      ["10.0.0.1"]
    )
    assert.match(String(failures.get("slow.test")), /slow\.test was not resolved within 20 ms/)
  })
})

describe("the system's resolver", () => {
  afterEach(() => void vi.restoreAllMocks())

  type Answer = (error: Error | null, answer?: unknown) => void
  const answers = (method: "lookup" | "resolve4" | "resolve6", answer: (done: Answer) => void): void => {
    vi.spyOn(dns, method).mockImplementation(((...args: ReadonlyArray<unknown>) =>
      answer(args.at(-1) as Answer)) as never)
  }
  const nothing = (done: Answer) => done(new Error("ENOTFOUND"))

  it("is asked first", async () => {
    answers("lookup", (done) =>
      done(null, [
        { address: "10.0.0.1", family: 4 },
        { address: "fd00::1", family: 6 }
      ])
    )
    answers("resolve4", (done) => done(null, ["10.9.9.9"]))
    assert.deepStrictEqual(await systemLookup("db.test"), ["10.0.0.1", "fd00::1"])
  })

  it("is followed by the records of the name", async () => {
    answers("lookup", nothing)
    answers("resolve4", (done) => done(null, ["10.0.0.1", "10.0.0.2"]))
    answers("resolve6", nothing)
    assert.deepStrictEqual(await systemLookup("db.test"), ["10.0.0.1", "10.0.0.2"])
    answers("resolve6", (done) => done(null, ["fd00::1"]))
    assert.deepStrictEqual(await systemLookup("db.test"), ["10.0.0.1", "10.0.0.2", "fd00::1"])
  })

  it("says why there is no address", async () => {
    answers("lookup", (done) => done(new Error("getaddrinfo ENOTFOUND db.test")))
    answers("resolve4", nothing)
    answers("resolve6", (done) => done(null, []))
    const error = await systemLookup("db.test").catch(String)
    assert.match(String(error), /getaddrinfo ENOTFOUND db\.test/)
    assert.deepStrictEqual(await resolveContactPoints([{ host: "127.0.0.1", port: 1 }], 10), {
      endpoints: [{ address: "127.0.0.1", port: 1, serverName: undefined }],
      failures: new Map()
    })
  })
})
