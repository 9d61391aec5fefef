/**
 * Exports a table to a CSV file with progress. The file sets the pace: a page is fetched when the disk has taken the one before,
 * so memory stays the same for a table of any size.
 *
 * Prints:
 *   … of 20,000 …
 *   wrote 20,000 rows, … MB
 *   the file has 20,001 lines, header: id,customer,placed_at,total,note
 *   a note with a comma and quotes is written as "gift, ""with love"""
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { Columns, cql, CqlType, Session, Statement } from "effect-cassandra"
import * as BigDecimal from "effect/BigDecimal"
import * as Chunk from "effect/Chunk"
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { randomUUID } from "node:crypto"
import { run } from "./support/main.ts"
import { SessionLive } from "./support/server.ts"
import { count, progress } from "./support/terminal.ts"

class Order extends Schema.Class<Order>("Order")({
  id: CqlType.uuid,
  customer: CqlType.text,
  placed_at: CqlType.timestamp,
  total: CqlType.decimal,
  note: CqlType.option(CqlType.text)
}) {}

const rows = 20_000

const insertAll = (session: Session.Session) =>
  Effect.forEach(
    Array.from({ length: rows }, (_, i) => i),
    (i) =>
      session.execute(
        cql`INSERT INTO orders (id, customer, placed_at, total, note) VALUES (${randomUUID()}, ${`customer ${i % 500}`},
          ${new Date(1_767_225_600_000 + i * 1000)}, ${BigDecimal.make(BigInt(i), 2)},
          ${i % 10 === 0 ? 'gift, "with love"' : null})`.pipe(Statement.idempotent)
      ),
    { concurrency: 256, discard: true }
  )

/** A field as RFC 4180 has it. */
const field = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

const lineOf = ({ customer, id, note, placed_at, total }: Order) =>
  [id, customer, DateTime.formatIso(placed_at), BigDecimal.format(total), Option.getOrElse(note, () => "")]
    .map(field)
    .join(",") + "\n"

const orders = cql`SELECT ${Columns.select(Order)} FROM orders`.pipe(Statement.as(Order), Statement.withPageSize(1000))

const exportTo = (file: string) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const session = yield* Session.Session
    const { add } = yield* progress(rows)
    // A page becomes one piece of text: one write for each page, not for each row. The last page can be empty.
    const pages = session.stream(orders).pipe(
      Stream.chunks,
      Stream.filter(Chunk.isNonEmpty),
      Stream.tap((page) => Effect.sync(() => add(page.length))),
      Stream.map((page) => Chunk.join(Chunk.map(page, lineOf), ""))
    )
    // Half a file has another name, so that nobody takes it for a whole one.
    const part = `${file}.part`
    yield* Stream.make(`${Columns.names(Order).join(",")}\n`).pipe(
      Stream.concat(pages),
      Stream.encodeText,
      Stream.run(fs.sink(part))
    )
    yield* fs.rename(part, file)
  }).pipe(Effect.scoped)

const program = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const session = yield* Session.Session
  yield* session.execute(cql`
    CREATE TABLE orders (id uuid PRIMARY KEY, customer text, placed_at timestamp, total decimal, note text)`)
  yield* insertAll(session)

  const file = `${yield* fs.makeTempDirectoryScoped()}/orders.csv`
  yield* exportTo(file)
  const { size } = yield* fs.stat(file)
  yield* Console.log(`wrote ${count(rows)} rows, ${(Number(size) / 1e6).toFixed(1)} MB`)

  const lines = (yield* fs.readFileString(file)).trimEnd().split("\n")
  yield* Console.log(`the file has ${count(lines.length)} lines, header: ${lines[0]}`)
  const gift = lines.find((line) => line.includes("gift"))
  yield* Console.log(`a note with a comma and quotes is written as ${gift?.slice(gift.indexOf('"'))}`)
})

run(program.pipe(Effect.scoped, Effect.provide([SessionLive, NodeFileSystem.layer])))
