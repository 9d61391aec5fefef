/** How a schema tells which CQL type it is for. */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as AST from "effect/SchemaAST"

export const CqlTypeAnnotationId: unique symbol = Symbol.for("effect-cassandra/annotation/CqlType")

/** A CQL type as schemas know it: its parameters are schemas in turn, and the dimension of a vector. */
export interface CqlTypeAnnotation {
  /** `bigint`, `list`, or the name of a user defined type. */
  readonly name: string
  readonly kind: "scalar" | "collection" | "udt"
  /** Schemas of the elements; for a user defined type, the one schema of its fields. */
  readonly parameters: ReadonlyArray<AST.AST>
  readonly dimension?: number | undefined
}

export const annotationOf: (annotated: AST.Annotated) => Option.Option<CqlTypeAnnotation> =
  AST.getAnnotation<CqlTypeAnnotation>(CqlTypeAnnotationId)

export const annotate = <A, I, R>(
  schema: Schema.Schema<A, I, R>,
  annotation: CqlTypeAnnotation
): Schema.Schema<A, I, R> => Schema.make(AST.annotations(schema.ast, { [CqlTypeAnnotationId]: annotation }))

/** The type as CQL writes it, as far as the schema says. */
export const textOf = ({ dimension, kind, name, parameters }: CqlTypeAnnotation): string => {
  if (kind === "scalar" || kind === "udt") return name
  const inner = parameters.map((ast) => Option.match(findAnnotation(ast), { onNone: () => "?", onSome: textOf }))
  return `${name}<${[...inner, ...(dimension === undefined ? [] : [String(dimension)])].join(", ")}>`
}

/** The annotation of a schema, or of what it was made from: `Schema.fromBrand`, `compose` and the like keep it inside. */
export const findAnnotation = (ast: AST.AST): Option.Option<CqlTypeAnnotation> => {
  const own = annotationOf(ast)
  if (Option.isSome(own)) return own
  switch (ast._tag) {
    case "Refinement":
    case "Transformation":
      return findAnnotation(ast.from)
    case "Suspend":
      return findAnnotation(ast.f())
    case "Union": {
      const members = ast.types.filter((type) => !isAbsence(type))
      return members.length === 1 ? findAnnotation(members[0] as AST.AST) : Option.none()
    }
    default:
      return Option.none()
  }
}

/** `null`, `undefined` or unset: what a union has beside the type of the value. */
export const isAbsence = (ast: AST.AST): boolean =>
  ast._tag === "UndefinedKeyword" ||
  (ast._tag === "Literal" && ast.literal === null) ||
  AST.getIdentifierAnnotation(ast).pipe(Option.contains("CqlType.Unset"))
