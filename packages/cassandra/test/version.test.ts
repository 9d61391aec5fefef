import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { driverName, driverVersion } from "../src/internal/cluster/version.ts"

describe("what the client calls itself to the servers", () => {
  it("is the name and the version of the package", () => {
    const { name, version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"))
    assert.deepStrictEqual({ name: driverName, version: driverVersion }, { name, version })
  })
})
