/** From a statement and its options to a result: admission, attempts, retries, transports, errors. */
export { Gate } from "./admission.ts"
export { Activity, closedError } from "./attempt.ts"
export { checkPrepared, checkStatementOptions, problemWithBatch, problemWithStatement } from "./badRequest.ts"
export { encoderOf, isEmpty } from "./boundValues.ts"
export { annotate, annotationOf, type CqlTypeAnnotation, findAnnotation, isAbsence, textOf } from "./cqlAnnotation.ts"
export type { ClusterView, Engine, EngineContext, EngineFactory } from "./engine.ts"
export { failureOf, fromEngineError } from "./engineErrors.ts"
export { batchText, concerning, locate } from "./errorSite.ts"
export { ofBatch } from "./mergeOptions.ts"
export { hasMarkers } from "./namedValues.ts"
export { NativeClient } from "./nativeClient.ts"
export { NativeTransport } from "./nativeTransport.ts"
export { keepsNull, withoutNulls } from "./nullFirst.ts"
export { type Emission, pages, whole } from "./paging.ts"
export { prepareOnce, prepareStatement } from "./prepareStatement.ts"
export { Profiles } from "./profiles.ts"
export { type Answer, BatchRequest, type Request, StatementRequest } from "./request.ts"
export { Defaults, defaultTimeout, type Effective, OptionSources, plainOptions, toMillis } from "./requestOptions.ts"
export { columnOf, makeResultSet, pagingStateOf, rowsOf } from "./resultSet.ts"
export { ofRows } from "./rowErrors.ts"
export { awaitAgreement, inAgreement, schemaAgreement } from "./schemaAgreement.ts"
export { isLiteral, noOptions, StatementImpl, withoutDecoder, withRows } from "./statement.ts"
export { nextTimestamp, type NextTimestamp } from "./timestamps.ts"
export type {
  BatchMember,
  DeferredRows,
  PreparedColumns,
  Receiver,
  Response,
  SendOptions,
  Transport
} from "./transport.ts"
export { failInTurn, timeoutFail, timeoutTo, turn } from "./turns.ts"
