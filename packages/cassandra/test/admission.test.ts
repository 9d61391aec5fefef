import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { type Entrant, Gate } from "../src/internal/request/admission.ts"

type State = "new" | "in flight" | "queued" | "refused" | "abandoned" | "done"

class Probe implements Entrant {
  next: Entrant | undefined = undefined
  previous: Entrant | undefined = undefined
  queued = false
  state: State = "new"
  readonly id: number
  readonly onAdmitted: (self: Probe) => void
  constructor(id: number, onAdmitted: (self: Probe) => void = () => undefined) {
    this.id = id
    this.onAdmitted = onAdmitted
  }
  admitted(): void {
    this.state = "in flight"
    this.onAdmitted(this)
  }
  refused(): void {
    this.state = "refused"
  }
}

const enter = (gate: Gate, count: number, onAdmitted?: (self: Probe) => void) =>
  Array.from({ length: count }, (_, id) => {
    const probe = new Probe(id, onAdmitted)
    gate.enter(probe)
    return probe
  })
const states = (probes: ReadonlyArray<Probe>) => probes.map((probe) => (probe.queued ? "queued" : probe.state))

describe("the gate", () => {
  it("admits up to its limit, queues up to the next, and refuses the rest", () => {
    const gate = new Gate(2, 1)
    assert.deepStrictEqual(states(enter(gate, 4)), ["in flight", "in flight", "queued", "refused"])
    assert.strictEqual(gate.inFlight, 2)
    assert.strictEqual(gate.queued, 1)
  })

  it("admits from the queue in order, one for each that leaves", () => {
    const order: Array<number> = []
    const gate = new Gate(1, 10)
    enter(gate, 4, (probe) => order.push(probe.id))
    for (let i = 0; i < 4; i++) gate.leave()
    assert.deepStrictEqual(order, [0, 1, 2, 3])
    assert.strictEqual(gate.inFlight, 0)
    assert.strictEqual(gate.queued, 0)
  })

  it("abandoning at the front, in the middle and at the end leaves the others in order", () => {
    const order: Array<number> = []
    const gate = new Gate(1, 10)
    const probes = enter(gate, 6, (probe) => order.push(probe.id))
    for (const i of [1, 3, 5]) gate.abandon(probes[i] as Probe)
    assert.strictEqual(gate.queued, 2)
    for (let i = 0; i < 3; i++) gate.leave()
    assert.deepStrictEqual(order, [0, 2, 4])
    assert.strictEqual(gate.inFlight, 0)
  })

  it("abandoning makes room in the queue; abandoning twice, or what is not queued, does nothing", () => {
    const gate = new Gate(1, 1)
    const [first, second] = enter(gate, 2) as [Probe, Probe]
    gate.abandon(first)
    assert.strictEqual(gate.inFlight, 1)
    gate.abandon(second)
    gate.abandon(second)
    assert.strictEqual(gate.queued, 0)
    assert.deepStrictEqual(states(enter(gate, 2)), ["queued", "refused"])
  })

  it("with no queue refuses at once", () => {
    assert.deepStrictEqual(states(enter(new Gate(1, 0), 2)), ["in flight", "refused"])
  })

  it("a long queue of requests that end as soon as they are admitted does not overflow the stack", () => {
    const gate = new Gate(1, 100_000)
    let ended = 0
    enter(gate, 100_001, ({ id }) => {
      if (id === 0) return
      ended++
      gate.leave()
    })
    gate.leave()
    assert.strictEqual(ended, 100_000)
    assert.strictEqual(gate.inFlight, 0)
    assert.strictEqual(gate.queued, 0)
  })

  it("whatever happens in whatever order, the counts are right and nobody is forgotten", () => {
    const operation = fc.record({ kind: fc.constantFrom("enter", "leave", "abandon"), pick: fc.nat(50) })
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.nat(4),
        fc.array(operation, { maxLength: 80 }),
        (max, queue, ops) => {
          const gate = new Gate(max, queue)
          const probes: Array<Probe> = []
          const count = (state: string) => states(probes).filter((s) => s === state).length
          for (const { kind, pick } of ops) {
            const probe = probes[pick % Math.max(1, probes.length)]
            if (kind === "enter") probes.push(...enter(gate, 1))
            else if (kind === "leave" && probe?.state === "in flight") {
              probe.state = "done"
              gate.leave()
            } else if (kind === "abandon" && probe?.queued === true) {
              probe.state = "abandoned"
              gate.abandon(probe)
            }
            assert.strictEqual(gate.inFlight, count("in flight"))
            assert.strictEqual(gate.queued, count("queued"))
            assert.isTrue(gate.inFlight <= max && gate.queued <= queue)
            assert.isTrue(gate.queued === 0 || gate.inFlight === max)
          }
        }
      )
    )
  })
})
