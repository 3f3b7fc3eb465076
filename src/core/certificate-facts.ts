// What a certificate says of itself, read from its DER by wire/ and judged by pki/. Every field is as it stands: that
// it could be read says nothing about whether it is acceptable.

/** The names that a certificate is for (RFC 9525 section 2: the subjectAltName alone). */
export interface AlternativeNames {
  /** dNSName entries of the subjectAltName, bytes read as Latin-1, exactly as they stand. */
  readonly dnsNames: readonly string[];
  /** iPAddress entries: 4 or 16 bytes each. */
  readonly ipAddresses: readonly Uint8Array[];
  /** rfc822Name and uniformResourceIdentifier entries, likewise; absent where there is none. */
  readonly otherNames?: readonly string[];
}

export interface SignatureFacts {
  readonly scheme: 'rsa' | 'rsa-pss' | 'ecdsa' | 'dsa' | 'ed25519' | 'other';
  /** Ed25519 brings its own, `none`. Of RSA-PSS only those parameters are told apart that TLS uses. */
  readonly hash: 'md5' | 'sha1' | 'sha224' | 'sha256' | 'sha384' | 'sha512' | 'none' | 'other';
}

export interface KeyFacts {
  readonly kind: 'rsa' | 'ec' | 'ed25519' | 'other';
  /** Of an RSA modulus, else 0. */
  readonly bits: number;
  /** Of an EC key; empty where it is none of these or spelled out in numbers. */
  readonly curve: 'P-256' | 'P-384' | 'P-521' | '';
  /** subjectPublicKeyInfo whole, as DER. */
  readonly info: Uint8Array;
  /** The content of its BIT STRING, which OCSP hashes (RFC 6960 section 4.1.1). */
  readonly value: Uint8Array;
}

/** Subtrees of the kinds that we compare ourselves; OpenSSL compares the others. */
export interface Subtrees {
  /** Latin-1, as they stand. */
  readonly dns: readonly string[];
  /** Address and mask: 8 or 32 bytes each. */
  readonly ip: readonly Uint8Array[];
}

export interface NameConstraints {
  readonly permitted: Subtrees;
  readonly excluded: Subtrees;
}

/** extendedKeyUsage, as far as it matters here. */
export interface Purposes {
  readonly server: boolean;
  readonly client: boolean;
  readonly any: boolean;
  readonly ocspSigning: boolean;
}

/** What the extensions say; a field is absent when its extension is. */
export interface ExtensionFacts extends AlternativeNames {
  readonly basicConstraints?: { readonly ca: boolean; readonly pathLength?: number };
  readonly keyUsage?: { readonly certSign: boolean };
  readonly purposes?: Purposes;
  readonly nameConstraints?: NameConstraints;
  readonly subjectKeyId?: Uint8Array;
  readonly authorityKeyId?: Uint8Array;
  /** RFC 7633: the server promises to staple its revocation status. */
  readonly mustStaple: boolean;
  /** OIDs in hexadecimal of critical extensions that nobody here understands. */
  readonly unknownCritical: readonly string[];
}

export interface CertificateFacts extends ExtensionFacts {
  /** X.509 version as humans count: 1, 2 or 3. */
  readonly version: number;
  /** Content of the INTEGER, two's complement. */
  readonly serial: Uint8Array;
  readonly signature: SignatureFacts;
  /** DER Names, byte for byte. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  /** Milliseconds since the epoch, both inclusive. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** Both in the form that RFC 5280 section 4.1.2.5 asks of their year. */
  readonly properDates: boolean;
  readonly key: KeyFacts;
}

/** One answer of an OCSP response (RFC 6960 section 4.2.1). */
export interface OcspAnswer {
  readonly hash: SignatureFacts['hash'];
  readonly issuerNameHash: Uint8Array;
  readonly issuerKeyHash: Uint8Array;
  /** As in a certificate. */
  readonly serial: Uint8Array;
  readonly status: 'good' | 'revoked' | 'unknown';
  /** Milliseconds since the epoch. */
  readonly thisUpdate: number;
  readonly nextUpdate?: number;
}

export interface OcspFacts {
  /** What is signed, as DER. */
  readonly signed: Uint8Array;
  readonly signature: SignatureFacts;
  readonly signatureValue: Uint8Array;
  /** Certificates sent along, as DER. */
  readonly certificates: readonly Uint8Array[];
  readonly answers: readonly OcspAnswer[];
}
