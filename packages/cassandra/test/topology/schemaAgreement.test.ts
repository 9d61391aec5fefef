import { assert, describe, it } from "@effect/vitest"
import type { SystemRow } from "../../src/internal/topology/nodeRows.ts"
import { versionsAgree } from "../../src/internal/topology/schemaAgreement.ts"

const local = (schema_version: string | null): SystemRow => ({ schema_version })
const peer = (host_id: string | null, schema_version: string | null): SystemRow => ({ host_id, schema_version })
const none: ReadonlySet<string> = new Set()

describe("the versions of the schema", () => {
  it("agree when all nodes have the same", () => {
    assert.isTrue(versionsAgree(local("a"), [], none))
    assert.isTrue(versionsAgree(local("a"), [peer("1", "a"), peer("2", "a")], none))
    assert.isFalse(versionsAgree(local("a"), [peer("1", "a"), peer("2", "b")], none))
    assert.isFalse(versionsAgree(local("a"), [peer("1", "b")], none))
    assert.isFalse(versionsAgree(local("a"), [peer(null, "b")], none))
  })

  it("are not asked of nodes that are down, or have none yet", () => {
    assert.isTrue(versionsAgree(local("a"), [peer("1", "a"), peer("2", "b")], new Set(["2"])))
    assert.isFalse(versionsAgree(local("a"), [peer("1", "b"), peer("2", "b")], new Set(["2"])))
    assert.isTrue(versionsAgree(local("a"), [peer("1", null), { host_id: "2" }], none))
  })

  it("do not agree when the node that was asked has none", () => {
    assert.isFalse(versionsAgree(undefined, [], none))
    assert.isFalse(versionsAgree(local(null), [], none))
    assert.isFalse(versionsAgree({}, [peer("1", "a")], none))
  })
})
