/** What a TLS handshake failed for, in words that say what to do: its own are about certificates and alerts. */
import { AuthenticationError, type CassandraError, ConfigurationError, ConnectionError } from "../../CassandraError.ts"
import { isWireError } from "../protocol/index.ts"

type Tls = { readonly cert?: unknown } | undefined

/**
 * What may be wrong where the other side closed the connection before it answered: a server that takes the one for the other does
 * no more than that.
 */
export const maybeTls = (error: CassandraError, tls: Tls): string => {
  const { _tag, code, isSocketError } = Object(error.cause) as { readonly [field: string]: unknown }
  const isClosed = _tag === "SocketClosed" || isSocketError === true || code === "ECONNRESET" || code === "EPIPE"
  if (!isClosed) return ""
  return tls === undefined
    ? " (the server closed the connection; if it expects TLS, set `tls`)"
    : " (the server closed the connection; if it does not speak TLS, set `tls: false`)"
}

type Explain = (message: string, host: string, cause: unknown) => CassandraError

const option =
  (name: string, text: string): Explain =>
  (message, host, cause) =>
    new ConfigurationError({ option: name, message: `${host}: ${text} (${message})`, cause })

const refused =
  (text: string): Explain =>
  (message, host, cause) =>
    new AuthenticationError({ message: `${host}: ${text} (${message})`, host, cause })

const lost =
  (text: string): Explain =>
  (message, host, cause) =>
    new ConnectionError({ message: `${text} (${message})`, hosts: [host], cause, writeState: "NotApplied" })

const unknownAuthority = option(
  "tls.ca",
  "the server's certificate is signed by nobody who is trusted here; give the certificate of its authority as `tls.ca`"
)
const wantsCertificate = option(
  "tls.cert",
  "the server wants to see a certificate of the client; give it as `tls.cert` and its key as `tls.key`"
)
const refusesCertificate = refused("the server does not accept the client's certificate, `tls.cert`")
/** What a server with OpenSSL says to a certificate for which it has no better reason. */
const internalError = "ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR"
const noTls = option("tls", "what answers there does not speak TLS; set `tls: false`, or another port")

const explanations: Readonly<Record<string, Explain>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownAuthority,
  SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority,
  CERT_SIGNATURE_FAILURE: unknownAuthority,
  CERT_UNTRUSTED: unknownAuthority,
  ERR_TLS_CERT_ALTNAME_INVALID: option(
    "tls.serverName",
    "the server's certificate is for another name; connect by a name that it is for, or give that as `tls.serverName`"
  ),
  CERT_HAS_EXPIRED: lost("The server's certificate, or that of its authority, has expired and has to be renewed"),
  CERT_NOT_YET_VALID: lost("The server's certificate is not valid yet; is one of the clocks wrong?"),
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: wantsCertificate,
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: refusesCertificate,
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: refusesCertificate,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: refusesCertificate,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: refusesCertificate,
  [internalError]: refusesCertificate,
  ERR_SSL_WRONG_VERSION_NUMBER: noTls,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: noTls
}

const wantsTls = option("tls", "what answers there expects TLS; set `tls`, or another port")

/**
 * A better error for one that a handshake failed with; undefined for any other. A client certificate that was shown, servers may refuse
 * with the alert that others want one with.
 */
export const tlsError = (error: CassandraError, host: string, tls: Tls): CassandraError | undefined => {
  const { cause } = error
  const hasCertificate = tls?.cert !== undefined
  if (isWireError(cause) && cause.reason === "TlsAlert") return wantsTls(error.message, host, cause)
  const { code } = (typeof cause === "object" && cause !== null ? cause : {}) as { readonly code?: unknown }
  // TLS 1.2 has no better word for a certificate that is missing.
  if (code === "ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE" && !hasCertificate) {
    return wantsCertificate(error.message, host, cause)
  }
  if (code === internalError && !hasCertificate) return undefined
  if (typeof code !== "string" || !Object.hasOwn(explanations, code)) return undefined
  const explain = explanations[code] as Explain
  const told = explain === refusesCertificate && !hasCertificate ? wantsCertificate : explain
  return told(error.message, host, cause)
}
