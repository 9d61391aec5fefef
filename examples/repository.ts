/**
 * A repository: a service with typed methods, built on queries that are prepared and compared with the table when its layer is
 * built. Business code (repository/discount.ts) needs the service only; its test (repository/discount.test.ts) swaps the layer.
 *
 * Prints:
 *   2 products are cheaper now
 *   bench 127.49, chair 84.92, desk 250
 *   SchemaMismatchError: price is decimal, not CqlType double
 */
import { cql, CqlType, Query, Session } from "effect-cassandra"
import * as BigDecimal from "effect/BigDecimal"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { randomUUID } from "node:crypto"
import { discount } from "./repository/discount.ts"
import { Product, ProductId, Products } from "./repository/Products.ts"
import { run } from "./support/main.ts"
import { SessionLive } from "./support/server.ts"

const product = (name: string, price: string, ...tags: ReadonlyArray<string>) =>
  new Product({
    id: ProductId.make(randomUUID()),
    name,
    price: BigDecimal.unsafeFromString(price),
    tags: new Set(tags)
  })

const shop = Effect.gen(function* () {
  const products = yield* Products
  yield* Effect.forEach(
    [product("chair", "99.90", "garden"), product("desk", "250.00"), product("bench", "149.99", "garden")],
    products.save
  )
  yield* Console.log(`${yield* discount("garden", 15)} products are cheaper now`)
  const all = (yield* products.all).map(({ name, price }) => `${name} ${BigDecimal.format(price)}`)
  yield* Console.log(all.toSorted().join(", "))
})

const withDouble = Query.findAll({
  Request: Schema.Void,
  Result: Schema.Struct({ price: CqlType.double }),
  execute: () => cql`SELECT price FROM products`
})

const program = Effect.gen(function* () {
  const session = yield* Session.Session
  yield* session.execute(cql`CREATE TABLE products (id uuid PRIMARY KEY, name text, price decimal, tags set<text>)`)
  yield* Effect.provide(shop, Products.layer)

  // What does not fit the table is found when it is prepared, before the first request.
  yield* Query.prepare(withDouble).pipe(
    Effect.catchTag("SchemaMismatchError", ({ _tag, mismatches }) =>
      Effect.forEach(mismatches, ({ database, field, schema }) =>
        Console.log(`${_tag}: ${field} is ${database}, not ${schema}`)
      )
    )
  )
})

run(program.pipe(Effect.provide(SessionLive)))
