// How whoever reads our text can type a command of ours: a checkout has no `sallyport` on its path. Called for help and hints.

export function commandName(event = process.env['npm_lifecycle_event']): string {
  return event === 'start' || event === 'cli' ? 'npm run -s cli --' : 'sallyport';
}
