// Where the answer to a transaction came from, in the words that Squid has for it in its log (features.md section L).

export type ParentCode = 'FIRSTUP_PARENT' | 'ROUNDROBIN_PARENT';

export type HierarchyCode = 'HIER_NONE' | 'HIER_DIRECT' | ParentCode;

/** The parent proxy that a connection leads through, or that was asked in vain, and how it was chosen. */
export interface ParentUse {
  readonly name: string;
  readonly code: ParentCode;
}
