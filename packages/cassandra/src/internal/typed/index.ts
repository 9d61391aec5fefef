/** Queries with schemas: their comparison with the tables of the server, and resolvers. */
export { canonicalRequest } from "./canonicalRequest.ts"
export { asQuery, effectQuery, statementFor, verifiableOf, withoutSchema } from "./query.ts"
export { byBytes, byValue, decimalMark, structuralKey } from "./structuralKey.ts"
export { type Verifiable, verify } from "./verifyQuery.ts"
