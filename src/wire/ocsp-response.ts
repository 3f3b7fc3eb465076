// What an OCSP response says (RFC 6960 section 4.2.1), read from the bytes that an origin staples to its handshake. Called
// by net/; pki/ judges whether it may be believed.

import type { Parsed } from '../core/authority.ts';
import type { OcspAnswer, OcspFacts } from '../core/certificate-facts.ts';
import { takeHashAlgorithm, takeSignatureAlgorithm } from './algorithms.ts';
import { type DerReader, readDer, TAG } from './der.ts';
import { takeGeneralizedTime, takeInteger, takeOctets, takeOid } from './der-value.ts';

/** Context tags, each within its own structure. */
const RESPONSE_BYTES = 0xa0;
const CERTIFICATES = 0xa0;
const VERSION = 0xa0;
const BY_NAME = 0xa1;
const BY_KEY = 0xa2;
const NEXT_UPDATE = 0xa0;
const EXTENSIONS = 0xa1;

const BASIC_RESPONSE = '2b0601050507300101';
const STATUS: ReadonlyMap<number, OcspAnswer['status']> = new Map<number, OcspAnswer['status']>([
  [0x80, 'good'],
  [0xa1, 'revoked'],
  [0x82, 'unknown'],
]);

/** Never throws: what is not a well-formed, successful basic response comes back as one sentence. Byte fields are views. */
export function readOcspResponse(der: Uint8Array): Parsed<OcspFacts> {
  return readDer(der, 'OCSP response', (outer) =>
    outer.inside(TAG.sequence, 'OCSP response', (response) => {
      const [status] = response.take(TAG.enumerated, 'status');
      if (status !== 0) throw response.malformed('tells of an error');
      return response.inside(RESPONSE_BYTES, 'responseBytes', (bytes) =>
        bytes.inside(TAG.sequence, 'responseBytes', (typed) => {
          if (takeOid(typed, 'type') !== BASIC_RESPONSE) throw typed.malformed('is of unknown type');
          return typed.inside(TAG.octetString, 'basic response', readBasic);
        }),
      );
    }),
  );
}

function readBasic(outer: DerReader): OcspFacts {
  return outer.inside(TAG.sequence, 'basic response', (basic) => {
    const signed = basic.whole(TAG.sequence, 'response data');
    const answers = basic.again(signed, 'response data', (data) =>
      data.inside(TAG.sequence, 'response data', readData),
    );
    const signature = takeSignatureAlgorithm(basic, 'signatureAlgorithm');
    const signatureValue = takeOctets(basic, 'signature');
    const certificates: Uint8Array[] = [];
    if (basic.isNext(CERTIFICATES)) {
      basic.inside(CERTIFICATES, 'certificates', (field) =>
        field.inside(TAG.sequence, 'certificates', (list) => {
          while (!list.done) certificates.push(list.whole(TAG.sequence, 'certificate'));
        }),
      );
    }
    return { signed, signature, signatureValue, certificates, answers };
  });
}

function readData(data: DerReader): OcspAnswer[] {
  if (data.isNext(VERSION)) data.element();
  if (!data.isNext(BY_NAME) && !data.isNext(BY_KEY)) throw data.malformed('has no responder');
  data.element();
  takeGeneralizedTime(data, 'producedAt');
  const answers = data.inside(TAG.sequence, 'list of answers', (list) => {
    const all: OcspAnswer[] = [];
    while (!list.done) all.push(list.inside(TAG.sequence, 'answer', readAnswer));
    return all;
  });
  if (data.isNext(EXTENSIONS)) data.element();
  return answers;
}

function readAnswer(answer: DerReader): OcspAnswer {
  const id = answer.inside(TAG.sequence, 'certificate id', (fields) => ({
    hash: takeHashAlgorithm(fields),
    issuerNameHash: fields.take(TAG.octetString, 'hash of the name'),
    issuerKeyHash: fields.take(TAG.octetString, 'hash of the key'),
    serial: takeInteger(fields, 'serialNumber'),
  }));
  const status = STATUS.get(answer.element().tag);
  if (!status) throw answer.malformed('has an unknown status');
  const thisUpdate = takeGeneralizedTime(answer, 'thisUpdate');
  const next = answer.isNext(NEXT_UPDATE)
    ? answer.inside(NEXT_UPDATE, 'nextUpdate', (field) => takeGeneralizedTime(field, 'nextUpdate'))
    : undefined;
  if (answer.isNext(EXTENSIONS)) answer.element();
  return { ...id, status, thisUpdate, ...(next === undefined ? {} : { nextUpdate: next }) };
}
