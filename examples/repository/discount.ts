/** Business code: it needs `Products`, whatever keeps them. */
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import { Product, Products, type ProductsError } from "./Products.ts"

/** Lowers the price of every product with a tag, by so many percent, to the cent. Gives how many these were. */
export const discount = (tag: string, percent: number): Effect.Effect<number, ProductsError, Products> =>
  Effect.gen(function* () {
    const products = yield* Products
    const factor = BigDecimal.make(BigInt(100 - percent), 2)
    const tagged = (yield* products.all).filter(({ tags }) => tags.has(tag))
    yield* Effect.forEach(
      tagged,
      (product) =>
        products.save(
          new Product({ ...product, price: BigDecimal.round(BigDecimal.multiply(product.price, factor), { scale: 2 }) })
        ),
      { concurrency: 16, discard: true }
    )
    return tagged.length
  })
