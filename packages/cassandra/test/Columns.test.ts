import { assert, describe, it } from "@effect/vitest"
import { Columns, cql, CqlType } from "effect-cassandra"
import * as Schema from "effect/Schema"

class User extends Schema.Class<User>("User")({
  id: CqlType.uuid,
  displayName: Schema.propertySignature(CqlType.text).pipe(Schema.fromKey("display_name")),
  nick: CqlType.optional(CqlType.text)
}) {}

const id = "b6a1d5c0-93d3-4a5e-8d2c-0c1a5d3d7f10"

describe("Columns", () => {
  it("names the columns of the encoded side", () => {
    assert.deepStrictEqual(Columns.names(User), ["id", "display_name", "nick"])
    assert.deepStrictEqual(Columns.names(User, { except: ["id"] }), ["display_name", "nick"])
    assert.deepStrictEqual(Columns.names(User, { only: ["id"] }), ["id"])
    assert.deepStrictEqual(Columns.names(User.pipe(Schema.filter(() => true))), ["id", "display_name", "nick"])
    assert.deepStrictEqual(Columns.names(Schema.suspend(() => Schema.Struct({ a: CqlType.int }))), ["a"])
  })

  it("composes a select list with a statement", () => {
    const statement = cql`SELECT ${Columns.select(User)} FROM users WHERE id = ${id}`
    assert.strictEqual(statement.query, `SELECT "id", "display_name", "nick" FROM users WHERE id = ?`)
    assert.deepStrictEqual(statement.values, [id])
  })

  it("binds the values of an INSERT, and unset for those that are absent", () => {
    const statement = cql`INSERT INTO users ${Columns.insert(User, { id, display_name: "Ada" })} USING TTL ${60}`
    assert.strictEqual(statement.query, `INSERT INTO users ("id", "display_name", "nick") VALUES (?, ?, ?) USING TTL ?`)
    assert.deepStrictEqual(statement.values, [id, "Ada", CqlType.unset, 60])
  })

  it("gives the same text whatever is absent", () => {
    const short = Columns.insert(User, { id, display_name: "Ada" })
    const long = Columns.insert(User, { id, display_name: "Ada", nick: null })
    assert.strictEqual(short.query, long.query)
    assert.deepStrictEqual(long.values, [id, "Ada", null])
  })

  it("makes assignments and equalities", () => {
    const user = { id, display_name: "Ada", nick: "a" }
    const statement = cql`
      UPDATE users SET ${Columns.set(User, user, { except: ["id"] })} WHERE ${Columns.where(User, user, ["id", "nick"])}`
    assert.strictEqual(
      statement.query.trim(),
      `UPDATE users SET "display_name" = ?, "nick" = ? WHERE "id" = ? AND "nick" = ?`
    )
    assert.deepStrictEqual(statement.values, ["Ada", "a", id, "a"])
  })

  it("quotes names, so that none can end its quotes", () => {
    const schema = Schema.Struct({ 'a" = 1; DROP TABLE users; --': CqlType.int, userId: CqlType.int })
    assert.strictEqual(Columns.select(schema).query, `"a"" = 1; DROP TABLE users; --", "userId"`)
  })
})
