import * as Redacted from "effect/Redacted"
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto"
import type { ClusterOptions, TlsOptions } from "../../ClusterOptions.ts"
import { refuseUnknown } from "./optionNames.ts"
import { notOfTls, tlsOptions } from "./names.ts"
import { flag, refuse, text } from "./checks.ts"

const certificate = (option: string, pem: string): X509Certificate => {
  try {
    return new X509Certificate(pem)
  } catch {
    return refuse(option, "is not a certificate in PEM")
  }
}

const secret = (option: string, value: Redacted.Redacted): string =>
  Redacted.isRedacted(value)
    ? Redacted.value(value)
    : refuse(option, "must be Redacted, so that it is never printed: Redacted.make(pem)")

const privateKey = (key: Redacted.Redacted, passphrase: Redacted.Redacted | undefined): KeyObject => {
  const pem = secret("tls.key", key)
  const words = passphrase === undefined ? {} : { passphrase: secret("tls.passphrase", passphrase) }
  try {
    return createPrivateKey({ key: pem, ...words })
  } catch {
    if (passphrase === undefined && pem.includes("ENCRYPTED")) {
      return refuse("tls.passphrase", "tls.key is encrypted: its passphrase is missing")
    }
    return passphrase === undefined
      ? refuse("tls.key", "is not a private key in PEM")
      : refuse("tls.passphrase", "does not open tls.key, or that is not a private key in PEM")
  }
}

/** Checks that what was given can be used, as nobody would find the reason in what a handshake fails with. */
export const resolveTls = (tls: ClusterOptions["tls"]): TlsOptions | undefined => {
  if (tls === undefined || tls === false) return undefined
  if (tls === true) return {}
  if (typeof tls !== "object" || tls === null) return refuse("tls", "must be true, false or its options")
  refuseUnknown("tls", tls, tlsOptions, notOfTls)
  const { ca, cert, key, passphrase } = tls
  if ((cert === undefined) !== (key === undefined)) {
    refuse("tls.cert", "a client certificate needs its key, and a key its certificate")
  }
  for (const pem of ca === undefined ? [] : typeof ca === "string" ? [ca] : ca) certificate("tls.ca", pem)
  if (cert !== undefined && key !== undefined) {
    if (!certificate("tls.cert", cert).checkPrivateKey(privateKey(key, passphrase))) {
      refuse("tls.key", "is not the key of tls.cert")
    }
  }
  text("tls.serverName", tls.serverName)
  flag("tls.acceptAnyCertificate", tls.acceptAnyCertificate, false)
  flag("tls.acceptAnyServerName", tls.acceptAnyServerName, false)
  return tls
}
