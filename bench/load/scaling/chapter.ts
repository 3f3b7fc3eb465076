// What one part of the scaling bench hands to its report.

export interface Chapter {
  readonly title: string;
  /** How it was measured, in a paragraph. */
  readonly says: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly figures: readonly { readonly name: string; readonly caption: string; readonly plot: string }[];
  readonly notes: readonly string[];
}
