/**
 * A schema for rows in which null stays null.
 *
 * A collection of `CqlType` by itself reads null as an empty one. In `Schema.NullOr(CqlType.list(...))` it comes first, so that
 * the null which the schema asks for would never be seen; neither would the one that `Schema.OptionFromNullOr` or
 * `Schema.optionalWith` make something of. In the schema that this gives, null is tried first, and an optional field is absent.
 */
import * as Schema from "effect/Schema"
import * as AST from "effect/SchemaAST"
import { annotationOf } from "./cqlAnnotation.ts"

const known = new WeakMap<AST.AST, AST.AST>()

/** Whether a schema reads null as an empty collection. */
const emptiesNull = (ast: AST.AST): boolean => {
  const annotation = annotationOf(ast)
  if (annotation._tag === "Some") {
    const { kind, name } = annotation.value
    return kind === "collection" && (name === "list" || name === "set" || name === "map")
  }
  return (ast._tag === "Refinement" || ast._tag === "Transformation") && emptiesNull(ast.from)
}

const isNull = (ast: AST.AST): boolean => ast._tag === "Literal" && ast.literal === null

/** Whether null is a value of its own, rather than an empty collection. */
export const keepsNull = (ast: AST.AST): boolean => {
  if (emptiesNull(ast)) return false
  switch (ast._tag) {
    case "Union":
      return ast.types.some(keepsNull)
    case "Refinement":
    case "Transformation":
      return keepsNull(ast.from)
    case "UnknownKeyword":
    case "AnyKeyword":
      return true
    default:
      return isNull(ast)
  }
}

const mapped = <A>(items: ReadonlyArray<A>, change: (item: A) => A): ReadonlyArray<A> => {
  const changed = items.map(change)
  return changed.every((item, i) => item === items[i]) ? items : changed
}

const types = (asts: ReadonlyArray<AST.AST>): ReadonlyArray<AST.AST> => mapped(asts, rewrite)

const union = (ast: AST.Union): AST.AST => {
  const members = types(ast.types)
  const late = members.some(isNull) && members.some(emptiesNull)
  if (members === ast.types && !late) return ast
  return AST.Union.make(
    late ? [...members.filter(isNull), ...members.filter((member) => !isNull(member))] : members,
    ast.annotations
  )
}

/** Whether a field that may be absent has a collection, and no null of its own. */
const isAbsentForNull = ({ isOptional, type }: AST.PropertySignature): boolean =>
  isOptional && !keepsNull(type) && (type._tag === "Union" ? type.types.some(emptiesNull) : emptiesNull(type))

const record = (ast: AST.TypeLiteral): AST.AST => {
  const fields = mapped(ast.propertySignatures, (field) => {
    const type = rewrite(field.type)
    return type === field.type
      ? field
      : new AST.PropertySignature(field.name, type, field.isOptional, field.isReadonly, field.annotations)
  })
  const made =
    fields === ast.propertySignatures ? ast : new AST.TypeLiteral(fields, ast.indexSignatures, ast.annotations)
  const absent = fields.filter(isAbsentForNull).map(({ name }) => name)
  return absent.length === 0 ? made : withoutNulls(Schema.make<unknown, object>(made), absent).ast
}

/** Reads the nulls in these fields as their absence. */
export const withoutNulls = <A, I extends object, R>(
  schema: Schema.Schema<A, I, R>,
  fields: ReadonlyArray<PropertyKey>,
  identifier = "Record"
): Schema.Schema<A, I, R> =>
  Schema.transform(
    Schema.declare((u): u is I => typeof u === "object" && u !== null && !Array.isArray(u), { identifier }),
    schema,
    {
      strict: true,
      decode: (value) => {
        const present = { ...(value as Record<PropertyKey, unknown>) }
        for (const field of fields) if (present[field] === null) delete present[field]
        return present as unknown as I
      },
      encode: (value) => value
    }
  )

const tuple = (ast: AST.TupleType): AST.AST => {
  const elements = mapped(ast.elements, (element) => {
    const type = rewrite(element.type)
    return type === element.type ? element : new AST.OptionalType(type, element.isOptional, element.annotations)
  })
  const rest = mapped(ast.rest, (element) => {
    const type = rewrite(element.type)
    return type === element.type ? element : new AST.Type(type, element.annotations)
  })
  return elements === ast.elements && rest === ast.rest
    ? ast
    : new AST.TupleType(elements, rest, ast.isReadonly, ast.annotations)
}

const changed = (ast: AST.AST): AST.AST => {
  switch (ast._tag) {
    case "Union":
      return union(ast)
    case "TypeLiteral":
      return record(ast)
    case "TupleType":
      return tuple(ast)
    case "Refinement": {
      const from = rewrite(ast.from)
      return from === ast.from ? ast : new AST.Refinement(from, ast.filter, ast.annotations)
    }
    case "Transformation": {
      const from = rewrite(ast.from)
      const to = rewrite(ast.to)
      return from === ast.from && to === ast.to
        ? ast
        : new AST.Transformation(from, to, ast.transformation, ast.annotations)
    }
    case "Declaration": {
      const parameters = types(ast.typeParameters)
      return parameters === ast.typeParameters
        ? ast
        : new AST.Declaration(parameters, ast.decodeUnknown, ast.encodeUnknown, ast.annotations)
    }
    case "Suspend":
      return new AST.Suspend(() => rewrite(ast.f()), ast.annotations)
    default:
      return ast
  }
}

const rewrite = (ast: AST.AST): AST.AST => {
  let rewritten = known.get(ast)
  if (rewritten === undefined) {
    rewritten = changed(ast)
    known.set(ast, rewritten)
  }
  return rewritten
}

export const nullFirst = <A, I, R>(schema: Schema.Schema<A, I, R>): Schema.Schema<A, I, R> => {
  const ast = rewrite(schema.ast)
  return ast === schema.ast ? schema : Schema.make(ast)
}
