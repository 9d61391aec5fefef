/**
 * A certificate authority, and certificates signed by it, made with Node's own cryptography: no program is needed, and
 * it takes a few milliseconds. What is written here by hand is the little of DER that an X.509 certificate needs.
 */
import * as Crypto from "node:crypto"
import * as Net from "node:net"

/** A certificate and its private key, both PEM. */
export interface KeyPair {
  readonly certificate: string
  /** PKCS #8, not encrypted. */
  readonly key: string
}

/** What a server and its clients need for TLS. */
export interface TlsMaterial {
  readonly ca: KeyPair
  readonly server: KeyPair
  readonly client: KeyPair
}

const tlv = (tag: number, ...contents: ReadonlyArray<Buffer>): Buffer => {
  const body = Buffer.concat(contents)
  if (body.length < 0x80) return Buffer.concat([Buffer.from([tag, body.length]), body])
  const size = Buffer.from(body.length.toString(16).padStart(body.length > 0xff ? 4 : 2, "0"), "hex")
  return Buffer.concat([Buffer.from([tag, 0x80 | size.length]), size, body])
}

const sequence = (...items: ReadonlyArray<Buffer>) => tlv(0x30, ...items)
const set = (...items: ReadonlyArray<Buffer>) => tlv(0x31, ...items)
const integer = (bytes: Buffer) => tlv(0x02, bytes)
const octets = (bytes: Buffer) => tlv(0x04, bytes)
const bits = (bytes: Buffer, unused = 0) => tlv(0x03, Buffer.from([unused]), bytes)
const text = (value: string) => tlv(0x0c, Buffer.from(value))
const yes = tlv(0x01, Buffer.from([0xff]))
const explicit = (index: number, content: Buffer) => tlv(0xa0 | index, content)

const oid = (dotted: string): Buffer => {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number)
  const bytes = [first * 40 + second]
  for (const value of rest) {
    const groups = [value & 0x7f]
    for (let left = value >> 7; left > 0; left >>= 7) groups.unshift((left & 0x7f) | 0x80)
    bytes.push(...groups)
  }
  return tlv(0x06, Buffer.from(bytes))
}

/** `YYYYMMDDhhmmssZ` for years from 2050, `YYMMDDhhmmssZ` before, as X.509 wants it. */
const time = (date: Date): Buffer => {
  const digits = `${date.toISOString().replace(/[-:T]/g, "").slice(0, 14)}Z`
  return date.getUTCFullYear() < 2050 ? tlv(0x17, Buffer.from(digits.slice(2))) : tlv(0x18, Buffer.from(digits))
}

const name = (commonName: string) => sequence(set(sequence(oid("2.5.4.3"), text(commonName))))

const extension = (id: string, critical: boolean, value: Buffer) =>
  sequence(oid(id), ...(critical ? [yes] : []), octets(value))

const ecdsaWithSha256 = sequence(oid("1.2.840.10045.4.3.2"))

const alternativeNames = (hosts: ReadonlyArray<string>) =>
  extension(
    "2.5.29.17",
    false,
    sequence(
      ...hosts.map((host) =>
        Net.isIPv4(host) ? tlv(0x87, Buffer.from(host.split(".").map(Number))) : tlv(0x82, Buffer.from(host))
      )
    )
  )

const extendedUse = (id: string) => extension("2.5.29.37", false, sequence(oid(id)))
const keyUsage = (mask: number, unused: number) => extension("2.5.29.15", true, bits(Buffer.from([mask]), unused))

const authorityExtensions = [extension("2.5.29.19", true, sequence(yes)), keyUsage(0x06, 1)]
const leafExtensions = [extension("2.5.29.19", true, sequence()), keyUsage(0x80, 7)]

const day = 24 * 60 * 60 * 1000

const makeKeys = () => Crypto.generateKeyPairSync("ec", { namedCurve: "P-256" })

interface Subject {
  readonly commonName: string
  readonly publicKey: Crypto.KeyObject
}

const certificate = (subject: Subject, issuer: string, signer: Crypto.KeyObject, extensions: ReadonlyArray<Buffer>) => {
  const now = Date.now()
  const serial = Crypto.randomBytes(16)
  serial[0] = (serial[0]! & 0x7f) | 0x40 // positive, and as long as it looks
  const content = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(serial),
    ecdsaWithSha256,
    name(issuer),
    sequence(time(new Date(now - day)), time(new Date(now + 30 * day))),
    name(subject.commonName),
    subject.publicKey.export({ type: "spki", format: "der" }),
    explicit(3, sequence(...extensions))
  )
  const signature = Crypto.sign("sha256", content, signer)
  const der = sequence(content, ecdsaWithSha256, bits(signature))
  const lines = der.toString("base64").match(/.{1,64}/g)!
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`
}

const pem = (key: Crypto.KeyObject): string => key.export({ type: "pkcs8", format: "pem" }).toString()

/**
 * An authority with a server certificate valid for these host names and addresses, and a client certificate; all last 30
 * days.
 */
export const makeTls = (hosts: ReadonlyArray<string>): TlsMaterial => {
  const authority = makeKeys()
  const authorityName = "effect-cassandra-testkit authority"
  const issue = (commonName: string, extensions: ReadonlyArray<Buffer>): KeyPair => {
    const keys = makeKeys()
    return {
      certificate: certificate({ commonName, publicKey: keys.publicKey }, authorityName, authority.privateKey, [
        ...leafExtensions,
        ...extensions
      ]),
      key: pem(keys.privateKey)
    }
  }
  return {
    ca: {
      certificate: certificate(
        { commonName: authorityName, publicKey: authority.publicKey },
        authorityName,
        authority.privateKey,
        authorityExtensions
      ),
      key: pem(authority.privateKey)
    },
    server: issue(hosts[0] ?? "localhost", [extendedUse("1.3.6.1.5.5.7.3.1"), alternativeNames(hosts)]),
    client: issue("client", [extendedUse("1.3.6.1.5.5.7.3.2")])
  }
}
