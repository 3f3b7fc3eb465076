import { createPrivateKey, createPublicKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { makeLeafKey } from '../../src/pki/leaf-key.ts';

describe('leaf keys', () => {
  test.each([
    ['ec', { namedCurve: 'prime256v1' }],
    ['rsa', { modulusLength: 2048, publicExponent: 65537n }],
  ] as const)('%s is of the promised kind, and its halves belong together', async (type, details) => {
    const key = await makeLeafKey(type);
    expect(key.type).toBe(type);
    const privateKey = createPrivateKey(key.pem);
    expect(privateKey.asymmetricKeyType).toBe(type);
    expect(privateKey.asymmetricKeyDetails).toEqual(details);
    expect(createPublicKey(privateKey).export({ type: 'spki', format: 'der' }).equals(key.spki)).toBe(true);
  });

  test('no two are the same', async () => {
    const [one, other] = await Promise.all([makeLeafKey('ec'), makeLeafKey('ec')]);
    expect(one.pem).not.toBe(other.pem);
  });
});
