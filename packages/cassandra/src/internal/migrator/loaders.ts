/** Migrations from records and from directories. */
import * as Either from "effect/Either"
import * as Effect from "effect/Effect"
import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { MigrationError } from "../../MigrationError.ts"
import type { MigrationBody, ResolvedMigration } from "../../Migrator.ts"
import type { Session } from "../../Session.ts"
import { isStatement, make as makeStatement, type Statement } from "../../Statement.ts"
import { importModule } from "../importModule.ts"
import { Argument } from "../options/index.ts"
import * as checksum from "./checksum.ts"
import { single, split } from "./script.ts"

const namePattern = /^(\d+)_(.+)$/

interface Name {
  readonly id: number
  readonly name: string
}

const parseName = (text: string): Either.Either<Name, MigrationError> => {
  const [, digits = "", name = ""] = namePattern.exec(text) ?? []
  const id = Number(digits)
  return digits !== "" && Number.isSafeInteger(id)
    ? Either.right({ id, name: text })
    : Either.left(
        new MigrationError({
          reason: "InvalidName",
          migration: text,
          message:
            name === ""
              ? `The migration "${text}" has no name like 0001_create_users: a number, an underscore and a name`
              : `The number of the migration "${text}" is too large`
        })
      )
}

const isStatements = (u: unknown): u is ReadonlyArray<Statement.Any> => Array.isArray(u) && u.every(isStatement)

/** A body from what a record or a module has; undefined when it is nothing that can be run. */
const bodyOf = <R>(value: unknown): MigrationBody<R> | undefined =>
  isStatement(value)
    ? { _tag: "Statements", statements: [value] }
    : isStatements(value)
      ? { _tag: "Statements", statements: value }
      : Effect.isEffect(value)
        ? { _tag: "Effect", effect: value as Effect.Effect<unknown, unknown, R | Session> }
        : undefined

const importError = (migration: string, message: string, cause?: unknown): MigrationError =>
  new MigrationError({ reason: "ImportError", migration, message, cause })

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

/** The body, unless one of its statements is known to be none before a server was asked. */
const checked = <R>(migration: string, body: MigrationBody<R>): Either.Either<MigrationBody<R>, MigrationError> => {
  if (body._tag === "Effect") return Either.right(body)
  for (const [i, { query }] of body.statements.entries()) {
    const statement = single(query)
    if (Either.isLeft(statement)) {
      const { line, message } = statement.left
      const where = query.includes("\n") ? `line ${line} of statement` : "statement"
      return Either.left(importError(migration, `The migration ${migration}, ${where} ${i + 1}: ${message}`))
    }
  }
  return Either.right(body)
}

export const fromRecord = <R>(
  record: Readonly<Record<string, unknown>>
): Effect.Effect<ReadonlyArray<ResolvedMigration<R>>, MigrationError> =>
  Effect.forEach(Object.entries(Argument.record("Migrator.fromRecord", record)), ([key, value]) =>
    Effect.gen(function* () {
      const { id, name } = yield* parseName(key)
      const body = bodyOf<R>(value)
      if (body === undefined) {
        return yield* importError(
          key,
          `The migration ${key} is neither an Effect, nor a Statement, nor an array of Statements`
        )
      }
      yield* checked(name, body)
      return {
        id,
        name,
        checksum: body._tag === "Effect" ? checksum.ofCode("effect", name) : checksum.ofStatements(body.statements),
        body: Effect.succeed(body)
      }
    })
  )

const filePattern = /^(.+?)(\.d)?\.(cql|js|mjs|ts|mts)$/

const importMigration = (file: string, name: string): Effect.Effect<MigrationBody, MigrationError> =>
  Effect.tryPromise({
    try: () => importModule(pathToFileURL(file).href) as Promise<{ readonly default?: unknown }>,
    catch: (cause) =>
      importError(
        name,
        (cause as { readonly code?: unknown } | null)?.code === "ERR_UNKNOWN_FILE_EXTENSION"
          ? `The migration ${name} is TypeScript, which this Node does not run by itself: compile it, or start Node with a loader (node --import tsx)`
          : `The migration ${name} cannot be imported: ${messageOf(cause)}`,
        cause
      )
  }).pipe(
    Effect.flatMap((module) => {
      // A CommonJS build wraps the default export once more.
      const exported = module.default as { readonly default?: unknown } | undefined
      const body = bodyOf<never>(exported) ?? bodyOf<never>(exported?.default)
      return body === undefined
        ? importError(
            name,
            `The default export of the migration ${name} is neither an Effect, nor a Statement, nor an array of Statements`
          )
        : checked(name, body)
    })
  )

const fromScript = (migration: Name, file: string, text: string): Either.Either<ResolvedMigration, MigrationError> =>
  Either.match(split(text), {
    onLeft: ({ line, message }) => Either.left(importError(migration.name, `${file}, line ${line}: ${message}`)),
    onRight: (queries) => {
      const statements = queries.map((query) => makeStatement(query))
      return Either.right({
        ...migration,
        checksum: checksum.ofStatements(statements),
        body: Effect.succeed({ _tag: "Statements", statements })
      })
    }
  })

const fromFile = (directory: string, file: string): Effect.Effect<ReadonlyArray<ResolvedMigration>, MigrationError> =>
  Effect.gen(function* () {
    const [, name = "", declarations, extension = ""] = filePattern.exec(file) ?? []
    // Helpers may live beside the modules; a script that is not named like a migration is a mistake.
    if (extension === "" || declarations !== undefined || (extension !== "cql" && !namePattern.test(name))) return []
    const migration = yield* parseName(name)
    const path = join(directory, file)
    const text = yield* Effect.tryPromise({
      try: () => readFile(path, "utf8"),
      catch: (cause) => importError(name, `The file ${path} cannot be read: ${messageOf(cause)}`, cause)
    })
    if (extension === "cql") return [yield* fromScript(migration, path, text)]
    const kind = extension.endsWith("ts") ? "ts" : "js"
    return [{ ...migration, checksum: checksum.ofCode(kind, text), body: importMigration(path, name) }]
  })

export const fromDirectory = (path: string | URL): Effect.Effect<ReadonlyArray<ResolvedMigration>, MigrationError> =>
  Effect.gen(function* () {
    const directory = yield* Effect.try({
      try: () => (typeof path === "string" ? path : fileURLToPath(path)),
      catch: (cause) => importError("", "Migrator.fromDirectory takes a path, or a URL of a file", cause)
    })
    const files = yield* Effect.tryPromise({
      try: () => readdir(directory),
      catch: (cause) =>
        new MigrationError({
          reason: "ImportError",
          message: `The directory ${directory} cannot be read: ${messageOf(cause)}`,
          cause
        })
    })
    const loaded = yield* Effect.forEach(files.toSorted(), (file) => fromFile(directory, file))
    return loaded.flat()
  })
