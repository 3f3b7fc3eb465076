// What is wrong with the policy options, said so that config/ can print it at its line; made by every compiler in this room.

export type Path = readonly (string | number)[];

export interface Problem {
  /** Where it stands inside the options, e.g. `['rules', 0, 'hosts', 2]`. */
  readonly path: Path;
  /** One sentence without a full stop that quotes the offending text. */
  readonly message: string;
  /** What to do about it, as an imperative: `write ".example.com"`. */
  readonly suggestion?: string;
}

/** The outcome of compiling one value, before it is known where in the options it stands. */
export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly message: string; readonly suggestion?: string };

export const sound = <T>(value: T): Checked<T> => ({ ok: true, value });

export function unsound(message: string, suggestion?: string): Checked<never> {
  return suggestion === undefined ? { ok: false, message } : { ok: false, message, suggestion };
}

/** Compiles each item of a list; what fails is left out of the answer and told to `problems` with its place. */
export function compileEach<I, O>(
  items: readonly I[],
  compile: (item: I) => Checked<O>,
  path: Path,
  problems: Problem[],
): O[] {
  return items.flatMap((item, index) => {
    const outcome = compile(item);
    if (outcome.ok) return [outcome.value];
    const { message, suggestion } = outcome;
    problems.push({ path: [...path, index], message, ...(suggestion === undefined ? {} : { suggestion }) });
    return [];
  });
}
