/** Added to the options of a server with TLS. Where tests start servers of 4.0, one with TLS is of the release that first has PEM. */
export const withTls: { readonly version?: string } = /^4\.0\b/.test(process.env["CASSANDRA_VERSION"] ?? "")
  ? { version: "4.1" }
  : {}
