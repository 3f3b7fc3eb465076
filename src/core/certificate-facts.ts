// What a certificate says of itself, read from its DER by wire/ and judged by pki/.

export interface CertificateFacts {
  /** X.509 version as humans count: 1, 2 or 3. */
  readonly version: number;
  /** dNSName entries of the subjectAltName, bytes read as Latin-1, exactly as they stand. */
  readonly dnsNames: readonly string[];
  /** iPAddress entries: 4 or 16 bytes each. */
  readonly ipAddresses: readonly Uint8Array[];
}
