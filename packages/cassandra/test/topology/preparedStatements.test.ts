import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { PreparedStatements } from "../../src/internal/topology/preparedStatements.ts"

interface Prepared {
  readonly id: Uint8Array
  readonly version: number
}

const prepared = (id: string, version = 0): Prepared => ({ id: Buffer.from(id), version })

const texts = (store: PreparedStatements<Prepared>): ReadonlyArray<string> =>
  store.all().map(({ keyspace, query }) => `${query}/${keyspace}`)

describe("prepared statements", () => {
  it("are found by text and keyspace, and by the server's id", () => {
    const store = new PreparedStatements<Prepared>(10)
    const [plain, inA, inB] = [prepared("1"), prepared("2"), prepared("3")]
    store.set("SELECT 1", undefined, plain)
    store.set("SELECT 1", "a", inA)
    store.set("SELECT 1", "b", inB)
    assert.strictEqual(store.get("SELECT 1", undefined), plain)
    assert.strictEqual(store.get("SELECT 1", "a"), inA)
    assert.strictEqual(store.get(["SELECT", "1"].join(" "), "b"), inB)
    assert.isUndefined(store.get("SELECT 1", "c"))
    assert.isUndefined(store.get("SELECT 2", "a"))
    assert.deepStrictEqual([store.hits, store.misses, store.size], [3, 2, 3])
    assert.deepInclude(store.byId(Buffer.from("2")), { query: "SELECT 1", keyspace: "a", prepared: inA })
    assert.isUndefined(store.byId(Buffer.from("4")))
  })

  it("go when there are more than the bound, over all keyspaces, the least recently used first", () => {
    const store = new PreparedStatements<Prepared>(3)
    for (const keyspace of ["a", "b", "c"]) store.set("q", keyspace, prepared(keyspace))
    store.get("q", "a")
    store.set("q", "d", prepared("d"))
    assert.deepStrictEqual(texts(store), ["q/d", "q/a", "q/c"])
    store.set("other", undefined, prepared("e"))
    assert.deepStrictEqual(texts(store), ["other/undefined", "q/d", "q/a"])
    assert.isUndefined(store.byId(Buffer.from("b")))
    assert.isUndefined(store.get("q", "c"))
  })

  it("keep at least one", () => {
    const store = new PreparedStatements<Prepared>(0)
    store.set("q", undefined, prepared("1"))
    store.set("r", undefined, prepared("2"))
    assert.deepStrictEqual(texts(store), ["r/undefined"])
  })

  it("may share an id, as those do whose text names the keyspace", () => {
    const store = new PreparedStatements<Prepared>(2)
    store.set("q", "a", prepared("same", 1))
    store.set("q", "b", prepared("same", 2))
    assert.strictEqual(store.byId(Buffer.from("same"))?.keyspace, "b")
    store.delete("q", "b")
    assert.strictEqual(store.byId(Buffer.from("same"))?.keyspace, "a")
    store.delete("q", "a")
    assert.isUndefined(store.byId(Buffer.from("same")))
    assert.strictEqual(store.size, 0)
  })

  it("that are prepared again are found by the new id only", () => {
    const store = new PreparedStatements<Prepared>(2)
    store.set("q", "a", prepared("old"))
    store.set("q", "a", prepared("new", 1))
    assert.isUndefined(store.byId(Buffer.from("old")))
    assert.strictEqual(store.byId(Buffer.from("new"))?.prepared.version, 1)
    assert.strictEqual(store.size, 1)
  })

  it("behave as a list in the order of use does", () => {
    const query = fc.constantFrom("q", "r", "s", "__proto__")
    const keyspace = fc.constantFrom(undefined, "a", "b", "constructor")
    const command = fc.oneof(
      { weight: 3, arbitrary: fc.record({ what: fc.constant("get" as const), query, keyspace }) },
      {
        weight: 3,
        arbitrary: fc.record({
          what: fc.constant("set" as const),
          query,
          keyspace,
          id: fc.constantFrom("1", "2", "3", "4")
        })
      },
      { weight: 1, arbitrary: fc.record({ what: fc.constant("delete" as const), query, keyspace }) }
    )
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.array(command, { maxLength: 60 }), (limit, commands) => {
        const store = new PreparedStatements<Prepared>(limit)
        /** The most recently used first. */
        let model: Array<{ readonly key: string; readonly prepared: Prepared }> = []
        let [hits, misses, version] = [0, 0, 0]
        for (const next of commands) {
          const key = `${next.query}/${next.keyspace}`
          const known = model.find((one) => one.key === key)
          const others = model.filter((one) => one !== known)
          switch (next.what) {
            case "get":
              assert.strictEqual(store.get(next.query, next.keyspace), known?.prepared)
              if (known === undefined) misses++
              else {
                hits++
                model = [known, ...others]
              }
              break
            case "set": {
              const made = prepared(next.id, ++version)
              store.set(next.query, next.keyspace, made)
              model = [{ key, prepared: made }, ...others].slice(0, limit)
              break
            }
            case "delete":
              assert.strictEqual(store.delete(next.query, next.keyspace), known !== undefined)
              model = others
          }
          assert.deepStrictEqual(
            texts(store),
            model.map((one) => one.key)
          )
          assert.deepStrictEqual([store.size, store.hits, store.misses], [model.length, hits, misses])
          for (const id of ["1", "2", "3", "4"]) {
            // The one that was prepared last.
            const withId = model.filter((one) => Buffer.from(id).equals(one.prepared.id))
            const last = withId.toSorted((a, b) => b.prepared.version - a.prepared.version)[0]
            assert.strictEqual(store.byId(Buffer.from(id))?.prepared, last?.prepared)
          }
        }
      })
    )
  })
})
