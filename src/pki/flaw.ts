// What our strict pass over a chain can find wrong: a word for machines, and the sentence that says who can mend it.
// The checks of pki/ return the word, net/ tells both.

const SENTENCES = {
  malformed: 'A certificate in its chain is not well-formed: the origin has to issue it again.',
  version: 'A certificate in its chain is of a version before 3, which says nothing about what it is for.',
  serial: 'The serial number of a certificate in its chain is zero, negative or longer than 20 bytes (RFC 5280).',
  validity: 'The dates of a certificate in its chain are not in the form that RFC 5280 asks for.',
  expired: 'A certificate in its chain has expired: the origin has to renew it, or the clock here is wrong.',
  'not-yet-valid': 'A certificate in its chain is not valid yet: the clock here or at the origin is wrong.',
  'weak-key':
    'A key in its chain is too weak or of a kind that is not taken: RSA-2048, P-256, P-384, P-521 or Ed25519.',
  'weak-signature':
    'A signature in its chain uses an algorithm that is not taken: SHA-256 or better, by RSA, ECDSA, Ed25519.',
  'unknown-critical-extension': 'A certificate in its chain has a critical extension that is not understood here.',
  'not-a-ca': 'A certificate in its chain has signed another without being a CA (basicConstraints CA:TRUE).',
  'may-not-sign': 'A CA in its chain has a keyUsage without keyCertSign, so it may not sign certificates.',
  'not-for-servers':
    'A certificate in its chain is not meant for servers: its own needs the extendedKeyUsage serverAuth, that of a CA must not leave it out.',
  'not-for-clients':
    'A certificate in its chain is not meant for clients: its own needs the extendedKeyUsage clientAuth, that of a CA must not leave it out.',
  'ca-as-server': 'Its certificate is that of a CA: the origin needs one of its own, with basicConstraints CA:FALSE.',
  'constraints-in-leaf': 'Its certificate has name constraints, which only a CA may have.',
  'path-length': 'Its chain holds more CAs than one of them allows.',
  'name-constraints': 'A CA in its chain may not sign for all the names of its certificate (name constraints).',
  'too-deep': 'Its chain is longer than 8 certificates.',
  'too-complex': 'Its chain takes too many steps to verify.',
  'no-path': 'No path of sound signatures leads from its certificate to a trusted root.',
  'own-CA':
    'Its certificate was issued by the CA of this proxy, which only this proxy may use: somebody else has its key or one of its leaves.',
  resumed: 'The origin resumed a session that this proxy has not offered.',
  revoked: 'Its certificate has been revoked: the origin itself says so in its OCSP staple.',
  'no-staple': 'Its certificate promises an OCSP staple (must-staple), and the origin sent none that proves it good.',
} as const;

export type FlawCode = keyof typeof SENTENCES;

/** As it is told to people and found by machines: the sentence, then the code in parentheses. */
export function describeFlaw(code: FlawCode, detail = '', whose: 'origin' | 'client' = 'origin'): string {
  return `${SENTENCES[code].replaceAll('origin', whose)}${detail ? ` ${detail}` : ''} (${code})`;
}
