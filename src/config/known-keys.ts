// Which keys the schema knows, where. The explanation of an unknown key calls it, to name the one that was meant.

import * as z from 'zod';
import { configSchema } from './schema.ts';
import { formatPath, type Path } from './wording.ts';

/** The keys that may stand at `path`; empty when no section is there. */
export function keysAt(path: Path): readonly string[] {
  let at: readonly Section[] = sectionsOf(configSchema);
  for (const part of path) {
    at = at.flatMap((section) => sectionsOf(typeof part === 'string' ? section.shape[part] : section));
  }
  return [...new Set(at.flatMap((section) => Object.keys(section.shape)))];
}

/** Every place where `key` may stand: `at the top level`, `under policy.rules`. */
export function homesOf(key: string): readonly string[] {
  return [...(HOMES.get(key) ?? [])];
}

type Section = z.ZodObject<z.ZodRawShape>;

/** The sections that a schema can lead to once defaults, lists, unions and transforms are taken off. */
function sectionsOf(schema: unknown): readonly Section[] {
  if (schema instanceof z.ZodObject) return [schema];
  if (schema instanceof z.ZodArray) return sectionsOf(schema.element);
  if (schema instanceof z.ZodPipe) return sectionsOf(schema.in);
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(sectionsOf);
  const wrapped =
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodExactOptional;
  return wrapped ? sectionsOf(schema.unwrap()) : [];
}

/** A section that stands for a list of itself is met twice, hence sets. */
function collect(section: Section, path: Path, homes: Map<string, Set<string>>): Map<string, Set<string>> {
  const home = path.length === 0 ? 'at the top level' : `under ${formatPath(path)}`;
  for (const [key, schema] of Object.entries(section.shape)) {
    homes.set(key, (homes.get(key) ?? new Set()).add(home));
    for (const inner of sectionsOf(schema)) collect(inner, [...path, key], homes);
  }
  return homes;
}

const HOMES: ReadonlyMap<string, ReadonlySet<string>> = collect(configSchema, [], new Map());
