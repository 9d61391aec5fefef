/** Whether the encoded side of a schema fits a CQL type: what `Query` compares when a query is prepared. */
import * as Option from "effect/Option"
import * as AST from "effect/SchemaAST"
import { annotationOf, type CqlTypeAnnotation, isAbsence, textOf } from "../request/index.ts"
import type { CqlTypeTree } from "../cql/index.ts"

/** Rows are read with a schema, variables are written with one. */
export type Direction = "read" | "write"

/** The fields of user defined types, by name; undefined for a type that is not known. */
export type UserTypes = (
  name: string
) => ReadonlyArray<{ readonly name: string; readonly type: CqlTypeTree }> | undefined

/** Where a schema does not fit: the path inside the field, what the schema takes and what the database has. */
export interface Unfit {
  readonly path: string
  readonly declared: string
  readonly actual: string
}

/** A field of a record's encoded side. */
export interface Field {
  readonly name: string
  readonly type: AST.AST
  readonly optional: boolean
}

/** The fields of the encoded side, whose types still carry their annotations; undefined when it is no record. */
export const fieldsOf = (ast: AST.AST): ReadonlyArray<Field> | undefined => {
  switch (ast._tag) {
    case "TypeLiteral":
      return ast.propertySignatures.length === 0 && ast.indexSignatures.length > 0
        ? undefined
        : ast.propertySignatures.map(({ isOptional, name, type }) => ({
            name: String(name),
            type,
            optional: isOptional
          }))
    case "Transformation":
    case "Refinement":
      return fieldsOf(ast.from)
    case "Suspend":
      return fieldsOf(ast.f())
    default:
      return undefined
  }
}

/** Whether the encoded side takes null. What is not understood does. */
export const takesNull = (ast: AST.AST): boolean => {
  switch (ast._tag) {
    case "Union":
      return ast.types.some(takesNull)
    case "Literal":
      return ast.literal === null
    case "Transformation":
    case "Refinement":
      return takesNull(ast.from)
    case "Suspend":
      return takesNull(ast.f())
    case "UnknownKeyword":
    case "AnyKeyword":
      return true
    default:
      return false
  }
}

/** A server's type as CQL writes it. */
export const typeText = ({ dimension, name, parameters }: CqlTypeTree): string =>
  parameters.length === 0
    ? name
    : `${name}<${[...parameters.map(typeText), ...(dimension === undefined ? [] : [String(dimension)])].join(", ")}>`

const plainForms: Readonly<Record<string, ReadonlyArray<string>>> = {
  string: ["text", "ascii", "uuid", "timeuuid", "inet", "date", "time"],
  number: ["tinyint", "smallint", "int", "float", "double"],
  bigint: ["bigint", "counter", "varint"],
  boolean: ["boolean"],
  Date: ["timestamp"],
  Uint8Array: ["blob"],
  BigDecimal: ["decimal"],
  array: ["list", "vector", "tuple"],
  Set: ["set"],
  Map: ["map"],
  record: ["duration"]
}

/** What may be bound although no row has it in this form. */
const alsoWritten: Readonly<Record<string, ReadonlyArray<string>>> = {
  string: ["duration"],
  number: ["bigint", "counter", "varint", "decimal", "timestamp"],
  bigint: ["timestamp", "time", "decimal"],
  DateTime: ["timestamp"],
  array: ["set"],
  Set: ["list"],
  record: ["map"]
}

const formOfType = new Map(Object.entries(plainForms).flatMap(([form, types]) => types.map((type) => [type, form])))

/** The JavaScript form in which a row has values of the type. */
export const formOf = (type: CqlTypeTree): string => formOfType.get(type.name) ?? "record"

/** Types whose every value is one of another type, too: an `int` schema reads a `smallint`. */
const widening: ReadonlyMap<string, ReadonlyArray<string>> = new Map([
  ["bigint", ["counter"]],
  ["counter", ["bigint"]],
  ["varint", ["bigint", "counter"]],
  ["int", ["smallint", "tinyint"]],
  ["smallint", ["tinyint"]],
  ["double", ["float"]],
  ["text", ["ascii"]],
  ["uuid", ["timeuuid"]]
])

const constructors: ReadonlyMap<string, string> = new Map([
  ["ReadonlySet", "Set"],
  ["ReadonlyMap", "Map"],
  ["Date", "Date"],
  ["Uint8Array", "Uint8Array"],
  ["effect/BigDecimal", "BigDecimal"],
  ["effect/DateTime.Utc", "DateTime"],
  ["effect/DateTime.Zoned", "DateTime"]
])

interface Check {
  readonly direction: Direction
  readonly types: UserTypes
}

/** Undefined when the schema fits, or when nothing can be said. */
export const unfitOf = (ast: AST.AST, actual: CqlTypeTree, check: Check, path = ""): Unfit | undefined => {
  const annotation = annotationOf(ast)
  if (Option.isSome(annotation)) return unfitAnnotation(annotation.value, actual, check, path)
  const wrong = (declared: string): Unfit => ({ path, declared, actual: typeText(actual) })
  const form = (name: string): Unfit | undefined => (fitsForm(name, actual, check) ? undefined : wrong(name))
  switch (ast._tag) {
    case "Refinement":
    case "Transformation":
      return unfitOf(ast.from, actual, check, path)
    case "Suspend":
      return unfitOf(ast.f(), actual, check, path)
    case "Union": {
      const unfit = ast.types.filter((type) => !isAbsence(type)).map((type) => unfitOf(type, actual, check, path))
      return unfit.length === 0 || unfit.includes(undefined) ? undefined : unfit[0]
    }
    case "StringKeyword":
    case "TemplateLiteral":
      return form("string")
    case "NumberKeyword":
      return form("number")
    case "BigIntKeyword":
      return form("bigint")
    case "BooleanKeyword":
      return form("boolean")
    case "Literal":
      return ast.literal === null ? undefined : form(typeof ast.literal)
    case "Enums":
      return form(typeof (ast.enums[0]?.[1] ?? ""))
    case "TupleType":
      return form("array") ?? unfitElements(ast, actual, check, path)
    case "TypeLiteral":
      return form("record") ?? unfitFields(fieldsOf(ast), actual, check, path)
    case "Declaration": {
      const constructor = AST.getTypeConstructorAnnotation(ast)
      const name = Option.isSome(constructor) ? constructors.get(constructor.value._tag) : undefined
      return name === undefined ? undefined : (form(name) ?? unfitParameters(ast.typeParameters, actual, check, path))
    }
    default:
      return undefined
  }
}

const isUserType = (type: CqlTypeTree, { types }: Check): boolean => types(type.name) !== undefined

const fitsForm = (form: string, actual: CqlTypeTree, check: Check): boolean => {
  // A user defined type is a record; a type that nobody knows is taken on trust.
  if (!formOfType.has(actual.name)) return form === "record" || !isUserType(actual, check)
  return (
    (plainForms[form]?.includes(actual.name) ?? false) ||
    (check.direction === "write" && (alsoWritten[form]?.includes(actual.name) ?? false))
  )
}

const unfitElements = (ast: AST.TupleType, actual: CqlTypeTree, check: Check, path: string): Unfit | undefined => {
  const [rest] = ast.rest
  if (ast.elements.length === 0 && rest !== undefined) {
    return firstUnfit(actual.parameters, (type) => unfitOf(rest.type, type, check, `${path}[]`))
  }
  return actual.name === "tuple"
    ? unfitParameters(
        ast.elements.map((element) => element.type),
        actual,
        check,
        path
      )
    : undefined
}

const unfitParameters = (
  asts: ReadonlyArray<AST.AST>,
  actual: CqlTypeTree,
  check: Check,
  path: string
): Unfit | undefined => {
  if (asts.length > 0 && asts.length !== actual.parameters.length) {
    return { path, declared: `${asts.length} elements`, actual: typeText(actual) }
  }
  return firstUnfit(asts, (ast, i) => {
    const step =
      actual.name === "map" ? (i === 0 ? " (a key)" : " (a value)") : actual.name === "tuple" ? `[${i}]` : "[]"
    return unfitOf(ast, actual.parameters[i] as CqlTypeTree, check, path + step)
  })
}

const unfitFields = (
  fields: ReadonlyArray<Field> | undefined,
  actual: CqlTypeTree,
  check: Check,
  path: string
): Unfit | undefined => {
  const known = check.types(actual.name)
  if (fields === undefined || known === undefined) return undefined
  return firstUnfit(fields, ({ name, optional, type }) => {
    const field = known.find((candidate) => candidate.name === name)
    if (field !== undefined) return unfitOf(type, field.type, check, `${path}.${name}`)
    return optional && check.direction === "read"
      ? undefined
      : {
          path: `${path}.${name}`,
          declared: `a field "${name}"`,
          actual: `the type ${actual.name} (${known.map((candidate) => candidate.name).join(", ")})`
        }
  })
}

const unfitAnnotation = (
  annotation: CqlTypeAnnotation,
  actual: CqlTypeTree,
  check: Check,
  path: string
): Unfit | undefined => {
  const { dimension, kind, name, parameters } = annotation
  const wrong: Unfit = { path, declared: `CqlType ${textOf(annotation)}`, actual: typeText(actual) }
  if (kind === "udt") {
    return name === actual.name ? unfitFields(fieldsOf(parameters[0] as AST.AST), actual, check, path) : wrong
  }
  if (kind === "scalar") {
    const [wide, narrow] = check.direction === "read" ? [name, actual.name] : [actual.name, name]
    return wide === narrow || widening.get(wide)?.includes(narrow) === true ? undefined : wrong
  }
  if (name !== actual.name || dimension !== actual.dimension) return wrong
  return unfitParameters(parameters, actual, check, path)
}

const firstUnfit = <A>(
  items: ReadonlyArray<A>,
  unfit: (item: A, i: number) => Unfit | undefined
): Unfit | undefined => {
  for (let i = 0; i < items.length; i++) {
    const found = unfit(items[i] as A, i)
    if (found !== undefined) return found
  }
  return undefined
}
