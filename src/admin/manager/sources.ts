// What a report of Squid's manager is printed from.

import type { Listing } from '../../flow/listing.ts';
import type { History, Sample } from '../../metrics/history.ts';
import type { Facts } from '../facts.ts';

export interface Sources {
  readonly now: Sample;
  readonly history: History;
  readonly facts: Facts;
  readonly listing: Listing;
}
