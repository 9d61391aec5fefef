/** The encoded request of a query as a row would have it: by the types of the variables that it is bound to, or those of its schema. */
import * as Option from "effect/Option"
import type * as AST from "effect/SchemaAST"
import { canonicalOf } from "./canonical.ts"
import { findAnnotation, textOf } from "../request/index.ts"
import { type CqlTypeTree, parseCqlType } from "../cql/index.ts"
import { fieldsOf } from "./schemaFit.ts"
import type { Bound } from "./verifyQuery.ts"

export const canonicalRequest = (ast: AST.AST, { fields, types }: Bound): ((encoded: unknown) => unknown) => {
  const changeOf = (name: string, schema: AST.AST) => {
    const type = fields.get(name) ?? annotatedType(schema)
    return type === undefined ? undefined : canonicalOf(type, types)
  }
  // A user defined type is bound as one value.
  const record = isUserType(ast) ? undefined : fieldsOf(ast)
  if (record === undefined) return changeOf("", ast) ?? ((encoded) => encoded)
  const changes = record.flatMap((field) => {
    const change = changeOf(field.name, field.type)
    return change === undefined ? [] : [{ name: field.name, change }]
  })
  return (encoded) => {
    const asRead = { ...(encoded as Record<string, unknown>) }
    for (const { change, name } of changes) if (name in asRead) asRead[name] = change(asRead[name])
    return asRead
  }
}

const isUserType = (ast: AST.AST): boolean => Option.exists(findAnnotation(ast), ({ kind }) => kind === "udt")

const annotatedType = (ast: AST.AST): CqlTypeTree | undefined =>
  Option.getOrUndefined(Option.map(findAnnotation(ast), (annotation) => parseCqlType(textOf(annotation))))
