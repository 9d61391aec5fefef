/** Products as the application knows them, and the service that keeps them: in Cassandra, or in memory for tests. */
import {
  type CassandraError,
  Columns,
  cql,
  CqlType,
  Query,
  type SchemaMismatchError,
  type Session,
  Statement
} from "effect-cassandra"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { ParseError } from "effect/ParseResult"
import * as Schema from "effect/Schema"

export const ProductId = CqlType.uuid.pipe(Schema.brand("ProductId"))
export type ProductId = typeof ProductId.Type

export class Product extends Schema.Class<Product>("Product")({
  id: ProductId,
  name: CqlType.text,
  price: CqlType.decimal,
  tags: CqlType.set(CqlType.text)
}) {}

export type ProductsError = CassandraError.CassandraError | ParseError

/** What business code sees: no session, no statement. */
export interface ProductsService {
  readonly save: (product: Product) => Effect.Effect<void, ProductsError>
  readonly byId: (id: ProductId) => Effect.Effect<Option.Option<Product>, ProductsError>
  readonly all: Effect.Effect<ReadonlyArray<Product>, ProductsError>
}

const queries = {
  save: Query.void({
    Request: Product,
    execute: (product) => cql`INSERT INTO products ${Columns.insert(Product, product)}`.pipe(Statement.idempotent)
  }),
  byId: Query.findOne({
    Request: ProductId,
    Result: Product,
    execute: (id) => cql`SELECT ${Columns.select(Product)} FROM products WHERE id = ${id}`
  }),
  all: Query.findAll({
    Request: Schema.Void,
    Result: Product,
    execute: () => cql`SELECT ${Columns.select(Product)} FROM products`
  })
}

export class Products extends Context.Tag("Products")<Products, ProductsService>() {
  /** In Cassandra. It is prepared when the layer is built, which fails when a schema and the table do not agree. */
  static readonly layer: Layer.Layer<Products, CassandraError.CassandraError | SchemaMismatchError, Session.Session> =
    Layer.effect(
      Products,
      Effect.map(Query.prepareAll(queries), ({ all, byId, save }) => ({ save, byId, all: all() }))
    )

  /** In memory. */
  static readonly layerMemory = (products: ReadonlyArray<Product> = []): Layer.Layer<Products> =>
    Layer.sync(Products, () => {
      const known = new Map(products.map((product) => [product.id, product]))
      return {
        save: (product) => Effect.sync(() => known.set(product.id, product)),
        byId: (id) => Effect.sync(() => Option.fromNullable(known.get(id))),
        all: Effect.sync(() => [...known.values()])
      }
    })
}
