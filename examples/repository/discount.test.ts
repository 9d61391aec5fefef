/** The business code with the layer in memory, and with one that fails: no server, no mock of a session. */
import { assert, it } from "@effect/vitest"
import { CassandraError } from "effect-cassandra"
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { randomUUID } from "node:crypto"
import { discount } from "./discount.ts"
import { Product, ProductId, Products } from "./Products.ts"

const product = (name: string, price: string, ...tags: ReadonlyArray<string>) =>
  new Product({
    id: ProductId.make(randomUUID()),
    name,
    price: BigDecimal.unsafeFromString(price),
    tags: new Set(tags)
  })

const shelf = [product("chair", "99.90", "garden"), product("desk", "250.00"), product("bench", "149.99", "garden")]

const prices = Effect.map(
  Effect.flatMap(Products, ({ all }) => all),
  (all) => Object.fromEntries(all.map(({ name, price }) => [name, BigDecimal.format(price)]))
)

it.effect("lowers the prices of what has the tag, to the cent, and of nothing else", () =>
  Effect.gen(function* () {
    assert.strictEqual(yield* discount("garden", 15), 2)
    assert.deepStrictEqual(yield* prices, { chair: "84.92", desk: "250", bench: "127.49" })
  }).pipe(Effect.provide(Products.layerMemory(shelf)))
)

it.effect("does nothing when nothing has the tag", () =>
  Effect.gen(function* () {
    assert.strictEqual(yield* discount("kitchen", 50), 0)
    assert.deepStrictEqual(yield* prices, { chair: "99.9", desk: "250", bench: "149.99" })
  }).pipe(Effect.provide(Products.layerMemory(shelf)))
)

it.effect("fails with what the database failed with", () => {
  const unavailable = new CassandraError.UnavailableError({
    message: "1 of 2 replicas is alive",
    consistency: "QUORUM",
    required: 2,
    alive: 1,
    writeState: "NotApplied"
  })
  const failing = Layer.effect(
    Products,
    Effect.map(Products, (products) => ({ ...products, save: () => Effect.fail(unavailable) }))
  ).pipe(Layer.provide(Products.layerMemory(shelf)))
  return Effect.map(Effect.flip(Effect.provide(discount("garden", 15), failing)), (error) =>
    assert.strictEqual(error, unavailable)
  )
})
