import { assert, describe, it } from "@effect/vitest"
import { readLocal, readPeers, type SystemRow } from "../../src/internal/topology/nodeRows.ts"

const hostId = (n: number): string => `00000000-0000-0000-0000-${String(n).padStart(12, "0")}`

const schema = "d03783d7-b468-3c1a-82f1-8e30b2edde8b"

/** A row of `system.peers_v2`. */
const peer = (n: number, ...differences: ReadonlyArray<SystemRow>): SystemRow =>
  Object.assign(
    {
      peer: `10.0.0.${n}`,
      peer_port: 7000,
      data_center: "dc1",
      host_id: hostId(n),
      native_address: `192.168.0.${n}`,
      native_port: 9042,
      preferred_ip: null,
      preferred_port: null,
      rack: "r1",
      release_version: "5.0.9",
      schema_version: schema,
      tokens: new Set(["-5", "7"])
    },
    ...differences
  ) as SystemRow

/** A row of `system.peers`, which servers before 4.0 have. */
const oldPeer = (n: number, difference: SystemRow): SystemRow =>
  peer(n, { native_address: undefined, native_port: undefined, rpc_address: `192.168.0.${n}` }, difference)

const endpoints = (rows: ReadonlyArray<SystemRow>): ReadonlyArray<string> =>
  readPeers(rows, hostId(1)).rows.map(({ address, port }) => `${address} ${port}`)

describe("rows of peers", () => {
  it("tell where nodes are and what they are", () => {
    assert.deepStrictEqual(readPeers([peer(2), oldPeer(3, { dse_version: "6.8.40" })], hostId(1)), {
      rows: [
        {
          hostId: hostId(2),
          address: "192.168.0.2",
          port: 9042,
          dataCenter: "dc1",
          rack: "r1",
          version: "5.0.9",
          dseVersion: undefined,
          tokens: ["-5", "7"],
          schemaVersion: schema
        },
        {
          hostId: hostId(3),
          address: "192.168.0.3",
          port: undefined,
          dataCenter: "dc1",
          rack: "r1",
          version: "5.0.9",
          dseVersion: "6.8.40",
          tokens: ["-5", "7"],
          schemaVersion: schema
        }
      ],
      left: []
    })
  })

  it("with an address of every interface are of the address that the other nodes use", () => {
    assert.deepStrictEqual(
      endpoints([
        peer(2, { native_address: "0.0.0.0" }),
        peer(3, { native_address: "::", peer: "fd00::3" }),
        oldPeer(4, { rpc_address: "0.0.0.0" }),
        peer(5, { native_address: "fd00::5", native_port: 9142 }),
        peer(6, { native_address: null, rpc_address: "192.168.0.66" })
      ]),
      ["10.0.0.2 9042", "fd00::3 9042", "10.0.0.4 undefined", "fd00::5 9142", "192.168.0.66 undefined"]
    )
  })

  it("without a port, or one that is none, leave that open", () => {
    for (const native_port of [null, undefined, 0, -1, 65_536, "9042"]) {
      assert.deepStrictEqual(endpoints([peer(2, { native_port })]), ["192.168.0.2 undefined"])
    }
  })

  it("take sets of tokens as sets or as arrays, and may lack the release", () => {
    const { rows } = readPeers([peer(2, { tokens: ["1"], release_version: null })], hostId(1))
    assert.deepStrictEqual(
      rows.map(({ tokens, version }) => [tokens, version]),
      [[["1"], ""]]
    )
  })

  it("that lack something are left out, with what they lack", () => {
    const lacking: ReadonlyArray<readonly [SystemRow, RegExp]> = [
      [{ host_id: null }, /no host_id$/],
      [{ data_center: null }, /no data_center$/],
      [{ rack: undefined }, /no rack$/],
      [{ rack: "" }, /no rack$/],
      [{ schema_version: null }, /no schema_version$/],
      [{ tokens: null }, /no tokens$/],
      [{ tokens: new Set() }, /no tokens$/],
      [{ tokens: "5" }, /no tokens$/],
      [{ native_address: null }, /no address for clients$/],
      [{ data_center: null, rack: null, tokens: null }, /no data_center, rack, tokens$/]
    ]
    for (const [difference, what] of lacking) {
      const { left, rows } = readPeers([peer(2), peer(3, difference), peer(4)], hostId(1))
      assert.deepStrictEqual(
        rows.map(({ hostId: id }) => id),
        [hostId(2), hostId(4)]
      )
      assert.strictEqual(left.length, 1)
      assert.match(left[0] as string, /10\.0\.0\.3/)
      assert.match(left[0] as string, what)
    }
    assert.match(readPeers([{}], hostId(1)).left[0] as string, /address for clients, host_id, data_center/)
    assert.strictEqual(readPeers([peer(2, { native_address: "0.0.0.0", peer: null })], hostId(1)).left.length, 1)
  })

  it("of a node that is known already are left out: itself, or one that changed its address", () => {
    const { left, rows } = readPeers([peer(1), peer(2), peer(9, { host_id: hostId(2) }), peer(3)], hostId(1))
    assert.deepStrictEqual(
      rows.map(({ address }) => address),
      ["192.168.0.2", "192.168.0.3"]
    )
    assert.deepStrictEqual(left.length, 2)
    assert.match(left[1] as string, /10\.0\.0\.9.*host id 0{8}-/)
  })
})

describe("the row of system.local", () => {
  const row: SystemRow = {
    key: "local",
    broadcast_address: "10.0.0.1",
    cluster_name: "Test",
    data_center: "dc1",
    host_id: hostId(1),
    partitioner: "org.apache.cassandra.dht.Murmur3Partitioner",
    rack: "r1",
    release_version: "4.1.10",
    rpc_address: "192.168.0.1",
    rpc_port: 9142,
    schema_version: schema,
    tokens: new Set(["3"])
  }

  it("tells of the node, and of the cluster", () => {
    assert.deepStrictEqual(readLocal(row), {
      hostId: hostId(1),
      address: "192.168.0.1",
      port: 9142,
      dataCenter: "dc1",
      rack: "r1",
      version: "4.1.10",
      dseVersion: undefined,
      tokens: ["3"],
      schemaVersion: schema,
      clusterName: "Test",
      partitioner: "org.apache.cassandra.dht.Murmur3Partitioner"
    })
    assert.strictEqual(readLocal({ ...row, rpc_address: "0.0.0.0" })?.address, "10.0.0.1")
  })

  it("may lack what a node has that did not join, but not what node it is", () => {
    const { host_id, data_center } = row
    assert.deepInclude(readLocal({ host_id, data_center }), { tokens: [], version: "", partitioner: "", rack: "" })
    assert.isUndefined(readLocal({ ...row, host_id: null }))
    assert.isUndefined(readLocal({ ...row, data_center: null }))
    assert.isUndefined(readLocal({}))
  })
})
