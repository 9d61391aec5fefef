import { assert, describe, it } from "vitest"
import { bucketOf, countOf, merge, quantile, recorder } from "../src/histogram.ts"
import { markdown } from "../src/markdown.ts"
import { atRate } from "../src/pacer.ts"
import { plots } from "../src/plots.ts"
import { workload, workloads } from "../src/suite.ts"
import { type Sample, summarize } from "../src/summary.ts"

const sample = (over: Partial<Sample>): Sample => ({
  workload: "point-read",
  step: "",
  client: "effect-cassandra",
  style: "execute",
  generation: 0,
  round: 0,
  operations: 1_000,
  milliseconds: 500,
  cpuMicros: 10_000,
  peakRss: 80e6,
  heap: 20e6,
  ...over
})

/** A round of 50 operations that all took so long. */
const inRound = (round: number, milliseconds: number) =>
  sample({ workload: "latency", step: "1,000 a second", round, latency: [[bucketOf(milliseconds), 50]] })

const raw = { client: "cassandra-driver", style: "promises", cpuMicros: 20_000 }

const machine = {
  cpu: "A CPU",
  cores: 2,
  memory: 4,
  node: "20.0.0",
  platform: "linux x64",
  cassandra: "5.0.0",
  date: "2026-01-01",
  versions: { effect: "3.0.0" }
}
const settings = { generations: 1, rounds: 3, duration: 500, warmup: 100 }

describe("the histogram of a benchmark", () => {
  it("gives quantiles within its 2 %", () => {
    const { histogram, record } = recorder()
    for (let n = 1; n <= 10_000; n++) record(n / 100)
    for (const part of [0.5, 0.95, 0.99, 0.999]) {
      assert.closeTo(quantile(histogram(), part), 100 * part, 100 * part * 0.02)
    }
  })

  it("adds up what several rounds counted", () => {
    const merged = merge([
      [
        [10, 1],
        [20, 2]
      ],
      [
        [5, 1],
        [20, 3]
      ]
    ])
    assert.deepStrictEqual(merged, [
      [5, 1],
      [10, 1],
      [20, 5]
    ])
    assert.strictEqual(countOf(merged), 7)
  })

  it("counts what takes less than a microsecond as one", () => {
    assert.strictEqual(bucketOf(0), 0)
    assert.strictEqual(bucketOf(0.001), 0)
    assert.strictEqual(bucketOf(1), Math.floor(Math.log(1000) / Math.log(1.02)))
  })
})

describe("operations at a fixed rate", () => {
  it("charge a stall to all who came in the meantime", async () => {
    let stalled = false
    const { latency, operations } = await atRate(1_000, 200, async () => {
      if (stalled) return
      stalled = true
      // The process hangs for 0.4 s: at 200 a second some 80 operations wait for 0.2 s on average.
      const end = performance.now() + 400
      while (performance.now() < end);
    })
    assert.strictEqual(operations, 200)
    assert.strictEqual(countOf(latency), 200)
    assert.isAbove(quantile(latency, 0.8), 100)
  })

  it("end when one of them fails", async () => {
    let begun = 0
    const failing = atRate(10_000, 100, () => (++begun === 3 ? Promise.reject(new Error("busy")) : Promise.resolve()))
    const failure = await failing.then(
      () => undefined,
      (error: unknown) => error
    )
    assert.instanceOf(failure, Error)
    assert.isBelow(begun, 500)
  })
})

describe("the summary of a benchmark", () => {
  it("compares each round with itself", () => {
    const [section] = summarize([
      sample({ round: 0 }),
      sample({ round: 0, ...raw }),
      // Twice as slow a machine: the ratio is the same.
      sample({ round: 1, cpuMicros: 20_000 }),
      sample({ round: 1, ...raw, cpuMicros: 40_000 }),
      // A round that ours did not have counts for no ratio.
      sample({ round: 2, ...raw, cpuMicros: 1_000_000 })
    ])
    assert.deepStrictEqual(
      section?.lines.map(({ client, cpuMicrosPerOperation, operationsPerSecond, ratio }) => [
        client,
        cpuMicrosPerOperation,
        operationsPerSecond,
        ratio
      ]),
      [
        ["effect-cassandra", 15, 2_000, null],
        ["cassandra-driver", 40, 2_000, { median: 0.5, least: 0.5, most: 0.5 }]
      ]
    )
  })

  it("keeps the steps of a workload apart", () => {
    const sections = summarize(["1", "10"].map((step) => sample({ workload: "concurrency", step })))
    assert.deepStrictEqual(
      sections.map(({ step }) => step),
      ["1", "10"]
    )
  })

  it("adds up the latencies of the rounds", () => {
    const [section] = summarize([inRound(0, 1), inRound(1, 100)])
    const latency = section?.lines[0]?.latency
    assert.closeTo(latency?.p50 ?? 0, 1, 0.02)
    assert.closeTo(latency?.p95 ?? 0, 100, 2)
  })
})

const everyWorkload = () =>
  Object.entries(workloads).flatMap(([name, { contenders, steps }]) =>
    steps.flatMap((step) =>
      contenders.map((contender) =>
        sample({ ...contender, workload: name, step: step.name, latency: [[bucketOf(2), 10]] })
      )
    )
  )

const report = (samples: ReadonlyArray<Sample>) => ({
  settings,
  machine,
  peers: [{ client: "gocql", version: "2.1.2", runtime: "go1.26" }],
  sections: summarize(samples),
  absent: [{ workload: "scan", step: "", client: "other", style: "async", reason: "no compiler\n    at x" }]
})

describe("the report of a benchmark", () => {
  it("shows every kind of workload, the machine, and who did not take part", () => {
    const text = markdown(report(everyWorkload()))
    for (const name of Object.keys(workloads)) assert.include(text, `## ${workload(name).title}`)
    assert.include(text, "A CPU, 2 cores, 4 GB, linux x64; Node 20.0.0; Cassandra 5.0.0; effect 3.0.0. 2026-01-01.")
    assert.include(text, "- gocql 2.1.2, go1.26")
    assert.include(text, "- scan: other, async: no compiler\n")
    assert.notInclude(text, "NaN")
    assert.notInclude(text, "undefined")
  })
})

describe("the plots of a benchmark", () => {
  it("are there for what was measured, in light and dark, with the machine named", () => {
    const drawn = plots(report(everyWorkload()))
    assert.deepStrictEqual(Object.keys(drawn), [
      "cpu-per-operation.svg",
      "cpu-per-operation-others.svg",
      "latency.svg",
      "concurrency.svg"
    ])
    for (const svg of Object.values(drawn)) {
      assert.match(svg, /^<svg [^>]*viewBox="0 0 480 \d+"/)
      assert.include(svg, "prefers-color-scheme:dark")
      assert.include(svg, "A CPU, 2 cores; Cassandra 5.0.0; 2026-01-01")
      assert.notInclude(svg, "NaN")
      assert.notInclude(svg, "undefined")
    }
  })

  it("put half of ours as far to the left as twice ours to the right", () => {
    const at = (client: string, cpuMicros: number) => sample({ client, style: "x", cpuMicros })
    const drawn = plots(report([sample({}), at("half", 5_000), at("twice", 20_000)]))
    const [ours = 0, half = 0, twice = 0] = [
      ...(drawn["cpu-per-operation.svg"] ?? "").matchAll(/<circle cx="([\d.]+)"/g)
    ].map(([, x]) => Number(x))
    assert.isAbove(ours - half, 10)
    assert.closeTo(ours - half, twice - ours, 0.2)
  })

  it("are none of what was not measured", () => {
    assert.deepStrictEqual(plots(report([])), {})
  })
})
