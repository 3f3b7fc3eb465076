// The cipher suites that we take on either side: forward secret and authenticated, nothing else. Read by leaf-store and
// upstream-trust.

/** As OpenSSL lists them, ours first: all of TLS 1.3, and of TLS 1.2 those with ECDHE and an AEAD (RFC 9325 section 4.2). */
export const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');
