// What every table of hostile cases is made of; the list of what is refused and why is generated from the same rows.

export interface Row<Input = string, Expected = string> {
  /** Id in the test catalogue, `SMUG-01`. */
  readonly id: string;
  readonly area: string;
  /** What is wrong with it, in a few words. */
  readonly name: string;
  readonly input: Input;
  readonly expected: Expected;
}

/** Puts the places of this run into a template: `{U}` before a path, `{H}` for the authority, `{S}` for the scheme. */
export function fill(template: string, places: Readonly<Record<string, string>>): string {
  return template.replace(/\{([A-Z])\}/g, (whole, name: string) => places[name] ?? whole);
}
