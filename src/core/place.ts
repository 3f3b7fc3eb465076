// Where in a config file a rule or a setting stands, for whoever has to find it: config/ knows, policy/ keeps it, pages and
// the command line show it.

export interface Place {
  /** As the file was named; absolute in a config that was loaded. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

/** `sallyport.yaml:42`, without the folder: how the proxy's disk is laid out is nobody's business. */
export function shownPlace({ file, line }: Place): string {
  return `${file.slice(Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1)}:${line}`;
}
