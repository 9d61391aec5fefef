/** Every CQL type: a literal that the server reads, and what the client must read of the row. Written by hand. */

export interface TypeCase {
  readonly cql: string
  readonly literal: string
  readonly value: unknown
  /** Whether the server keeps a value of no bytes, and what that is read as. */
  readonly empty?: unknown
}

const uuid = "11111111-2222-4333-8444-555555555555"
const timeuuid = "d2177dd0-eaa2-11de-a572-001b779c76e3"

export const userTypes: ReadonlyArray<string> = [
  "CREATE TYPE point (x int, y int)",
  "CREATE TYPE place (name text, at frozen<point>, tags set<text>, seen list<frozen<map<text, timestamp>>>)"
]

/** The columns of one table, in order: `c0`, `c1`, … */
export const types: ReadonlyArray<TypeCase> = [
  { cql: "ascii", literal: "'plain'", value: "plain", empty: "" },
  { cql: "bigint", literal: "-9223372036854775808", value: -(2n ** 63n), empty: null },
  { cql: "blob", literal: "0x00ff10", value: Buffer.from("00ff10", "hex"), empty: Buffer.alloc(0) },
  { cql: "boolean", literal: "true", value: true, empty: null },
  { cql: "date", literal: "'2026-05-01'", value: "2026-05-01" },
  { cql: "decimal", literal: "-123.4500", value: { value: -1_234_500n, scale: 4 }, empty: null },
  { cql: "double", literal: "-0.1", value: -0.1, empty: null },
  {
    cql: "duration",
    literal: "1y2mo3d4h5m6s7ms8us9ns",
    value: { months: 14, days: 3, nanoseconds: 14_706_007_008_009n }
  },
  { cql: "float", literal: "1.5", value: 1.5, empty: null },
  { cql: "inet", literal: "'2001:db8::1'", value: "2001:db8::1", empty: null },
  { cql: "int", literal: "-2147483648", value: -2_147_483_648, empty: null },
  { cql: "smallint", literal: "-32768", value: -32_768 },
  { cql: "text", literal: "'schön \u{1f600}'", value: "schön \u{1f600}", empty: "" },
  { cql: "time", literal: "'13:30:54.000000001'", value: "13:30:54.000000001" },
  {
    cql: "timestamp",
    literal: "'2026-05-01T12:00:00.123Z'",
    value: new Date("2026-05-01T12:00:00.123Z"),
    empty: null
  },
  { cql: "timeuuid", literal: timeuuid, value: timeuuid, empty: null },
  { cql: "tinyint", literal: "-128", value: -128 },
  { cql: "uuid", literal: uuid, value: uuid, empty: null },
  { cql: "varint", literal: "-340282366920938463463374607431768211456", value: -(2n ** 128n), empty: null },
  { cql: "list<int>", literal: "[3, 1, 3]", value: [3, 1, 3] },
  { cql: "set<text>", literal: "{'b', 'a'}", value: new Set(["a", "b"]) },
  {
    cql: "map<uuid, bigint>",
    literal: `{${uuid}: 7}`,
    value: new Map([[uuid, 7n]])
  },
  { cql: "tuple<int, text, double>", literal: "(1, 'one', 1.5)", value: [1, "one", 1.5] },
  { cql: "tuple<int, frozen<list<text>>>", literal: "(1, null)", value: [1, null] },
  { cql: "point", literal: "{x: 1, y: -1}", value: { x: 1, y: -1 } },
  { cql: "frozen<point>", literal: "{x: 1}", value: { x: 1, y: null } },
  {
    cql: "frozen<place>",
    literal: "{name: 'home', at: {x: 1, y: 2}, tags: {'b', 'a'}, seen: [{'first': '2026-05-01T00:00:00Z'}, {}]}",
    value: {
      name: "home",
      at: { x: 1, y: 2 },
      tags: new Set(["a", "b"]),
      seen: [new Map([["first", new Date("2026-05-01T00:00:00Z")]]), new Map()]
    }
  },
  {
    cql: "list<frozen<map<text, frozen<set<frozen<tuple<int, point>>>>>>>",
    literal: "[{'k': {(1, {x: 5, y: 6})}}, {}]",
    value: [new Map([["k", new Set([[1, { x: 5, y: 6 }]])]]), new Map()]
  },
  {
    cql: "map<date, frozen<list<duration>>>",
    literal: "{'1969-12-31': [1d, -2h]}",
    value: new Map([
      [
        "1969-12-31",
        [
          { months: 0, days: 1, nanoseconds: 0n },
          { months: 0, days: 0, nanoseconds: -7_200_000_000_000n }
        ]
      ]
    ])
  },
  { cql: "frozen<list<text>>", literal: "[]", value: [] },
  { cql: "vector<float, 3>", literal: "[1, -2.5, 0]", value: [1, -2.5, 0] },
  { cql: "vector<text, 2>", literal: "['a', '']", value: ["a", ""] },
  { cql: "vector<frozen<list<int>>, 2>", literal: "[[1], [2, 3]]", value: [[1], [2, 3]] },
  { cql: "list<frozen<vector<smallint, 2>>>", literal: "[[1, 2]]", value: [[1, 2]] }
]

export const columnOf = (index: number): string => `c${String(index).padStart(2, "0")}`
